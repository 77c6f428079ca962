import type Stripe from 'stripe';
import { moveBalance } from './charge.resource.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

/** The connected account's side of a transfer: a payment, in its own books. */
export function bookDestinationPayment(world: SandboxWorld, transfer: Stripe.Transfer, delayMs: number): Stripe.Charge {
  return world.book.within(idOf(transfer.destination) ?? '', () => {
    const id = world.book.newId('py');
    const movement = moveBalance(world, {
      type: 'payment',
      category: 'charge',
      amount: transfer.amount,
      fee: 0,
      source: id,
      currency: transfer.currency,
      description: transfer.description,
      delayMs,
    });
    const payment: Stripe.Charge = {
      id,
      object: 'charge',
      amount: transfer.amount,
      amount_captured: transfer.amount,
      amount_refunded: 0,
      application: null,
      application_fee: null,
      application_fee_amount: null,
      balance_transaction: movement.id,
      billing_details: {
        address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
        email: null,
        name: null,
        phone: null,
        tax_id: null,
      },
      calculated_statement_descriptor: null,
      captured: true,
      created: world.book.nowSeconds,
      currency: transfer.currency,
      customer: null,
      description: null,
      disputed: false,
      failure_balance_transaction: null,
      failure_code: null,
      failure_message: null,
      fraud_details: {},
      livemode: false,
      metadata: {},
      on_behalf_of: null,
      outcome: null,
      paid: true,
      payment_intent: null,
      payment_method: null,
      payment_method_details: { stripe_account: {}, type: 'stripe_account' },
      receipt_email: null,
      receipt_number: null,
      receipt_url: null,
      refunded: false,
      review: null,
      shipping: null,
      source: null,
      source_transfer: transfer.id,
      statement_descriptor: null,
      statement_descriptor_suffix: null,
      status: 'succeeded',
      transfer_data: null,
      transfer_group: transfer.transfer_group,
    };
    return world.book.add(payment, { parent: transfer.id });
  });
}

/** The connected account's side of a reversal: a refund of that payment. */
export function bookDestinationRefund(world: SandboxWorld, transfer: Stripe.Transfer, amount: number): Stripe.Refund {
  return world.book.within(idOf(transfer.destination) ?? '', () => {
    const paymentId = idOf(transfer.destination_payment ?? null) ?? '';
    const id = world.book.newId('pyr');
    const movement = moveBalance(world, {
      type: 'payment_refund',
      category: 'refund',
      amount: -amount,
      fee: 0,
      source: id,
      currency: transfer.currency,
      description: 'REFUND FOR PAYMENT',
      delayMs: 0,
    });
    const payment = world.book.find<Stripe.Charge>('charge', paymentId);
    if (payment !== undefined) {
      const refunded = payment.amount_refunded + amount;
      world.book.save({ ...payment, amount_refunded: refunded, refunded: refunded === payment.amount });
    }
    const refund: Stripe.Refund = {
      id,
      object: 'refund',
      amount,
      balance_transaction: movement.id,
      charge: paymentId,
      created: world.book.nowSeconds,
      currency: transfer.currency,
      customer: null,
      customer_account: null,
      metadata: {},
      payment_intent: null,
      payment_method: null,
      reason: null,
      receipt_number: null,
      source_transfer_reversal: null,
      status: 'succeeded',
      transfer_reversal: null,
    };
    return world.book.add(refund, { parent: paymentId });
  });
}
