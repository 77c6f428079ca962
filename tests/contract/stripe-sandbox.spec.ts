import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, errorOf, openSandbox, PUBLISHABLE_KEY, SECRET_KEY } from './stripe-sandbox.stage.js';

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox();
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

const paid = (amount: number, method = 'pm_card_visa', more: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
  stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    confirm: true,
    payment_method: method,
    capture_method: 'automatic',
    ...more,
  });

describe('payment intents', () => {
  it('are created, confirmed, expanded and listed by the unmodified package', async () => {
    const created = await stripe.paymentIntents.create({
      amount: 1099,
      currency: 'usd',
      capture_method: 'automatic',
      metadata: { a: 'b' },
    });
    expect(created).toMatchObject({ status: 'requires_payment_method', metadata: { a: 'b' }, latest_charge: null });
    expect(created.client_secret).toMatch(new RegExp(`^${created.id}_secret_`));
    expect(created.lastResponse.headers['request-id']).toMatch(/^req_/);
    const confirmed = await stripe.paymentIntents.confirm(created.id, {
      payment_method: 'pm_card_visa',
      expand: ['latest_charge', 'payment_method'],
    });
    expect(confirmed).toMatchObject({
      status: 'succeeded',
      amount_received: 1099,
      latest_charge: { object: 'charge', paid: true, outcome: { type: 'authorized' } },
      payment_method: { card: { last4: '4242' } },
    });
    const again = await errorOf(stripe.paymentIntents.confirm(created.id, { payment_method: 'pm_card_visa' }));
    expect(again.code).toBe('payment_intent_unexpected_state');
    const listed = await stripe.paymentIntents.list({ limit: 1, expand: ['data.latest_charge.balance_transaction'] });
    expect(listed.data).toMatchObject([{ id: created.id, latest_charge: { balance_transaction: { amount: 1099 } } }]);
    expect((await errorOf(stripe.paymentIntents.list({ expand: ['data.nothing'] }))).param).toBe('expand');
    const receipt = (confirmed.latest_charge as Stripe.Charge).receipt_url ?? '';
    expect(await (await fetch(receipt)).text()).toContain('10.99 USD');
  });

  it.each([
    ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', undefined],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', undefined],
    ['pm_card_chargeDeclinedProcessingError', 'processing_error', undefined],
  ])('decline %s as %s / %s', async (method, code, declineCode) => {
    const error = await errorOf(paid(1500, method));
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(error).toMatchObject({ code, statusCode: 402 });
    expect(error.decline_code || undefined).toBe(declineCode);
    expect(error.doc_url).toContain('error-codes');
    const intent = await stripe.paymentIntents.retrieve(error.payment_intent?.id ?? '');
    expect(intent).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { type: 'card_error', code },
    });
    expect((await stripe.charges.retrieve(error.charge ?? '')).status).toBe('failed');
  });

  it('ask for 3-D Secure on a page that answers forms and scripts', async () => {
    const intent = await paid(2000, 'pm_card_threeDSecure2Required', { return_url: 'https://shop.example/back?o=1' });
    expect(intent).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } });
    const url = intent.next_action?.redirect_to_url?.url ?? '';
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).toContain('20.00 USD');
    const answered = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ outcome: 'complete' }),
      redirect: 'manual',
    });
    expect(answered.status).toBe(303);
    expect(answered.headers.get('location')).toContain(`https://shop.example/back?o=1&payment_intent=${intent.id}`);
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
    // A second answer changes nothing.
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"outcome":"fail"}' });
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
    const offSession = await errorOf(paid(2000, 'pm_card_authenticationRequired', { off_session: true }));
    expect(offSession.code).toBe('authentication_required');
  });

  it('are canceled before and not after they succeeded, and captured by hand when asked', async () => {
    const open = await stripe.paymentIntents.create({ amount: 500, currency: 'usd' });
    expect(await stripe.paymentIntents.cancel(open.id)).toMatchObject({ status: 'canceled' });
    const done = await paid(500);
    expect((await errorOf(stripe.paymentIntents.cancel(done.id))).code).toBe('payment_intent_unexpected_state');
    const held = await paid(900, 'pm_card_visa', { capture_method: 'manual' });
    expect(held).toMatchObject({ status: 'requires_capture', amount_capturable: 900 });
    const part = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 600 });
    expect(part).toMatchObject({ status: 'succeeded', amount_received: 600 });
  });

  it.each([
    [{ amount: 49, currency: 'usd' }, 'amount_too_small', 'amount'],
    [{ amount: 100_000_000, currency: 'usd' }, 'amount_too_large', 'amount'],
    [{ amount: 12.5, currency: 'usd' }, 'parameter_invalid_integer', 'amount'],
    [{ amount: -5, currency: 'usd' }, 'parameter_invalid_integer', 'amount'],
    [{ currency: 'usd' }, 'parameter_missing', 'amount'],
    [{ amount: 500, currency: 'usd', colour: 'red' }, 'parameter_unknown', 'colour'],
    [{ amount: 500, currency: 'xyz' }, undefined, 'currency'],
  ])('refuse %o with %s', async (params, code, param) => {
    const error = await errorOf(stripe.paymentIntents.create(params as Stripe.PaymentIntentCreateParams));
    expect(error).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
    expect([error.code, error.param, error.statusCode]).toEqual([code, param, 400]);
  });
});

describe('idempotency keys', () => {
  it('replay the first answer, and refuse other parameters', async () => {
    const params = { amount: 700, currency: 'usd', metadata: { x: '1', y: '2' } };
    const first = await stripe.paymentIntents.create(params, { idempotencyKey: 'key-1' });
    const second = await stripe.paymentIntents.create(
      { currency: 'usd', metadata: { y: '2', x: '1' }, amount: 700 },
      { idempotencyKey: 'key-1' },
    );
    expect(second.id).toBe(first.id);
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(second.lastResponse.headers['original-request']).toBe(first.lastResponse.headers['request-id']);
    const other = await errorOf(stripe.paymentIntents.create({ ...params, amount: 701 }, { idempotencyKey: 'key-1' }));
    expect(other).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(other.statusCode).toBe(400);
  });

  it('replay a decline, and forget a call that was not valid', async () => {
    const params = { amount: 700, currency: 'usd', confirm: true, payment_method: 'pm_card_chargeDeclined' };
    const [first, second] = [
      await errorOf(stripe.paymentIntents.create(params, { idempotencyKey: 'key-2' })),
      await errorOf(stripe.paymentIntents.create(params, { idempotencyKey: 'key-2' })),
    ];
    expect(second.payment_intent?.id).toBe(first.payment_intent?.id);
    await errorOf(stripe.paymentIntents.create({ amount: 1, currency: 'usd' }, { idempotencyKey: 'key-3' }));
    const mended = await stripe.paymentIntents.create({ amount: 100, currency: 'usd' }, { idempotencyKey: 'key-3' });
    expect(mended.amount).toBe(100);
  });
});

describe('keys and browsers', () => {
  it('refuse a wrong key and no key with 401', async () => {
    const wrong = await errorOf(clientOf(sandbox, 'sk_test_wrong_key_0000').balance.retrieve());
    expect(wrong).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(wrong.message).not.toContain('sk_test_wrong_key_0000');
    const none = await fetch(`${sandbox.url}/v1/balance`);
    expect(none.status).toBe(401);
    expect(await none.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  it('let a publishable key confirm its own intent only, across origins', async () => {
    const intent = await stripe.paymentIntents.create({ amount: 800, currency: 'usd', metadata: { private: 'yes' } });
    const confirm = (secret: string) =>
      fetch(`${sandbox.url}/v1/payment_intents/${intent.id}/confirm`, {
        method: 'POST',
        headers: { origin: 'https://shop.example' },
        body: new URLSearchParams({ key: PUBLISHABLE_KEY, client_secret: secret, payment_method: 'pm_card_visa' }),
      });
    expect((await confirm(`${intent.id}_secret_wrong`)).status).toBe(400);
    const done = await confirm(intent.client_secret ?? '');
    expect(done.headers.get('access-control-allow-origin')).toBe('*');
    const seen = (await done.json()) as Record<string, unknown>;
    expect(seen).toMatchObject({ status: 'succeeded' });
    expect(seen).not.toHaveProperty('metadata');
    const preflight = await fetch(`${sandbox.url}/v1/payment_intents/${intent.id}/confirm`, { method: 'OPTIONS' });
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      204,
      expect.stringContaining('POST'),
    ]);
    const listed = await fetch(`${sandbox.url}/v1/payment_intents`, {
      headers: { authorization: `Bearer ${PUBLISHABLE_KEY}` },
    });
    expect(listed.status).toBe(401);
    expect(await listed.json()).toMatchObject({ error: { code: 'secret_key_required' } });
  });

  it('say plainly what is not there', async () => {
    expect(await errorOf(stripe.charges.retrieve('ch_none'))).toMatchObject({
      code: 'resource_missing',
      statusCode: 404,
    });
    const unknown = await fetch(`${sandbox.url}/v1/nothing`, { headers: { authorization: `Bearer ${SECRET_KEY}` } });
    expect(unknown.status).toBe(404);
    const card = await errorOf(
      stripe.paymentMethods.create({
        type: 'card',
        card: { number: '4242424242424241', exp_month: 1, exp_year: 2040 },
      }),
    );
    expect(card.code).toBe('incorrect_number');
  });
});

describe('money', () => {
  it('keeps a balance that is the sum of its transactions, with fees in whole cents', async () => {
    const own = await openSandbox();
    const client = clientOf(own);
    const pay = (amount: number, method: string) =>
      client.paymentIntents.create({
        amount,
        currency: 'usd',
        confirm: true,
        payment_method: method,
        capture_method: 'automatic',
        expand: ['latest_charge.balance_transaction'],
      });
    const fee = (intent: Stripe.PaymentIntent): number =>
      ((intent.latest_charge as Stripe.Charge).balance_transaction as Stripe.BalanceTransaction).fee;
    expect(fee(await pay(1000, 'pm_card_visa'))).toBe(59);
    // 2.9 % of 50 is 1.45, of 500 it is 14.5: half a cent goes up.
    expect(fee(await pay(50, 'pm_card_visa'))).toBe(31);
    expect(fee(await pay(500, 'pm_card_visa'))).toBe(45);
    const refunded = await pay(2000, 'pm_card_visa');
    await client.refunds.create({ payment_intent: refunded.id, amount: 1500 });
    const over = await errorOf(client.refunds.create({ payment_intent: refunded.id, amount: 501 }));
    expect(over.param).toBe('amount');
    await client.refunds.create({ payment_intent: refunded.id });
    const twice = await errorOf(client.refunds.create({ payment_intent: refunded.id }));
    expect(twice.code).toBe('charge_already_refunded');
    const disputed = await pay(3000, 'pm_card_createDispute');
    const dispute = await eventually('the dispute', async () => {
      return (await client.disputes.list({ payment_intent: disputed.id })).data[0];
    });
    expect(dispute).toMatchObject({
      status: 'needs_response',
      is_charge_refundable: false,
      balance_transactions: [{ amount: -3000, fee: 1500, net: -4500, reporting_category: 'dispute' }],
    });
    expect((await errorOf(client.refunds.create({ payment_intent: disputed.id }))).code).toBe('charge_disputed');
    await client.disputes.update(dispute.id, { evidence: { uncategorized_text: 'winning_evidence' } });
    await eventually('the win', async () => (await client.disputes.retrieve(dispute.id)).status === 'won');
    let net = 0;
    for await (const transaction of client.balanceTransactions.list({ limit: 3 })) net += transaction.net;
    const balance = await client.balance.retrieve();
    const sum = [...balance.available, ...balance.pending].reduce((total, each) => total + each.amount, 0);
    expect(sum).toBe(net);
    expect(sum).toBe(1000 - 59 + 50 - 31 + 500 - 45 - 88 + 3000 - 117 - 1500);
    const accepted = await pay(3000, 'pm_card_createDispute');
    const second = await eventually('the dispute', async () => {
      return (await client.disputes.list({ payment_intent: accepted.id })).data[0];
    });
    expect((await client.disputes.close(second.id)).status).toBe('lost');
    await own.stop();
  });

  it('pages through lists in both directions', async () => {
    const own = await openSandbox({ seed: 'pages' });
    const client = clientOf(own);
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      made.unshift((await client.paymentIntents.create({ amount: 100 + n, currency: 'usd' })).id);
    }
    const all: string[] = [];
    for await (const intent of client.paymentIntents.list({ limit: 3 })) all.push(intent.id);
    expect(all).toEqual(made);
    const back = await client.paymentIntents.list({ limit: 2, ending_before: made[4] ?? '' });
    expect(back.data.map((intent) => intent.id)).toEqual(made.slice(2, 4));
    expect(await errorOf(client.paymentIntents.list({ starting_after: 'pi_none' }))).toMatchObject({ statusCode: 404 });
    expect(await errorOf(client.paymentIntents.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
    const succeeded = await client.events.list({ types: ['payment_intent.created'], limit: 5 });
    expect(succeeded.data.every((event) => event.type === 'payment_intent.created')).toBe(true);
    await own.stop();
    const twin = await openSandbox({ seed: 'pages' });
    expect((await clientOf(twin).paymentIntents.create({ amount: 100, currency: 'usd' })).id).toBe(made.at(-1));
    await twin.stop();
  });
});
