import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { retrieveCharge, settleCharge } from './charge.resource.js';
import { confirmIntent } from './confirmation.flow.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  metadataOf,
  optionalChoice,
  optionalFlag,
  optionalGroup,
  optionalInteger,
  optionalList,
  optionalText,
  requiredInteger,
  requiredText,
} from './params.reader.js';
import { usePaymentMethod } from './payment-method.resource.js';
import { CHARGE_MINOR_MAX, CHARGE_MINOR_MIN } from './processing-fee.rule.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

const CONFIRM_PARAMS = [
  'payment_method',
  'payment_method_data',
  'return_url',
  'off_session',
  'use_stripe_sdk',
  'error_on_requires_action',
];
const CREATE_PARAMS = [
  ...CONFIRM_PARAMS,
  'amount',
  'currency',
  'automatic_payment_methods',
  'allowed_payment_method_types',
  // Gone from the newest API version; older clients still send it.
  'payment_method_types',
  'payment_method_options',
  'capture_method',
  'confirm',
  'description',
  'metadata',
  'receipt_email',
  'statement_descriptor_suffix',
  'transfer_group',
  'setup_future_usage',
];
/** The sandbox settles in the currency it is paid in; these are the ones it knows. */
const CURRENCIES = ['usd', 'eur', 'gbp'];

export function createPaymentIntent(world: SandboxWorld, params: Params): Stripe.PaymentIntent {
  allowOnly(params, CREATE_PARAMS);
  const amount = requiredInteger(params, 'amount');
  const currency = requiredText(params, 'currency').toLowerCase();
  checkAmount(amount, currency);
  const automatic = optionalGroup(params, 'automatic_payment_methods');
  const allowedTypes = [
    ...cardTypesIn(params, 'allowed_payment_method_types'),
    ...cardTypesIn(params, 'payment_method_types'),
  ];
  const id = world.book.newId('pi');
  const intent: Stripe.PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: allowedTypes.length === 0 ? null : ['card'],
    amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods:
      automatic === undefined
        ? null
        : {
            allow_redirects: optionalChoice(automatic, 'allow_redirects', ['always', 'never']) ?? 'always',
            enabled: optionalFlag(automatic, 'enabled') ?? false,
          },
    canceled_at: null,
    cancellation_reason: null,
    capture_method:
      optionalChoice(params, 'capture_method', ['automatic', 'automatic_async', 'manual']) ?? 'automatic_async',
    client_secret: world.book.newId(`${id}_secret`),
    confirmation_method: 'automatic',
    created: world.book.nowSeconds,
    currency,
    customer: null,
    customer_account: null,
    description: optionalText(params, 'description') ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: metadataOf(params),
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    } as Stripe.PaymentIntent.PaymentMethodOptions,
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: optionalText(params, 'receipt_email') ?? null,
    review: null,
    setup_future_usage: optionalChoice(params, 'setup_future_usage', ['off_session', 'on_session']) ?? null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: optionalText(params, 'statement_descriptor_suffix') ?? null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: optionalText(params, 'transfer_group') ?? null,
  };
  const methodId = optionalText(params, 'payment_method');
  if (methodId !== undefined && optionalFlag(params, 'confirm') !== true) {
    intent.payment_method = usePaymentMethod(world, methodId).id;
    intent.status = 'requires_confirmation';
  }
  world.book.add(intent, { hidden: {} });
  world.emit('payment_intent.created', intent);
  return optionalFlag(params, 'confirm') === true ? confirmIntent(world, intent, params) : intent;
}

export function retrievePaymentIntent(world: SandboxWorld, id: string): Stripe.PaymentIntent {
  const found = world.book.find<Stripe.PaymentIntent>('payment_intent', id);
  if (found === undefined) throw resourceMissing('payment_intent', id, 'intent');
  return found;
}

/** With a publishable key the client secret is what authorises: it must be the intent's own. */
export function checkClientSecret(intent: Stripe.PaymentIntent, params: Params): void {
  const secret = optionalText(params, 'client_secret');
  if (secret === undefined) {
    throw invalidRequest('Missing required param: client_secret.', {
      code: 'parameter_missing',
      param: 'client_secret',
    });
  }
  if (secret === intent.client_secret) return;
  throw invalidRequest(`The client_secret provided does not match any associated PaymentIntent on this account.`, {
    code: 'payment_intent_invalid_parameter',
    param: 'client_secret',
  });
}

/** What a browser may see of an intent. */
export function publicIntent(intent: Stripe.PaymentIntent): Partial<Stripe.PaymentIntent> {
  const {
    metadata: _metadata,
    customer: _customer,
    latest_charge: _charge,
    application: _application,
    ...seen
  } = intent;
  return seen;
}

export function confirmPaymentIntent(world: SandboxWorld, id: string, params: Params): Stripe.PaymentIntent {
  allowOnly(params, [...CONFIRM_PARAMS, 'receipt_email', 'setup_future_usage', 'expected_payment_method_type']);
  return confirmIntent(world, retrievePaymentIntent(world, id), params);
}

export function updatePaymentIntent(world: SandboxWorld, id: string, params: Params): Stripe.PaymentIntent {
  allowOnly(params, ['description', 'metadata', 'receipt_email']);
  const intent = retrievePaymentIntent(world, id);
  return world.book.save({
    ...intent,
    description: optionalText(params, 'description') ?? intent.description,
    receipt_email: optionalText(params, 'receipt_email') ?? intent.receipt_email,
    metadata: { ...intent.metadata, ...metadataOf(params) },
  });
}

export function cancelPaymentIntent(world: SandboxWorld, id: string, params: Params): Stripe.PaymentIntent {
  allowOnly(params, ['cancellation_reason']);
  const intent = retrievePaymentIntent(world, id);
  const cancellable = [
    'requires_payment_method',
    'requires_capture',
    'requires_confirmation',
    'requires_action',
    'processing',
  ];
  if (!cancellable.includes(intent.status)) {
    throw invalidRequest(
      `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: ${cancellable.join(', ')}.`,
      { code: 'payment_intent_unexpected_state' },
    );
  }
  const canceled = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'canceled',
    canceled_at: world.book.nowSeconds,
    cancellation_reason:
      optionalChoice(params, 'cancellation_reason', [
        'abandoned',
        'duplicate',
        'fraudulent',
        'requested_by_customer',
      ]) ?? null,
    next_action: null,
    amount_capturable: 0,
  });
  world.emit('payment_intent.canceled', canceled);
  return canceled;
}

function cardTypesIn(params: Params, name: string): string[] {
  const types = optionalList(params, name);
  const other = types.find((type) => type !== 'card');
  if (other === undefined) return types;
  throw invalidRequest(`The payment method type "${other}" is invalid. The sandbox knows cards only.`, { param: name });
}

function checkAmount(amount: number, currency: string): void {
  if (!CURRENCIES.includes(currency)) {
    throw invalidRequest(
      `Invalid currency: ${currency}. Stripe currently supports these currencies: ${CURRENCIES.join(', ')}`,
      { param: 'currency' },
    );
  }
  if (amount < 1) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  }
  if (amount < CHARGE_MINOR_MIN) {
    throw invalidRequest('Amount must be at least $0.50 usd', { code: 'amount_too_small', param: 'amount' });
  }
  if (amount > CHARGE_MINOR_MAX) {
    throw invalidRequest('Amount must be no more than $999,999.99', { code: 'amount_too_large', param: 'amount' });
  }
}

/** Takes what was only authorised; less than authorised gives the rest back to the card. */
export function capturePaymentIntent(world: SandboxWorld, id: string, params: Params): Stripe.PaymentIntent {
  allowOnly(params, ['amount_to_capture']);
  const intent = retrievePaymentIntent(world, id);
  if (intent.status !== 'requires_capture' || typeof intent.latest_charge !== 'string') {
    throw invalidRequest(
      `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.`,
      { code: 'payment_intent_unexpected_state' },
    );
  }
  const amount = optionalInteger(params, 'amount_to_capture') ?? intent.amount_capturable;
  if (amount < 1 || amount > intent.amount_capturable) {
    throw invalidRequest('The amount to capture must be between 1 and the amount that can be captured.', {
      code: 'amount_too_large',
      param: 'amount_to_capture',
    });
  }
  const charge = retrieveCharge(world, intent.latest_charge);
  const settled = settleCharge(world, { ...charge, captured: true, amount_captured: amount }, false);
  const captured = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'succeeded',
    amount_capturable: 0,
    amount_received: amount,
  });
  world.emit('charge.captured', settled);
  world.emit('payment_intent.succeeded', captured);
  return captured;
}

/** Refunds and disputes hang on a charge; a filter by intent is a filter by the intent's charge. */
export function byCharge(world: SandboxWorld, params: Params): Params {
  const { payment_intent: intentId, ...rest } = params;
  if (typeof intentId !== 'string') return params;
  const intent = retrievePaymentIntent(world, intentId);
  return { ...rest, charge: idOf(intent.latest_charge) ?? 'none' };
}
