import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { availableMinor } from './balance.resource.js';
import { failCashRefund, isCashRefund, isFromCash, refundCash, returnToCash } from './cash-refund.flow.js';
import { chargeOfRequest, moveBalance, retrieveCharge, type HiddenCharge } from './charge.resource.js';
import { inWords } from './currency.rule.js';
import type { Params } from './form.codec.js';
import { allowOnly, metadataOf, optionalChoice, optionalInteger, optionalText } from './params.reader.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

/** Refunds leave the balance at once; the processing fee of the charge is not given back. */
export function createRefund(world: SandboxWorld, params: Params): Stripe.Refund {
  if (optionalChoice(params, 'origin', ['customer_balance']) !== undefined) return refundCash(world, params);
  allowOnly(params, ['charge', 'payment_intent', 'amount', 'reason', 'metadata']);
  const charge = chargeOfRequest(world, optionalText(params, 'charge'), optionalText(params, 'payment_intent'));
  const left = charge.amount_captured - charge.amount_refunded;
  if (charge.status !== 'succeeded' || !charge.captured) {
    throw invalidRequest(`Charge ${charge.id} has not been captured and cannot be refunded.`, {
      code: 'charge_not_refundable',
    });
  }
  if (charge.disputed && disputeHoldsFunds(world, charge.id)) {
    throw invalidRequest(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
    });
  }
  if (left === 0) {
    throw invalidRequest(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  }
  const amount = optionalInteger(params, 'amount') ?? left;
  if (amount < 1) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  }
  if (amount > left) {
    throw invalidRequest(
      `Refund amount (${inWords(amount, charge.currency)}) is greater than unrefunded amount on charge (${inWords(left, charge.currency)})`,
      { param: 'amount' },
    );
  }
  return pay(world, charge, amount, params);
}

function pay(world: SandboxWorld, charge: Stripe.Charge, amount: number, params: Params): Stripe.Refund {
  const behaviour = world.book.hidden<HiddenCharge>(charge.id)?.refundBehaviour;
  const id = world.book.newId('re');
  const waits = refundsWaitForFunds(world) && amount > availableMinor(world, charge.currency);
  const movement = waits ? undefined : takeFromBalance(world, id, charge, amount);
  const refund: Stripe.Refund = {
    id,
    object: 'refund',
    amount,
    balance_transaction: movement?.id ?? null,
    charge: charge.id,
    created: world.book.nowSeconds,
    currency: charge.currency,
    customer: null,
    customer_account: null,
    destination_details: destinationOf(charge),
    metadata: metadataOf(params),
    payment_intent: idOf(charge.payment_intent),
    payment_method: charge.payment_method,
    reason: optionalChoice(params, 'reason', ['duplicate', 'fraudulent', 'requested_by_customer']) ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    ...(waits ? { pending_reason: 'insufficient_funds' as const } : {}),
    status: waits || behaviour === 'pending_then_succeeds' ? 'pending' : 'succeeded',
    transfer_reversal: null,
  };
  world.book.add(refund, { parent: charge.id });
  const refunded = adjustCharge(world, charge, amount);
  world.emit('refund.created', refund);
  world.emit('charge.refunded', refunded, { amount_refunded: charge.amount_refunded, refunded: charge.refunded });
  returnToCash(world, charge, refund);
  if (waits) world.book.startTimer('fund_refund', refund.id, untilFunds(world, charge.currency));
  else if (behaviour !== undefined) world.book.startTimer('settle_refund', refund.id, world.timing.outcomeDelayMs);
  return refund;
}

function destinationOf(charge: Stripe.Charge): Stripe.Refund.DestinationDetails {
  if (isFromCash(charge)) return { customer_cash_balance: {}, type: 'customer_cash_balance' };
  const type = charge.payment_method_details?.type ?? 'card';
  if (type === 'us_bank_account') {
    return { us_bank_transfer: { reference: null, reference_status: 'pending' }, type: 'us_bank_transfer' };
  }
  if (type === 'sepa_debit') {
    return { eu_bank_transfer: { reference: null, reference_status: 'pending' }, type: 'eu_bank_transfer' };
  }
  return {
    card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
    type: 'card',
  };
}

/** Stripe names the movements of cards and of other payments differently, and reports them alike. */
function isCard(charge: Stripe.Charge): boolean {
  return (charge.payment_method_details?.type ?? 'card') === 'card';
}

function takeFromBalance(
  world: SandboxWorld,
  refundId: string,
  charge: Stripe.Charge,
  amount: number,
): Stripe.BalanceTransaction {
  return moveBalance(world, {
    type: isCard(charge) ? 'refund' : 'payment_refund',
    category: 'refund',
    amount: -amount,
    fee: 0,
    source: refundId,
    currency: charge.currency,
    description: `REFUND FOR CHARGE${charge.description === null ? '' : ` (${charge.description})`}`,
    delayMs: 0,
  });
}

/** Off: a refund may take the available balance below zero. On: it waits, pending, until there is enough. */
export function refundsWaitForFunds(world: SandboxWorld): boolean {
  return world.book.setting<boolean>('refunds_wait') === true;
}

/** Until more money of this currency is available, at most a second: new money may come at any time. */
function untilFunds(world: SandboxWorld, currency: string): number {
  const next = world.book.row(
    'SELECT min(available_on) AS at FROM movement WHERE account = ? AND currency = ? AND available_on > ?',
    world.book.scope,
    currency,
    world.book.nowSeconds,
  )?.['at'];
  return next == null ? 1000 : Math.max(50, Math.min(1000, Number(next) * 1000 - world.book.nowMs));
}

/** Timer: a refund that waits for money takes it when there is enough. */
export function fundRefund(world: SandboxWorld, id: string): void {
  const refund = retrieveRefund(world, id);
  if (refund.status !== 'pending' || refund.balance_transaction !== null) return;
  if (refund.amount > availableMinor(world, refund.currency)) {
    world.book.startTimer('fund_refund', id, untilFunds(world, refund.currency));
    return;
  }
  const charge = retrieveCharge(world, idOf(refund.charge) ?? '');
  const movement = takeFromBalance(world, id, charge, refund.amount);
  const { pending_reason: _reason, ...rest } = refund;
  const done = world.book.save<Stripe.Refund>({ ...rest, balance_transaction: movement.id, status: 'succeeded' });
  const before = { status: 'pending', balance_transaction: null };
  world.emit('refund.updated', done, before);
  world.emit('charge.refund.updated', done, before);
  if (world.book.hidden<HiddenCharge>(charge.id)?.refundBehaviour === 'fails_later') {
    world.book.startTimer('settle_refund', id, world.timing.outcomeDelayMs);
  }
}

export function updateRefund(world: SandboxWorld, id: string, params: Params): Stripe.Refund {
  allowOnly(params, ['metadata']);
  const refund = retrieveRefund(world, id);
  const updated = world.book.save<Stripe.Refund>({
    ...refund,
    metadata: { ...refund.metadata, ...metadataOf(params) },
  });
  world.emit('refund.updated', updated);
  return updated;
}

/** What becomes of a refund on the cards whose refunds end later: success, or failure with the money given back. */
export function settleRefund(world: SandboxWorld, id: string): void {
  const refund = retrieveRefund(world, id);
  const charge = retrieveCharge(world, idOf(refund.charge) ?? '');
  const behaviour = world.book.hidden<HiddenCharge>(charge.id)?.refundBehaviour;
  if (behaviour === 'pending_then_succeeds' && refund.status === 'pending') {
    const done = world.book.save<Stripe.Refund>({ ...refund, status: 'succeeded' });
    world.emit('refund.updated', done, { status: 'pending' });
    world.emit('charge.refund.updated', done, { status: 'pending' });
  }
  if (behaviour === 'fails_later' && refund.status === 'succeeded') {
    failRefund(world, id, 'expired_or_canceled_card');
  }
}

/** The payer's bank sends the money back, at any time. @throws ApiError for a refund that has ended otherwise. */
export function failRefund(world: SandboxWorld, id: string, reason: string): Stripe.Refund {
  const refund = retrieveRefund(world, id);
  if (refund.status !== 'succeeded' && refund.status !== 'pending') {
    throw invalidRequest(`Refund ${id} is ${refund.status ?? 'unknown'} and cannot fail any more.`, {
      param: 'refund',
    });
  }
  if (isCashRefund(refund)) return failCashRefund(world, refund, reason);
  const charge = retrieveCharge(world, idOf(refund.charge) ?? '');
  const back =
    refund.balance_transaction === null
      ? undefined
      : moveBalance(world, {
          type: isCard(charge) ? 'refund_failure' : 'payment_failure_refund',
          category: 'refund_failure',
          amount: refund.amount,
          fee: 0,
          source: refund.id,
          currency: refund.currency,
          description: 'REFUND FAILURE',
          delayMs: 0,
        });
  adjustCharge(world, charge, -refund.amount);
  const failed = world.book.save<Stripe.Refund>({
    ...refund,
    status: 'failed',
    ...(back === undefined ? {} : { failure_balance_transaction: back.id }),
    failure_reason: reason,
  });
  const before = { status: refund.status };
  world.emit('refund.failed', failed, before);
  world.emit('refund.updated', failed, before);
  world.emit('charge.refund.updated', failed, before);
  return failed;
}

export function retrieveRefund(world: SandboxWorld, id: string): Stripe.Refund {
  const found = world.book.find<Stripe.Refund>('refund', id);
  if (found === undefined) throw resourceMissing('refund', id, 'refund');
  return found;
}

function adjustCharge(world: SandboxWorld, charge: Stripe.Charge, byAmount: number): Stripe.Charge {
  const amountRefunded = charge.amount_refunded + byAmount;
  return world.book.save({
    ...charge,
    amount_refunded: amountRefunded,
    refunded: amountRefunded === charge.amount_captured,
  });
}

function disputeHoldsFunds(world: SandboxWorld, chargeId: string): boolean {
  return world.book.children<Stripe.Dispute>(chargeId, 'dispute').some((dispute) => !dispute.is_charge_refundable);
}
