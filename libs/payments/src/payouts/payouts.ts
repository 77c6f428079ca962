import { Inject, Injectable } from '@nestjs/common';
import { type Outcome, isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import { type Tx, UnitOfWork } from '#platform';
import { splitAmount } from '../domain/rail.rule.js';
import { findAccount } from './payout-account.store.js';
import type { Payout } from './payout-listener.port.js';
import {
  PAYOUT_PART_MINOR_MAX,
  PAYOUT_PART_MINOR_MIN,
  RETURN_CHECKS,
  RETURN_CHECK_MS,
  isOpen,
} from './payout.machine.js';
import { payoutAccounts, reservePosting, voidPosting } from './payout.postings.js';
import { refusePayout } from './payout.refusal.js';
import {
  type AttemptRow,
  type NewAttempt,
  type PayoutRow,
  arrivedOf,
  attemptsOf,
  changeAttempt,
  findPayoutByReference,
  insertAttempts,
  insertPayout,
  lastAttempts,
  lockPayout,
  mayReturn,
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

/** How one try of one part went, for people. */
export interface PayoutAttempt {
  readonly id: string;
  readonly payoutId: string;
  readonly part: number;
  /** The same for all parts that were tried at the same time. */
  readonly number: number;
  /** Minor units of the payout's currency. */
  readonly amountMinor: bigint;
  readonly status: AttemptRow['status'];
  readonly arrivalAt: Date | undefined;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The sweep leaves the first call to whoever made the row, for this long. */
const FIRST_CALL_MS = 2000;
/** Parts that are carried at the same time; each of their steps holds their payout. */
const CARRIED_AT_ONCE = 4;

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
    const amounts = splitAmount(input.amountMinor, PAYOUT_PART_MINOR_MAX, PAYOUT_PART_MINOR_MIN);
    const parts = amounts.map((amount, index) => ({ id: newId(), part: index + 1, amount_minor: amount }));
    const begun = await this.#begin(tx, row, parts);
    return isRefused(begun) ? begun : row.id;
  }

  /** A new attempt of every part that failed or was taken back; what has arrived is not sent again. Refusals: those of {@link prepare}. */
  async retry(tx: Tx, payoutId: string): Promise<Outcome<string>> {
    const payout = await lockPayout(tx, payoutId);
    if (payout === undefined) return refusePayout('PAYOUT_NOT_FOUND');
    const last = await lastAttempts(tx, payoutId);
    const again = last.filter(({ status }) => status === 'FAILED' || status === 'CANCELED');
    if (again.length === 0 || last.some(({ status }) => isOpen(status)))
      return refusePayout('PAYOUT_TOO_LATE', `It is ${payout.status}.`);
    const begun = await this.#begin(
      tx,
      payout,
      again.map(({ part, amount_minor }) => ({ id: newId(), part, amount_minor })),
    );
    return isRefused(begun) ? begun : payout.id;
  }

  /** Takes a payout back before the processor hears of any part that is not settled yet. Refusals: PAYOUT_NOT_FOUND, PAYOUT_TOO_LATE. */
  async cancel(tx: Tx, payoutId: string): Promise<Outcome<void>> {
    const payout = await lockPayout(tx, payoutId);
    if (payout === undefined) return refusePayout('PAYOUT_NOT_FOUND');
    if (payout.status === 'CANCELED' || payout.status === 'FAILED') return;
    const open = (await lastAttempts(tx, payoutId)).filter(({ status }) => isOpen(status));
    if (open.length === 0 || open.some(({ status }) => status !== 'LOCAL'))
      return refusePayout('PAYOUT_TOO_LATE', `It is ${payout.status}.`);
    for (const attempt of open) await changeAttempt(tx, attempt, { status: 'CANCELED', nextCheckAt: null });
    const voided = await this.ledger.post(
      tx,
      open.map((attempt) => voidPosting(termsOf(payout, attempt))),
    );
    if (isRefused(voided)) return voided;
  }

  /** Goes on with every part as far as it goes without waiting for a bank. What fails on the way the sweep repeats. */
  async submit(payoutId: string): Promise<void> {
    const open = (await this.uow.read((tx) => lastAttempts(tx, payoutId))).filter(({ status }) => isOpen(status));
    const carry = async (): Promise<void> => {
      for (let next = open.shift(); next !== undefined; next = open.shift()) await this.courier.advance(next.id);
    };
    await Promise.all(Array.from({ length: CARRIED_AT_ONCE }, carry));
  }

  /** What has arrived of payouts and not come back, minor units by payout. */
  arrived(tx: Tx, payoutIds: readonly string[]): Promise<Map<string, bigint>> {
    return arrivedOf(tx, payoutIds);
  }

  /** Whether a bank may still send something of these payouts back. */
  mayReturn(tx: Tx, payoutIds: readonly string[]): Promise<boolean> {
    return mayReturn(tx, payoutIds, new Date(tx.now.getTime() - RETURN_CHECKS * RETURN_CHECK_MS));
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
      part: row.part,
      number: row.number,
      amountMinor: row.amount_minor,
      status: row.status,
      arrivalAt: row.arrival_at ?? undefined,
      failure: row.failure_code === null ? undefined : { code: row.failure_code, message: row.failure_message ?? '' },
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }));
  }

  async #begin(tx: Tx, payout: PayoutRow, parts: readonly NewAttempt[]): Promise<Outcome<void>> {
    const account = await findAccount(tx, payout.project_id);
    if (account === undefined) return refusePayout('PAYOUT_ACCOUNT_MISSING');
    if (account.status !== 'ENABLED' || account.stripe_account_id === null) {
      return refusePayout('PAYOUT_ACCOUNT_NOT_READY', `It is ${account.status}.`);
    }
    const firstCheckAt = new Date(tx.now.getTime() + FIRST_CALL_MS);
    await insertAttempts(tx, payout.id, account.stripe_account_id, parts, firstCheckAt);
    await this.ledger.openAccounts(
      tx,
      payoutAccounts(payout.currency).map((code) => ({ code, unit: payout.currency, limit: 'none' as const })),
    );
    const reserved = await this.ledger.post(
      tx,
      parts.map((part) => reservePosting(termsOf(payout, part))),
    );
    if (isRefused(reserved)) return reserved;
  }
}

const isSame = (known: PayoutRow, input: PayoutInput): boolean =>
  known.amount_minor === input.amountMinor &&
  known.currency === input.currency &&
  known.project_id === input.projectId &&
  known.from_account === input.fromAccount;
