import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { clientOf, errorOf, openSandbox } from './stripe-sandbox.stage.js';

let sandbox: SandboxServer;
let stripe: Stripe;
let customer: Stripe.Customer;
const ids: string[] = [];
beforeAll(async () => {
  sandbox = await openSandbox();
  stripe = clientOf(sandbox);
  customer = await stripe.customers.create({
    name: 'Ada Lovelace',
    email: 'ada@example.org',
    metadata: { role: 'donor' },
  });
  for (let n = 1; n <= 25; n += 1) {
    const intent = await stripe.paymentIntents.create({
      amount: n * 100,
      currency: n % 5 === 0 ? 'eur' : 'usd',
      metadata: { pledge: String(n % 3), ...(n === 7 ? { note: 'lucky' } : {}) },
      ...(n % 2 === 0 ? { customer: customer.id } : {}),
    });
    ids.push(intent.id);
  }
});
afterAll(() => sandbox.stop());

describe('lists', () => {
  it('are walked to the end, newest first, in both directions', async () => {
    const forward: string[] = [];
    for await (const intent of stripe.paymentIntents.list({ limit: 7 })) forward.push(intent.id);
    expect(forward).toEqual(ids.toReversed());
    const middle = await stripe.paymentIntents.list({ limit: 3, ending_before: ids[10] as string });
    expect([middle.data.map(({ id }) => id), middle.has_more]).toEqual([[ids[13], ids[12], ids[11]], true]);
    const last = await stripe.paymentIntents.list({ limit: 10, starting_after: ids[3] as string });
    expect([last.data.length, last.has_more]).toEqual([3, false]);
  });

  it('filter by customer and by time', async () => {
    const all = await stripe.paymentIntents.list({ limit: 100, customer: customer.id });
    expect(all.data).toHaveLength(12);
    const at = all.data[0]?.created ?? 0;
    const counted = async (created: Stripe.RangeQueryParam | number): Promise<number> =>
      (await stripe.paymentIntents.list({ limit: 100, created })).data.length;
    expect(await counted({ gt: at + 10 })).toBe(0);
    expect(await counted({ gte: at - 1000, lt: at + 1000 })).toBe(25);
    expect(await counted({ lte: at - 1000 })).toBe(0);
    expect((await stripe.payouts.list({ arrival_date: { gt: at }, status: 'paid' })).data).toEqual([]);
  });

  it.each([
    ['a limit of 0', { limit: 0 }, 'parameter_invalid_integer', 'limit'],
    ['a limit of 101', { limit: 101 }, 'parameter_invalid_integer', 'limit'],
    ['an unknown cursor', { starting_after: 'pi_nothing' }, 'resource_missing', 'starting_after'],
    ['an unknown cursor backwards', { ending_before: 'pi_nothing' }, 'resource_missing', 'ending_before'],
    ['an unknown filter', { colour: 'red' }, 'parameter_unknown', 'colour'],
    ['both cursors', { starting_after: 'pi_a', ending_before: 'pi_b' }, undefined, 'starting_after'],
    ['a bound that is no number', { created: { gt: 'soon' } }, 'parameter_invalid_integer', 'gt'],
  ])('refuse %s', async (_, params, code, param) => {
    const error = await errorOf(stripe.paymentIntents.list(params as Stripe.PaymentIntentListParams));
    expect([error.type, error.code, error.param]).toEqual(['StripeInvalidRequestError', code, param]);
  });
});

describe('search', () => {
  const found = async (query: string): Promise<number[]> =>
    (await stripe.paymentIntents.search({ query, limit: 100 })).data
      .map(({ amount }) => amount / 100)
      .toSorted((a, b) => a - b);

  it('finds by metadata, amount, status, currency, customer and time', async () => {
    expect(await found('metadata["note"]:"Lucky"')).toEqual([7]);
    expect(await found('metadata["note"]~"uck"')).toEqual([7]);
    expect(await found('amount>=2300 AND status:"requires_payment_method"')).toEqual([23, 24, 25]);
    expect(await found('currency:"EUR" amount<1000')).toEqual([5]);
    expect(await found('amount:100 OR amount:200')).toEqual([1, 2]);
    expect(await found(`customer:"${customer.id}" -metadata["pledge"]:"0" amount<=800`)).toEqual([2, 4, 8]);
    expect(await found('metadata["note"]:null amount<300')).toEqual([1, 2]);
    expect(await found('created>4000000000')).toEqual([]);
    expect((await stripe.customers.search({ query: 'email:"ADA@example.org" name~"love"' })).data).toHaveLength(1);
    expect((await stripe.charges.search({ query: 'refunded:"false"' })).data).toEqual([]);
  });

  it('is paged by tokens that belong to their query', async () => {
    const query = 'amount>500';
    const first = await stripe.paymentIntents.search({ query, limit: 8, expand: ['total_count'] });
    expect(first).toMatchObject({ object: 'search_result', has_more: true, total_count: 20 });
    const all: string[] = [];
    for await (const intent of stripe.paymentIntents.search({ query, limit: 8 })) all.push(intent.id);
    expect(all).toEqual(ids.slice(5).toReversed());
    const page = first.next_page as string;
    expect(await errorOf(stripe.paymentIntents.search({ query: 'amount>600', page }))).toMatchObject({ param: 'page' });
    expect(await errorOf(stripe.paymentIntents.search({ query, page: 'x' }))).toMatchObject({ param: 'page' });
  });

  it('refuses what it cannot read', async () => {
    expect(await errorOf(stripe.paymentIntents.search({ query: 'colour:"red"' }))).toMatchObject({
      type: 'StripeInvalidRequestError',
      param: 'query',
    });
    expect(await errorOf(stripe.paymentIntents.search({ query: '' }))).toMatchObject({ param: 'query' });
    expect(await errorOf(stripe.customers.search({ query: 'amount>1' }))).toMatchObject({ statusCode: 400 });
  });
});
