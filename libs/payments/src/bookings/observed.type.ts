import type { DisputeObservation } from '../domain/dispute.machine.js';
import type { PaymentObservation } from '../domain/payment.machine.js';
import type { RefundObservation } from '../domain/refund.machine.js';

export interface ObservedRefund extends RefundObservation {
  /** Undefined when Stripe rejected the call: there is none. */
  readonly stripeRefundId: string | undefined;
  /** Ours, as the refund's own metadata say; undefined for one that was made at Stripe. */
  readonly refundId: string | undefined;
  readonly amountMinor: bigint;
}

export interface ObservedDispute extends DisputeObservation {
  readonly stripeDisputeId: string;
  readonly amountMinor: bigint;
  readonly reason: string;
  readonly openedAt: Date;
  readonly respondBy: Date | null;
}

export interface ObservedWarning {
  readonly stripeWarningId: string;
  readonly fraudType: string;
  readonly isActionable: boolean;
  readonly issuedAt: Date;
}

/** What was read at Stripe of one payment, to be booked together with what was read of others. */
export type Observed = { readonly paymentId: string } & (
  | {
      readonly kind: 'payment';
      /** Of the row for which the reading was made: a reading for an older row is discarded. */
      readonly version: number;
      readonly intentId: string | undefined;
      readonly observed: PaymentObservation;
    }
  | { readonly kind: 'refund'; readonly observed: ObservedRefund }
  | { readonly kind: 'dispute'; readonly observed: ObservedDispute }
  | { readonly kind: 'warning'; readonly observed: ObservedWarning }
);

/** `stale`: the row is another one than the reading was made for. `missing`: there is no such (captured) payment. */
export type Booked = 'booked' | 'stale' | 'missing';
