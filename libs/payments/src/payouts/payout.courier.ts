import { Inject, Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { Ledger, type TransferSpec } from '#ledger';
import { LOGGER, type Logger, type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { SUBMISSION_MS_MAX, nextCheckMs, nextSubmitMs } from '../domain/payment.machine.js';
import { idOf } from '../processor/observation.js';
import { type CallFailure, readFailure } from '../processor/stripe.failure.js';
import { STRIPE } from '../processor/stripe.token.js';
import { PayoutListeners } from './payout-listener.port.js';
import { RETURN_CHECKS, RETURN_CHECK_MS } from './payout.machine.js';
import {
  paidPostings,
  returnedPostings,
  sentBackPostings,
  transferredPostings,
  voidPosting,
} from './payout.postings.js';
import {
  type AttemptChange,
  type AttemptRow,
  type PayoutRow,
  arrivedOf,
  attemptByStripeObject,
  changeAttempt,
  failureOf,
  findAttempt,
  lockAttempt,
  postponeAttempt,
  termsOf,
  toPayout,
} from './payout.store.js';

/** The ledger said no to money that has moved already: nothing is changed, the step is tried again and stays visible. */
class PostingRefused extends Error {}

/** More steps than a whole attempt has. */
const STEPS_MAX = 6;

/**
 * Carries attempts on: each step is one call to the processor, under a key that the row committed before, and one
 * transaction that books what came of it. Any number of couriers may carry one attempt; each step is taken once.
 */
@Injectable()
export class PayoutCourier {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly listeners: PayoutListeners,
    @Inject(STRIPE) private readonly stripe: Stripe,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Goes on until the attempt waits for somebody else. */
  async advance(attemptId: string): Promise<void> {
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const before = await this.uow.read((tx) => findAttempt(tx, attemptId));
      if (before === undefined) return;
      try {
        if (!(await this.#step(before))) return;
      } catch (error) {
        await this.#later(before, error);
        return;
      }
    }
  }

  /** A webhook about a payout or transfer of this name. @returns false when it is none of ours, or not here yet. */
  async hint(objectId: string, attemptId: string | undefined): Promise<boolean> {
    const found = await this.uow.read(
      async (tx) =>
        (attemptId === undefined ? undefined : await findAttempt(tx, attemptId)) ??
        (await attemptByStripeObject(tx, objectId)),
    );
    if (found === undefined) return false;
    await this.advance(found.id);
    return true;
  }

  /** @returns whether the attempt has changed, so that the next step may be tried. */
  #step(attempt: AttemptRow): Promise<boolean> {
    switch (attempt.status) {
      case 'LOCAL':
        return this.#change(attempt, { status: 'SUBMITTING', nextCheckAt: 'soon' });
      case 'SUBMITTING':
        return this.#transfer(attempt);
      case 'TRANSFERRED':
        return this.#payOut(attempt);
      case 'IN_TRANSIT':
      case 'SUCCEEDED':
        return this.#look(attempt);
      case 'RETURNING':
        return this.#takeBack(attempt);
      case 'FAILED':
      case 'CANCELED':
        return Promise.resolve(false);
    }
  }

  async #transfer(attempt: AttemptRow): Promise<boolean> {
    const payout = await this.#payoutOf(attempt);
    try {
      const transfer =
        (await this.#knownTransfer(attempt)) ??
        (await this.stripe.transfers.create(
          {
            amount: Number(attempt.amount_minor),
            currency: payout.currency.toLowerCase(),
            destination: attempt.stripe_account_id,
            metadata: { payout_attempt_id: attempt.id, payout_id: payout.id },
          },
          { idempotencyKey: `${attempt.idempotency_key}:transfer` },
        ));
      return await this.#change(
        attempt,
        { status: 'TRANSFERRED', transferId: transfer.id, nextCheckAt: 'soon' },
        (row) => transferredPostings(termsOf(payout, row)),
      );
    } catch (error) {
      const failure = this.#rejection(error);
      return this.#change(attempt, { status: 'FAILED', failure, nextCheckAt: null }, (row) => [
        voidPosting(termsOf(payout, row)),
      ]);
    }
  }

  /** A key may be forgotten after a day; the same call would then be a second transfer, so it is looked for first. */
  async #knownTransfer(attempt: AttemptRow): Promise<Stripe.Transfer | undefined> {
    const now = await this.uow.read((tx) => Promise.resolve(tx.now));
    if (now.getTime() - attempt.created_at.getTime() < SUBMISSION_MS_MAX) return undefined;
    for await (const transfer of this.stripe.transfers.list({ destination: attempt.stripe_account_id, limit: 100 })) {
      if (transfer.metadata['payout_attempt_id'] === attempt.id) return transfer;
    }
    return undefined;
  }

  async #payOut(attempt: AttemptRow): Promise<boolean> {
    if (await this.#isTakenBack(attempt)) return this.#returned(attempt, undefined);
    const payout = await this.#payoutOf(attempt);
    try {
      const made = await this.stripe.payouts.create(
        {
          amount: Number(attempt.amount_minor),
          currency: payout.currency.toLowerCase(),
          metadata: { payout_attempt_id: attempt.id, payout_id: payout.id },
        },
        { stripeAccount: attempt.stripe_account_id, idempotencyKey: `${attempt.idempotency_key}:payout` },
      );
      return await this.#change(attempt, {
        status: 'IN_TRANSIT',
        payoutId: made.id,
        arrivalAt: new Date(made.arrival_date * 1000),
        nextCheckAt: 'later',
      });
    } catch (error) {
      return this.#change(attempt, { status: 'RETURNING', failure: this.#rejection(error), nextCheckAt: 'soon' });
    }
  }

  async #look(attempt: AttemptRow): Promise<boolean> {
    if (attempt.stripe_payout_id === null) throw new Error(`attempt ${attempt.id} has no payout`);
    if (await this.#isTakenBack(attempt)) return this.#returned(attempt, undefined);
    const seen = await this.stripe.payouts.retrieve(
      attempt.stripe_payout_id,
      {},
      { stripeAccount: attempt.stripe_account_id },
    );
    const payout = await this.#payoutOf(attempt);
    if (seen.status === 'failed' || seen.status === 'canceled') {
      const failure = {
        code: seen.failure_code ?? seen.status,
        message: seen.failure_message ?? 'The bank did not take the payout.',
      };
      const wasPaid = attempt.status === 'SUCCEEDED';
      return this.#change(attempt, { status: 'RETURNING', failure, nextCheckAt: 'soon' }, (row) =>
        wasPaid ? sentBackPostings(termsOf(payout, row)) : [],
      );
    }
    if (seen.status === 'paid' && attempt.status === 'IN_TRANSIT') {
      return this.#change(attempt, { status: 'SUCCEEDED', nextCheckAt: 'day' }, (row) =>
        paidPostings(termsOf(payout, row)),
      );
    }
    await this.#wait(attempt);
    return false;
  }

  async #takeBack(attempt: AttemptRow): Promise<boolean> {
    if (attempt.stripe_transfer_id === null) throw new Error(`attempt ${attempt.id} has no transfer`);
    if (await this.#isTakenBack(attempt)) return this.#returned(attempt, undefined);
    const reversal = await this.stripe.transfers.createReversal(
      attempt.stripe_transfer_id,
      { metadata: { payout_attempt_id: attempt.id } },
      { idempotencyKey: `${attempt.idempotency_key}:return` },
    );
    return this.#returned(attempt, reversal.id);
  }

  /** Whoever took the transfer back: it happened, so it is booked. */
  async #returned(attempt: AttemptRow, reversalId: string | undefined): Promise<boolean> {
    const payout = await this.#payoutOf(attempt);
    const failure =
      attempt.failure_code === null
        ? { code: 'transfer_reversed', message: 'The transfer was taken back at the payment processor.' }
        : undefined;
    return this.#change(attempt, { status: 'FAILED', reversalId, failure, nextCheckAt: null }, (row) => [
      ...(attempt.status === 'SUCCEEDED' ? sentBackPostings(termsOf(payout, row)) : []),
      ...returnedPostings(termsOf(payout, row)),
    ]);
  }

  async #isTakenBack(attempt: AttemptRow): Promise<boolean> {
    if (attempt.stripe_transfer_id === null) return false;
    const transfer = await this.stripe.transfers.retrieve(attempt.stripe_transfer_id);
    if (
      transfer.metadata['payout_attempt_id'] !== attempt.id ||
      idOf(transfer.destination) !== attempt.stripe_account_id
    )
      throw new Error(`transfer ${transfer.id} is not that of attempt ${attempt.id}`);
    return transfer.reversed;
  }

  /**
   * One step, if the row is still the one that it was decided on: state, books and the listener's own state together.
   * @returns false when another courier was faster.
   */
  async #change(
    before: AttemptRow,
    change: Omit<AttemptChange, 'nextCheckAt'> & { nextCheckAt: 'soon' | 'later' | 'day' | null },
    postings: (row: AttemptRow) => readonly TransferSpec[] = () => [],
  ): Promise<boolean> {
    const outcome = await this.uow.run('payout-step', async (tx) => {
      const held = await lockAttempt(tx, before.id);
      if (held === undefined || held.attempt.version !== before.version) return false;
      const at = change.nextCheckAt;
      const row = await changeAttempt(tx, held.attempt, {
        ...change,
        nextCheckAt: at === null ? null : new Date(tx.now.getTime() + DELAY_MS[at]),
      });
      await this.#post(tx, row, postings(row));
      await this.#tell(tx, row, held.payout);
      return true;
    });
    return outcome === true;
  }

  async #post(tx: Tx, row: AttemptRow, postings: readonly TransferSpec[]): Promise<void> {
    if (postings.length === 0) return;
    const outcome = await this.ledger.post(tx, postings);
    if (isRefused(outcome))
      throw new PostingRefused(`attempt ${row.id}: ${outcome.first.code}: ${outcome.first.message}`);
  }

  /** What a part does is told when the whole payout has taken a step by it. */
  async #tell(tx: Tx, row: AttemptRow, before: PayoutRow): Promise<void> {
    const [payout] = await tx.query<PayoutRow>('SELECT * FROM payout WHERE id = $1', [before.id]);
    if (payout === undefined) throw new Error(`payout ${before.id} is gone`);
    const { status } = payout;
    if (status === before.status) return;
    const step = { payout: toPayout(payout), attemptId: row.id };
    if (status === 'SUCCEEDED') return this.listeners.get().onPayout(tx, { ...step, kind: 'succeeded' });
    // Out of any other state it is a part on its way back, which is told when it is back.
    if (status === 'IN_TRANSIT' && before.status === 'PREPARED')
      return this.listeners.get().onPayout(tx, { ...step, kind: 'in_transit' });
    if (status !== 'FAILED') return;
    const arrivedMinor = (await arrivedOf(tx, [payout.id])).get(payout.id) ?? 0n;
    await this.listeners
      .get()
      .onPayout(tx, { ...step, kind: 'failed', ...(await failureOf(tx, payout.id)), arrivedMinor });
  }

  async #payoutOf(attempt: AttemptRow): Promise<PayoutRow> {
    const [row] = await this.uow.read((tx) =>
      tx.query<PayoutRow>('SELECT * FROM payout WHERE id = $1', [attempt.payout_id]),
    );
    if (row === undefined) throw new Error(`payout ${attempt.payout_id} is gone`);
    return row;
  }

  /** @throws what is no answer of the processor, so that the call is repeated with its key. */
  #rejection(error: unknown): Extract<CallFailure, { kind: 'rejected' }> {
    if (error instanceof PostingRefused) throw error;
    const failure = readFailure(error);
    if (failure.kind === 'rejected') return failure;
    throw error;
  }

  async #wait(attempt: AttemptRow): Promise<void> {
    await this.uow.run('payout-wait', async (tx) => {
      const isWatched = attempt.status !== 'SUCCEEDED' || attempt.checks < RETURN_CHECKS;
      const delayMs = attempt.status === 'SUCCEEDED' ? RETURN_CHECK_MS : nextCheckMs(attempt.checks);
      await postponeAttempt(tx, attempt.id, isWatched ? new Date(tx.now.getTime() + delayMs) : null);
    });
  }

  async #later(attempt: AttemptRow, error: unknown): Promise<void> {
    const note = error instanceof Error ? error.message : String(error);
    this.logger.warn(
      { attemptId: attempt.id, status: attempt.status, note },
      'payout not carried on; it is tried again',
    );
    await this.uow.run('payout-later', (tx) =>
      postponeAttempt(tx, attempt.id, new Date(tx.now.getTime() + nextSubmitMs(attempt.checks))),
    );
  }
}

const DELAY_MS = { soon: 2000, later: nextCheckMs(0), day: RETURN_CHECK_MS } as const;
