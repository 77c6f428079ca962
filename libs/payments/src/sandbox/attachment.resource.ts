import type Stripe from 'stripe';
import { listOf, type ListAnswer } from './account.resource.js';
import { ApiError, invalidRequest, parameterMissing, resourceMissing } from './api.error.js';
import type { Params } from './form.codec.js';
import { allowOnly, mergedMetadata, optionalChoice, optionalGroup, optionalText } from './params.reader.js';
import {
  billingDetailsOf,
  METHOD_TYPES,
  retrievePaymentMethod,
  scenarioOf,
  usePaymentMethod,
  type HiddenMethod,
} from './payment-method.resource.js';
import type { SandboxWorld } from './sandbox.world.js';

/** A method serves many payments only while it is a customer's; once taken off, or used up, it serves none. */
export function attachPaymentMethod(world: SandboxWorld, id: string, params: Params): Stripe.PaymentMethod {
  allowOnly(params, ['customer']);
  const customer = optionalText(params, 'customer');
  if (customer === undefined) throw parameterMissing('customer');
  const method = usePaymentMethod(world, id);
  checkCustomer(world, customer, 'customer');
  return attach(world, method, customer);
}

export function attach(world: SandboxWorld, method: Stripe.PaymentMethod, customer: string): Stripe.PaymentMethod {
  if (method.customer === customer) return method;
  if (method.customer !== null) {
    throw invalidRequest('The payment method you provided has already been attached to a customer.', {
      param: 'payment_method',
    });
  }
  refuseUsedUp(world, method.id);
  if (method.type === 'us_bank_account' && !isVerified(world, method.id)) {
    throw invalidRequest(
      'This PaymentMethod must be verified before it can be attached to a Customer. Use a SetupIntent or a PaymentIntent to verify it.',
      { code: 'payment_method_bank_account_unverified', param: 'payment_method' },
    );
  }
  if (method.type === 'card') refuseDeclined(world, method);
  const attached = world.book.save<Stripe.PaymentMethod>({ ...withCheckedCode(method), customer });
  world.book.setParent(method.id, customer);
  world.emit('payment_method.attached', attached);
  return attached;
}

/** Attaching asks the bank, which checks the security code. */
function withCheckedCode(method: Stripe.PaymentMethod): Stripe.PaymentMethod {
  if (method.card?.checks?.cvc_check !== 'unchecked') return method;
  return { ...method, card: { ...method.card, checks: { ...method.card.checks, cvc_check: 'pass' } } };
}

export function detachPaymentMethod(world: SandboxWorld, id: string): Stripe.PaymentMethod {
  const method = retrievePaymentMethod(world, id);
  if (method.customer === null) {
    throw invalidRequest('The payment method you provided is not attached to a customer so detachment is impossible.', {
      param: 'payment_method',
    });
  }
  return detach(world, method);
}

function detach(world: SandboxWorld, method: Stripe.PaymentMethod): Stripe.PaymentMethod {
  const detached = world.book.save<Stripe.PaymentMethod>({ ...method, customer: null });
  world.book.setParent(method.id, null);
  markUsedUp(world, method.id);
  world.emit('payment_method.detached', detached, { customer: method.customer });
  return detached;
}

export function detachAll(world: SandboxWorld, customer: string): void {
  for (const method of world.book.children<Stripe.PaymentMethod>(customer, 'payment_method')) detach(world, method);
}

export function updatePaymentMethod(world: SandboxWorld, id: string, params: Params): Stripe.PaymentMethod {
  allowOnly(params, ['billing_details', 'metadata', 'card', 'allow_redisplay']);
  const method = retrievePaymentMethod(world, id);
  if (method.customer === null) {
    throw invalidRequest('You must save this PaymentMethod to a customer before you can update it.', {
      param: 'payment_method',
    });
  }
  const redisplay = optionalChoice(params, 'allow_redisplay', ['always', 'limited', 'unspecified']);
  const updated = world.book.save<Stripe.PaymentMethod>({
    ...method,
    ...(optionalGroup(params, 'billing_details') === undefined ? {} : { billing_details: billingDetailsOf(params) }),
    ...(redisplay === undefined ? {} : { allow_redisplay: redisplay }),
    metadata: mergedMetadata(method.metadata, params),
  });
  world.emit('payment_method.updated', updated);
  return updated;
}

/** Of one customer, or, as Stripe has it, of none unless one is named. */
export function listPaymentMethods(
  world: SandboxWorld,
  customer: string | undefined,
  params: Params,
): ListAnswer<Stripe.PaymentMethod> {
  const { type, customer: named, allow_redisplay: _redisplay, ...paging } = params;
  const owner = customer ?? (typeof named === 'string' ? named : undefined);
  const wanted = optionalChoice({ type: type ?? '' }, 'type', METHOD_TYPES);
  const url = customer === undefined ? '/v1/payment_methods' : `/v1/customers/${customer}/payment_methods`;
  if (owner !== undefined) checkCustomer(world, owner, 'customer');
  return listOf<Stripe.PaymentMethod>(world, 'payment_method', url, paging, {
    also: [
      { sql: 'parent = ?', value: owner ?? 'none' },
      ...(wanted === undefined ? [] : [{ sql: "json_extract(object.body, '$.type') = ?", value: wanted }]),
    ],
  });
}

export function retrieveOfCustomer(world: SandboxWorld, customer: string, id: string): Stripe.PaymentMethod {
  const method = retrievePaymentMethod(world, id);
  if (method.customer === customer) return method;
  throw resourceMissing('payment method', id, 'payment_method');
}

/** @throws ApiError unless the method may be used for this customer, or for nobody. */
export function checkOwner(world: SandboxWorld, method: Stripe.PaymentMethod, customer: string | null): void {
  refuseUsedUp(world, method.id);
  if (method.customer === customer || method.customer === null) return;
  throw invalidRequest(
    customer === null
      ? 'The payment method you provided is attached to a customer so for security purposes you must provide the customer in the request.'
      : `The payment method ${method.id} does not belong to customer ${customer}. Please check the payment method and try again.`,
    { param: 'payment_method' },
  );
}

export function markUsedUp(world: SandboxWorld, id: string): void {
  world.book.setHidden(id, { ...world.book.hidden<HiddenMethod>(id), usedUp: true });
}

/** From now on off-session charges of the method need no further authentication. */
export function markSetUp(world: SandboxWorld, id: string, more: Partial<HiddenMethod> = {}): void {
  world.book.setHidden(id, { ...world.book.hidden<HiddenMethod>(id), ...more, setUp: true });
}

function isVerified(world: SandboxWorld, id: string): boolean {
  return world.book.hidden<HiddenMethod>(id)?.setUp === true;
}

function refuseUsedUp(world: SandboxWorld, id: string): void {
  if (world.book.hidden<HiddenMethod>(id)?.usedUp !== true) return;
  throw invalidRequest(
    'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.',
    { param: 'payment_method' },
  );
}

/** Saving a card asks its bank, which refuses the cards that it refuses to charge. */
function refuseDeclined(world: SandboxWorld, method: Stripe.PaymentMethod): void {
  const { decline, challenge, savesThoughDeclined } = scenarioOf(world, method.id);
  if (decline === undefined || challenge !== undefined || savesThoughDeclined === true) return;
  throw new ApiError(402, {
    type: 'card_error',
    code: decline.code,
    ...(decline.declineCode === undefined ? {} : { decline_code: decline.declineCode }),
    message: decline.message,
  });
}

function checkCustomer(world: SandboxWorld, id: string, param: string): void {
  const hidden = world.book.hidden<{ deleted?: boolean }>(id);
  if (world.book.find('customer', id) === undefined || hidden?.deleted === true) {
    throw resourceMissing('customer', id, param);
  }
}
