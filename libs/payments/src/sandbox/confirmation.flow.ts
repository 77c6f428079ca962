import type Stripe from 'stripe';
import { ApiError, invalidRequest, type ApiErrorBody } from './api.error.js';
import { createCharge, settleCharge } from './charge.resource.js';
import type { Params } from './form.codec.js';
import { optionalFlag, optionalGroup, optionalText, parseReturnUrl } from './params.reader.js';
import { createPaymentMethod, retrievePaymentMethod, scenarioOf, usePaymentMethod } from './payment-method.resource.js';
import type { SandboxWorld } from './sandbox.world.js';
import type { Decline } from './test-card.table.js';

/**
 * From a confirmed intent to its charge, through a 3-D Secure challenge when the card asks for one:
 *
 *   requires_payment_method | requires_confirmation --confirm--> succeeded
 *                                                  \--confirm--> requires_action --complete--> succeeded
 *   a decline, or a failed challenge, leads back to requires_payment_method.
 */
interface HiddenIntent {
  readonly challenge?: string;
  readonly returnUrl?: string;
}

const CONFIRMABLE = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

export function confirmIntent(world: SandboxWorld, intent: Stripe.PaymentIntent, params: Params): Stripe.PaymentIntent {
  if (!CONFIRMABLE.includes(intent.status)) {
    const message =
      intent.status === 'succeeded'
        ? 'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.'
        : `This PaymentIntent's status is ${intent.status}, and it cannot be confirmed.`;
    throw new ApiError(400, {
      type: 'invalid_request_error',
      code: 'payment_intent_unexpected_state',
      message,
      payment_intent: intent,
    });
  }
  const method = methodOf(world, intent, params);
  const scenario = scenarioOf(world, method.id);
  const returnUrl = parseReturnUrl(params);
  const confirmed: Stripe.PaymentIntent = { ...intent, payment_method: method.id, last_payment_error: null };
  if (scenario.challenge === true) {
    if (optionalFlag(params, 'off_session') === true) {
      return decline(world, confirmed, method, {
        code: 'authentication_required',
        declineCode: 'authentication_required',
        message: 'Your card was declined. This transaction requires authentication.',
      });
    }
    return challenge(world, confirmed, returnUrl);
  }
  if (scenario.decline !== undefined) return decline(world, confirmed, method, scenario.decline);
  return succeed(world, confirmed, method, false);
}

function methodOf(world: SandboxWorld, intent: Stripe.PaymentIntent, params: Params): Stripe.PaymentMethod {
  const data = optionalGroup(params, 'payment_method_data');
  if (data !== undefined) return createPaymentMethod(world, data);
  const named = optionalText(params, 'payment_method');
  if (named !== undefined) return usePaymentMethod(world, named);
  if (typeof intent.payment_method === 'string') return retrievePaymentMethod(world, intent.payment_method);
  throw invalidRequest(
    "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
    { code: 'payment_intent_unexpected_state' },
  );
}

/**
 * The challenge is always a page to visit: without Stripe.js there is nobody to show `use_stripe_sdk` to, so the
 * sandbox answers `redirect_to_url` even where Stripe would leave it to its own script.
 */
function challenge(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  returnUrl: string | undefined,
): Stripe.PaymentIntent {
  const token = world.book.newId('tds');
  const hidden: HiddenIntent = { challenge: token, ...(returnUrl === undefined ? {} : { returnUrl }) };
  world.book.setHidden(intent.id, hidden);
  world.book.setSetting(`challenge:${token}`, intent.id);
  const waiting = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'requires_action',
    next_action: {
      type: 'redirect_to_url',
      redirect_to_url: { return_url: returnUrl ?? null, url: `${world.baseUrl}/3ds/${token}` },
    },
  });
  world.emit('payment_intent.requires_action', waiting);
  return waiting;
}

export interface Challenge {
  readonly intent: Stripe.PaymentIntent;
  readonly open: boolean;
  readonly returnUrl: string | undefined;
}

export function findChallenge(world: SandboxWorld, token: string): Challenge | undefined {
  const intentId = world.book.setting<string>(`challenge:${token}`);
  if (intentId === undefined) return undefined;
  const intent = world.book.find<Stripe.PaymentIntent>('payment_intent', intentId);
  if (intent === undefined) return undefined;
  const hidden = world.book.hidden<HiddenIntent>(intent.id);
  return {
    intent,
    open: intent.status === 'requires_action' && hidden?.challenge === token,
    returnUrl: hidden?.returnUrl,
  };
}

/** The cardholder answered. A challenge that is no longer open changes nothing. */
export function answerChallenge(world: SandboxWorld, found: Challenge, passed: boolean): Stripe.PaymentIntent {
  const { intent } = found;
  if (!found.open || typeof intent.payment_method !== 'string') return intent;
  const method = retrievePaymentMethod(world, intent.payment_method);
  const answered: Stripe.PaymentIntent = { ...intent, next_action: null };
  if (!passed) {
    return fail(world, answered, {
      type: 'invalid_request_error',
      code: 'payment_intent_authentication_failure',
      message:
        'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.',
      payment_method: method,
    });
  }
  const refusal = scenarioOf(world, method.id).decline;
  if (refusal === undefined) return succeed(world, answered, method, true);
  return declineQuietly(world, answered, method, refusal, true).intent;
}

function succeed(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  authenticated: boolean,
): Stripe.PaymentIntent {
  const scenario = scenarioOf(world, method.id);
  const captured = intent.capture_method !== 'manual';
  let charge = createCharge(world, intent, method, scenario, { decline: undefined, authenticated, captured });
  if (intent.capture_method === 'automatic') charge = settleCharge(world, charge, scenario.bypassPending === true);
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
  return paid;
}

/** A decline is a change and an error at once: the failed charge stays, the caller gets a 402. */
function decline(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  refusal: Decline,
): never {
  const { intent: failed, error } = declineQuietly(world, intent, method, refusal, false);
  throw new ApiError(402, { ...error, payment_intent: failed }, true);
}

function declineQuietly(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  refusal: Decline,
  authenticated: boolean,
): { intent: Stripe.PaymentIntent; error: ApiErrorBody } {
  const scenario = scenarioOf(world, method.id);
  const charge = createCharge(world, intent, method, scenario, { decline: refusal, authenticated, captured: false });
  world.emit('charge.failed', charge);
  const error: ApiErrorBody = {
    type: 'card_error',
    code: refusal.code,
    ...(refusal.declineCode === undefined ? {} : { decline_code: refusal.declineCode }),
    message: refusal.message,
    charge: charge.id,
    payment_method: method,
    doc_url: `https://stripe.com/docs/error-codes/${refusal.code.replaceAll('_', '-')}`,
  };
  return { intent: fail(world, { ...intent, latest_charge: charge.id }, error), error };
}

function fail(world: SandboxWorld, intent: Stripe.PaymentIntent, error: ApiErrorBody): Stripe.PaymentIntent {
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
