import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { clientOf, errorOf, openSandbox, PUBLISHABLE_KEY } from './stripe-sandbox.stage.js';

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox();
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

const customer = (params: Stripe.CustomerCreateParams = {}) =>
  stripe.customers.create({ email: 'ada@example.com', ...params });
/** A card that was saved through a setup: its challenge, if it has one, is passed. */
const saved = async (method: string): Promise<{ customer: string; method: string }> => {
  const owner = await customer();
  const setup = await stripe.setupIntents.create({ customer: owner.id, payment_method: method, confirm: true });
  const page = setup.next_action?.redirect_to_url?.url;
  if (page != null) await answer(page, 'complete');
  const done = await stripe.setupIntents.retrieve(setup.id);
  expect(done.status).toBe('succeeded');
  return { customer: owner.id, method: done.payment_method as string };
};
const answer = (page: string, outcome: 'complete' | 'fail') =>
  fetch(page, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ outcome }) });
const offSession = (of: { customer: string; method: string }, amount = 2500) =>
  stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    customer: of.customer,
    payment_method: of.method,
    off_session: true,
    confirm: true,
  });

describe('customers', () => {
  it('are created, read, changed, listed and deleted', async () => {
    const made = await customer({ name: 'Ada', metadata: { donor: '7', note: 'x' }, preferred_locales: ['de'] });
    expect(made).toMatchObject({ name: 'Ada', balance: 0, test_clock: null, preferred_locales: ['de'] });
    const changed = await stripe.customers.update(made.id, { name: 'Ada L.', metadata: { note: '' } });
    expect(changed).toMatchObject({ name: 'Ada L.', email: 'ada@example.com', metadata: { donor: '7' } });
    expect(changed.metadata).not.toHaveProperty('note');
    await customer({ email: 'grace@example.com' });
    const found = await stripe.customers.list({ email: 'grace@example.com' });
    expect(found.data.map((each) => each.email)).toEqual(['grace@example.com']);
    const event = (await stripe.events.list({ type: 'customer.updated' })).data[0];
    expect(event?.data.previous_attributes).toMatchObject({ name: 'Ada' });
    expect(await stripe.customers.del(made.id)).toMatchObject({ deleted: true });
    expect(await stripe.customers.retrieve(made.id)).toMatchObject({ id: made.id, deleted: true });
    expect(await errorOf(stripe.customers.update(made.id, { name: 'x' }))).toMatchObject({
      code: 'resource_missing',
      statusCode: 404,
    });
    expect((await stripe.customers.list({ limit: 100 })).data.map((each) => each.id)).not.toContain(made.id);
  });

  it('are created once per idempotency key', async () => {
    const once = () => stripe.customers.create({ email: 'k@example.com' }, { idempotencyKey: 'customer-1' });
    expect((await once()).id).toBe((await once()).id);
    expect((await stripe.customers.list({ email: 'k@example.com' })).data).toHaveLength(1);
    const other = stripe.customers.create({ email: 'l@example.com' }, { idempotencyKey: 'customer-1' });
    expect(await errorOf(other)).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
  });

  it.each([
    [{ email: 'nobody' }, 'email_invalid', 'email'],
    [{ payment_method: 'pm_none' }, 'resource_missing', 'payment_method'],
    [{ test_clock: 'clock_none' }, 'resource_missing', 'test_clock'],
    [{ colour: 'red' }, 'parameter_unknown', 'colour'],
  ])('refuse %o with %s', async (params, code, param) => {
    const error = await errorOf(stripe.customers.create(params as Stripe.CustomerCreateParams));
    expect([error.code, error.param]).toEqual([code, param]);
  });
});

describe('saved methods', () => {
  it('are attached, listed, and of no use once detached', async () => {
    const owner = await customer({ payment_method: 'pm_card_visa' });
    const second = await stripe.paymentMethods.attach('pm_card_mastercard', { customer: owner.id });
    const listed = await stripe.customers.listPaymentMethods(owner.id, { type: 'card' });
    expect(listed.data.map((each) => each.card?.brand)).toEqual(['mastercard', 'visa']);
    expect(listed.data.every((each) => each.customer === owner.id)).toBe(true);
    expect((await stripe.paymentMethods.list({ customer: owner.id })).data).toHaveLength(2);
    expect((await stripe.customers.retrievePaymentMethod(owner.id, second.id)).id).toBe(second.id);
    const stranger = await customer();
    expect((await errorOf(stripe.paymentMethods.attach(second.id, { customer: stranger.id }))).message).toContain(
      'already been attached',
    );
    const foreign = await errorOf(offSession({ customer: stranger.id, method: second.id }));
    expect(foreign).toMatchObject({ param: 'payment_method', statusCode: 400 });
    const unnamed = await errorOf(
      stripe.paymentIntents.create({ amount: 900, currency: 'usd', payment_method: second.id, confirm: true }),
    );
    expect(unnamed.message).toContain('you must provide the customer');
    expect((await stripe.paymentMethods.detach(second.id)).customer).toBeNull();
    expect((await errorOf(offSession({ customer: owner.id, method: second.id }))).message).toContain('detached');
    expect((await errorOf(stripe.paymentMethods.detach(second.id))).param).toBe('payment_method');
    await stripe.customers.del(owner.id);
    expect((await errorOf(stripe.customers.listPaymentMethods(owner.id))).code).toBe('resource_missing');
  });

  it('refuse the card that its bank refuses, and take the one that only fails later', async () => {
    const owner = await customer();
    const refused = await errorOf(stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: owner.id }));
    expect(refused).toMatchObject({ code: 'card_declined', statusCode: 402 });
    const late = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: owner.id });
    const error = await errorOf(offSession({ customer: owner.id, method: late.id }));
    expect(error).toMatchObject({ code: 'card_declined', decline_code: 'generic_decline' });
  });

  it('serve once without a customer', async () => {
    const card = await stripe.paymentMethods.create({
      type: 'card',
      card: { number: '4242424242424242', exp_month: 12, exp_year: 2040 },
    });
    const pay = () =>
      stripe.paymentIntents.create({ amount: 900, currency: 'usd', payment_method: card.id, confirm: true });
    expect((await pay()).status).toBe('succeeded');
    expect((await errorOf(pay())).message).toContain('may not be used again');
  });

  it('are kept by a payment with setup_future_usage', async () => {
    const owner = await customer();
    const first = await stripe.paymentIntents.create({
      amount: 900,
      currency: 'usd',
      customer: owner.id,
      payment_method: 'pm_card_authenticationRequiredOnSetup',
      setup_future_usage: 'off_session',
      confirm: true,
    });
    await answer(first.next_action?.redirect_to_url?.url ?? '', 'complete');
    const method = (await stripe.customers.listPaymentMethods(owner.id)).data[0]?.id ?? '';
    const later = await offSession({ customer: owner.id, method });
    expect(later).toMatchObject({ status: 'succeeded', customer: owner.id });
    expect((await stripe.charges.retrieve(later.latest_charge as string)).customer).toBe(owner.id);
  });
});

describe('setup intents', () => {
  it('go from a method to a saved card, through a challenge where one is asked for', async () => {
    const owner = await customer();
    const made = await stripe.setupIntents.create({ customer: owner.id, metadata: { pledge: '1' } });
    expect(made).toMatchObject({ status: 'requires_payment_method', usage: 'off_session' });
    const chosen = await stripe.setupIntents.update(made.id, { payment_method: 'pm_card_authenticationRequired' });
    expect(chosen.status).toBe('requires_confirmation');
    const asked = await stripe.setupIntents.confirm(made.id, { return_url: 'https://shop.example/back' });
    expect(asked).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } });
    const page = asked.next_action?.redirect_to_url?.url ?? '';
    expect(await (await fetch(page)).text()).toContain('charged later');
    const answered = await fetch(page, {
      method: 'POST',
      body: new URLSearchParams({ outcome: 'complete' }),
      redirect: 'manual',
    });
    expect(answered.headers.get('location')).toContain(`setup_intent=${made.id}`);
    const done = await stripe.setupIntents.retrieve(made.id, { expand: ['payment_method', 'latest_attempt'] });
    expect(done).toMatchObject({
      status: 'succeeded',
      payment_method: { customer: owner.id },
      latest_attempt: { object: 'setup_attempt', status: 'succeeded' },
    });
    expect((await errorOf(stripe.setupIntents.confirm(made.id))).code).toBe('setup_intent_unexpected_state');
    expect((await errorOf(stripe.setupIntents.cancel(made.id))).code).toBe('setup_intent_unexpected_state');
    expect((await stripe.setupIntents.list({ customer: owner.id })).data.map((each) => each.id)).toEqual([made.id]);
    const types = (await stripe.events.list({ limit: 20 })).data.map((event) => event.type);
    expect(types).toEqual(
      expect.arrayContaining(['setup_intent.created', 'setup_intent.requires_action', 'setup_intent.succeeded']),
    );
    expect(types).toContain('payment_method.attached');
  });

  it('fail at the bank and at the challenge, and can be tried again', async () => {
    const owner = await customer();
    const refused = await errorOf(
      stripe.setupIntents.create({ customer: owner.id, payment_method: 'pm_card_chargeDeclined', confirm: true }),
    );
    expect(refused).toMatchObject({ code: 'card_declined', statusCode: 402 });
    const id = refused.setup_intent?.id ?? '';
    const failed = await stripe.setupIntents.retrieve(id);
    expect(failed).toMatchObject({
      status: 'requires_payment_method',
      last_setup_error: { code: 'card_declined', type: 'card_error' },
    });
    const asked = await stripe.setupIntents.confirm(id, { payment_method: 'pm_card_authenticationRequired' });
    await answer(asked.next_action?.redirect_to_url?.url ?? '', 'fail');
    expect(await stripe.setupIntents.retrieve(id)).toMatchObject({
      status: 'requires_payment_method',
      last_setup_error: { code: 'setup_intent_authentication_failure' },
    });
    expect((await stripe.setupIntents.confirm(id, { payment_method: 'pm_card_visa' })).status).toBe('succeeded');
    const tries = await stripe.setupAttempts.list({ setup_intent: id });
    expect(tries.data.map((each) => each.status)).toEqual(['succeeded', 'failed', 'failed']);
    expect((await errorOf(stripe.setupAttempts.list({ setup_intent: 'seti_none' }))).code).toBe('resource_missing');
    const once = () => stripe.setupIntents.create({ customer: owner.id }, { idempotencyKey: 'setup-1' });
    expect((await once()).id).toBe((await once()).id);
    const open = await stripe.setupIntents.create({ customer: owner.id });
    expect((await stripe.setupIntents.cancel(open.id, { cancellation_reason: 'abandoned' })).status).toBe('canceled');
  });

  it('are confirmed by a browser that knows the client secret', async () => {
    const owner = await customer();
    const made = await stripe.setupIntents.create({ customer: owner.id, metadata: { private: 'yes' } });
    const confirm = (secret: string) =>
      fetch(`${sandbox.url}/v1/setup_intents/${made.id}/confirm`, {
        method: 'POST',
        body: new URLSearchParams({ key: PUBLISHABLE_KEY, client_secret: secret, payment_method: 'pm_card_visa' }),
      });
    expect((await confirm(`${made.id}_secret_wrong`)).status).toBe(400);
    const seen = (await (await confirm(made.client_secret ?? '')).json()) as Record<string, unknown>;
    expect(seen).toMatchObject({ status: 'succeeded' });
    expect(seen).not.toHaveProperty('metadata');
  });

  it.each([
    [{ customer: 'cus_none' }, 'resource_missing', 'customer'],
    [{ usage: 'sometimes' }, undefined, 'usage'],
    [{ payment_method_types: ['bitcoin'] }, 'payment_intent_invalid_parameter', 'payment_method_types'],
    [{ confirm: true }, 'setup_intent_unexpected_state', 'payment_method'],
    [{ amount: 5 }, 'parameter_unknown', 'amount'],
  ])('refuse %o with %s', async (params, code, param) => {
    const error = await errorOf(stripe.setupIntents.create(params as Stripe.SetupIntentCreateParams));
    expect([error.code, error.param]).toEqual([code, param]);
  });
});

describe('charges without the cardholder', () => {
  it.each([
    ['pm_card_visa', 'succeeded'],
    ['pm_card_authenticationRequiredOnSetup', 'succeeded'],
    ['pm_card_authenticationRequiredSetupForOffSession', 'succeeded'],
    ['pm_card_authenticationRequired', 'authentication_required'],
    ['pm_card_chargeCustomerFail', 'generic_decline'],
    ['pm_card_authenticationRequiredChargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_threeDSecureRequired', 'generic_decline'],
  ])('of %s, once it is set up: %s', async (token, outcome) => {
    const of = await saved(token);
    if (outcome === 'succeeded') {
      expect((await offSession(of)).status).toBe('succeeded');
      return;
    }
    const error = await errorOf(offSession(of));
    expect(error).toMatchObject({ type: 'StripeCardError', statusCode: 402, decline_code: outcome });
  });

  it('ask for authentication when the card was only attached', async () => {
    const owner = await customer({ payment_method: 'pm_card_authenticationRequiredOnSetup' });
    const method = (await stripe.customers.listPaymentMethods(owner.id)).data[0]?.id ?? '';
    expect((await errorOf(offSession({ customer: owner.id, method }))).code).toBe('authentication_required');
  });

  it('are finished by the cardholder with the client secret', async () => {
    const of = await saved('pm_card_authenticationRequired');
    const error = await errorOf(offSession(of));
    const intent = error.payment_intent as Stripe.PaymentIntent;
    expect(intent).toMatchObject({
      status: 'requires_payment_method',
      customer: of.customer,
      last_payment_error: { code: 'authentication_required', payment_method: { id: of.method } },
    });
    const confirmed = await fetch(`${sandbox.url}/v1/payment_intents/${intent.id}/confirm`, {
      method: 'POST',
      body: new URLSearchParams({
        key: PUBLISHABLE_KEY,
        client_secret: intent.client_secret ?? '',
        payment_method: of.method,
        return_url: 'https://shop.example/back',
      }),
    });
    const asked = (await confirmed.json()) as Stripe.PaymentIntent;
    expect(asked.status).toBe('requires_action');
    await answer(asked.next_action?.redirect_to_url?.url ?? '', 'complete');
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'succeeded',
      amount_received: 2500,
    });
  });

  it('are charged once per idempotency key, a refusal included', async () => {
    const of = await saved('pm_card_authenticationRequired');
    const charge = () =>
      stripe.paymentIntents.create(
        {
          amount: 700,
          currency: 'usd',
          customer: of.customer,
          payment_method: of.method,
          off_session: true,
          confirm: true,
        },
        { idempotencyKey: 'off-session-1' },
      );
    expect((await errorOf(charge())).payment_intent?.id).toBe((await errorOf(charge())).payment_intent?.id);
  });

  it('refuse a flag without a confirmation, an unknown customer, and a question nobody can answer', async () => {
    const bare = await errorOf(stripe.paymentIntents.create({ amount: 700, currency: 'usd', off_session: true }));
    expect(bare.param).toBe('off_session');
    const nobody = await errorOf(stripe.paymentIntents.create({ amount: 700, currency: 'usd', customer: 'cus_none' }));
    expect([nobody.code, nobody.param]).toEqual(['resource_missing', 'customer']);
    const of = await saved('pm_card_authenticationRequired');
    const asked = await errorOf(
      stripe.paymentIntents.create({
        amount: 700,
        currency: 'usd',
        customer: of.customer,
        payment_method: of.method,
        confirm: true,
        error_on_requires_action: true,
      }),
    );
    expect(asked.code).toBe('authentication_required');
  });
});
