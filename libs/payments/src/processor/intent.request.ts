import type Stripe from 'stripe';
import type { PaymentRow } from '../store/payment.store.js';
import { transferOf } from './funding.request.js';
import { PAYMENT_EXPANSION } from './observation.js';

/** Who is charged, where the payer is known to Stripe. */
export interface ChargedMethod {
  readonly customerId: string;
  /** Undefined for cash that stands on the customer's balance. */
  readonly paymentMethodId: string | undefined;
}

/**
 * What Stripe is asked for a payment. Every parameter comes from columns that never change, so a repetition is the same
 * call under the same key.
 */
export function intentRequest(row: PaymentRow, method: ChargedMethod | undefined): Stripe.PaymentIntentCreateParams {
  const common = {
    amount: Number(row.amount_minor),
    currency: row.currency.toLowerCase(),
    description: row.description,
    metadata: { payment_id: row.id, reference: row.reference, beneficiary_id: row.beneficiary_id },
    expand: PAYMENT_EXPANSION,
  } satisfies Stripe.PaymentIntentCreateParams;
  if (row.rail === 'bank_transfer') {
    if (method === undefined) throw new Error(`payment ${row.id} has no customer whose cash it moves`);
    return {
      ...common,
      customer: method.customerId,
      allowed_payment_method_types: ['customer_balance'],
      payment_method_data: { type: 'customer_balance' },
      payment_method_options: {
        customer_balance: { funding_type: 'bank_transfer', bank_transfer: transferOf(row.currency) },
      },
      confirm: true,
    };
  }
  // Not `automatic_async`: the fee is then known in the moment of the capture and booked with it.
  const charge = { ...common, allowed_payment_method_types: [row.rail], capture_method: 'automatic' as const };
  if (method?.paymentMethodId === undefined) return charge;
  return {
    ...charge,
    customer: method.customerId,
    payment_method: method.paymentMethodId,
    off_session: true,
    confirm: true,
  };
}
