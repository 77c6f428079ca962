import type Stripe from 'stripe';
import { createCharge, retrieveCharge, settleCharge } from './charge.resource.js';
import { openDispute } from './dispute.resource.js';
import type { Params } from './form.codec.js';
import { endMandate, mandateFor } from './mandate.resource.js';
import { awaitDeposits, needsVerification } from './microdeposit.flow.js';
import { debitScenarioOfMethod, retrievePaymentMethod, scenarioOf } from './payment-method.resource.js';
import { fail, keepForLater, refusalBody } from './payment-outcome.flow.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';
import type { DebitFailure } from './test-debit.table.js';

/**
 * A debit of a bank account (ACH, SEPA), which takes days:
 *
 *   confirm --> processing --> succeeded --> (returned by the bank: a dispute that is lost when it opens)
 *                         \--> requires_payment_method, with the bank's reason
 *   an account that nobody has verified first waits in requires_action for its two small deposits.
 */
const SLOW_MS = 180_000;
/** After these the account cannot be debited again. */
const ENDS_MANDATE = new Set(['account_closed', 'no_account', 'debit_not_authorized']);

export function confirmDebit(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  params: Params,
  publishable: boolean,
): Stripe.PaymentIntent {
  mandateFor(world, method, params, {
    multiUse: intent.setup_future_usage !== null || method.customer !== null,
    amount: intent.amount,
    currency: intent.currency,
    noun: 'PaymentIntent',
    publishable,
  });
  if (needsVerification(world, method, intent, params)) return awaitDeposits(world, intent, method);
  return startDebit(world, intent, method);
}

/** The bank has been asked. */
export function startDebit(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
): Stripe.PaymentIntent {
  keepForLater(world, intent, method);
  const charge = createCharge(world, intent, method, scenarioOf(world, method.id), {
    decline: undefined,
    authenticated: false,
    captured: true,
    pending: true,
  });
  const processing = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'processing',
    latest_charge: charge.id,
    next_action: null,
  });
  world.emit('charge.pending', charge);
  world.emit('payment_intent.processing', processing);
  const { outcome, slow } = debitScenarioOfMethod(world, method.id);
  if (outcome !== 'never') {
    world.book.startTimer('settle_debit', intent.id, slow === true ? SLOW_MS : world.timing.debitDelayMs);
  }
  return processing;
}

/** Timer: the bank has answered. */
export function settleDebit(world: SandboxWorld, intentId: string): void {
  const intent = world.book.find<Stripe.PaymentIntent>('payment_intent', intentId);
  if (intent?.status !== 'processing') return;
  const charge = retrieveCharge(world, idOf(intent.latest_charge) ?? '');
  const method = retrievePaymentMethod(world, idOf(intent.payment_method) ?? '');
  const { outcome, disputed } = debitScenarioOfMethod(world, method.id);
  if (typeof outcome === 'object') {
    failDebit(world, intent, charge, method, outcome);
    return;
  }
  const paid = settleCharge(
    world,
    {
      ...charge,
      status: 'succeeded',
      paid: true,
      receipt_url: `${world.baseUrl}/receipts/${intent.id}`,
    },
    false,
  );
  const done = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'succeeded',
    amount_received: intent.amount,
  });
  world.emit('charge.succeeded', paid);
  world.emit('payment_intent.succeeded', done);
  if (disputed === true) world.book.startTimer('return_debit', charge.id, world.timing.disputeDelayMs);
}

function failDebit(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  charge: Stripe.Charge,
  method: Stripe.PaymentMethod,
  failure: DebitFailure,
): void {
  const failed = world.book.save<Stripe.Charge>({
    ...charge,
    status: 'failed',
    paid: false,
    captured: false,
    amount_captured: 0,
    failure_code: failure.code,
    failure_message: failure.message,
    outcome: charge.outcome === null ? null : { ...charge.outcome, reason: failure.code, type: 'issuer_declined' },
  });
  world.emit('charge.failed', failed);
  fail(world, intent, refusalBody(method, failure, charge.id));
  if (ENDS_MANDATE.has(failure.code)) endMandate(world, method.id);
}

/** Timer, or by control: the payer's bank takes a debit back that had succeeded. It cannot be contested. */
export function returnDebit(world: SandboxWorld, chargeId: string): Stripe.Dispute | undefined {
  const charge = retrieveCharge(world, chargeId, 'charge');
  const sepa = charge.payment_method_details?.type === 'sepa_debit';
  return openDispute(world, chargeId, { reason: sepa ? 'general' : 'debit_not_authorized', inquiry: false });
}
