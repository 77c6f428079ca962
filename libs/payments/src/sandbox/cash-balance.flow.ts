import type Stripe from 'stripe';
import { keepForLater } from './payment-outcome.flow.js';
import { createCharge, settleCharge } from './charge.resource.js';
import type { HiddenCustomer } from './customer.resource.js';
import { retrievePaymentMethod, scenarioOf } from './payment-method.resource.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

/**
 * Cash that a customer has sent and that we hold for him, per currency, minor units:
 *
 * 1. The balance of a currency is the ending balance of its last transaction, and never below zero.
 * 2. Reconciled automatically, money that arrives goes to the open intents of its currency: to the one that its
 *    reference names, to one of exactly its amount, then to the oldest. Manually, it waits.
 * 3. An intent that is given up gives back what it had been given.
 */
export interface HiddenTransferIntent {
  /** What cash was applied to the intent so far, minor units. */
  readonly appliedMinor?: number;
  readonly reference?: string;
}

type Body = Pick<Stripe.CustomerCashBalanceTransaction, 'type'> & Partial<Stripe.CustomerCashBalanceTransaction>;

export function cashOf(world: SandboxWorld, customer: string, currency: string): number {
  return world.book.hidden<HiddenCustomer>(customer)?.cash?.[currency] ?? 0;
}

/** Cash comes or goes: the one place where the balance changes. */
export function moveCash(
  world: SandboxWorld,
  customer: string,
  currency: string,
  netMinor: number,
  body: Body,
): Stripe.CustomerCashBalanceTransaction {
  const hidden = world.book.hidden<HiddenCustomer>(customer) ?? {};
  const ending = (hidden.cash?.[currency] ?? 0) + netMinor;
  if (ending < 0) throw new Error(`the cash balance of ${customer} would be below zero`);
  world.book.setHidden(customer, { ...hidden, cash: { ...hidden.cash, [currency]: ending } });
  const transaction: Stripe.CustomerCashBalanceTransaction = {
    id: world.book.newId('ccsbtxn'),
    object: 'customer_cash_balance_transaction',
    created: world.book.nowSeconds,
    currency,
    customer,
    customer_account: null,
    ending_balance: ending,
    livemode: false,
    net_amount: netMinor,
    ...body,
  };
  world.book.add(transaction, { parent: customer });
  world.emit('customer_cash_balance_transaction.created', transaction);
  return transaction;
}

export function cashBalanceOf(world: SandboxWorld, customer: string): Stripe.CashBalance {
  const hidden = world.book.hidden<HiddenCustomer>(customer) ?? {};
  const held = Object.entries(hidden.cash ?? {}).filter(([, amount]) => amount !== 0);
  return {
    object: 'cash_balance',
    available: held.length === 0 ? null : Object.fromEntries(held),
    customer,
    customer_account: null,
    livemode: false,
    settings: {
      reconciliation_mode: hidden.reconciliationMode ?? 'automatic',
      using_merchant_default: hidden.reconciliationMode === undefined,
    },
  };
}

export function isManual(world: SandboxWorld, customer: string): boolean {
  return world.book.hidden<HiddenCustomer>(customer)?.reconciliationMode === 'manual';
}

/** Rule 2, after money has come. What nothing asked for is announced as available. */
export function reconcile(world: SandboxWorld, customer: string, currency: string, reference: string | null): void {
  if (!isManual(world, customer)) {
    const arrived = cashOf(world, customer, currency);
    for (const intent of inOrder(world, openIntents(world, customer, currency), arrived, reference)) {
      const left = cashOf(world, customer, currency);
      if (left === 0) break;
      applyCash(world, intent, Math.min(left, remainingOf(world, intent)));
    }
  }
  if (cashOf(world, customer, currency) > 0) announce(world, customer);
}

export function announce(world: SandboxWorld, customer: string): void {
  const balance = cashBalanceOf(world, customer);
  world.emit('cash_balance.funds_available', { ...balance, id: customer, created: world.book.nowSeconds });
}

export function remainingOf(world: SandboxWorld, intent: Stripe.PaymentIntent): number {
  return intent.amount - (world.book.hidden<HiddenTransferIntent>(intent.id)?.appliedMinor ?? 0);
}

/** Gives cash to an intent; one that is covered has succeeded. */
export function applyCash(world: SandboxWorld, intent: Stripe.PaymentIntent, amount: number): Stripe.PaymentIntent {
  const customer = idOf(intent.customer) ?? '';
  moveCash(world, customer, intent.currency, -amount, {
    type: 'applied_to_payment',
    applied_to_payment: { payment_intent: intent.id },
  });
  const hidden = world.book.hidden<HiddenTransferIntent>(intent.id) ?? {};
  const applied = (hidden.appliedMinor ?? 0) + amount;
  world.book.setHidden(intent.id, { ...hidden, appliedMinor: applied });
  if (applied >= intent.amount) return payFromCash(world, intent);
  const instructions = intent.next_action?.display_bank_transfer_instructions;
  const partial = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    ...(instructions === undefined
      ? {}
      : {
          next_action: {
            type: 'display_bank_transfer_instructions',
            display_bank_transfer_instructions: { ...instructions, amount_remaining: intent.amount - applied },
          },
        }),
  });
  world.emit('payment_intent.partially_funded', partial);
  return partial;
}

function payFromCash(world: SandboxWorld, intent: Stripe.PaymentIntent): Stripe.PaymentIntent {
  const method = retrievePaymentMethod(world, idOf(intent.payment_method) ?? '');
  const charge = settleCharge(
    world,
    createCharge(world, intent, method, scenarioOf(world, method.id), {
      decline: undefined,
      authenticated: false,
      captured: true,
    }),
    false,
  );
  keepForLater(world, { ...intent, setup_future_usage: null }, method);
  const paid = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'succeeded',
    latest_charge: charge.id,
    amount_received: intent.amount,
    next_action: null,
  });
  world.emit('charge.succeeded', charge);
  world.emit('payment_intent.succeeded', paid);
  return paid;
}

/** Rule 3. */
export function giveBackCash(world: SandboxWorld, intent: Stripe.PaymentIntent): void {
  const hidden = world.book.hidden<HiddenTransferIntent>(intent.id);
  const applied = hidden?.appliedMinor ?? 0;
  if (applied === 0 || typeof intent.customer !== 'string') return;
  moveCash(world, intent.customer, intent.currency, applied, {
    type: 'unapplied_from_payment',
    unapplied_from_payment: { payment_intent: intent.id },
  });
  world.book.setHidden(intent.id, { ...hidden, appliedMinor: 0 });
  announce(world, intent.customer);
}

function openIntents(world: SandboxWorld, customer: string, currency: string): Stripe.PaymentIntent[] {
  return world.book
    .rows(
      `SELECT body FROM object WHERE kind = 'payment_intent' AND parent = ? AND account = ?
          AND json_extract(body, '$.status') = 'requires_action' AND json_extract(body, '$.currency') = ?
          AND json_extract(body, '$.next_action.type') = 'display_bank_transfer_instructions'
        ORDER BY seq`,
      customer,
      world.book.scope,
      currency,
    )
    .map((row) => JSON.parse(String(row['body'])) as Stripe.PaymentIntent);
}

function inOrder(
  world: SandboxWorld,
  open: readonly Stripe.PaymentIntent[],
  amount: number,
  reference: string | null,
): Stripe.PaymentIntent[] {
  const rank = (intent: Stripe.PaymentIntent): number => {
    const own = intent.next_action?.display_bank_transfer_instructions?.reference;
    if (reference !== null && own != null && reference.toUpperCase().includes(own)) return 0;
    return remainingOf(world, intent) === amount ? 1 : 2;
  };
  return open
    .map((intent, at) => ({ intent, at, rank: rank(intent) }))
    .toSorted((a, b) => a.rank - b.rank || a.at - b.at)
    .map((each) => each.intent);
}
