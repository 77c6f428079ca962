import type Stripe from 'stripe';
import { ApiError, invalidRequest } from './api.error.js';
import { attach, checkOwner, markSetUp } from './attachment.resource.js';
import { openChallenge, type Challenge } from './challenge.flow.js';
import { findCustomer } from './customer.resource.js';
import type { Params } from './form.codec.js';
import { mandateFor } from './mandate.resource.js';
import { awaitDeposits, needsVerification } from './microdeposit.flow.js';
import { optionalGroup, optionalText, parseReturnUrl } from './params.reader.js';
import { createPaymentMethod, retrievePaymentMethod, scenarioOf, usePaymentMethod } from './payment-method.resource.js';
import { refusalBody } from './payment-outcome.flow.js';
import type { SandboxWorld } from './sandbox.world.js';
import type { Decline } from './test-card.table.js';

/**
 * From a confirmed setup to a method that can be charged later:
 *
 *   requires_payment_method | requires_confirmation --confirm--> succeeded
 *                                                  \--confirm--> requires_action --complete--> succeeded
 *   a decline, or a failed challenge, leads back to requires_payment_method.
 */
const CONFIRMABLE = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

export function confirmSetup(
  world: SandboxWorld,
  intent: Stripe.SetupIntent,
  params: Params,
  publishable = false,
): Stripe.SetupIntent {
  if (!CONFIRMABLE.includes(intent.status)) {
    throw new ApiError(400, {
      type: 'invalid_request_error',
      code: 'setup_intent_unexpected_state',
      message:
        intent.status === 'succeeded'
          ? 'You cannot confirm this SetupIntent because it has already succeeded.'
          : `This SetupIntent's status is ${intent.status}, and it cannot be confirmed.`,
    });
  }
  const customer = typeof intent.customer === 'string' ? findCustomer(world, intent.customer, 'customer').id : null;
  const method = methodOf(world, intent, params);
  checkOwner(world, method, customer);
  if (!intent.payment_method_types.includes(method.type)) {
    throw invalidRequest(
      `The PaymentMethod provided (${method.type}) is not allowed for this SetupIntent. Please attach a PaymentMethod of one of the following types: ${intent.payment_method_types.join(', ')}.`,
      { code: 'setup_intent_invalid_parameter', param: 'payment_method' },
    );
  }
  const confirmed: Stripe.SetupIntent = {
    ...intent,
    payment_method: method.id,
    last_setup_error: null,
    next_action: null,
  };
  if (method.type === 'card') return confirmCard(world, confirmed, method, params);
  if (method.type === 'customer_balance') {
    throw invalidRequest('The payment method `customer_balance` cannot be set up: it is always the customer’s.', {
      code: 'setup_intent_invalid_parameter',
      param: 'payment_method',
    });
  }
  const mandate = mandateFor(world, method, params, { multiUse: true, noun: 'SetupIntent', publishable });
  if (needsVerification(world, method, confirmed, params)) return awaitDeposits(world, confirmed, method);
  return finishSetup(world, confirmed, method, mandate.id);
}

function confirmCard(
  world: SandboxWorld,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  params: Params,
): Stripe.SetupIntent {
  const scenario = scenarioOf(world, method.id);
  const returnUrl = parseReturnUrl(params);
  if (scenario.challenge === 'always' || scenario.challenge === 'unless_set_up') {
    const waiting = world.book.save<Stripe.SetupIntent>({
      ...intent,
      status: 'requires_action',
      next_action: openChallenge(world, intent.id, returnUrl),
    });
    world.emit('setup_intent.requires_action', waiting);
    return waiting;
  }
  if (scenario.decline === undefined || scenario.savesThoughDeclined === true)
    return finishSetup(world, intent, method);
  const { intent: failed, error } = refuse(world, intent, method, scenario.decline);
  throw new ApiError(402, { ...error, setup_intent: failed }, true);
}

/** The method is the customer's now, and may be charged without him. */
export function finishSetup(
  world: SandboxWorld,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  mandate: string | null = null,
): Stripe.SetupIntent {
  markSetUp(world, method.id, mandate === null ? {} : { mandate });
  if (typeof intent.customer === 'string') attach(world, method, intent.customer);
  const attempt = recordAttempt(world, intent, method, 'succeeded', null);
  const done = world.book.save<Stripe.SetupIntent>({
    ...intent,
    status: 'succeeded',
    latest_attempt: attempt.id,
    mandate,
    next_action: null,
  });
  world.emit('setup_intent.succeeded', done);
  return done;
}

function refuse(
  world: SandboxWorld,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  refusal: Decline,
): { intent: Stripe.SetupIntent; error: ReturnType<typeof refusalBody> } {
  const error = refusalBody(method, refusal);
  return { intent: failSetup(world, intent, method, error), error };
}

export function failSetup(
  world: SandboxWorld,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  error: object,
): Stripe.SetupIntent {
  const attempt = recordAttempt(world, intent, method, 'failed', error as Stripe.SetupAttempt.SetupError);
  const failed = world.book.save<Stripe.SetupIntent>({
    ...intent,
    status: 'requires_payment_method',
    payment_method: null,
    latest_attempt: attempt.id,
    next_action: null,
    last_setup_error: error as Stripe.SetupIntent.LastSetupError,
  });
  world.emit('setup_intent.setup_failed', failed);
  return failed;
}

/** The cardholder answered. A challenge that is no longer open changes nothing. */
export function answerSetupChallenge(
  world: SandboxWorld,
  found: Challenge & { readonly intent: Stripe.SetupIntent },
  passed: boolean,
): Stripe.SetupIntent {
  const { intent } = found;
  if (!found.open || typeof intent.payment_method !== 'string') return intent;
  const method = retrievePaymentMethod(world, intent.payment_method);
  const answered: Stripe.SetupIntent = { ...intent, next_action: null };
  if (!passed) {
    return failSetup(world, answered, method, {
      type: 'invalid_request_error',
      code: 'setup_intent_authentication_failure',
      message:
        'The latest attempt to set up the payment method has failed because authentication failed. You can provide payment_method_data or a new PaymentMethod to attempt it again.',
      payment_method: method,
    });
  }
  const scenario = scenarioOf(world, method.id);
  if (scenario.decline === undefined || scenario.savesThoughDeclined === true) {
    return finishSetup(world, answered, method);
  }
  return refuse(world, answered, method, scenario.decline).intent;
}

function methodOf(world: SandboxWorld, intent: Stripe.SetupIntent, params: Params): Stripe.PaymentMethod {
  const data = optionalGroup(params, 'payment_method_data');
  if (data !== undefined) return createPaymentMethod(world, data);
  const named = optionalText(params, 'payment_method');
  if (named !== undefined) return usePaymentMethod(world, named);
  if (typeof intent.payment_method === 'string') return retrievePaymentMethod(world, intent.payment_method);
  throw invalidRequest(
    "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method and then confirm it again.",
    { code: 'setup_intent_unexpected_state', param: 'payment_method' },
  );
}

function recordAttempt(
  world: SandboxWorld,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  status: string,
  error: Stripe.SetupAttempt.SetupError | null,
): Stripe.SetupAttempt {
  const attempt: Stripe.SetupAttempt = {
    id: world.book.newId('setatt'),
    object: 'setup_attempt',
    application: null,
    created: world.book.nowSeconds,
    customer: intent.customer,
    customer_account: null,
    flow_directions: null,
    livemode: false,
    on_behalf_of: null,
    payment_method: method.id,
    payment_method_details: detailsOf(method),
    setup_error: error,
    setup_intent: intent.id,
    status,
    usage: intent.usage,
  };
  return world.book.add(attempt, { parent: intent.id });
}

function detailsOf({ card, type }: Stripe.PaymentMethod): Stripe.SetupAttempt.PaymentMethodDetails {
  if (card === undefined) return { [type]: {}, type };
  const { brand, country, exp_month, exp_year, fingerprint, funding, last4 } = card;
  return {
    card: {
      brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country,
      exp_month,
      exp_year,
      fingerprint: fingerprint ?? null,
      funding,
      last4,
      network: brand,
      three_d_secure: null,
      wallet: null,
    },
    type: 'card',
  };
}
