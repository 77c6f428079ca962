import type Stripe from 'stripe';
import type { DisputeObservation } from '../domain/dispute.machine.js';
import type { PaymentObservation } from '../domain/payment.machine.js';
import type { RefundObservation } from '../domain/refund.machine.js';

/** The fee of a charge is not known yet; ask again later. */
export class NotSettledYet extends Error {}

/** What to ask for so that {@link observePayment} finds the fee. */
export const PAYMENT_EXPANSION = ['latest_charge.balance_transaction'];

/** Stripe's PaymentIntent in the words of the payment machine. @throws NotSettledYet */
export function observePayment(intent: Stripe.PaymentIntent): PaymentObservation {
  switch (intent.status) {
    case 'requires_action':
      return { status: 'REQUIRES_ACTION' };
    case 'processing':
    case 'requires_capture':
      return { status: 'PROCESSING' };
    case 'canceled':
      return { status: 'CANCELED' };
    case 'succeeded':
      return captured(intent);
    case 'requires_payment_method':
    case 'requires_confirmation':
    default: {
      const failure = intent.last_payment_error;
      if (failure === null) return { status: 'SUBMITTED' };
      return {
        status: 'REQUIRES_PAYMENT_METHOD',
        code: failure.decline_code ?? failure.code ?? failure.type,
        message: failure.message ?? 'The payment was declined.',
      };
    }
  }
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
  switch (refund.status) {
    case 'succeeded':
      return { status: 'SUCCEEDED' };
    case 'failed':
      return { status: 'FAILED', failureCode: refund.failure_reason ?? 'unknown' };
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
