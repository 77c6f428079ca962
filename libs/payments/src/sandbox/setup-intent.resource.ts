import type Stripe from 'stripe';
import { listOf, type ListAnswer } from './account.resource.js';
import { ApiError, invalidRequest, parameterMissing, resourceMissing } from './api.error.js';
import { findCustomer } from './customer.resource.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  mergedMetadata,
  metadataOf,
  optionalChoice,
  optionalFlag,
  optionalGroup,
  optionalText,
} from './params.reader.js';
import { usePaymentMethod } from './payment-method.resource.js';
import { methodTypesOf } from './payment-types.rule.js';
import type { SandboxWorld } from './sandbox.world.js';
import { confirmSetup } from './setup.flow.js';

const CONFIRM_PARAMS = [
  'payment_method',
  'payment_method_data',
  'payment_method_options',
  'mandate_data',
  'return_url',
  'use_stripe_sdk',
];
const CREATE_PARAMS = [
  ...CONFIRM_PARAMS,
  'automatic_payment_methods',
  'allowed_payment_method_types',
  'payment_method_types',
  'attach_to_self',
  'confirm',
  'customer',
  'description',
  'metadata',
  'usage',
];

export function createSetupIntent(world: SandboxWorld, params: Params): Stripe.SetupIntent {
  allowOnly(params, CREATE_PARAMS);
  const customer = optionalText(params, 'customer');
  if (customer !== undefined) findCustomer(world, customer, 'customer');
  const automatic = optionalGroup(params, 'automatic_payment_methods');
  const types = methodTypesOf(params, 'usd');
  const id = world.book.newId('seti');
  const intent: Stripe.SetupIntent = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: types.asked,
    application: null,
    automatic_payment_methods:
      automatic === undefined
        ? null
        : {
            allow_redirects: optionalChoice(automatic, 'allow_redirects', ['always', 'never']) ?? 'always',
            enabled: optionalFlag(automatic, 'enabled') ?? false,
          },
    cancellation_reason: null,
    client_secret: world.book.newId(`${id}_secret`),
    created: world.book.nowSeconds,
    customer: customer ?? null,
    customer_account: null,
    description: optionalText(params, 'description') ?? null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: metadataOf(params),
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: optionsOf(types.offered),
    payment_method_types: [...types.offered],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage: optionalChoice(params, 'usage', ['off_session', 'on_session']) ?? 'off_session',
  };
  const confirms = optionalFlag(params, 'confirm') === true;
  const methodId = optionalText(params, 'payment_method');
  if (methodId !== undefined && !confirms) {
    intent.payment_method = usePaymentMethod(world, methodId).id;
    intent.status = 'requires_confirmation';
  }
  world.book.add(intent, { hidden: {}, ...(customer === undefined ? {} : { parent: customer }) });
  world.emit('setup_intent.created', intent);
  return confirms ? confirmSetup(world, intent, params) : intent;
}

function optionsOf(types: readonly string[]): Stripe.SetupIntent.PaymentMethodOptions {
  const options: Record<string, object> = {};
  if (types.includes('card'))
    options['card'] = { mandate_options: null, network: null, request_three_d_secure: 'automatic' };
  if (types.includes('us_bank_account')) options['us_bank_account'] = { verification_method: 'automatic' };
  if (types.includes('sepa_debit')) options['sepa_debit'] = {};
  return options;
}

export function retrieveSetupIntent(world: SandboxWorld, id: string): Stripe.SetupIntent {
  const found = world.book.find<Stripe.SetupIntent>('setup_intent', id);
  if (found === undefined) throw resourceMissing('setupintent', id, 'intent');
  return found;
}

export function listSetupIntents(world: SandboxWorld, params: Params): ListAnswer<Stripe.SetupIntent> {
  const { customer, payment_method: method, ...paging } = params;
  const also: { sql: string; value: string }[] = [];
  if (typeof customer === 'string') also.push({ sql: "json_extract(object.body, '$.customer') = ?", value: customer });
  if (typeof method === 'string')
    also.push({ sql: "json_extract(object.body, '$.payment_method') = ?", value: method });
  return listOf<Stripe.SetupIntent>(world, 'setup_intent', '/v1/setup_intents', paging, { also });
}

/** Every try of one setup intent, newest first. */
export function listSetupAttempts(world: SandboxWorld, params: Params): ListAnswer<Stripe.SetupAttempt> {
  const intent = optionalText(params, 'setup_intent');
  if (intent === undefined) throw parameterMissing('setup_intent');
  retrieveSetupIntent(world, intent);
  return listOf<Stripe.SetupAttempt>(world, 'setup_attempt', '/v1/setup_attempts', params, {
    parents: ['setup_intent'],
  });
}

export function confirmSetupIntent(
  world: SandboxWorld,
  id: string,
  params: Params,
  publishable: boolean,
): Stripe.SetupIntent {
  allowOnly(params, [...CONFIRM_PARAMS, 'expected_payment_method_type']);
  return confirmSetup(world, retrieveSetupIntent(world, id), params, publishable);
}

export function updateSetupIntent(world: SandboxWorld, id: string, params: Params): Stripe.SetupIntent {
  allowOnly(params, ['customer', 'description', 'metadata', 'payment_method', 'payment_method_types']);
  const intent = retrieveSetupIntent(world, id);
  refuseEnded(intent, 'updated', ['requires_payment_method', 'requires_confirmation', 'requires_action']);
  const customer = optionalText(params, 'customer');
  if (customer !== undefined) findCustomer(world, customer, 'customer');
  const methodId = optionalText(params, 'payment_method');
  return world.book.save<Stripe.SetupIntent>({
    ...intent,
    customer: customer ?? intent.customer,
    description: optionalText(params, 'description') ?? intent.description,
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

export function cancelSetupIntent(world: SandboxWorld, id: string, params: Params): Stripe.SetupIntent {
  allowOnly(params, ['cancellation_reason']);
  const intent = retrieveSetupIntent(world, id);
  refuseEnded(intent, 'canceled', ['requires_payment_method', 'requires_confirmation', 'requires_action']);
  const canceled = world.book.save<Stripe.SetupIntent>({
    ...intent,
    status: 'canceled',
    cancellation_reason:
      optionalChoice(params, 'cancellation_reason', ['abandoned', 'duplicate', 'requested_by_customer']) ?? null,
    next_action: null,
  });
  world.emit('setup_intent.canceled', canceled);
  return canceled;
}

function refuseEnded(intent: Stripe.SetupIntent, verb: string, among: readonly string[]): void {
  if (among.includes(intent.status)) return;
  throw new ApiError(400, {
    type: 'invalid_request_error',
    code: 'setup_intent_unexpected_state',
    message: `This SetupIntent could not be ${verb} because it has a status of ${intent.status}. Only a SetupIntent with one of the following statuses may be ${verb}: ${among.join(', ')}.`,
  });
}

/** With a publishable key the client secret is what authorises: it must be the intent's own. */
export function checkSetupSecret(intent: Stripe.SetupIntent, params: Params): void {
  const secret = optionalText(params, 'client_secret');
  if (secret === undefined) throw parameterMissing('client_secret');
  if (secret === intent.client_secret) return;
  throw invalidRequest('The client_secret provided does not match any associated SetupIntent on this account.', {
    code: 'setup_intent_invalid_parameter',
    param: 'client_secret',
  });
}

/** What a browser may see of a setup intent. */
export function publicSetupIntent(intent: Stripe.SetupIntent): Partial<Stripe.SetupIntent> {
  const { metadata: _metadata, customer: _customer, application: _application, latest_attempt: _a, ...seen } = intent;
  return seen;
}
