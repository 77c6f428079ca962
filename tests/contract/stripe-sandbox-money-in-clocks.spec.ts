import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, errorOf, openSandbox, SECRET_KEY } from './stripe-sandbox.stage.js';

const DAY = 86_400;
let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox({ timing: { debitDelayMs: 4 * DAY * 1000, disputeDelayMs: 20, outcomeDelayMs: 20 } });
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

const pay = (amount: number, currency: string, more: object = {}) =>
  stripe.paymentIntents.create({
    amount,
    currency,
    confirm: true,
    payment_method: 'pm_card_visa',
    capture_method: 'automatic',
    expand: ['latest_charge.balance_transaction'],
    ...more,
  } as Stripe.PaymentIntentCreateParams);

describe('currencies', () => {
  it.each([
    ['jpy', 5_000, 175],
    ['eur', 3_700, 145],
    ['eur', 1_200, 64],
    ['gbp', 1_000, 49],
    ['chf', 1_000, 59],
    ['cad', 1_000, 59],
  ])('%s %i costs a fee of %i in its own currency and lands in its own balance', async (currency, amount, fee) => {
    const own = async () =>
      (await stripe.balance.retrieve()).pending.find((each) => each.currency === currency)?.amount ?? 0;
    const before = await own();
    const paid = await pay(amount, currency);
    const charge = paid.latest_charge as Stripe.Charge;
    expect(charge.balance_transaction).toMatchObject({ amount, fee, net: amount - fee, currency });
    expect(await own()).toBe(before + amount - fee);
    const refund = await stripe.refunds.create({ payment_intent: paid.id, amount: 50 });
    expect(refund.currency).toBe(currency);
    const receipt = await (await fetch(charge.receipt_url ?? '')).text();
    expect(receipt).toContain(currency === 'jpy' ? '5000 JPY' : currency.toUpperCase());
  });

  it.each([
    ['jpy', 49, 'Amount must be at least ¥50 jpy'],
    ['eur', 49, 'Amount must be at least €0.50 eur'],
    ['gbp', 29, 'Amount must be at least £0.30 gbp'],
    ['jpy', 100_000_000, 'Amount must be no more than ¥99,999,999'],
  ])('%s refuses %i: %s', async (currency, amount, message) => {
    expect((await errorOf(pay(amount, currency))).message).toBe(message);
  });

  it('say what is over a refund in the words of the currency', async () => {
    const paid = await pay(5_000, 'jpy');
    const error = await errorOf(stripe.refunds.create({ payment_intent: paid.id, amount: 5_001 }));
    expect(error.message).toContain('(¥5,001) is greater than unrefunded amount on charge (¥5,000)');
  });
});

describe('test clocks', () => {
  it('date what belongs to their customers, and let it happen when they are advanced', async () => {
    const start = Math.floor(Date.now() / 1000) + 400 * DAY;
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start, name: 'a campaign' });
    expect(clock).toMatchObject({ status: 'ready', frozen_time: start });
    const owner = await stripe.customers.create({ test_clock: clock.id });
    expect([owner.created, owner.test_clock]).toEqual([start, clock.id]);
    const debit = await stripe.paymentIntents.create({
      amount: 4_000,
      currency: 'usd',
      customer: owner.id,
      payment_method: 'pm_usBankAccount_success',
      payment_method_types: ['us_bank_account'],
      mandate_data: { customer_acceptance: { type: 'offline' } },
      confirm: true,
    } as Stripe.PaymentIntentCreateParams);
    expect([debit.status, debit.created]).toEqual(['processing', start]);
    const advance = async (days: number) => {
      const now = (await stripe.testHelpers.testClocks.retrieve(clock.id)).frozen_time;
      const asked = await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: now + days * DAY });
      expect(asked.status).toBe('advancing');
      await eventually('the clock', async () => {
        return (await stripe.testHelpers.testClocks.retrieve(clock.id)).status === 'ready';
      });
    };
    await advance(3);
    expect((await stripe.paymentIntents.retrieve(debit.id)).status).toBe('processing');
    await advance(2);
    const paid = await stripe.paymentIntents.retrieve(debit.id, { expand: ['latest_charge.balance_transaction'] });
    expect(paid.status).toBe('succeeded');
    const settled = (paid.latest_charge as Stripe.Charge).balance_transaction as Stripe.BalanceTransaction;
    expect(settled.created).toBe(start + 4 * DAY);
    const types = (await stripe.events.list({ limit: 20 })).data;
    expect(types.map((event) => event.type)).toEqual(
      expect.arrayContaining(['test_helpers.test_clock.advancing', 'test_helpers.test_clock.ready']),
    );
    // Events are of now, so that they are delivered now.
    expect(types.every((event) => event.created < start)).toBe(true);
    expect((await stripe.customers.list({ test_clock: clock.id })).data.map((each) => each.id)).toEqual([owner.id]);
    expect(await stripe.testHelpers.testClocks.del(clock.id)).toMatchObject({ deleted: true });
    expect(await stripe.customers.retrieve(owner.id)).toMatchObject({ deleted: true });
    expect((await errorOf(stripe.testHelpers.testClocks.retrieve(clock.id))).code).toBe('resource_missing');
  });

  it('do not go back, nor anywhere for a clock that is not there', async () => {
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: 1_800_000_000 });
    const to = (frozen_time: number, id = clock.id) =>
      errorOf(stripe.testHelpers.testClocks.advance(id, { frozen_time }));
    expect((await to(1_800_000_000)).param).toBe('frozen_time');
    expect((await to(1_800_000_000 + 800 * DAY)).param).toBe('frozen_time');
    expect((await to(1_900_000_000, 'clock_none')).code).toBe('resource_missing');
    expect(
      (await errorOf(stripe.testHelpers.testClocks.create({} as Stripe.TestHelpers.TestClockCreateParams))).param,
    ).toBe('frozen_time');
    expect((await stripe.testHelpers.testClocks.list()).data[0]?.id).toBe(clock.id);
  });
});

describe('time of the whole sandbox', () => {
  it('forgets idempotency keys after their day, so that the call is executed again', async () => {
    const once = () => stripe.customers.create({ email: 'again@example.com' }, { idempotencyKey: 'daily' });
    const first = await once();
    const jump = (hours: number) =>
      fetch(`${sandbox.url}/_sandbox/time`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET_KEY}` },
        body: JSON.stringify({ advanceMs: hours * 3_600_000 }),
      });
    await jump(23);
    expect((await once()).id).toBe(first.id);
    await jump(2);
    expect((await once()).id).not.toBe(first.id);
  });
});

describe('billing', () => {
  it('is refused in Stripe’s form', async () => {
    const error = await errorOf(stripe.subscriptions.create({ customer: 'cus_x', items: [] }));
    expect(error).toMatchObject({ type: 'StripeInvalidRequestError', statusCode: 400, code: 'resource_not_supported' });
  });
});

describe('a book of an older version', () => {
  it('is taken over with what it holds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
    const path = join(folder, 'book.sqlite');
    const old = new DatabaseSync(path);
    old.exec(`CREATE TABLE timer (
      id INTEGER PRIMARY KEY AUTOINCREMENT, due_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL) STRICT;
      INSERT INTO timer (due_ms, kind, subject) VALUES (0, 'settle_charge', 'ch_gone');`);
    old.close();
    const server = await openSandbox({ path });
    expect((await clientOf(server).customers.create({})).object).toBe('customer');
    const left = async () =>
      (
        (await (
          await fetch(`${server.url}/_sandbox/status`, { headers: { authorization: `Bearer ${SECRET_KEY}` } })
        ).json()) as { timers: number }
      ).timers;
    await eventually('the old timer', async () => (await left()) === 0);
    await server.stop();
    rmSync(folder, { recursive: true });
  });
});
