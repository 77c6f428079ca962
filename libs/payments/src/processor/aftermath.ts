import { isUuid } from '#kernel';
import type Stripe from 'stripe';
import type { Observed } from '../bookings/observed.type.js';
import { observeDispute, observeRefund, observeWarning } from './observation.js';

/** What follows a capture, as it was read at Stripe: all of an observation but whose payment it is. */
export type Aftermath =
  Exclude<Observed, { kind: 'payment' }> extends infer O
    ? O extends { paymentId: string }
      ? Omit<O, 'paymentId'>
      : never
    : never;

export function refundAftermath(refund: Stripe.Refund): Aftermath {
  const ours = refund.metadata?.['refund_id'];
  return {
    kind: 'refund',
    observed: {
      ...observeRefund(refund),
      stripeRefundId: refund.id,
      refundId: ours !== undefined && isUuid(ours) ? ours : undefined,
      amountMinor: BigInt(refund.amount),
    },
  };
}

export function disputeAftermath(dispute: Stripe.Dispute): Aftermath {
  const dueBy = dispute.evidence_details.due_by;
  return {
    kind: 'dispute',
    observed: {
      ...observeDispute(dispute),
      stripeDisputeId: dispute.id,
      amountMinor: BigInt(dispute.amount),
      reason: dispute.reason,
      openedAt: new Date(dispute.created * 1000),
      respondBy: dueBy === null ? null : new Date(dueBy * 1000),
    },
  };
}

export const warningAftermath = (warning: Stripe.Radar.EarlyFraudWarning): Aftermath => ({
  kind: 'warning',
  observed: observeWarning(warning),
});
