import { Injectable } from '@nestjs/common';
import { CampaignFunds, campaignChart } from '#campaigns';
import { requireProjectRole } from '#identity';
import { type Outcome, type Refused, isRefused, newId } from '#kernel';
import { Ledger, type TransferSpec } from '#ledger';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { type ComputeOffer, type ComputeTermsGiven, computeOffer, offerRefusal } from './domain/compute-pledge.rule.js';
import { computePledgeMachine, isCommitted } from './domain/compute-pledge.machine.js';
import { pledgeEvent } from './domain/pledge-event.rule.js';
import { acceptance, commitmentAccount, giveBack, offer, offerEnd } from './domain/pledge-postings.rule.js';
import { refusePledge } from './pledge.refusal.js';
import {
  type ComputePledgeRow,
  changeComputePledge,
  computePledgeByKey,
  countSettled,
  insertComputePledge,
  lockComputePledge,
} from './store/compute-pledge.store.js';

/** As with promises of money: offers of a class share one account, and cost nothing. 317,000 GPU-years a campaign. */
const OFFERS_MS_MAX = 10n ** 16n;

type SignedIn = Viewer & { kind: 'contributor' };

/** Offers of GPU time: made, accepted, withdrawn, ended. */
@Injectable()
export class ComputePledgeCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly funds: CampaignFunds,
  ) {}

  /** Offers GPU time to a campaign. Accepted at once where the campaign says so, else by a maintainer. */
  async create(viewer: SignedIn, campaignId: string, input: ComputeOffer): Promise<Outcome<ComputePledgeRow>> {
    const terms = computeOffer(input);
    if (isRefused(terms)) return terms;
    return this.uow.run('pledges.compute-create', async (tx) => {
      const known = await computePledgeByKey(tx, viewer.contributorId, terms.idempotencyKey);
      if (known) return sameOrMismatch(known, campaignId, terms);
      const campaign = (await this.funds.hold(tx, [campaignId])).get(campaignId);
      const refused = offerRefusal(campaign, terms, tx.now);
      if (refused || !campaign) return refused ?? notFound();
      const offers = await this.ledger.balance(tx, campaignChart.of(campaignId, campaign.gpuClass).computeOffered);
      const leftMs = OFFERS_MS_MAX - (offers.creditsPosted - offers.debitsPosted);
      if (terms.milliseconds > leftMs)
        return refusePledge('PLEDGE_AMOUNT_TOO_LARGE', ['input', 'milliseconds'], `Room is left for ${leftMs} ms.`);
      const row = await insertComputePledge(tx, {
        ...terms,
        id: newId(),
        campaignId,
        contributorId: viewer.contributorId,
        pseudonym: viewer.pseudonym,
      });
      if (!row) {
        const raced = await computePledgeByKey(tx, viewer.contributorId, terms.idempotencyKey);
        return raced ? sameOrMismatch(raced, campaignId, terms) : notFound();
      }
      tx.emit(pledgeEvent('pledge.compute.offered', campaignId, offerPayload(row)));
      await this.post(tx, [offer(row)]);
      return campaign.autoAcceptCompute ? this.accepted(tx, row) : row;
    });
  }

  /** Accepts an offer: the donor's commitment account is opened and filled. Maintainers only. */
  accept(viewer: SignedIn, pledgeId: string): Promise<Outcome<string>> {
    return this.uow.run('pledges.compute-accept', async (tx) => {
      const pledge = await lockComputePledge(tx, pledgeId);
      if (!pledge) return notFound();
      const campaign = (await this.funds.hold(tx, [pledge.campaignId])).get(pledge.campaignId);
      const denied = campaign ? await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']) : notFound();
      if (denied) return denied;
      if (campaign && campaign.state !== 'live' && campaign.state !== 'succeeded' && campaign.state !== 'training')
        return refusePledge('PLEDGE_CAMPAIGN_CLOSED', ['input', 'pledgeId'], `It is ${campaign.state}.`);
      if (computePledgeMachine.next(pledge.state, 'accept') === undefined) return wrongState(pledge);
      await this.accepted(tx, pledge);
      return pledgeId;
    });
  }

  /** Takes back what wasn't delivered. Refused while a lease holds some of it. The donor only. */
  withdraw(viewer: SignedIn, pledgeId: string): Promise<Outcome<string>> {
    return this.uow.run('pledges.compute-withdraw', async (tx) => {
      const pledge = await lockComputePledge(tx, pledgeId);
      if (!pledge) return notFound();
      if (pledge.contributorId !== viewer.contributorId) return refusePledge('PLEDGE_FORBIDDEN', ['input', 'pledgeId']);
      return this.end(tx, pledge, 'withdraw');
    });
  }

  /** Declines an offer. Maintainers only. */
  decline(viewer: SignedIn, pledgeId: string): Promise<Outcome<string>> {
    return this.uow.run('pledges.compute-decline', async (tx) => {
      const pledge = await lockComputePledge(tx, pledgeId);
      if (!pledge) return notFound();
      const campaign = (await this.funds.hold(tx, [pledge.campaignId])).get(pledge.campaignId);
      const denied = campaign ? await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']) : notFound();
      if (denied) return denied;
      return pledge.state === 'offered' ? this.end(tx, pledge, 'lapse') : wrongState(pledge);
    });
  }

  /**
   * The campaign has ended: with accepted work the pledge is fulfilled and the rest goes back, without it lapses. Left
   * alone while some of its deliveries are still to be judged; the clock comes again. The caller holds the row's lock.
   */
  async windUp(tx: Tx, pledge: ComputePledgeRow): Promise<Outcome<string>> {
    if (!isCommitted(pledge.state)) return this.end(tx, pledge, 'lapse');
    const balance = await this.ledger.balance(tx, commitmentAccount(pledge.id, pledge.gpuClass));
    if (balance.debitsPending > 0n || pledge.judgedMs < balance.debitsPosted) return pledge.id;
    return this.end(tx, pledge, pledge.acceptedMs > 0n ? 'fulfil' : 'lapse');
  }

  /** Ends a pledge: the offer, or what is left of the commitment, goes back. The caller holds the row's lock. */
  private async end(
    tx: Tx,
    pledge: ComputePledgeRow,
    event: 'withdraw' | 'lapse' | 'fulfil',
  ): Promise<Outcome<string>> {
    const to = computePledgeMachine.next(pledge.state, event);
    if (to === undefined) return wrongState(pledge);
    let returnedMs = pledge.milliseconds;
    if (isCommitted(pledge.state)) {
      const balance = await this.ledger.balance(tx, commitmentAccount(pledge.id, pledge.gpuClass));
      if (balance.debitsPending > 0n)
        return refusePledge('PLEDGE_RESERVED', ['input', 'pledgeId'], `${balance.debitsPending} ms are reserved.`);
      returnedMs = balance.creditsPosted - balance.debitsPosted;
      const reason = event === 'withdraw' ? 'compute pledge withdrawn' : 'what was not needed went back';
      await this.post(tx, giveBack(pledge, returnedMs, reason));
      if (event !== 'fulfil') await this.funds.backer(tx, pledge.campaignId, pledge.contributorId, 'compute', -1);
    } else {
      await this.post(tx, [offerEnd(pledge, event === 'withdraw' ? 'compute offer withdrawn' : 'compute offer ended')]);
    }
    await changeComputePledge(tx, pledge.id, to, isCommitted(pledge.state) ? returnedMs : 0n);
    tx.emit(
      pledgeEvent(`pledge.compute.${to}`, pledge.campaignId, {
        ...offerPayload(pledge),
        ...(event === 'fulfil' ? { milliseconds: String(pledge.milliseconds - returnedMs) } : {}),
        returnedMs: String(returnedMs),
      }),
    );
    return pledge.id;
  }

  /** Counts what a settlement judged and accepted, then looks at what was delivered in all and moves the pledge on. */
  async deliveries(tx: Tx, pledgeId: string, settled: { judgedMs: bigint; acceptedMs: bigint }): Promise<void> {
    const pledge = await lockComputePledge(tx, pledgeId);
    if (!pledge) return;
    await countSettled(tx, pledgeId, settled);
    if (!isCommitted(pledge.state)) return;
    const balance = await this.ledger.balance(tx, commitmentAccount(pledge.id, pledge.gpuClass));
    if (balance.debitsPosted === 0n) return;
    const whole = balance.debitsPosted >= pledge.milliseconds;
    const to = computePledgeMachine.next(pledge.state, whole ? 'fulfil' : 'deliver');
    if (to === undefined) return;
    await changeComputePledge(tx, pledge.id, to);
    if (to === 'fulfilled') {
      const payload = { ...offerPayload(pledge), returnedMs: '0' };
      tx.emit(pledgeEvent('pledge.compute.fulfilled', pledge.campaignId, payload));
    }
  }

  private async accepted(tx: Tx, pledge: ComputePledgeRow): Promise<ComputePledgeRow> {
    await changeComputePledge(tx, pledge.id, 'accepted');
    await this.funds.backer(tx, pledge.campaignId, pledge.contributorId, 'compute', 1);
    await this.ledger.openAccounts(tx, [
      {
        code: commitmentAccount(pledge.id, pledge.gpuClass),
        unit: campaignChart.gpuUnit(pledge.gpuClass),
        limit: 'debits_must_not_exceed_credits',
      },
    ]);
    await this.post(tx, acceptance(pledge));
    tx.emit(pledgeEvent('pledge.compute.accepted', pledge.campaignId, offerPayload(pledge)));
    return { ...pledge, state: 'accepted' };
  }

  private async post(tx: Tx, transfers: readonly TransferSpec[]): Promise<void> {
    if (transfers.length === 0) return;
    const posted = await this.ledger.post(tx, transfers);
    if (isRefused(posted)) throw new Error(`the ledger refused a compute pledge: ${posted.first.code}`);
  }
}

const notFound = (): Refused => refusePledge('PLEDGE_NOT_FOUND', ['input', 'pledgeId']);
const wrongState = (pledge: ComputePledgeRow): Refused =>
  refusePledge('PLEDGE_STATE_INVALID', ['input', 'pledgeId'], `It is ${pledge.state}.`);

const offerPayload = (row: ComputePledgeRow) => ({
  pledgeId: row.id,
  contributor: row.pseudonym,
  class: row.gpuClass,
  milliseconds: String(row.milliseconds),
  count: row.count,
});

function sameOrMismatch(
  known: ComputePledgeRow,
  campaignId: string,
  terms: ComputeTermsGiven,
): Outcome<ComputePledgeRow> {
  const same =
    known.campaignId === campaignId &&
    known.gpuClass === terms.gpuClass &&
    known.count === terms.count &&
    known.milliseconds === terms.milliseconds &&
    known.availability === terms.availability &&
    known.region === terms.region;
  return same ? known : refusePledge('PLEDGE_IDEMPOTENCY_MISMATCH', ['input', 'idempotencyKey']);
}
