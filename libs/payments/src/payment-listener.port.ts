import type { Tx } from '#platform';
import type { PaymentStatus } from './domain/payment.machine.js';

/** A payment as other rooms see it. Amounts in minor units of `currency`. */
export interface Payment {
  readonly id: string;
  /** What is paid for, in the words of the room that asked for it. */
  readonly reference: string;
  readonly instalment: number;
  readonly campaignId: string;
  readonly contributorPseudonym: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly status: PaymentStatus;
  readonly escrowAccount: string;
  readonly refundsPayableAccount: string;
  readonly stripePaymentIntentId: string | undefined;
  /** Known once the payment is captured. */
  readonly feeMinor: bigint | undefined;
}

export interface PaymentFailure {
  /** Stripe's decline code where there is one (`insufficient_funds`), else its error code. */
  readonly code: string;
  readonly message: string;
  /** False when the payer may still succeed with another card, on the same payment. */
  readonly final: boolean;
}

/**
 * What the room that asked for a payment hears of it: called inside the transaction that changes payment and ledger,
 * so that all three change together or not at all. Each step is told once. A throw undoes the step, and it is tried
 * again; so throw only for what must not be lost.
 */
export interface PaymentListener {
  onProcessing?(tx: Tx, payment: Payment): Promise<void>;
  onRequiresAction(tx: Tx, payment: Payment): Promise<void>;
  onCaptured(tx: Tx, payment: Payment, capture: { feeMinor: bigint }): Promise<void>;
  /** May be followed by `onCaptured` unless `failure.final`. */
  onFailed(tx: Tx, payment: Payment, failure: PaymentFailure): Promise<void>;
  onRefunded(tx: Tx, payment: Payment, refund: { refundId: string; amountMinor: bigint }): Promise<void>;
  onRefundFailed(
    tx: Tx,
    payment: Payment,
    refund: { refundId: string; amountMinor: bigint; code: string },
  ): Promise<void>;
  onDisputeOpened(
    tx: Tx,
    payment: Payment,
    dispute: { disputeId: string; amountMinor: bigint; feeMinor: bigint },
  ): Promise<void>;
  onDisputeClosed(
    tx: Tx,
    payment: Payment,
    /** `feeReturnedMinor` is what the bank gave back of its fee; 0 unless won. */
    dispute: { disputeId: string; won: boolean; amountMinor: bigint; feeReturnedMinor: bigint },
  ): Promise<void>;
}

/** Provided by the one room that asks for payments. */
export const PAYMENT_LISTENER = Symbol('PAYMENT_LISTENER');
