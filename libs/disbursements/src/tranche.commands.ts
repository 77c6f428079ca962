import { Injectable } from '@nestjs/common';
import { requireProjectRole } from '#identity';
import { type Outcome, type Refused, isRefused, isUuid } from '#kernel';
import { type PayoutAccount, PayoutAccounts, Payouts } from '#payments';
import { Config, type Tx, UnitOfWork, type Viewer } from '#platform';
import { CampaignFunds } from '#campaigns';
import { refuseDisbursement } from './disbursement.refusal.js';
import { type PlanRow, type TrancheRow, lockTranche } from './store/disbursement.store.js';
import { TrancheSteps } from './tranche.steps.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** What operators and treasurers do about tranches and payout accounts. Each answers the id, or why not. */
@Injectable()
export class TrancheCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly payouts: Payouts,
    private readonly accounts: PayoutAccounts,
    private readonly campaigns: CampaignFunds,
    private readonly steps: TrancheSteps,
    private readonly config: Config,
  ) {}

  /** Stops a tranche before its money leaves. What was set aside goes back. Operators only. */
  hold(viewer: SignedIn, trancheId: string, reason: string): Promise<Outcome<string>> {
    return this.#asOperator(viewer, trancheId, 'hold', reason, async (tx, tranche) => {
      const back = await this.#takeBack(tx, tranche);
      if (isRefused(back)) return back;
      const told = { type: 'held', payload: { reason: reason.trim() } };
      return this.steps.take(tx, tranche, 'hold', told, { heldReason: reason.trim() });
    });
  }

  /** Lets a held tranche go on. Operators only. */
  liftHold(viewer: SignedIn, trancheId: string, reason: string): Promise<Outcome<string>> {
    return this.#asOperator(viewer, trancheId, 'lift-hold', reason, (tx, tranche) =>
      this.steps.take(
        tx,
        tranche,
        'lift_hold',
        { type: 'hold_lifted', payload: { reason: reason.trim() } },
        { heldReason: null },
      ),
    );
  }

  /** Gives a tranche up for good; its money stays for the backers. Operators only. */
  cancel(viewer: SignedIn, trancheId: string, reason: string): Promise<Outcome<string>> {
    return this.#asOperator(viewer, trancheId, 'cancel', reason, async (tx, tranche) => {
      const back = await this.#takeBack(tx, tranche);
      if (isRefused(back)) return back;
      return this.steps.take(tx, tranche, 'cancel', { type: 'tranche_canceled', payload: { reason: reason.trim() } });
    });
  }

  /** A new attempt of a payout that failed: a treasurer of the project, or an operator. */
  retry(viewer: SignedIn, trancheId: string): Promise<Outcome<string>> {
    return this.#on(trancheId, 'retry', async (tx, plan, tranche) => {
      const denied = viewer.platformRoles.has('operator')
        ? undefined
        : await requireProjectRole(tx, viewer, plan.projectId, ['treasurer']);
      if (denied) return denied;
      return this.steps.take(tx, tranche, 'retry', { type: 'retried', payload: { by: viewer.pseudonym } });
    });
  }

  /**
   * Connects the account that a campaign's project is paid out to, or goes on with it. Treasurers only; whoever does it
   * receives the money and approves none of it.
   * @returns the link under which the processor asks for the rest.
   */
  async connect(
    viewer: SignedIn,
    input: { campaignId: string; country: string },
  ): Promise<Outcome<{ url: string; expiresAt: Date; projectId: string }>> {
    const found = await this.uow.run('disbursements.connect', async (tx) => {
      const campaign = await this.campaigns.lock(tx, input.campaignId);
      if (campaign === undefined) return refuseDisbursement('DISBURSEMENT_NOT_FOUND', ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['treasurer']);
      if (denied) return denied;
      const prepared = await this.accounts.prepare(tx, {
        projectId: campaign.projectId,
        country: input.country.trim().toUpperCase(),
        payeeContributorId: viewer.contributorId,
      });
      return isRefused(prepared) ? prepared : { projectId: campaign.projectId, slug: campaign.slug };
    });
    if (isRefused(found)) return found;
    const page = new URL(`/campaigns/${found.slug}/money`, this.config.publicUrl).href;
    const link = await this.accounts.onboardingLink(found.projectId, { returnUrl: page, refreshUrl: page });
    return isRefused(link) ? link : { ...link, projectId: found.projectId };
  }

  /** How the account stands now, asked of the processor: for whoever comes back from it. Treasurers only. */
  async refreshAccount(viewer: SignedIn, campaignId: string): Promise<Outcome<PayoutAccount | undefined>> {
    const projectId = await this.uow.run('disbursements.refresh-account', async (tx) => {
      const campaign = await this.campaigns.lock(tx, campaignId);
      if (campaign === undefined) return refuseDisbursement('DISBURSEMENT_NOT_FOUND', ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['treasurer']);
      return denied ?? campaign.projectId;
    });
    if (isRefused(projectId)) return projectId;
    await this.accounts.refreshOf(projectId);
    return this.uow.read((tx) => this.accounts.find(tx, projectId));
  }

  async #takeBack(tx: Tx, tranche: TrancheRow): Promise<Refused | undefined> {
    if (tranche.state !== 'reserved' || tranche.payoutId === null) return undefined;
    const taken = await this.payouts.cancel(tx, tranche.payoutId);
    return isRefused(taken) ? refuseDisbursement('DISBURSEMENT_TOO_LATE', ['input', 'trancheId']) : undefined;
  }

  #asOperator(
    viewer: SignedIn,
    trancheId: string,
    name: string,
    reason: string,
    body: (tx: Tx, tranche: TrancheRow) => Promise<Outcome<void>>,
  ): Promise<Outcome<string>> {
    return this.#on(trancheId, name, async (tx, _plan, tranche) => {
      if (!viewer.platformRoles.has('operator')) return refuseDisbursement('DISBURSEMENT_OPERATOR_REQUIRED');
      const length = reason.trim().length;
      if (length < 3 || length > 500)
        return refuseDisbursement('DISBURSEMENT_TEXT_INVALID', ['input', 'reason'], `Got ${length} characters.`);
      return body(tx, tranche);
    });
  }

  #on(
    trancheId: string,
    name: string,
    body: (tx: Tx, plan: PlanRow, tranche: TrancheRow) => Promise<Outcome<void>>,
  ): Promise<Outcome<string>> {
    return this.uow.run(`disbursements.${name}`, async (tx) => {
      const held = isUuid(trancheId) ? await lockTranche(tx, trancheId) : undefined;
      if (held === undefined) return refuseDisbursement('DISBURSEMENT_TRANCHE_NOT_FOUND', ['input', 'trancheId']);
      const done = await body(tx, held.plan, held.tranche);
      return isRefused(done) ? done : trancheId;
    });
  }
}
