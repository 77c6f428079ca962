import type Stripe from 'stripe';
import type { EventSubject } from '../domain/event.routing.js';
import { disputeAftermath, refundAftermath, warningAftermath, type Aftermath } from './aftermath.js';
import { idOf, PAYMENT_EXPANSION } from './observation.js';
import { isMissing } from './stripe.failure.js';

/** What events say of one payment. */
export type PaymentSubject = Extract<EventSubject, { kind: 'payment' | 'refund' | 'refunds' | 'dispute' | 'warning' }>;

/** `unknown`: Stripe does not know the object. `foreign`: it is of another payment. An error: Stripe did not answer. */
export type SubjectReading = Aftermath[] | 'unknown' | 'foreign' | Error;

/** Calls under way at a time, in this process. The pace of the client holds them back where Stripe asks for it. */
const CALLS_AT_ONCE = 32;

/**
 * Reads at Stripe what events are hints about: each object once for all the events that name it, many at a time.
 */
export class PaymentReader {
  readonly #queue: (() => void)[] = [];
  #calls = 0;

  constructor(private readonly stripe: Stripe) {}

  intent(intentId: string): Promise<Stripe.PaymentIntent> {
    return this.#call(() => this.stripe.paymentIntents.retrieve(intentId, { expand: PAYMENT_EXPANSION }));
  }

  /** What stands behind each of the subjects of one intent, in their order. A payment's own part is its intent. */
  async aftermaths(intentId: string, subjects: readonly PaymentSubject[]): Promise<SubjectReading[]> {
    const refunds = subjects.filter(({ kind }) => kind === 'refund' || kind === 'refunds');
    // One list answers several: each refund is announced by three events and more.
    const listed = refunds.length > 1 || refunds[0]?.kind === 'refunds' ? this.#refundsOf(intentId) : undefined;
    return Promise.all(
      subjects.map(async (subject): Promise<SubjectReading> => {
        try {
          return await this.#read(subject, listed);
        } catch (error) {
          if (isMissing(error)) return 'unknown';
          return error instanceof Error ? error : new Error(String(error));
        }
      }),
    );
  }

  async #read(subject: PaymentSubject, listed: Promise<readonly Stripe.Refund[]> | undefined): Promise<SubjectReading> {
    switch (subject.kind) {
      case 'payment':
        return [];
      case 'refunds':
        return ((await listed) ?? []).map(refundAftermath);
      case 'refund': {
        const { refundId, intentId } = subject;
        if (listed === undefined) {
          const refund = await this.#call(() => this.stripe.refunds.retrieve(refundId));
          return idOf(refund.payment_intent) === intentId ? [refundAftermath(refund)] : 'foreign';
        }
        const found = (await listed).find(({ id }) => id === refundId);
        return found === undefined ? 'unknown' : [refundAftermath(found)];
      }
      case 'dispute': {
        const dispute = await this.#call(() => this.stripe.disputes.retrieve(subject.disputeId));
        return idOf(dispute.payment_intent) === subject.intentId ? [disputeAftermath(dispute)] : 'foreign';
      }
      case 'warning': {
        const warning = await this.#call(() => this.stripe.radar.earlyFraudWarnings.retrieve(subject.warningId));
        return idOf(warning.payment_intent) === subject.intentId ? [warningAftermath(warning)] : 'foreign';
      }
    }
  }

  #refundsOf(intentId: string): Promise<Stripe.Refund[]> {
    return this.#call(() =>
      this.stripe.refunds.list({ payment_intent: intentId, limit: 100 }).autoPagingToArray({ limit: 10_000 }),
    );
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    while (this.#calls >= CALLS_AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#calls += 1;
    try {
      return await call();
    } finally {
      this.#calls -= 1;
      this.#queue.shift()?.();
    }
  }
}
