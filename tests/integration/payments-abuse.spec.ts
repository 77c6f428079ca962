import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Payments } from '#payments';
import { FundingStage, codes, got, type Person } from './funding.stage.js';

/*
 * What somebody tries who means ill, at the doors where he would: the address of the webhooks, the processor's API with
 * the key that every browser has, and GraphQL. Each is refused by a code, and not a row of the money changes.
 */

const SECRET = { key: 'sk_test_funding', publishable: 'pk_test_funding', webhook: 'whsec_funding' };
const MONEY = ['payment', 'payment_transition', 'refund', 'dispute', 'cash_pledge', 'stripe_event', 'ledger_transfer'];
const CHARGED = 5_000;

let stage: FundingStage;
let ada: Person;
let campaignId: string;
/** A payment that was captured. */
let paymentId: string;
let intentId: string;
let stored: { id: string; type: string; created: number; data: object };

beforeAll(async () => {
  stage = await FundingStage.open();
  ada = await stage.person('Ada');
  campaignId = await stage.liveCampaign(await stage.person('Ishmael'));
  await stage.give(ada, campaignId, BigInt(CHARGED));
  const [row] = await stage.rows<{ id: string; intent: string }>(
    "SELECT id, stripe_payment_intent_id AS intent FROM payment WHERE status = 'SUCCEEDED'",
  );
  paymentId = row?.id ?? '';
  intentId = row?.intent ?? '';
  const events = await processor('GET', 'events?type=payment_intent.succeeded');
  stored = (events.body['data'] as (typeof stored)[])[0] ?? { id: '', type: '', created: 0, data: {} };
});
afterAll(() => stage.close());

/** A digest of every row, by table of the money. */
async function money(): Promise<Record<string, unknown>> {
  const all = MONEY.map(async (table) => {
    const digest = `SELECT md5(coalesce(string_agg(to_jsonb(t)::text, ' ' ORDER BY to_jsonb(t)::text), '')) AS md5`;
    const [row] = await stage.rows<{ md5: string }>(`${digest} FROM ${table} t`);
    return [table, row?.md5] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

/** @returns what was answered, after it was seen that nothing changed by it. */
async function unchanged<T>(act: () => Promise<T>): Promise<T> {
  const before = await money();
  const answer = await act();
  await stage.settle();
  expect(await money()).toEqual(before);
  return answer;
}

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly error?: { readonly code: string } };
}

async function processor(method: string, path: string, form?: object, key = SECRET.key): Promise<Answered> {
  const answer = await fetch(`${stage.sandbox.url}/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-www-form-urlencoded' },
    ...(form === undefined ? {} : { body: new URLSearchParams(form as Record<string, string>) }),
  });
  return { status: answer.status, body: (await answer.json()) as Answered['body'] };
}

/** A delivery as the processor makes it, well signed. */
async function deliver(event: object): Promise<Answered> {
  const payload = JSON.stringify(event);
  const signature = new Stripe(SECRET.key).webhooks.generateTestHeaderString({ payload, secret: SECRET.webhook });
  const answer = await fetch(`${stage.url}/stripe/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': signature },
    body: payload,
  });
  return { status: answer.status, body: (await answer.json()) as Answered['body'] };
}

const refused = (code: string): object => ({ status: 400, body: { error: { code } } });

describe('a webhook', () => {
  const event = (more: object): object => ({ ...stored, id: `evt_${randomUUID()}`, livemode: false, ...more });

  it('of another account is refused', async () => {
    expect(await unchanged(() => deliver(event({ account: 'acct_of_somebody_else' })))).toMatchObject(
      refused('STRIPE_EVENT_WRONG_ACCOUNT'),
    );
  });

  it('of the other mode is refused', async () => {
    expect(await unchanged(() => deliver(event({ livemode: true })))).toMatchObject(refused('STRIPE_EVENT_WRONG_MODE'));
  });

  it('that was received before is taken again only with the content it had', async () => {
    const same = { ...stored, livemode: false };
    expect(await unchanged(() => deliver(same))).toMatchObject({ status: 200 });
    const object = { ...(stored.data as { object: object }).object, amount_received: 1 };
    const other = { ...same, data: { ...stored.data, object } };
    expect(await unchanged(() => deliver(other))).toMatchObject(refused('STRIPE_EVENT_CONFLICT'));
  });
});

describe('another currency than that of the intent', () => {
  async function pledge(): Promise<{ key: string; intent: string; secret: string }> {
    const key = randomUUID();
    const input = { campaignId, amountMinor: 3_000n, currency: 'USD', idempotencyKey: key };
    const secret = got(await stage.cash.create(ada, input)).payment?.clientSecret ?? '';
    await stage.settle();
    return { key, secret, intent: secret.split('_secret_')[0] ?? '' };
  }

  it('is not taken from the browser that confirms, nor may it change the intent', async () => {
    const { intent, secret } = await pledge();
    const card = { payment_method: 'pm_card_visa', client_secret: secret, return_url: 'http://127.0.0.1/back' };
    const confirmed = await unchanged(() =>
      processor('POST', `payment_intents/${intent}/confirm`, { ...card, currency: 'jpy' }, SECRET.publishable),
    );
    expect(confirmed).toMatchObject(refused('parameter_unknown'));
    const changed = await unchanged(() =>
      processor('POST', `payment_intents/${intent}`, { currency: 'jpy', client_secret: secret }, SECRET.publishable),
    );
    expect(changed).toMatchObject({ status: 401, body: { error: { code: 'secret_key_required' } } });
    expect((await processor('GET', `payment_intents/${intent}`)).body).toMatchObject({
      amount: 3_000,
      currency: 'usd',
    });
  });

  it('is not taken under the key of a pledge that was made', async () => {
    const { key } = await pledge();
    const input = { campaignId, amountMinor: 3_000n, currency: 'EUR', idempotencyKey: key };
    expect(codes(await unchanged(() => stage.cash.create(ada, input)))).toEqual(['PLEDGE_IDEMPOTENCY_MISMATCH']);
  });

  it('of an intent that carries our mark is not booked, whatever the event says', async () => {
    const { intent } = await pledge();
    const [row] = await stage.rows<{ id: string }>('SELECT id FROM payment WHERE stripe_payment_intent_id = $1', [
      intent,
    ]);
    const booked = "SELECT count(*)::int AS n FROM ledger_transfer WHERE refs ->> 'payment' = $1";
    const made = await processor('POST', 'payment_intents', {
      amount: '3000',
      currency: 'jpy',
      confirm: 'true',
      payment_method: 'pm_card_visa',
      return_url: 'http://127.0.0.1/back',
      'metadata[payment_id]': row?.id ?? '',
    });
    expect(made).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    await stage.settle();
    expect(await stage.rows(booked, [row?.id])).toEqual([{ n: 0 }]);
    expect(await stage.rows('SELECT status FROM payment WHERE id = $1', [row?.id])).toEqual([{ status: 'SUBMITTED' }]);
  });
});

describe('a refund above the charge', () => {
  it('is refused by us before anything is set aside', async () => {
    const payments = stage.app.get(Payments, { strict: false });
    const ask = () => payments.requestRefund(undefined, paymentId, BigInt(CHARGED) + 1n, 'greed');
    expect(codes(await unchanged(ask))).toEqual(['REFUND_EXCEEDS_PAYMENT']);
  });

  it('is refused by the processor', async () => {
    const form = { payment_intent: intentId, amount: String(CHARGED + 1) };
    const answer = await unchanged(() => processor('POST', 'refunds', form));
    expect(answer).toMatchObject({ status: 400, body: { error: { type: 'invalid_request_error', param: 'amount' } } });
  });
});
