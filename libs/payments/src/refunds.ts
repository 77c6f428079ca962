import { Inject, Injectable } from '@nestjs/common';
import { isRefused, newId, refuse, type Outcome, type Refused } from '#kernel';
import { Ledger } from '#ledger';
import { LOGGER, type Logger, type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { BookingWriter } from './bookings/booking.writer.js';
import { refuseRefund } from './domain/acceptance.rule.js';
import { nextSubmitMs } from './domain/payment.machine.js';
import type { RefundObservation } from './domain/refund.machine.js';
import { refundRequestedPostings } from './domain/postings.rule.js';
import { observeRefund } from './processor/observation.js';
import { readFailure } from './processor/stripe.failure.js';
import { STRIPE } from './processor/stripe.token.js';
import { disputedAmong } from './store/dispute.store.js';
import { findPayment, findPayments, lockPayments, termsOf } from './store/payment.store.js';
import {
  findRefund,
  insertRefunds,
  postponeRefund,
  refundedOf,
  refundsByKey,
  type NewRefund,
  type RefundRow,
} from './store/refund.store.js';
import { Synchronizer } from './synchronizer.js';

export interface RefundInput {
  readonly paymentId: string;
  /** Minor units of the payment's currency. */
  readonly amountMinor: bigint;
  readonly reason: string;
  /** Asking twice with one key is asking once. */
  readonly key?: string | undefined;
}

export type RefundOutcome = Outcome<{ refundId: string }>;

/** Money back to where it came from. Set aside and written down first, told to Stripe after the commit. */
@Injectable()
export class Refunds {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly bookings: BookingWriter,
    private readonly synchronizer: Synchronizer,
    @Inject(STRIPE) private readonly stripe: Stripe,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Sets the money of many refunds aside, in the caller's transaction, with one statement for each table. The sweep
   * tells Stripe of them as fast as the processor allows.
   * Refusals of each: PAYMENT_NOT_FOUND, REFUND_AMOUNT_INVALID, REFUND_NOT_CAPTURED, REFUND_DISPUTED,
   * REFUND_EXCEEDS_PAYMENT, REFUND_KEY_CONFLICT, and the ledger's own.
   * @returns an answer for each input, in their order. What is refused changes nothing.
   */
  async request(tx: Tx, inputs: readonly RefundInput[]): Promise<RefundOutcome[]> {
    const ids = [...new Set(inputs.map((input) => input.paymentId))];
    const payments = await lockPayments(tx, ids);
    const disputed = await disputedAmong(tx, ids);
    const refunded = await refundedOf(tx, ids);
    const asked = inputs.map((input) => {
      const id = newId();
      return { id, input, key: `refund:${input.key ?? id}` };
    });
    const known = await refundsByKey(
      tx,
      asked.map((each) => each.key),
    );
    const outcomes = new Map<string, RefundOutcome>();
    const accepted = new Map<string, NewRefund>();
    const byKey = new Map<string, RepeatedRefund>();
    for (const { id, input, key } of asked) {
      const { paymentId, amountMinor, reason } = input;
      const payment = payments.get(paymentId);
      const repeated = known.get(key) ?? (input.key === undefined ? undefined : byKey.get(key));
      if (payment === undefined) outcomes.set(id, notFound(paymentId));
      else if (repeated !== undefined) outcomes.set(id, repeatedRefund(repeated, input));
      else {
        const refused = refuseRefund({
          amountMinor,
          isCaptured: payment.status === 'SUCCEEDED',
          isDisputed: disputed.has(paymentId),
          capturedMinor: payment.amount_minor,
          refundedMinor: refunded.get(paymentId) ?? 0n,
        });
        if (refused === undefined) {
          accepted.set(id, { id, paymentId, amountMinor, reason, key, isExternal: false });
          byKey.set(key, { id, payment_id: paymentId, amount_minor: amountMinor });
          refunded.set(paymentId, (refunded.get(paymentId) ?? 0n) + amountMinor);
        } else outcomes.set(id, refused);
      }
    }
    const chains = [...accepted.values()].map((refund) => {
      const payment = payments.get(refund.paymentId);
      if (payment === undefined) throw new Error('a refund without its payment');
      return refundRequestedPostings(termsOf(payment), refund.id, refund.amountMinor);
    });
    const posted = chains.length === 0 ? [] : await this.ledger.postChains(tx, chains);
    const rows = [...accepted.values()].filter((refund, index) => {
      const outcome = posted[index];
      outcomes.set(refund.id, outcome !== undefined && isRefused(outcome) ? outcome : { refundId: refund.id });
      return outcome !== undefined && !isRefused(outcome);
    });
    await insertRefunds(tx, rows, tx.now);
    return asked.map(({ id }) => outcomes.get(id) ?? notFound(id));
  }

  /** Tells Stripe of a requested refund. An unknown outcome is repeated by the sweep with the same key. */
  async submit(refundId: string): Promise<void> {
    const found = await this.uow.read(async (tx) => {
      const refund = await findRefund(tx, refundId);
      return refund && { refund, payment: await findPayment(tx, refund.payment_id) };
    });
    if (found?.payment?.stripe_payment_intent_id == null || found.refund.status !== 'REQUESTED') return;
    const { booked } = await this.call(found.refund, found.payment.stripe_payment_intent_id);
    await booked;
  }

  /** The ids of the intents of the payments that are given back, by payment, by one statement, for {@link call}. */
  async intentsOf(refunds: readonly RefundRow[]): Promise<ReadonlyMap<string, string>> {
    if (refunds.length === 0) return new Map();
    const payments = await this.uow.read((tx) => findPayments(tx, [...new Set(refunds.map((row) => row.payment_id))]));
    return new Map([...payments].map(([id, payment]) => [id, payment.stripe_payment_intent_id ?? '']));
  }

  /** Answers as soon as Stripe does; the booking shares a transaction with others. */
  async call(refund: RefundRow, intentId: string): Promise<{ booked: Promise<void> }> {
    const call = this.stripe.refunds.create(
      {
        payment_intent: intentId,
        amount: Number(refund.amount_minor),
        reason: 'requested_by_customer',
        metadata: { refund_id: refund.id },
      },
      { idempotencyKey: refund.idempotency_key },
    );
    const booked = call.then(
      (made) => this.#book(refund, { ...observeRefund(made), stripeRefundId: made.id }),
      (error: unknown) => this.#failed(refund, intentId, error),
    );
    this.synchronizer.during(intentId, booked);
    await call.catch(() => undefined);
    return { booked };
  }

  /** The same call under a forgotten key would be a second refund: what Stripe has is read before it is repeated. */
  async readBack(refund: RefundRow): Promise<void> {
    const payment = await this.uow.read((tx) => findPayment(tx, refund.payment_id));
    if (payment?.stripe_payment_intent_id == null) return;
    const list = this.stripe.refunds.list({ payment_intent: payment.stripe_payment_intent_id, limit: 100 });
    for await (const made of list) {
      if (made.metadata?.['refund_id'] === refund.id) await this.synchronizer.applyRefund(made);
    }
  }

  async #failed(refund: RefundRow, intentId: string, error: unknown): Promise<void> {
    const failure = readFailure(error);
    if (failure.kind === 'unknown') {
      this.logger.warn({ refundId: refund.id, failure: failure.message }, 'refund not submitted yet');
      await this.uow.run('refund-postpone', (tx) =>
        postponeRefund(tx, refund.id, refund.version, new Date(tx.now.getTime() + nextSubmitMs(refund.checks))),
      );
      return;
    }
    // Somebody may have given it back in Stripe's dashboard: then ours is that one, and nothing failed.
    await this.synchronizer.refundsOf(intentId);
    await this.#book(refund, { status: 'FAILED', failureCode: failure.code, stripeRefundId: undefined });
  }

  /** The payment was captured, or there were no refund of it: what Stripe says is booked without another look. */
  async #book(
    { id: refundId, payment_id: paymentId, amount_minor: amountMinor }: RefundRow,
    seen: RefundObservation & { readonly stripeRefundId: string | undefined },
  ): Promise<void> {
    await this.bookings.book({ kind: 'refund', paymentId, observed: { ...seen, refundId, amountMinor } });
  }
}

type RepeatedRefund = Pick<RefundRow, 'id' | 'payment_id' | 'amount_minor'>;

function repeatedRefund(known: RepeatedRefund, asked: RefundInput): RefundOutcome {
  if (known.payment_id === asked.paymentId && known.amount_minor === asked.amountMinor) return { refundId: known.id };
  return refuse({
    code: 'REFUND_KEY_CONFLICT',
    message: 'This key was used for another refund.',
    hint: 'Use a new key for a new refund.',
  });
}

function notFound(paymentId: string): Refused {
  return refuse({ code: 'PAYMENT_NOT_FOUND', message: 'There is no such payment.', detail: paymentId });
}
