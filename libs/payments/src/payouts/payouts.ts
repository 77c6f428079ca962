import { Inject, Injectable } from '@nestjs/common';
import { type Outcome, isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import { type Tx, UnitOfWork } from '#platform';
import { findAccount } from './payout-account.store.js';
import type { Payout } from './payout-listener.port.js';
import { payoutAccounts, reservePosting, voidPosting } from './payout.postings.js';
import { refusePayout } from './payout.refusal.js';
import {
  type AttemptRow,
  type PayoutRow,
  attemptsOf,
  changeAttempt,
  findPayoutByReference,
  insertAttempt,
  insertPayout,
  lastAttempt,
  lockPayout,
  termsOf,
  toPayout,
} from './payout.store.js';
import { PayoutCourier } from './payout.courier.js';

export interface PayoutInput {
  /** What is paid out; asking twice is asking once. */
  readonly reference: string;
  readonly projectId: string;
  readonly beneficiaryId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly escrowAccount: string;
  /** The campaign's payouts payable: where the money waits. */
  readonly fromAccount: string;
  readonly releasedAccount: string;
}

/** How one try went, for people. */
export interface PayoutAttempt {
  readonly id: string;
  readonly payoutId: string;
  readonly number: number;
  readonly status: AttemptRow['status'];
  readonly arrivalAt: Date | undefined;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The sweep leaves the first call to whoever made the row, for this long. */
const FIRST_CALL_MS = 2000;

/**
 * Payouts to the accounts of projects. What is set aside is set aside with the row, in the caller's transaction; the
 * processor is told after it, and until it was told the payout can be taken back.
 */
@Injectable()
export class Payouts {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    @Inject(PayoutCourier) private readonly courier: PayoutCourier,
  ) {}

  /**
   * Sets money aside for a payout. Refusals: PAYOUT_ACCOUNT_MISSING, PAYOUT_ACCOUNT_NOT_READY, PAYOUT_REFERENCE_CONFLICT,
   * and the ledger's own when escrow holds less. Follow with {@link submit} after the commit; the sweep does it otherwise.
   * @returns the payout's id.
   */
  async prepare(tx: Tx, input: PayoutInput): Promise<Outcome<string>> {
    const known = await findPayoutByReference(tx, input.reference);
    if (known !== undefined) return isSame(known, input) ? known.id : refusePayout('PAYOUT_REFERENCE_CONFLICT');
    const row = {
      id: newId(),
      reference: input.reference,
      project_id: input.projectId,
      beneficiary_id: input.beneficiaryId,
      amount_minor: input.amountMinor,
      currency: input.currency,
      escrow_account: input.escrowAccount,
      from_account: input.fromAccount,
      released_account: input.releasedAccount,
      status: 'PREPARED' as const,
    };
    await insertPayout(tx, row);
    const begun = await this.#begin(tx, row);
    return isRefused(begun) ? begun : row.id;
  }

  /** A new attempt of a payout that failed or was taken back, over the same amount. Refusals: those of {@link prepare}. */
  async retry(tx: Tx, payoutId: string): Promise<Outcome<string>> {
    const payout = await lockPayout(tx, payoutId);
    if (payout === undefined) return refusePayout('PAYOUT_NOT_FOUND');
    const last = await lastAttempt(tx, payoutId);
    if (last !== undefined && last.status !== 'FAILED' && last.status !== 'CANCELED') {
      return refusePayout('PAYOUT_TOO_LATE', `The last attempt is ${last.status}.`);
    }
    const begun = await this.#begin(tx, payout);
    return isRefused(begun) ? begun : payout.id;
  }

  /** Takes a payout back before the processor hears of it. Refusals: PAYOUT_NOT_FOUND, PAYOUT_TOO_LATE. */
  async cancel(tx: Tx, payoutId: string): Promise<Outcome<void>> {
    const payout = await lockPayout(tx, payoutId);
    const last = payout && (await lastAttempt(tx, payoutId));
    if (payout === undefined || last === undefined) return refusePayout('PAYOUT_NOT_FOUND');
    if (last.status === 'CANCELED' || last.status === 'FAILED') return;
    if (last.status !== 'LOCAL') return refusePayout('PAYOUT_TOO_LATE', `The attempt is ${last.status}.`);
    await changeAttempt(tx, last, { status: 'CANCELED', nextCheckAt: null });
    const voided = await this.ledger.post(tx, [voidPosting(termsOf(payout, last.id))]);
    if (isRefused(voided)) return voided;
  }

  /** Goes on with the last attempt as far as it goes without waiting for a bank. What fails on the way the sweep repeats. */
  async submit(payoutId: string): Promise<void> {
    const last = await this.uow.read((tx) => lastAttempt(tx, payoutId));
    if (last !== undefined) await this.courier.advance(last.id);
  }

  async find(tx: Tx, payoutId: string): Promise<Payout | undefined> {
    const [row] = await tx.query<PayoutRow>('SELECT * FROM payout WHERE id = $1', [payoutId]);
    return row === undefined ? undefined : toPayout(row);
  }

  /** Every attempt of these payouts, the first one first. */
  async attempts(tx: Tx, payoutIds: readonly string[]): Promise<PayoutAttempt[]> {
    return (await attemptsOf(tx, payoutIds)).map((row) => ({
      id: row.id,
      payoutId: row.payout_id,
      number: row.number,
      status: row.status,
      arrivalAt: row.arrival_at ?? undefined,
      failure: row.failure_code === null ? undefined : { code: row.failure_code, message: row.failure_message ?? '' },
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }));
  }

  async #begin(tx: Tx, payout: PayoutRow): Promise<Outcome<void>> {
    const account = await findAccount(tx, payout.project_id);
    if (account === undefined) return refusePayout('PAYOUT_ACCOUNT_MISSING');
    if (account.status !== 'ENABLED' || account.stripe_account_id === null) {
      return refusePayout('PAYOUT_ACCOUNT_NOT_READY', `It is ${account.status}.`);
    }
    const id = newId();
    await insertAttempt(
      tx,
      { id, payoutId: payout.id, stripeAccountId: account.stripe_account_id },
      new Date(tx.now.getTime() + FIRST_CALL_MS),
    );
    await this.ledger.openAccounts(
      tx,
      payoutAccounts(payout.currency).map((code) => ({ code, unit: payout.currency, limit: 'none' as const })),
    );
    const reserved = await this.ledger.post(tx, [reservePosting(termsOf(payout, id))]);
    if (isRefused(reserved)) return reserved;
  }
}

const isSame = (known: PayoutRow, input: PayoutInput): boolean =>
  known.amount_minor === input.amountMinor &&
  known.currency === input.currency &&
  known.project_id === input.projectId &&
  known.from_account === input.fromAccount;
