import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { paymentDetailsOf } from './payment-details.rule.js';
import { processingFeeMinor } from './processing-fee.rule.js';
import { PLATFORM_ACCOUNT, type SandboxWorld } from './sandbox.world.js';
import type { CardScenario, Decline } from './test-card.table.js';

export interface HiddenCharge {
  readonly refundBehaviour?: CardScenario['refund'];
}

export function retrieveCharge(world: SandboxWorld, id: string, param = 'id'): Stripe.Charge {
  const found = world.book.find<Stripe.Charge>('charge', id);
  if (found === undefined) throw resourceMissing('charge', id, param);
  return found;
}

/**
 * A charge of the intent: paid, failed with the decline, or pending while a bank debits an account. Its event is the
 * caller's to emit.
 */
export function createCharge(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  scenario: CardScenario,
  options: { decline: Decline | undefined; authenticated: boolean; captured: boolean; pending?: boolean },
): Stripe.Charge {
  const { decline, pending = false } = options;
  const charge: Stripe.Charge = {
    id: world.book.newId(method.type === 'card' ? 'ch' : 'py'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: decline === undefined && options.captured ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: intent.statement_descriptor?.toUpperCase() ?? 'COMMONWEIGHTS',
    captured: decline === undefined && options.captured,
    created: world.book.nowSeconds,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: outcomeOf(decline),
    paid: decline === undefined && !pending,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: paymentDetailsOf(world, intent, method, options),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: decline === undefined && !pending ? `${world.baseUrl}/receipts/${intent.id}` : null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: pending ? 'pending' : decline === undefined ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: null,
  };
  const hidden: HiddenCharge = scenario.refund === undefined ? {} : { refundBehaviour: scenario.refund };
  return world.book.add(charge, { parent: intent.id, hidden });
}

/** The money of a captured charge reaches the balance: amount less fee, available after the settlement delay. */
export function settleCharge(world: SandboxWorld, charge: Stripe.Charge, bypassPending: boolean): Stripe.Charge {
  const rail = charge.payment_method_details?.type ?? 'card';
  const fee = processingFeeMinor(rail, charge.currency, charge.amount_captured);
  const transaction = moveBalance(world, {
    type: rail === 'card' ? 'charge' : 'payment',
    category: 'charge',
    amount: charge.amount_captured,
    fee,
    feeDescription: 'Stripe processing fees',
    source: charge.id,
    currency: charge.currency,
    description: charge.description,
    delayMs: bypassPending ? 0 : world.timing.settlementMs,
  });
  return world.book.save({ ...charge, balance_transaction: transaction.id });
}

export interface Movement {
  readonly type: Stripe.BalanceTransaction['type'];
  readonly category: string;
  readonly amount: number;
  readonly fee: number;
  readonly feeDescription?: string;
  readonly source: string;
  readonly currency: string;
  readonly description: string | null;
  readonly delayMs: number;
}

export function moveBalance(world: SandboxWorld, movement: Movement): Stripe.BalanceTransaction {
  const availableOn = Math.floor((world.book.nowMs + movement.delayMs) / 1000);
  const net = movement.amount - movement.fee;
  const transaction: Stripe.BalanceTransaction = {
    id: world.book.newId('txn'),
    object: 'balance_transaction',
    amount: movement.amount,
    available_on: availableOn,
    balance_type: 'payments',
    created: world.book.nowSeconds,
    currency: movement.currency,
    description: movement.description,
    exchange_rate: null,
    fee: movement.fee,
    fee_details:
      movement.fee === 0
        ? []
        : [
            {
              amount: movement.fee,
              application: null,
              currency: movement.currency,
              description: movement.feeDescription ?? null,
              type: 'stripe_fee',
            },
          ],
    net,
    reporting_category: movement.category,
    source: movement.source,
    status: movement.delayMs > 0 ? 'pending' : 'available',
    type: movement.type,
  };
  world.book.add(transaction, { parent: movement.source });
  world.book.run(
    'INSERT INTO movement (txn, currency, net, available_on, account, type) VALUES (?, ?, ?, ?, ?, ?)',
    transaction.id,
    movement.currency,
    net,
    availableOn,
    world.book.scope,
    movement.type,
  );
  if (net > 0) schedulePayout(world, movement);
  return transaction;
}

/** An account that is paid out by schedule is looked at again when this money is available. */
function schedulePayout(world: SandboxWorld, movement: Movement): void {
  const { book } = world;
  const interval = book.setting<string>(`payout_interval:${book.scope === '' ? PLATFORM_ACCOUNT : book.scope}`);
  if (interval === undefined || interval === 'manual') return;
  // Available is told in whole seconds: a moment after the second, not before it.
  const waitMs = Math.ceil(movement.delayMs / 1000) * 1000 + world.timing.payoutScheduleMs;
  const waiting = book.row(
    "SELECT 1 FROM timer WHERE kind = 'pay_out' AND account = ? AND subject = ? AND due_ms >= ?",
    book.scope,
    movement.currency,
    book.nowMs + waitMs,
  );
  if (waiting === undefined) book.startTimer('pay_out', movement.currency, waitMs);
}

export function retrieveBalanceTransaction(world: SandboxWorld, id: string): Stripe.BalanceTransaction {
  const found = world.book.find<Stripe.BalanceTransaction>('balance_transaction', id);
  if (found === undefined) throw resourceMissing('balance transaction', id);
  return withStatus(world, found);
}

/** Pending becomes available by the passing of time alone. */
export function withStatus(world: SandboxWorld, transaction: Stripe.BalanceTransaction): Stripe.BalanceTransaction {
  return { ...transaction, status: transaction.available_on <= world.book.nowSeconds ? 'available' : 'pending' };
}

export function balanceOf(world: SandboxWorld): Stripe.Balance {
  const rows = world.book.rows(
    `SELECT currency, sum(CASE WHEN available_on <= ? THEN net ELSE 0 END) AS available,
            sum(CASE WHEN available_on > ? THEN net ELSE 0 END) AS pending
       FROM movement WHERE account = ? GROUP BY currency ORDER BY currency`,
    world.book.nowSeconds,
    world.book.nowSeconds,
    world.book.scope,
  );
  const known = rows.length > 0 ? rows : [{ currency: 'usd', available: 0, pending: 0 }];
  const side = (column: 'available' | 'pending'): Stripe.Balance.Available[] =>
    known.map((row) => ({
      amount: Number(row[column]),
      currency: String(row['currency']),
      source_types: { card: Number(row[column]) },
    }));
  return {
    object: 'balance',
    available: side('available'),
    connect_reserved: known.map((row) => ({ amount: 0, currency: String(row['currency']) })),
    livemode: false,
    pending: side('pending'),
  } as Stripe.Balance;
}

export function chargeOfRequest(
  world: SandboxWorld,
  chargeId: string | undefined,
  intentId: string | undefined,
): Stripe.Charge {
  if (chargeId !== undefined) return retrieveCharge(world, chargeId, 'charge');
  if (intentId === undefined) {
    throw invalidRequest('One of the following params should be provided for this request: payment_intent or charge.');
  }
  const intent = world.book.find<Stripe.PaymentIntent>('payment_intent', intentId);
  if (intent === undefined) throw resourceMissing('payment_intent', intentId, 'payment_intent');
  if (typeof intent.latest_charge !== 'string') {
    throw invalidRequest(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`, {
      param: 'payment_intent',
    });
  }
  return retrieveCharge(world, intent.latest_charge, 'charge');
}

function outcomeOf(decline: Decline | undefined): Stripe.Charge.Outcome {
  const approved = decline === undefined;
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: approved ? 'approved_by_network' : 'declined_by_network',
    reason: approved ? null : (decline.declineCode ?? decline.code),
    risk_level: 'normal',
    risk_score: 20,
    seller_message: approved ? 'Payment complete.' : 'The bank did not return any further details with this decline.',
    type: approved ? 'authorized' : 'issuer_declined',
  };
}
