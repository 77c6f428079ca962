import type Stripe from 'stripe';
import { ApiError, type ApiErrorBody } from './api.error.js';
import { attach, markSetUp, markUsedUp } from './attachment.resource.js';
import { createCharge, settleCharge } from './charge.resource.js';
import { scenarioOf } from './payment-method.resource.js';
import type { SandboxWorld } from './sandbox.world.js';
import type { Decline } from './test-card.table.js';

/** A card, or the cash that a customer has with us, pays: the charge is there at once. */
export function succeed(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  authenticated: boolean,
): Stripe.PaymentIntent {
  const scenario = scenarioOf(world, method.id);
  const captured = intent.capture_method !== 'manual';
  let charge = createCharge(world, intent, method, scenario, { decline: undefined, authenticated, captured });
  if (intent.capture_method === 'automatic') charge = settleCharge(world, charge, scenario.bypassPending === true);
  keepForLater(world, intent, method);
  const paid = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: captured ? 'succeeded' : 'requires_capture',
    latest_charge: charge.id,
    amount_received: captured ? intent.amount : 0,
    amount_capturable: captured ? 0 : intent.amount,
    next_action: null,
  });
  world.emit('charge.succeeded', charge);
  world.emit(captured ? 'payment_intent.succeeded' : 'payment_intent.amount_capturable_updated', paid);
  if (intent.capture_method === 'automatic_async') world.book.startTimer('settle_charge', charge.id, 0);
  if (scenario.dispute !== undefined && captured) {
    world.book.startTimer('open_dispute', charge.id, world.timing.disputeDelayMs);
  }
  if (scenario.warning === true && captured) {
    world.book.startTimer('open_warning', charge.id, world.timing.disputeDelayMs);
  }
  return paid;
}

/** With `setup_future_usage` a paid method becomes the customer's; without a customer it has served its once. */
export function keepForLater(world: SandboxWorld, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod): void {
  if (typeof intent.customer === 'string' && intent.setup_future_usage !== null) {
    if (intent.setup_future_usage === 'off_session') markSetUp(world, method.id);
    attach(world, method, intent.customer);
    return;
  }
  if (method.customer === null) markUsedUp(world, method.id);
}

/** A decline is a change and an error at once: the failed charge stays, the caller gets a 402. */
export function decline(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  refusal: Decline,
): never {
  const { intent: failed, error } = declineQuietly(world, intent, method, refusal, false);
  throw new ApiError(402, { ...error, payment_intent: failed }, true);
}

export function declineQuietly(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  refusal: Decline,
  authenticated: boolean,
): { intent: Stripe.PaymentIntent; error: ApiErrorBody } {
  const scenario = scenarioOf(world, method.id);
  const charge = createCharge(world, intent, method, scenario, { decline: refusal, authenticated, captured: false });
  world.emit('charge.failed', charge);
  const error = refusalBody(method, refusal, charge.id);
  return { intent: fail(world, { ...intent, latest_charge: charge.id }, error), error };
}

export function refusalBody(method: Stripe.PaymentMethod, refusal: Decline, charge?: string): ApiErrorBody {
  return {
    type: 'card_error',
    code: refusal.code,
    ...(refusal.declineCode === undefined ? {} : { decline_code: refusal.declineCode }),
    message: refusal.message,
    ...(charge === undefined ? {} : { charge }),
    payment_method: method,
    doc_url: `https://stripe.com/docs/error-codes/${refusal.code.replaceAll('_', '-')}`,
  };
}

export function fail(world: SandboxWorld, intent: Stripe.PaymentIntent, error: ApiErrorBody): Stripe.PaymentIntent {
  const failed = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'requires_payment_method',
    payment_method: null,
    next_action: null,
    last_payment_error: error as Stripe.PaymentIntent.LastPaymentError,
  });
  world.emit('payment_intent.payment_failed', failed);
  return failed;
}
