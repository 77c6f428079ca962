import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { retrieveCharge, settleCharge } from './charge.resource.js';
import { applyCustomerBalance } from './bank-transfer.flow.js';
import { giveBackCash } from './cash-balance.flow.js';
import { confirmIntent } from './confirmation.flow.js';
import { CHARGE_MINOR_MAX, chargeMinorMin, CURRENCIES, inWords } from './currency.rule.js';
import { findCustomer } from './customer.resource.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  mergedMetadata,
  metadataOf,
  optionalChoice,
  optionalFlag,
  optionalGroup,
  optionalInteger,
  optionalText,
  requiredInteger,
  requiredText,
} from './params.reader.js';
import { usePaymentMethod } from './payment-method.resource.js';
import { checkRailCurrency, methodTypesOf, type MethodTypes } from './payment-types.rule.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

const CONFIRM_PARAMS = [
  'payment_method',
  'payment_method_data',
  'return_url',
  'off_session',
  'use_stripe_sdk',
  'error_on_requires_action',
  'mandate',
  'mandate_data',
  'payment_method_options',
];
const CREATE_PARAMS = [
  ...CONFIRM_PARAMS,
  'amount',
  'currency',
  'automatic_payment_methods',
  'allowed_payment_method_types',
  // Gone from the newest API version; older clients still send it.
  'payment_method_types',
  'capture_method',
  'confirm',
  'confirmation_method',
  'customer',
  'description',
  'metadata',
  'receipt_email',
  'statement_descriptor',
  'statement_descriptor_suffix',
  'transfer_group',
  'setup_future_usage',
];
export function createPaymentIntent(world: SandboxWorld, params: Params): Stripe.PaymentIntent {
  allowOnly(params, CREATE_PARAMS);
  const amount = requiredInteger(params, 'amount');
  const currency = requiredText(params, 'currency').toLowerCase();
  checkAmount(amount, currency);
  const automatic = optionalGroup(params, 'automatic_payment_methods');
  const types = methodTypesOf(params, currency);
  checkRailCurrency(types.offered, currency);
  const customer = optionalText(params, 'customer');
  if (customer !== undefined) findCustomer(world, customer, 'customer');
  const id = world.book.newId('pi');
  const intent: Stripe.PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: types.asked,
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
    capture_method: captureMethodOf(params, types),
    client_secret: world.book.newId(`${id}_secret`),
    confirmation_method: 'automatic',
    created: world.book.nowSeconds,
    currency,
    customer: customer ?? null,
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
    payment_method_options: optionsOf(types, params),
    payment_method_types: [...types.offered],
    payment_record: null,
    processing: null,
    receipt_email: optionalText(params, 'receipt_email') ?? null,
    review: null,
    setup_future_usage: optionalChoice(params, 'setup_future_usage', ['off_session', 'on_session']) ?? null,
    shipping: null,
    source: null,
    statement_descriptor: optionalText(params, 'statement_descriptor') ?? null,
    statement_descriptor_suffix: optionalText(params, 'statement_descriptor_suffix') ?? null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: optionalText(params, 'transfer_group') ?? null,
  };
  const methodId = optionalText(params, 'payment_method');
  if (params['off_session'] !== undefined && optionalFlag(params, 'confirm') !== true) {
    throw invalidRequest('You cannot set `off_session` without also setting `confirm` to true.', {
      param: 'off_session',
    });
  }
  if (methodId !== undefined && optionalFlag(params, 'confirm') !== true) {
    intent.payment_method = usePaymentMethod(world, methodId).id;
    intent.status = 'requires_confirmation';
  }
  const balance = optionalGroup(optionalGroup(params, 'payment_method_options') ?? {}, 'customer_balance');
  world.book.add(intent, {
    hidden: balance === undefined ? {} : { customerBalance: balance },
    ...(customer === undefined ? {} : { parent: customer }),
  });
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

export function confirmPaymentIntent(
  world: SandboxWorld,
  id: string,
  params: Params,
  publishable = false,
): Stripe.PaymentIntent {
  allowOnly(params, [...CONFIRM_PARAMS, 'receipt_email', 'setup_future_usage', 'expected_payment_method_type']);
  return confirmIntent(world, retrievePaymentIntent(world, id), params, publishable);
}

/** What was agreed may change until it is confirmed; words and notes always. */
export function updatePaymentIntent(world: SandboxWorld, id: string, params: Params): Stripe.PaymentIntent {
  allowOnly(params, [
    'amount',
    'customer',
    'description',
    'metadata',
    'payment_method',
    'receipt_email',
    'setup_future_usage',
    'transfer_group',
  ]);
  const intent = retrievePaymentIntent(world, id);
  const amount = optionalInteger(params, 'amount');
  const customer = optionalText(params, 'customer');
  const methodId = optionalText(params, 'payment_method');
  const future = optionalChoice(params, 'setup_future_usage', ['off_session', 'on_session']);
  const changesTerms = [amount, customer, methodId, future].some((given) => given !== undefined);
  if (
    changesTerms &&
    !['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(intent.status)
  ) {
    throw invalidRequest(
      `This PaymentIntent could not be updated because it has a status of ${intent.status}. You may only update it while it is waiting for a payment method, a confirmation or an action.`,
      { code: 'payment_intent_unexpected_state' },
    );
  }
  if (amount !== undefined) checkAmount(amount, intent.currency);
  if (customer !== undefined) {
    findCustomer(world, customer, 'customer');
    world.book.setParent(id, customer);
  }
  return world.book.save<Stripe.PaymentIntent>({
    ...intent,
    amount: amount ?? intent.amount,
    customer: customer ?? intent.customer,
    description: optionalText(params, 'description') ?? intent.description,
    receipt_email: optionalText(params, 'receipt_email') ?? intent.receipt_email,
    setup_future_usage: future ?? intent.setup_future_usage,
    transfer_group: optionalText(params, 'transfer_group') ?? intent.transfer_group,
    metadata: mergedMetadata(intent.metadata, params),
    ...(methodId === undefined
      ? {}
      : {
          payment_method: usePaymentMethod(world, methodId).id,
          status: 'requires_confirmation' as const,
          next_action: null,
        }),
  });
}

export function cancelPaymentIntent(world: SandboxWorld, id: string, params: Params): Stripe.PaymentIntent {
  allowOnly(params, ['cancellation_reason']);
  const intent = retrievePaymentIntent(world, id);
  const cancellable = ['requires_payment_method', 'requires_capture', 'requires_confirmation', 'requires_action'];
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
  giveBackCash(world, canceled);
  return canceled;
}

/** Money that is pushed, or debited over days, cannot be held back for a capture. */
function captureMethodOf(params: Params, types: MethodTypes): Stripe.PaymentIntent.CaptureMethod {
  const asked = optionalChoice(params, 'capture_method', ['automatic', 'automatic_async', 'manual']);
  const slow = types.offered.find((type) => type !== 'card');
  if (asked === 'manual' && slow !== undefined) {
    throw invalidRequest(`The payment method ${slow} does not support manual capture.`, {
      code: 'payment_intent_invalid_parameter',
      param: 'capture_method',
    });
  }
  return asked ?? 'automatic_async';
}

function optionsOf(types: MethodTypes, params: Params): Stripe.PaymentIntent.PaymentMethodOptions {
  const options: Record<string, object> = {};
  for (const type of types.offered) options[type] = {};
  if ('card' in options) {
    options['card'] = { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' };
  }
  const asked = optionalGroup(params, 'payment_method_options') ?? {};
  const bank = optionalGroup(asked, 'us_bank_account') ?? {};
  if ('us_bank_account' in options) {
    const method = optionalChoice(bank, 'verification_method', ['automatic', 'instant', 'microdeposits']);
    options['us_bank_account'] = { verification_method: method ?? 'automatic' };
  }
  const transfer = optionalGroup(optionalGroup(asked, 'customer_balance') ?? {}, 'bank_transfer');
  if ('customer_balance' in options) {
    options['customer_balance'] =
      transfer === undefined
        ? { bank_transfer: null, funding_type: null }
        : { bank_transfer: transfer, funding_type: 'bank_transfer' };
  }
  return options;
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
  const least = chargeMinorMin(currency);
  if (amount < least) {
    throw invalidRequest(`Amount must be at least ${inWords(least, currency)} ${currency}`, {
      code: 'amount_too_small',
      param: 'amount',
    });
  }
  if (amount > CHARGE_MINOR_MAX) {
    throw invalidRequest(`Amount must be no more than ${inWords(CHARGE_MINOR_MAX, currency)}`, {
      code: 'amount_too_large',
      param: 'amount',
    });
  }
}

export function applyBalance(world: SandboxWorld, id: string, params: Params): Stripe.PaymentIntent {
  allowOnly(params, ['amount', 'currency']);
  const intent = retrievePaymentIntent(world, id);
  const currency = optionalText(params, 'currency');
  if (currency !== undefined && currency.toLowerCase() !== intent.currency) {
    throw invalidRequest(`The currency must be that of the PaymentIntent: ${intent.currency}.`, { param: 'currency' });
  }
  return applyCustomerBalance(world, intent, optionalInteger(params, 'amount'));
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
