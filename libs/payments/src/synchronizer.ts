import { Inject, Injectable } from '@nestjs/common';
import { isUuid } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { Bookkeeper } from './bookkeeper.js';
import { hasEnded, nextCheckMs } from './domain/payment.machine.js';
import { idOf, observeDispute, observePayment, observeRefund, PAYMENT_EXPANSION } from './processor/observation.js';
import { STRIPE } from './processor/stripe.token.js';
import {
  findPayment,
  findPaymentByIntent,
  lockPayment,
  postponePayment,
  type PaymentRow,
} from './store/payment.store.js';
import { findRefund, findRefundAtStripe, type RefundRow } from './store/refund.store.js';

/** How often a reading is repeated because the row changed meanwhile. */
const STALE_READINGS_MAX = 8;

/** `missing`: the payment is not there (yet). `foreign`: Stripe's object is none of ours. */
export type SyncResult = 'done' | 'missing' | 'foreign';

/**
 * Brings our rows up to what Stripe says now. Whoever suspects a change (a webhook, the sweep, our own call) names the
 * object; what is applied is always read from Stripe itself, so neither the order nor the number of hints matters.
 */
@Injectable()
export class Synchronizer {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly bookkeeper: Bookkeeper,
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
    const observed = observePayment(intent);
    const applied = await this.uow.run('payment-observed', async (tx) => {
      const row = await lockPayment(tx, before.id);
      if (row === undefined || row.version !== before.version) return false;
      const after = await this.bookkeeper.recordPayment(tx, row, observed, intent.id);
      if (after === row && !hasEnded(row.status)) {
        await postponePayment(tx, row.id, new Date(tx.now.getTime() + nextCheckMs(row.checks)), intent.id);
      }
      return true;
    });
    return applied === true;
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
    const intentId = idOf(refund.payment_intent);
    if (intentId === undefined) return 'foreign';
    return this.#withCapturedPayment(intentId, async (tx, row) => {
      const found = await this.#refundRow(tx, refund);
      if (found !== undefined && found.payment_id !== row.id)
        throw new Error(`refund ${refund.id} has changed payments`);
      const own =
        found ??
        (await this.bookkeeper.adoptRefund(tx, row, { stripeRefundId: refund.id, amountMinor: BigInt(refund.amount) }));
      await this.bookkeeper.recordRefund(tx, row, own, observeRefund(refund), refund.id);
    });
  }

  async dispute(stripeDisputeId: string): Promise<SyncResult> {
    const dispute = await this.stripe.disputes.retrieve(stripeDisputeId);
    const intentId = idOf(dispute.payment_intent);
    if (intentId === undefined) return 'foreign';
    const dueBy = dispute.evidence_details.due_by;
    return this.#withCapturedPayment(intentId, (tx, row) =>
      this.bookkeeper.recordDispute(tx, row, {
        ...observeDispute(dispute),
        stripeDisputeId: dispute.id,
        amountMinor: BigInt(dispute.amount),
        reason: dispute.reason,
        openedAt: new Date(dispute.created * 1000),
        respondBy: dueBy === null ? null : new Date(dueBy * 1000),
      }),
    );
  }

  /** What follows a capture may be heard of before it: then the capture is booked first. */
  async #withCapturedPayment(intentId: string, body: (tx: Tx, row: PaymentRow) => Promise<void>): Promise<SyncResult> {
    const paymentId = await this.paymentIdOf(intentId);
    if (paymentId === undefined) return 'missing';
    const result = await this.payment(paymentId, intentId);
    if (result !== 'done') return result;
    const outcome = await this.uow.run('payment-aftermath', async (tx): Promise<SyncResult> => {
      const row = await lockPayment(tx, paymentId);
      if (row?.status !== 'SUCCEEDED') return 'missing';
      await body(tx, row);
      return 'done';
    });
    return outcome as SyncResult;
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

  async #refundRow(tx: Tx, refund: Stripe.Refund): Promise<RefundRow | undefined> {
    const known = await findRefundAtStripe(tx, refund.id);
    if (known !== undefined) return known;
    const ours = refund.metadata?.['refund_id'];
    return ours !== undefined && isUuid(ours) ? findRefund(tx, ours) : undefined;
  }
}
