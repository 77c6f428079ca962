import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { ApiError, invalidRequest, resourceMissing } from './api.error.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  metadataOf,
  optionalChoice,
  optionalGroup,
  optionalText,
  requiredInteger,
  requiredText,
} from './params.reader.js';
import type { SandboxWorld } from './sandbox.world.js';
import { hasValidCheckDigit, numberOfToken, scenarioOfNumber, type CardScenario } from './test-card.table.js';
import {
  debitScenarioOf,
  ibanOfToken,
  isValidIban,
  isValidRoutingNumber,
  usAccountOfToken,
  US_TEST_ROUTING,
  type DebitScenario,
} from './test-debit.table.js';

/** What nobody outside may see of a method. */
export interface HiddenMethod {
  /** Of a card. */
  readonly number?: string;
  /** Account number or IBAN of a bank account. */
  readonly account?: string;
  /** Authenticated, or verified, for charges without the payer. */
  readonly setUp?: true;
  /** Detached, or used once without a customer. */
  readonly usedUp?: true;
  /** The mandate that debits of this account rest on. */
  readonly mandate?: string;
}

export const METHOD_TYPES = ['card', 'customer_balance', 'sepa_debit', 'us_bank_account'] as const;
export type MethodType = (typeof METHOD_TYPES)[number];

export function createPaymentMethod(world: SandboxWorld, params: Params): Stripe.PaymentMethod {
  allowOnly(params, [...METHOD_TYPES, 'type', 'billing_details', 'metadata', 'allow_redisplay']);
  requiredText(params, 'type');
  const type = optionalChoice(params, 'type', METHOD_TYPES) ?? 'card';
  if (type === 'customer_balance') return addMethod(world, params, { type, customer_balance: {} }, {});
  const details = optionalGroup(params, type);
  if (details === undefined) {
    throw invalidRequest(`Missing required param: ${type}.`, { code: 'parameter_missing', param: type });
  }
  if (type === 'card') return addCard(world, details, params);
  return type === 'us_bank_account' ? addUsAccount(world, details, params) : addIban(world, details, params);
}

/** A payment method named in a request: an id made before, or one of Stripe's test tokens. */
export function usePaymentMethod(world: SandboxWorld, idOrToken: string): Stripe.PaymentMethod {
  const ofToken = methodOfToken(world, idOrToken);
  if (ofToken !== undefined) return ofToken;
  const found = world.book.find<Stripe.PaymentMethod>('payment_method', idOrToken);
  if (found === undefined) throw resourceMissing('PaymentMethod', idOrToken, 'payment_method');
  return found;
}

/** Each use of a test token is a new payment method, as in Stripe's test mode. */
function methodOfToken(world: SandboxWorld, token: string): Stripe.PaymentMethod | undefined {
  const number = numberOfToken(token);
  if (number !== undefined) {
    return addCard(world, { number, exp_month: '12', exp_year: String(yearOf(world) + 5), cvc: '123' }, {});
  }
  const holder = { billing_details: { name: 'Jenny Rosen', email: 'jenny@example.com' } };
  const account = usAccountOfToken(token);
  if (account !== undefined) {
    const method = addUsAccount(world, { account_number: account, routing_number: US_TEST_ROUTING }, holder);
    // The account of a token counts as verified, but for the one whose deposits fail.
    if (debitScenarioOf(account).depositsFail !== true) world.book.setHidden(method.id, { account, setUp: true });
    return method;
  }
  const iban = ibanOfToken(token);
  return iban === undefined ? undefined : addIban(world, { iban }, holder);
}

export function retrievePaymentMethod(world: SandboxWorld, id: string): Stripe.PaymentMethod {
  const found = methodOfToken(world, id) ?? world.book.find<Stripe.PaymentMethod>('payment_method', id);
  if (found === undefined) throw resourceMissing('PaymentMethod', id, 'payment_method');
  return found;
}

const NO_CARD: CardScenario = { brand: 'unknown', last4: '0000', funding: 'credit', country: 'US' };

/** What the card behind a method does; of what is no card, nothing in particular. */
export function scenarioOf(world: SandboxWorld, paymentMethodId: string): CardScenario {
  return scenarioOfNumber(world.book.hidden<HiddenMethod>(paymentMethodId)?.number ?? '') ?? NO_CARD;
}

export function debitScenarioOfMethod(world: SandboxWorld, paymentMethodId: string): DebitScenario {
  return debitScenarioOf(world.book.hidden<HiddenMethod>(paymentMethodId)?.account ?? '');
}

function addMethod(
  world: SandboxWorld,
  params: Params,
  details: Pick<Stripe.PaymentMethod, 'type'> & Partial<Stripe.PaymentMethod>,
  hidden: HiddenMethod,
): Stripe.PaymentMethod {
  const method: Stripe.PaymentMethod = {
    id: world.book.newId('pm'),
    object: 'payment_method',
    allow_redisplay: optionalChoice(params, 'allow_redisplay', ['always', 'limited', 'unspecified']) ?? 'unspecified',
    billing_details: billingDetailsOf(params),
    created: world.book.nowSeconds,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: metadataOf(params),
    ...details,
  };
  return world.book.add(method, { hidden });
}

function addUsAccount(world: SandboxWorld, account: Params, params: Params): Stripe.PaymentMethod {
  allowOnly(account, ['account_holder_type', 'account_number', 'account_type', 'routing_number']);
  const number = requiredText(account, 'account_number');
  const routing = requiredText(account, 'routing_number');
  if (!/^\d{4,17}$/.test(number)) {
    throw invalidRequest('Invalid account number. It must be 4 to 17 digits.', {
      code: 'account_number_invalid',
      param: 'us_bank_account[account_number]',
    });
  }
  if (!isValidRoutingNumber(routing)) {
    throw invalidRequest('The routing number provided for this bank account is invalid.', {
      code: 'routing_number_invalid',
      param: 'us_bank_account[routing_number]',
    });
  }
  requireHolder(params, ['name']);
  const bank: Stripe.PaymentMethod.UsBankAccount = {
    account_holder_type: optionalChoice(account, 'account_holder_type', ['individual', 'company']) ?? 'individual',
    account_type: optionalChoice(account, 'account_type', ['checking', 'savings']) ?? 'checking',
    bank_name: 'STRIPE TEST BANK',
    financial_connections_account: null,
    fingerprint: fingerprintOf(`us:${routing}:${number}`),
    last4: number.slice(-4),
    networks: { preferred: 'ach', supported: ['ach'] },
    routing_number: routing,
    status_details: {},
  };
  return addMethod(world, params, { type: 'us_bank_account', us_bank_account: bank }, { account: number });
}

function addIban(world: SandboxWorld, account: Params, params: Params): Stripe.PaymentMethod {
  allowOnly(account, ['iban']);
  const iban = requiredText(account, 'iban').replaceAll(/\s/g, '').toUpperCase();
  if (!isValidIban(iban)) {
    throw invalidRequest('The IBAN you entered is invalid.', {
      code: 'invalid_bank_account_iban',
      param: 'sepa_debit[iban]',
    });
  }
  requireHolder(params, ['name', 'email']);
  const country = iban.slice(0, 2);
  const bank: Stripe.PaymentMethod.SepaDebit = {
    bank_code: iban.slice(4, country === 'DE' ? 12 : 9),
    branch_code: '',
    country,
    fingerprint: fingerprintOf(iban),
    generated_from: { charge: null, setup_attempt: null },
    last4: iban.slice(-4),
  };
  return addMethod(world, params, { type: 'sepa_debit', sepa_debit: bank }, { account: iban });
}

/** A debit needs to know whose account it is. */
function requireHolder(params: Params, names: readonly string[]): void {
  const holder = optionalGroup(params, 'billing_details') ?? {};
  for (const name of names) {
    if (optionalText(holder, name) !== undefined) continue;
    const param = `billing_details[${name}]`;
    throw invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
}

function addCard(world: SandboxWorld, card: Params, params: Params): Stripe.PaymentMethod {
  const number = (optionalText(card, 'number') ?? '').replaceAll(/[\s-]/g, '');
  if (!hasValidCheckDigit(number)) {
    throw cardError('incorrect_number', 'Your card number is incorrect.', 'number');
  }
  const scenario = scenarioOfNumber(number);
  if (scenario === undefined) {
    throw new ApiError(402, {
      type: 'card_error',
      code: 'card_declined',
      decline_code: 'test_mode_live_card',
      message:
        'Your card was declined. Your request was in test mode, but used a non test card. Use a test card number.',
      param: 'number',
    });
  }
  const month = requiredInteger(card, 'exp_month');
  const shortYear = requiredInteger(card, 'exp_year');
  const year = shortYear < 100 ? 2000 + shortYear : shortYear;
  if (month < 1 || month > 12)
    throw cardError('invalid_expiry_month', "Your card's expiration month is invalid.", 'exp_month');
  if (year < yearOf(world) || year > yearOf(world) + 50) {
    throw cardError('invalid_expiry_year', "Your card's expiration year is invalid.", 'exp_year');
  }
  const details: Stripe.PaymentMethod.Card = {
    brand: scenario.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'unchecked' },
    country: scenario.country,
    display_brand: scenario.brand,
    exp_month: month,
    exp_year: year,
    fingerprint: fingerprintOf(number),
    funding: scenario.funding,
    generated_from: null,
    last4: scenario.last4,
    networks: { available: [scenario.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
  return addMethod(world, params, { type: 'card', card: details }, { number });
}

export function billingDetailsOf(params: Params): Stripe.PaymentMethod.BillingDetails {
  const group = optionalGroup(params, 'billing_details') ?? {};
  const address = optionalGroup(group, 'address') ?? {};
  const read = (from: Params, name: string): string | null => optionalText(from, name) ?? null;
  return {
    address: {
      city: read(address, 'city'),
      country: read(address, 'country'),
      line1: read(address, 'line1'),
      line2: read(address, 'line2'),
      postal_code: read(address, 'postal_code'),
      state: read(address, 'state'),
    },
    email: read(group, 'email'),
    name: read(group, 'name'),
    phone: read(group, 'phone'),
    tax_id: null,
  };
}

/** The same for the same number, as Stripe's is within one account. */
function fingerprintOf(number: string): string {
  return createHash('sha256')
    .update(`sandbox-card:${number}`)
    .digest('base64url')
    .replaceAll(/[-_]/g, 'x')
    .slice(0, 16);
}

function cardError(code: string, message: string, param: string): ApiError {
  return new ApiError(402, { type: 'card_error', code, message, param });
}

function yearOf(world: SandboxWorld): number {
  return new Date(world.book.nowMs).getUTCFullYear();
}
