import { Inject, Injectable } from '@nestjs/common';
import { UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { BookingWriter } from './bookings/booking.writer.js';
import type { Booked, Observed } from './bookings/observed.type.js';
import { hasEnded, nextPaymentStatus, type PaymentStatus } from './domain/payment.machine.js';
import { nextRefundStatus } from './domain/refund.machine.js';
import { PaymentRows } from './payment.rows.js';
import { refundAftermath, type Aftermath } from './processor/aftermath.js';
import { idOf, observePayment, PAYMENT_EXPANSION, refundStatus } from './processor/observation.js';
import { PaymentReader, type PaymentSubject, type SubjectReading } from './processor/payment.reader.js';
import { STRIPE } from './processor/stripe.token.js';
import type { PaymentRow } from './store/payment.store.js';
import type { RefundRow } from './store/refund.store.js';

/** How often a reading is repeated because the row changed meanwhile. */
const STALE_READINGS_MAX = 8;

/** `missing`: the payment is not there (yet). `foreign`: Stripe's object is none of ours. */
export type SyncResult = 'done' | 'missing' | 'foreign';

/** What became of one subject of a payment: its reading where that says nothing, else what was booked. */
export type FollowResult = SyncResult | 'unknown' | Error;

/**
 * Brings our rows up to what Stripe says now. Whoever suspects a change (a webhook, the sweep, our own call) names the
 * object; what is applied is always read from Stripe itself, so neither the order nor the number of hints matters.
 */
@Injectable()
export class Synchronizer {
  readonly #reader: PaymentReader;
  readonly #rows: PaymentRows;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(
    uow: UnitOfWork,
    private readonly bookings: BookingWriter,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {
    this.#reader = new PaymentReader(stripe);
    this.#rows = new PaymentRows(uow);
  }

  /**
   * Notes a call of this process about a payment, by our id or by its intent's, until its answer is booked. Whoever hears
   * of the payment meanwhile waits for that: a webhook is often faster than the booking, and would do it a second time.
   */
  during(key: string, work: Promise<unknown>): void {
    // How the call ends is its caller's business; what came of it is read afterwards.
    const over: Promise<void> = work
      .catch(() => undefined)
      .then(() => {
        if (this.#underWay.get(key) === over) this.#underWay.delete(key);
      });
    this.#underWay.set(key, over);
  }

  /** `intentId` may be known before our row knows it: a webhook can be faster than the answer to our call. */
  async payment(paymentId: string, intentId?: string): Promise<SyncResult> {
    await this.#underWay.get(paymentId);
    return this.reread(paymentId, intentId);
  }

  /** {@link payment} for the caller of {@link during} itself. */
  async reread(paymentId: string, intentId?: string): Promise<SyncResult> {
    for (let reading = 0; reading < STALE_READINGS_MAX; reading += 1) {
      const before = await this.#rows.byId(paymentId);
      if (before === undefined) return 'missing';
      if (hasEnded(before.status)) return 'done';
      const id = before.stripe_payment_intent_id ?? intentId;
      if (id === undefined) return 'missing';
      const intent = await this.stripe.paymentIntents.retrieve(id, { expand: PAYMENT_EXPANSION });
      if (intent.metadata['payment_id'] !== paymentId) return 'foreign';
      if ((await this.applyIntent(before, intent)) !== 'stale') return 'done';
    }
    throw new Error(`payment ${paymentId} changed ${STALE_READINGS_MAX} times while it was read`);
  }

  /**
   * @returns how the payment stands then, `undefined` where that has to be read, and `stale` when the row is no longer the
   * one the reading was made for.
   */
  async applyIntent(before: PaymentRow, intent: Stripe.PaymentIntent): Promise<PaymentStatus | 'stale' | undefined> {
    const step = paymentStep(before, intent);
    const booked = await this.bookings.book(step);
    if (booked === 'stale') return 'stale';
    const declined = step.observed.status === 'REQUIRES_PAYMENT_METHOD';
    if (declined && before.saved_method_id !== null) {
      await this.#giveUp(before);
      return undefined;
    }
    return booked === 'booked' ? (nextPaymentStatus(before.status, step.observed) ?? before.status) : undefined;
  }

  /** A declined charge without its payer can't be paid any more once it is canceled: then it has failed for good. */
  async #giveUp(before: PaymentRow): Promise<void> {
    const row = await this.#rows.byId(before.id);
    if (row?.status !== 'REQUIRES_PAYMENT_METHOD' || row.stripe_payment_intent_id === null) return;
    const canceled = await this.stripe.paymentIntents.cancel(
      row.stripe_payment_intent_id,
      {},
      { idempotencyKey: `${row.idempotency_key}:cancel` },
    );
    await this.applyIntent(row, canceled);
  }

  async refund(stripeRefundId: string): Promise<SyncResult> {
    return this.applyRefund(await this.stripe.refunds.retrieve(stripeRefundId));
  }

  async refundsOf(intentId: string): Promise<SyncResult> {
    let result: SyncResult = 'done';
    for await (const refund of this.stripe.refunds.list({ payment_intent: intentId, limit: 100 })) {
      const one = await this.applyRefund(refund);
      if (one !== 'done') result = one;
    }
    return result;
  }

  applyRefund(refund: Stripe.Refund): Promise<SyncResult> {
    return this.#aftermath(idOf(refund.payment_intent), refundAftermath(refund));
  }

  /**
   * All that events say of one payment: what they name is read at the same time and booked in one transaction, the
   * capture before what follows it.
   * @param known the row as it was before the reading. @returns an answer for each subject. @throws where the payment can't be read
   */
  async follow(known: PaymentRow, intentId: string, asked: readonly PaymentSubject[]): Promise<FollowResult[]> {
    const row = await this.#afterOwnCalls(known, intentId);
    const news = await this.#news(row, asked);
    const found = await this.#followNews(row, intentId, news);
    return asked.map((subject) => found[news.indexOf(subject)] ?? 'done');
  }

  /** The row once what this process is asking about the payment is booked. */
  async #afterOwnCalls(known: PaymentRow, intentId: string): Promise<PaymentRow> {
    const calls = [known.id, intentId].flatMap((key) => this.#underWay.get(key) ?? []);
    if (calls.length === 0) return known;
    await Promise.all(calls);
    return (await this.#rows.byId(known.id)) ?? known;
  }

  /** Without what we know already: a state that is newer than the one that an event tells has an event of its own. */
  async #news(row: PaymentRow, subjects: readonly PaymentSubject[]): Promise<PaymentSubject[]> {
    if (!subjects.some(({ kind }) => kind === 'refund' || kind === 'refunds')) return [...subjects];
    const refunds = await this.#rows.refundsOf(row.id);
    return subjects.filter((subject) => !isKnown(refunds, subject));
  }

  async #followNews(row: PaymentRow, intentId: string, subjects: readonly PaymentSubject[]): Promise<FollowResult[]> {
    const [intent, readings] = await Promise.all([
      hasEnded(row.status) ? undefined : this.#reader.intent(row.stripe_payment_intent_id ?? intentId),
      this.#reader.aftermaths(intentId, subjects),
    ]);
    if (intent !== undefined && intent.metadata['payment_id'] !== row.id) return subjects.map(() => 'foreign');
    const after = distinct(readings).map((each): Observed => ({ ...each, paymentId: row.id }));
    const booked = await this.#bookTogether(row, intent, after);
    const missing = booked.includes('missing');
    return readings.map((reading): FollowResult => {
      if (!Array.isArray(reading)) return reading;
      return missing && reading.length > 0 ? 'missing' : 'done';
    });
  }

  /** @returns what became of `after`. */
  async #bookTogether(
    row: PaymentRow,
    intent: Stripe.PaymentIntent | undefined,
    after: readonly Observed[],
  ): Promise<Booked[]> {
    if (intent === undefined) return this.bookings.bookAll(after);
    const step = paymentStep(row, intent);
    if (row.saved_method_id === null) {
      const [first, ...others] = await this.bookings.bookAll([step, ...after]);
      if (first !== 'stale') return others;
    } else if ((await this.applyIntent(row, intent)) !== 'stale') return this.bookings.bookAll(after);
    await this.reread(row.id, intent.id);
    return this.bookings.bookAll(after);
  }

  /** What follows a capture may be heard of before it: then the capture is booked first. */
  async #aftermath(intentId: string | undefined, observed: Aftermath): Promise<SyncResult> {
    if (intentId === undefined) return 'foreign';
    const paymentId = (await this.#rows.byIntent(intentId))?.id;
    if (paymentId === undefined) return 'missing';
    const result = await this.payment(paymentId, intentId);
    if (result !== 'done') return result;
    const booked: Booked = await this.bookings.book({ ...observed, paymentId });
    return booked === 'missing' ? 'missing' : 'done';
  }
}

/** Whether what an event says of refunds is no news. */
function isKnown(refunds: readonly RefundRow[], subject: PaymentSubject): boolean {
  if (subject.kind === 'refund') {
    const known = refunds.find((row) => row.stripe_refund_id === subject.refundId);
    if (known === undefined || subject.status === undefined) return false;
    return nextRefundStatus(known.status, refundStatus(subject.status)) === undefined;
  }
  if (subject.kind !== 'refunds' || subject.refundedMinor === undefined) return false;
  const atStripe = refunds.filter(
    (row) => row.stripe_refund_id !== null && (row.status === 'PENDING' || row.status === 'SUCCEEDED'),
  );
  return atStripe.reduce((sum, row) => sum + row.amount_minor, 0n) === BigInt(subject.refundedMinor);
}

function paymentStep(row: PaymentRow, intent: Stripe.PaymentIntent): Extract<Observed, { kind: 'payment' }> {
  const how = { offSession: row.saved_method_id !== null, failureCode: row.failure_code };
  return {
    kind: 'payment',
    paymentId: row.id,
    version: row.version,
    intentId: intent.id,
    observed: observePayment(intent, how),
  };
}

/** Several events name one refund; what was read of it is booked once. */
function distinct(readings: readonly SubjectReading[]): Aftermath[] {
  const all = readings.flatMap((reading) => (Array.isArray(reading) ? reading : []));
  const keyOf = ({ kind, observed }: Aftermath): string =>
    kind === 'refund'
      ? (observed.stripeRefundId ?? '')
      : kind === 'dispute'
        ? observed.stripeDisputeId
        : observed.stripeWarningId;
  return [...new Map(all.map((each) => [keyOf(each), each])).values()];
}
