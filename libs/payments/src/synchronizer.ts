import { Inject, Injectable } from '@nestjs/common';
import { isUuid } from '#kernel';
import { UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { BookingWriter } from './bookings/booking.writer.js';
import type { Booked, Observed } from './bookings/observed.type.js';
import { hasEnded } from './domain/payment.machine.js';
import {
  idOf,
  observeDispute,
  observePayment,
  observeRefund,
  observeWarning,
  PAYMENT_EXPANSION,
} from './processor/observation.js';
import { STRIPE } from './processor/stripe.token.js';
import { findPayment, findPaymentByIntent, type PaymentRow } from './store/payment.store.js';

/** How often a reading is repeated because the row changed meanwhile. */
const STALE_READINGS_MAX = 8;

/** `missing`: the payment is not there (yet). `foreign`: Stripe's object is none of ours. */
export type SyncResult = 'done' | 'missing' | 'foreign';

type Aftermath =
  Exclude<Observed, { kind: 'payment' }> extends infer O
    ? O extends { paymentId: string }
      ? Omit<O, 'paymentId'>
      : never
    : never;

/**
 * Brings our rows up to what Stripe says now. Whoever suspects a change (a webhook, the sweep, our own call) names the
 * object; what is applied is always read from Stripe itself, so neither the order nor the number of hints matters.
 */
@Injectable()
export class Synchronizer {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly bookings: BookingWriter,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  /** `intentId` may be known before our row knows it: a webhook can be faster than the answer to our call. */
  async payment(paymentId: string, intentId?: string): Promise<SyncResult> {
    for (let reading = 0; reading < STALE_READINGS_MAX; reading += 1) {
      const before = await this.uow.read((tx) => findPayment(tx, paymentId));
      if (before === undefined) return 'missing';
      if (hasEnded(before.status)) return 'done';
      const id = before.stripe_payment_intent_id ?? intentId;
      if (id === undefined) return 'missing';
      const intent = await this.stripe.paymentIntents.retrieve(id, { expand: PAYMENT_EXPANSION });
      if (intent.metadata['payment_id'] !== paymentId) return 'foreign';
      if (await this.applyIntent(before, intent)) return 'done';
    }
    throw new Error(`payment ${paymentId} changed ${STALE_READINGS_MAX} times while it was read`);
  }

  /** @returns false when the row is no longer the one the reading was made for. */
  async applyIntent(before: PaymentRow, intent: Stripe.PaymentIntent): Promise<boolean> {
    const offSession = before.saved_method_id !== null;
    const observed = observePayment(intent, { offSession, failureCode: before.failure_code });
    const booked = await this.bookings.book({
      kind: 'payment',
      paymentId: before.id,
      version: before.version,
      intentId: intent.id,
      observed,
    });
    if (booked === 'stale') return false;
    if (offSession && observed.status === 'REQUIRES_PAYMENT_METHOD') await this.#giveUp(before);
    return true;
  }

  /** A declined charge without its payer can't be paid any more once it is canceled: then it has failed for good. */
  async #giveUp(before: PaymentRow): Promise<void> {
    const row = await this.uow.read((tx) => findPayment(tx, before.id));
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

  async applyRefund(refund: Stripe.Refund): Promise<SyncResult> {
    const ours = refund.metadata?.['refund_id'];
    return this.#aftermath(idOf(refund.payment_intent), {
      kind: 'refund',
      observed: {
        ...observeRefund(refund),
        stripeRefundId: refund.id,
        refundId: ours !== undefined && isUuid(ours) ? ours : undefined,
        amountMinor: BigInt(refund.amount),
      },
    });
  }

  async dispute(stripeDisputeId: string): Promise<SyncResult> {
    const dispute = await this.stripe.disputes.retrieve(stripeDisputeId);
    const dueBy = dispute.evidence_details.due_by;
    return this.#aftermath(idOf(dispute.payment_intent), {
      kind: 'dispute',
      observed: {
        ...observeDispute(dispute),
        stripeDisputeId: dispute.id,
        amountMinor: BigInt(dispute.amount),
        reason: dispute.reason,
        openedAt: new Date(dispute.created * 1000),
        respondBy: dueBy === null ? null : new Date(dueBy * 1000),
      },
    });
  }

  async warning(stripeWarningId: string): Promise<SyncResult> {
    const warning = await this.stripe.radar.earlyFraudWarnings.retrieve(stripeWarningId);
    return this.#aftermath(idOf(warning.payment_intent), { kind: 'warning', observed: observeWarning(warning) });
  }

  /** What follows a capture may be heard of before it: then the capture is booked first. */
  async #aftermath(intentId: string | undefined, observed: Aftermath): Promise<SyncResult> {
    if (intentId === undefined) return 'foreign';
    const paymentId = await this.paymentIdOf(intentId);
    if (paymentId === undefined) return 'missing';
    const result = await this.payment(paymentId, intentId);
    if (result !== 'done') return result;
    const booked: Booked = await this.bookings.book({ ...observed, paymentId });
    return booked === 'missing' ? 'missing' : 'done';
  }

  /** Our payment for an intent: by the intent's id, or by what the intent says of itself. */
  async paymentIdOf(intentId: string, metadataId?: string): Promise<string | undefined> {
    return this.uow.read(async (tx) => {
      const known = await findPaymentByIntent(tx, intentId);
      if (known !== undefined) return known.id;
      if (metadataId === undefined || !isUuid(metadataId)) return undefined;
      return (await findPayment(tx, metadataId))?.id;
    });
  }
}
