import type Stripe from 'stripe';
import { invalidRequest } from './api.error.js';
import { announce, cashOf, moveCash } from './cash-balance.flow.js';
import { CURRENCIES, inWords } from './currency.rule.js';
import { findCustomer } from './customer.resource.js';
import type { Params } from './form.codec.js';
import { allowOnly, metadataOf, requiredInteger, requiredText } from './params.reader.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

/**
 * Two kinds of refund touch the cash of a customer. That of a payment that was made from it puts it back
 * (`refunded_from_payment`). That of the cash itself (`origin=customer_balance`) sends it to the bank it came from:
 * pending --> succeeded | failed, and a failure puts it back (`return_canceled`).
 */
export function refundCash(world: SandboxWorld, params: Params): Stripe.Refund {
  allowOnly(params, ['origin', 'customer', 'amount', 'currency', 'metadata', 'instructions_email']);
  const customer = requiredText(params, 'customer');
  findCustomer(world, customer, 'customer');
  const currency = requiredText(params, 'currency').toLowerCase();
  if (!CURRENCIES.includes(currency)) throw invalidRequest(`Invalid currency: ${currency}`, { param: 'currency' });
  const amount = requiredInteger(params, 'amount');
  if (amount < 1) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  }
  const held = cashOf(world, customer, currency);
  if (amount > held) {
    throw invalidRequest(
      `Refund amount (${inWords(amount, currency)}) is greater than the available cash balance (${inWords(held, currency)}).`,
      { param: 'amount' },
    );
  }
  moveCash(world, customer, currency, -amount, { type: 'return_initiated' });
  const transfer = { usd: 'us_bank_transfer', eur: 'eu_bank_transfer', gbp: 'gb_bank_transfer' }[currency];
  const type = transfer ?? 'jp_bank_transfer';
  const refund: Stripe.Refund = {
    id: world.book.newId('pyr'),
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: null,
    created: world.book.nowSeconds,
    currency,
    customer,
    customer_account: null,
    destination_details: { [type]: { reference: null, reference_status: 'pending' }, type },
    metadata: metadataOf(params),
    payment_intent: null,
    payment_method: null,
    reason: null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'pending',
    transfer_reversal: null,
  };
  world.book.add(refund, { parent: customer });
  world.emit('refund.created', refund);
  world.book.startTimer('settle_cash_refund', refund.id, world.timing.outcomeDelayMs);
  return refund;
}

/** Timer: the bank has taken the money. */
export function settleCashRefund(world: SandboxWorld, id: string): void {
  const refund = world.book.find<Stripe.Refund>('refund', id);
  if (refund?.status !== 'pending') return;
  const done = world.book.save<Stripe.Refund>({ ...refund, status: 'succeeded' });
  world.emit('refund.updated', done, { status: 'pending' });
}

/** The bank sends the money back: it is the customer's cash again. */
export function failCashRefund(world: SandboxWorld, refund: Stripe.Refund, reason: string): Stripe.Refund {
  const failed = world.book.save<Stripe.Refund>({ ...refund, status: 'failed', failure_reason: reason });
  const customer = idOf(refund.customer) ?? '';
  moveCash(world, customer, refund.currency, refund.amount, { type: 'return_canceled' });
  world.emit('refund.failed', failed, { status: refund.status });
  world.emit('refund.updated', failed, { status: refund.status });
  announce(world, customer);
  return failed;
}

export function isCashRefund(refund: Stripe.Refund): boolean {
  return refund.charge === null && refund.customer !== null;
}

/** The refund of a payment from cash puts the money where it came from. */
export function returnToCash(world: SandboxWorld, charge: Stripe.Charge, refund: Stripe.Refund): void {
  if (typeof charge.customer !== 'string' || !isFromCash(charge)) return;
  moveCash(world, charge.customer, charge.currency, refund.amount, {
    type: 'refunded_from_payment',
    refunded_from_payment: { refund: refund.id },
  });
  announce(world, charge.customer);
}

export function isFromCash(charge: Stripe.Charge): boolean {
  return charge.payment_method_details?.type === 'customer_balance';
}
