import type Stripe from 'stripe';
import { listOf, type ListAnswer } from './account.resource.js';
import { invalidRequest, resourceMissing } from './api.error.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  mergedMetadata,
  metadataOf,
  optionalChoice,
  optionalGroup,
  optionalInteger,
  optionalList,
  optionalText,
} from './params.reader.js';
import { attach, detachAll } from './attachment.resource.js';
import { usePaymentMethod } from './payment-method.resource.js';
import type { SandboxWorld } from './sandbox.world.js';

/** What the sandbox knows of a customer besides what the API shows. */
export interface HiddenCustomer {
  readonly deleted?: true;
  readonly reconciliationMode?: 'automatic' | 'manual';
  /** Cash that we hold for the customer, by currency, minor units. */
  readonly cash?: Readonly<Record<string, number>>;
}

const TEXTS = ['description', 'email', 'name', 'phone', 'tax_exempt'] as const;
const SHARED_PARAMS = [
  ...TEXTS,
  'address',
  'shipping',
  'metadata',
  'invoice_settings',
  'invoice_prefix',
  'next_invoice_sequence',
  'preferred_locales',
  'balance',
  'cash_balance',
];

export function createCustomer(world: SandboxWorld, params: Params): Stripe.Customer {
  allowOnly(params, [...SHARED_PARAMS, 'payment_method', 'test_clock']);
  const clock = optionalText(params, 'test_clock');
  if (clock !== undefined && world.book.find('test_helpers.test_clock', clock) === undefined) {
    throw resourceMissing('test clock', clock, 'test_clock');
  }
  return world.book.onClock(clock, () => {
    const blank: Stripe.Customer = {
      id: world.book.newId('cus', 14),
      object: 'customer',
      address: null,
      balance: 0,
      created: world.book.nowSeconds,
      currency: null,
      default_source: null,
      delinquent: false,
      description: null,
      discount: null,
      email: null,
      invoice_prefix: world.book.newId('', 8).slice(1).toUpperCase(),
      invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
      livemode: false,
      metadata: metadataOf(params),
      name: null,
      next_invoice_sequence: 1,
      phone: null,
      preferred_locales: [],
      shipping: null,
      tax_exempt: 'none',
      test_clock: clock ?? null,
    };
    const customer = world.book.add(withFields(world, blank, params), { hidden: hiddenOf(params, {}) });
    const methodId = optionalText(params, 'payment_method');
    world.emit('customer.created', customer);
    if (methodId !== undefined) attach(world, usePaymentMethod(world, methodId), customer.id);
    return customer;
  });
}

/** @throws ApiError resource_missing, as Stripe answers a payment for a customer that was deleted or never was. */
export function findCustomer(world: SandboxWorld, id: string, param = 'id'): Stripe.Customer {
  const found = world.book.find<Stripe.Customer>('customer', id);
  if (found === undefined || world.book.hidden<HiddenCustomer>(id)?.deleted === true) {
    throw resourceMissing('customer', id, param);
  }
  return found;
}

/** A deleted customer can still be read, as a stub that says so. */
export function retrieveCustomer(world: SandboxWorld, id: string): Stripe.Customer | Stripe.DeletedCustomer {
  if (world.book.hidden<HiddenCustomer>(id)?.deleted === true) return { id, object: 'customer', deleted: true };
  return findCustomer(world, id);
}

export function updateCustomer(world: SandboxWorld, id: string, params: Params): Stripe.Customer {
  allowOnly(params, SHARED_PARAMS);
  const before = findCustomer(world, id);
  const updated = world.book.save<Stripe.Customer>({
    ...withFields(world, before, params),
    metadata: mergedMetadata(before.metadata, params),
  });
  setReconciliation(world, id, params);
  world.emit('customer.updated', updated, changedOf(before, updated));
  return updated;
}

/** The payment methods go with the customer; open intents stay, and can no longer be confirmed. */
export function deleteCustomer(world: SandboxWorld, id: string): Stripe.DeletedCustomer {
  const customer = findCustomer(world, id);
  detachAll(world, id);
  world.book.setHidden(id, { ...world.book.hidden<HiddenCustomer>(id), deleted: true });
  world.emit('customer.deleted', customer);
  return { id, object: 'customer', deleted: true };
}

export function listCustomers(world: SandboxWorld, params: Params): ListAnswer<Stripe.Customer> {
  const { email, test_clock: clock, ...paging } = params;
  const also: { sql: string; value: string | number }[] = [
    { sql: "json_extract(object.hidden, '$.deleted') IS NOT ?", value: 1 },
  ];
  if (typeof email === 'string') also.push({ sql: "json_extract(object.body, '$.email') = ?", value: email });
  if (typeof clock === 'string') also.push({ sql: "json_extract(object.body, '$.test_clock') = ?", value: clock });
  return listOf<Stripe.Customer>(world, 'customer', '/v1/customers', paging, { also });
}

function withFields(world: SandboxWorld, customer: Stripe.Customer, params: Params): Stripe.Customer {
  const given: Partial<Record<(typeof TEXTS)[number], string | null>> = {};
  for (const name of TEXTS) {
    if (name in params) given[name] = optionalText(params, name) ?? null;
  }
  checkEmail(given.email);
  optionalChoice(params, 'tax_exempt', ['none', 'exempt', 'reverse']);
  const address = optionalGroup(params, 'address');
  const balance = optionalInteger(params, 'balance');
  const defaultMethod = optionalText(optionalGroup(params, 'invoice_settings') ?? {}, 'default_payment_method');
  if (defaultMethod !== undefined) {
    const method = usePaymentMethod(world, defaultMethod);
    if (method.customer !== customer.id) {
      throw invalidRequest(
        `The customer does not have a payment method with the ID ${defaultMethod}. The payment method must be attached to the customer.`,
        { code: 'resource_missing', param: 'invoice_settings[default_payment_method]' },
      );
    }
  }
  return {
    ...customer,
    ...(given as Partial<Stripe.Customer>),
    ...('address' in params ? { address: address === undefined ? null : addressOf(address) } : {}),
    ...('shipping' in params ? { shipping: shippingOf(params) } : {}),
    ...('preferred_locales' in params ? { preferred_locales: optionalList(params, 'preferred_locales') } : {}),
    ...(balance === undefined ? {} : { balance }),
    ...(defaultMethod === undefined
      ? {}
      : { invoice_settings: { ...customer.invoice_settings, default_payment_method: defaultMethod } }),
  };
}

function hiddenOf(params: Params, before: HiddenCustomer): HiddenCustomer {
  const settings = optionalGroup(optionalGroup(params, 'cash_balance') ?? {}, 'settings');
  const mode = optionalChoice(settings ?? {}, 'reconciliation_mode', ['automatic', 'manual', 'merchant_default']);
  if (mode === undefined) return before;
  const { reconciliationMode: _mode, ...rest } = before;
  return mode === 'merchant_default' ? rest : { ...rest, reconciliationMode: mode };
}

/** Whether money that arrives goes to open payments by itself: `cash_balance[settings][reconciliation_mode]`. */
export function setReconciliation(world: SandboxWorld, id: string, params: Params): void {
  world.book.setHidden(id, hiddenOf(params, world.book.hidden<HiddenCustomer>(id) ?? {}));
}

function shippingOf(params: Params): Stripe.Customer.Shipping | null {
  const group = optionalGroup(params, 'shipping');
  if (group === undefined) return null;
  const shipping = {
    address: addressOf(optionalGroup(group, 'address') ?? {}),
    name: optionalText(group, 'name') ?? '',
    phone: optionalText(group, 'phone') ?? null,
  };
  return shipping as Stripe.Customer.Shipping;
}

export function addressOf(group: Params): Stripe.Address {
  const read = (name: string): string | null => optionalText(group, name) ?? null;
  return {
    city: read('city'),
    country: read('country'),
    line1: read('line1'),
    line2: read('line2'),
    postal_code: read('postal_code'),
    state: read('state'),
  };
}

function checkEmail(email: string | null | undefined): void {
  if (email == null || /^[^\s@]+@[^\s@]+$/.test(email)) return;
  throw invalidRequest(`Invalid email address: ${email}`, { code: 'email_invalid', param: 'email' });
}

/** What an update event says was there before: only what changed. */
function changedOf(before: object, after: object): object {
  const now = after as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(before).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(now[name])),
  );
}
