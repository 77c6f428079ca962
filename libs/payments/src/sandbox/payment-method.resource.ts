import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { ApiError, invalidRequest, resourceMissing } from './api.error.js';
import type { Params } from './form.codec.js';
import { allowOnly, metadataOf, optionalGroup, optionalText, requiredInteger, requiredText } from './params.reader.js';
import type { SandboxWorld } from './sandbox.world.js';
import { hasValidCheckDigit, numberOfToken, scenarioOfNumber, type CardScenario } from './test-card.table.js';

interface HiddenCard {
  readonly number: string;
}

export function createPaymentMethod(world: SandboxWorld, params: Params): Stripe.PaymentMethod {
  allowOnly(params, ['type', 'card', 'billing_details', 'metadata', 'allow_redisplay']);
  const type = requiredText(params, 'type');
  if (type !== 'card') {
    throw invalidRequest(`Invalid type: must be one of card (this is the sandbox; it knows cards only)`, {
      param: 'type',
    });
  }
  const card = optionalGroup(params, 'card');
  if (card === undefined)
    throw invalidRequest('Missing required param: card.', { code: 'parameter_missing', param: 'card' });
  return addCard(world, card, params);
}

/** A payment method named in a request: an id made before, or one of Stripe's test tokens. */
export function usePaymentMethod(world: SandboxWorld, idOrToken: string): Stripe.PaymentMethod {
  const number = numberOfToken(idOrToken);
  if (number !== undefined) {
    return addCard(world, { number, exp_month: '12', exp_year: String(yearOf(world) + 5), cvc: '123' }, {});
  }
  const found = world.book.find<Stripe.PaymentMethod>('payment_method', idOrToken);
  if (found === undefined) throw resourceMissing('PaymentMethod', idOrToken, 'payment_method');
  return found;
}

export function retrievePaymentMethod(world: SandboxWorld, id: string): Stripe.PaymentMethod {
  const found = world.book.find<Stripe.PaymentMethod>('payment_method', id);
  if (found === undefined) throw resourceMissing('PaymentMethod', id, 'payment_method');
  return found;
}

export function scenarioOf(world: SandboxWorld, paymentMethodId: string): CardScenario {
  const number = world.book.hidden<HiddenCard>(paymentMethodId)?.number ?? '';
  const scenario = scenarioOfNumber(number);
  if (scenario === undefined) throw new Error(`payment method ${paymentMethodId} has no scenario`);
  return scenario;
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
  const method: Stripe.PaymentMethod = {
    id: world.book.newId('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: billingDetailsOf(params),
    card: {
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
    },
    created: world.book.nowSeconds,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: metadataOf(params),
    type: 'card',
  };
  const hidden: HiddenCard = { number };
  return world.book.add(method, { hidden });
}

function billingDetailsOf(params: Params): Stripe.PaymentMethod.BillingDetails {
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
