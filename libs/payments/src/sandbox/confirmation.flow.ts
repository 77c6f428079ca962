import type Stripe from 'stripe';
import { ApiError, invalidRequest, resourceMissing } from './api.error.js';
import { checkOwner } from './attachment.resource.js';
import { confirmTransfer } from './bank-transfer.flow.js';
import { openChallenge, type Challenge } from './challenge.flow.js';
import { findCustomer } from './customer.resource.js';
import { confirmDebit } from './debit.flow.js';
import type { Params } from './form.codec.js';
import { optionalChoice, optionalFlag, optionalGroup, optionalText, parseReturnUrl } from './params.reader.js';
import {
  createPaymentMethod,
  retrievePaymentMethod,
  scenarioOf,
  usePaymentMethod,
  type HiddenMethod,
} from './payment-method.resource.js';
import { decline, declineQuietly, fail, succeed } from './payment-outcome.flow.js';
import type { SandboxWorld } from './sandbox.world.js';
import type { CardScenario, Decline } from './test-card.table.js';

/**
 * From a confirmed intent to its charge. A card, through a 3-D Secure challenge when it asks for one:
 *
 *   requires_payment_method | requires_confirmation --confirm--> succeeded
 *                                                  \--confirm--> requires_action --complete--> succeeded
 *   a decline, or a failed challenge, leads back to requires_payment_method.
 */
const CONFIRMABLE = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
};

export function confirmIntent(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  params: Params,
  publishable = false,
): Stripe.PaymentIntent {
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
  const customer = typeof intent.customer === 'string' ? findCustomer(world, intent.customer, 'customer').id : null;
  const method = methodOf(world, intent, params);
  checkOwner(world, method, customer);
  if (!intent.payment_method_types.includes(method.type)) {
    throw invalidRequest(
      `The PaymentMethod provided (${method.type}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: ${intent.payment_method_types.join(', ')}.`,
      { code: 'payment_intent_incompatible_payment_method', param: 'payment_method' },
    );
  }
  const future = optionalChoice(params, 'setup_future_usage', ['off_session', 'on_session']);
  const confirmed: Stripe.PaymentIntent = {
    ...intent,
    payment_method: method.id,
    setup_future_usage: future ?? intent.setup_future_usage,
    last_payment_error: null,
    next_action: null,
  };
  if (method.type === 'customer_balance') return confirmTransfer(world, confirmed, params);
  if (method.type !== 'card') return confirmDebit(world, confirmed, method, params, publishable);
  return confirmCard(world, confirmed, method, params);
}

function confirmCard(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  params: Params,
): Stripe.PaymentIntent {
  const scenario = scenarioOf(world, method.id);
  const returnUrl = parseReturnUrl(params);
  if (isOffSession(params)) {
    const setUp = world.book.hidden<HiddenMethod>(method.id)?.setUp === true;
    const refusal = offSessionRefusal(scenario, setUp);
    return refusal === undefined ? succeed(world, intent, method, false) : decline(world, intent, method, refusal);
  }
  if (scenario.challenge !== undefined) {
    if (optionalFlag(params, 'error_on_requires_action') === true) {
      return decline(world, intent, method, {
        code: 'authentication_required',
        message: 'This payment required an authentication action to complete, but `error_on_requires_action` was set.',
      });
    }
    return challenge(world, intent, returnUrl);
  }
  if (scenario.decline !== undefined) return decline(world, intent, method, scenario.decline);
  return succeed(world, intent, method, false);
}

/** Why a card that is charged without its holder is refused. */
function offSessionRefusal(scenario: CardScenario, setUp: boolean): Decline | undefined {
  const wantsHolder = scenario.challenge === 'always' || (scenario.challenge === 'unless_set_up' && !setUp);
  if (wantsHolder) return scenario.offSessionDecline ?? AUTHENTICATION_REQUIRED;
  return scenario.decline;
}

/** `off_session` is a flag, or the kind of charge that it announces. */
export function isOffSession(params: Params): boolean {
  const text = optionalText(params, 'off_session');
  if (text === 'one_off' || text === 'recurring') return true;
  return optionalFlag(params, 'off_session') === true;
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

function challenge(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  returnUrl: string | undefined,
): Stripe.PaymentIntent {
  const waiting = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'requires_action',
    next_action: openChallenge(world, intent.id, returnUrl),
  });
  world.emit('payment_intent.requires_action', waiting);
  return waiting;
}

/** The cardholder answered. A challenge that is no longer open changes nothing. */
export function answerChallenge(
  world: SandboxWorld,
  found: Challenge & { readonly intent: Stripe.PaymentIntent },
  passed: boolean,
): Stripe.PaymentIntent {
  const { intent } = found;
  if (!found.open || typeof intent.payment_method !== 'string') return intent;
  const method = world.book.find<Stripe.PaymentMethod>('payment_method', intent.payment_method);
  if (method === undefined) throw resourceMissing('PaymentMethod', intent.payment_method, 'payment_method');
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
