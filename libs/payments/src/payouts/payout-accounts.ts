import { Inject, Injectable } from '@nestjs/common';
import { type Outcome, isRefused, isUuid, newId } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { readFailure } from '../processor/stripe.failure.js';
import { STRIPE } from '../processor/stripe.token.js';
import {
  type ObservedAccount,
  type PayoutAccountRow,
  type PayoutAccountStatus,
  findAccount,
  findAccountAtStripe,
  insertAccount,
  recordAccount,
} from './payout-account.store.js';
import { refusePayout } from './payout.refusal.js';

/** Where a project receives money, as others see it. */
export interface PayoutAccount {
  readonly id: string;
  readonly projectId: string;
  readonly country: string;
  readonly status: PayoutAccountStatus;
  /** How many particulars the processor still asks for. */
  readonly requirementsDue: number;
  readonly disabledReason: string | undefined;
  /** Who connected it: he receives the money, so he approves no payout of it. */
  readonly payeeContributorId: string;
}

/** The accounts at the processor that projects are paid out to: one a project. */
@Injectable()
export class PayoutAccounts {
  constructor(
    private readonly uow: UnitOfWork,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  async find(tx: Tx, projectId: string): Promise<PayoutAccount | undefined> {
    const row = await findAccount(tx, projectId);
    return row === undefined ? undefined : toAccount(row);
  }

  /**
   * Writes down that a project wants an account. Asking again for the same country changes nothing.
   * Refusals: PAYOUT_ACCOUNT_COUNTRY_INVALID, PAYOUT_ACCOUNT_EXISTS.
   */
  async prepare(
    tx: Tx,
    input: { projectId: string; country: string; payeeContributorId: string },
  ): Promise<Outcome<void>> {
    if (!/^[A-Z]{2}$/.test(input.country)) {
      return refusePayout('PAYOUT_ACCOUNT_COUNTRY_INVALID', `Got "${input.country.slice(0, 10)}".`, [
        'input',
        'country',
      ]);
    }
    const { projectId, country } = input;
    await insertAccount(tx, { id: newId(), projectId, country, payeeId: input.payeeContributorId });
    const row = await findAccount(tx, input.projectId);
    if (row?.country !== input.country) {
      return refusePayout('PAYOUT_ACCOUNT_EXISTS', `It is one of ${row?.country}.`, ['input', 'country']);
    }
  }

  /**
   * Makes the account at the processor where that is still to be done, and a link under which its owner says what the
   * processor asks for. The link is for him alone and lasts for minutes.
   * Refusals: PAYOUT_ACCOUNT_MISSING, PAYOUT_ACCOUNT_REJECTED, PAYOUT_UNREACHABLE.
   */
  async onboardingLink(
    projectId: string,
    pages: { returnUrl: string; refreshUrl: string },
  ): Promise<Outcome<{ url: string; expiresAt: Date }>> {
    const row = await this.uow.read((tx) => findAccount(tx, projectId));
    if (row === undefined) return refusePayout('PAYOUT_ACCOUNT_MISSING');
    try {
      const account = row.stripe_account_id ?? (await this.#create(row));
      const link = await this.stripe.accountLinks.create({
        account,
        return_url: pages.returnUrl,
        refresh_url: pages.refreshUrl,
        type: 'account_onboarding',
      });
      return { url: link.url, expiresAt: new Date(link.expires_at * 1000) };
    } catch (error) {
      const failure = readFailure(error);
      return failure.kind === 'unknown'
        ? refusePayout('PAYOUT_UNREACHABLE')
        : refusePayout('PAYOUT_ACCOUNT_REJECTED', `${failure.code}: ${failure.message}`);
    }
  }

  /** Asks the processor how the account stands. @returns false when it is none of ours. */
  async refresh(stripeAccountId: string): Promise<boolean> {
    const account = await this.stripe.accounts.retrieve(stripeAccountId);
    const row = await this.uow.read(async (tx) => {
      const known = await findAccountAtStripe(tx, stripeAccountId);
      if (known !== undefined) return known;
      const projectId = account.metadata?.['project_id'];
      return projectId !== undefined && isUuid(projectId) ? findAccount(tx, projectId) : undefined;
    });
    if (row === undefined) return false;
    await this.#record(row, observe(account));
    return true;
  }

  /** The same, asked for by the project. */
  async refreshOf(projectId: string): Promise<void> {
    const row = await this.uow.read((tx) => findAccount(tx, projectId));
    if (row?.stripe_account_id != null) await this.refresh(row.stripe_account_id);
  }

  /** Every parameter comes from columns that never change, so a repetition is the same call under the same key. */
  async #create(row: PayoutAccountRow): Promise<string> {
    const account = await this.stripe.accounts.create(
      {
        type: 'express',
        country: row.country,
        capabilities: { transfers: { requested: true } },
        // Money is sent on by us, attempt by attempt, and not by a schedule that knows no tranche.
        settings: { payouts: { schedule: { interval: 'manual' } } },
        metadata: { project_id: row.project_id },
      },
      { idempotencyKey: row.idempotency_key },
    );
    await this.#record(row, observe(account));
    return account.id;
  }

  async #record(row: PayoutAccountRow, observed: ObservedAccount): Promise<void> {
    const outcome = await this.uow.run('payout-account', async (tx) => {
      const changed = await recordAccount(tx, row.id, observed);
      if (changed === undefined) return;
      tx.emit({
        type: 'payout_account.changed',
        aggregateType: 'project',
        aggregateId: row.project_id,
        payload: { projectId: row.project_id, status: changed.status },
      });
    });
    if (isRefused(outcome)) throw new Error('an observation is never refused');
  }
}

function observe(account: Stripe.Account): ObservedAccount {
  const { requirements } = account;
  const ready = account.payouts_enabled && account.capabilities?.transfers === 'active';
  const disabledReason = requirements?.disabled_reason ?? null;
  const status = ready ? 'ENABLED' : account.details_submitted ? 'RESTRICTED' : 'ONBOARDING';
  return {
    stripeAccountId: account.id,
    status,
    requirementsDue: requirements?.currently_due?.length ?? 0,
    disabledReason: ready ? null : disabledReason,
  };
}

const toAccount = (row: PayoutAccountRow): PayoutAccount => ({
  id: row.id,
  projectId: row.project_id,
  country: row.country,
  status: row.status,
  requirementsDue: row.requirements_due,
  disabledReason: row.disabled_reason ?? undefined,
  payeeContributorId: row.payee_contributor_id,
});
