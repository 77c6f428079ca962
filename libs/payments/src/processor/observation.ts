import type Stripe from 'stripe';
import type { ObservedWarning } from '../bookings/observed.type.js';
import { isRetryableDecline, wantsPayer } from '../domain/decline.table.js';
import type { DisputeObservation } from '../domain/dispute.machine.js';
import type { PaymentObservation } from '../domain/payment.machine.js';
import type { RefundObservation } from '../domain/refund.machine.js';

/** The fee of a charge is not known yet; ask again later. */
export class NotSettledYet extends Error {}

/** What to ask for so that {@link observePayment} finds the fee. */
export const PAYMENT_EXPANSION = ['latest_charge.balance_transaction'];

/**
 * Stripe's PaymentIntent in the words of the payment machine. Of a charge without its payer: a bank that wants him is
 * REQUIRES_ACTION, since the same intent goes on when he comes; one that was declined and then canceled is FAILED.
 * @throws NotSettledYet
 */
export function observePayment(
  intent: Stripe.PaymentIntent,
  how: { readonly offSession: boolean; readonly failureCode?: string | null },
): PaymentObservation {
  const failure = intent.last_payment_error;
  switch (intent.status) {
    case 'requires_action':
      return { status: 'REQUIRES_ACTION' };
    case 'processing':
    case 'requires_capture':
      return { status: 'PROCESSING' };
    case 'canceled': {
      if (!how.offSession || (failure == null && how.failureCode == null)) return { status: 'CANCELED' };
      const code = how.failureCode ?? 'declined';
      const said = failure == null ? { code, message: 'The payment was declined.' } : sayWhy(failure);
      return { status: 'FAILED', ...said, retryable: isRetryableDecline(said.code) };
    }
    case 'succeeded':
      return captured(intent);
    case 'requires_payment_method':
    case 'requires_confirmation':
    default:
      if (failure == null) return { status: 'SUBMITTED' };
      if (how.offSession && (wantsPayer(failure.code) || wantsPayer(failure.decline_code)))
        return { status: 'REQUIRES_ACTION' };
      return { status: 'REQUIRES_PAYMENT_METHOD', ...sayWhy(failure) };
  }
}

function sayWhy(failure: Stripe.PaymentIntent.LastPaymentError): { code: string; message: string } {
  return {
    code: failure.decline_code ?? failure.code ?? failure.type,
    message: failure.message ?? 'The payment was declined.',
  };
}

export function observeWarning(warning: Stripe.Radar.EarlyFraudWarning): ObservedWarning {
  return {
    stripeWarningId: warning.id,
    fraudType: warning.fraud_type,
    isActionable: warning.actionable,
    issuedAt: new Date(warning.created * 1000),
  };
}

function captured(intent: Stripe.PaymentIntent): PaymentObservation {
  const charge = intent.latest_charge;
  if (charge === null || typeof charge === 'string') throw new Error(`intent ${intent.id} was read without its charge`);
  const transaction = charge.balance_transaction;
  if (transaction === null) throw new NotSettledYet(`charge ${charge.id} has no balance transaction yet`);
  if (typeof transaction === 'string') throw new Error(`charge ${charge.id} was read without its balance transaction`);
  return {
    status: 'SUCCEEDED',
    chargeId: charge.id,
    amountMinor: BigInt(intent.amount_received),
    currency: intent.currency.toUpperCase(),
    feeMinor: BigInt(transaction.fee),
  };
}

export function observeRefund(refund: Stripe.Refund): RefundObservation {
  const { status } = refundStatus(refund.status);
  return status === 'FAILED' ? { status, failureCode: refund.failure_reason ?? 'unknown' } : { status };
}

/** Stripe's word for how far a refund is, in ours. */
export function refundStatus(status: string | null): RefundObservation {
  switch (status) {
    case 'succeeded':
      return { status: 'SUCCEEDED' };
    case 'failed':
      return { status: 'FAILED' };
    case 'canceled':
      return { status: 'CANCELED' };
    case null:
    default:
      return { status: 'PENDING' };
  }
}

/** The movements of a dispute are told by the sign of its balance transactions, which both carry their fee. */
export function observeDispute(dispute: Stripe.Dispute): DisputeObservation {
  const out = dispute.balance_transactions.filter((transaction) => transaction.amount < 0);
  const back = dispute.balance_transactions.filter((transaction) => transaction.amount > 0);
  const sum = (of: Stripe.BalanceTransaction[], field: 'amount' | 'fee'): bigint =>
    of.reduce((total, transaction) => total + BigInt(transaction[field]), 0n);
  return {
    stripeStatus: dispute.status,
    withdrawn: out.length === 0 ? undefined : { amountMinor: -sum(out, 'amount'), feeMinor: sum(out, 'fee') },
    reinstated:
      back.length === 0 ? undefined : { amountMinor: sum(back, 'amount'), feeReturnedMinor: -sum(back, 'fee') },
  };
}

/** The id in a field that holds an id or the object itself. */
export function idOf(reference: string | { readonly id: string } | null | undefined): string | undefined {
  if (reference === null || reference === undefined) return undefined;
  return typeof reference === 'string' ? reference : reference.id;
}
