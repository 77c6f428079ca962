import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, errorOf, openSandbox, SECRET_KEY } from './stripe-sandbox.stage.js';
import { compareShape } from './stripe-shape.js';

const FIXTURES =
  process.env['STRIPE_FIXTURES'] ?? join(import.meta.dirname, '../../../shared/data/stripe/fixtures3.json');

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox({
    timing: { disputeDelayMs: 20, outcomeDelayMs: 20, settlementMs: 3000, payoutMs: 100, payoutScheduleMs: 50 },
  });
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

/** Money that can be moved at once. */
const fund = async (amount: number, method = 'pm_card_bypassPending'): Promise<Stripe.Charge> => {
  const intent = await stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    confirm: true,
    payment_method: method,
    capture_method: 'automatic',
    expand: ['latest_charge'],
  });
  return intent.latest_charge as Stripe.Charge;
};

const onboard = async (answers: object = {}, more: Stripe.AccountCreateParams = {}): Promise<string> => {
  const account = await stripe.accounts.create({
    type: 'express',
    capabilities: { transfers: { requested: true } },
    ...more,
  });
  const link = await stripe.accountLinks.create({
    account: account.id,
    type: 'account_onboarding',
    return_url: 'http://localhost/done',
    refresh_url: 'http://localhost/again',
  });
  const answer = await fetch(link.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answers),
  });
  expect(answer.status).toBe(200);
  return account.id;
};

const manual = { settings: { payouts: { schedule: { interval: 'manual' } } } } as const;
const balanceIn = async (account?: string): Promise<number> => {
  const balance = await stripe.balance.retrieve({}, account === undefined ? {} : { stripeAccount: account });
  return balance.available.find((each) => each.currency === 'usd')?.amount ?? 0;
};

describe('connected accounts', () => {
  it('are opened, say what they lack, and are able once the onboarding page is completed', async () => {
    const account = await stripe.accounts.create({
      controller: {
        fees: { payer: 'application' },
        losses: { payments: 'application' },
        stripe_dashboard: { type: 'express' },
      },
      capabilities: { transfers: { requested: true } },
      email: 'treasurer@example.org',
      metadata: { project: 'p1' },
    });
    expect(account).toMatchObject({ type: 'none', payouts_enabled: false, capabilities: { transfers: 'inactive' } });
    expect(account.requirements?.currently_due).toContain('external_account');
    const link = await stripe.accountLinks.create({
      account: account.id,
      type: 'account_onboarding',
      return_url: 'http://localhost/done',
      refresh_url: 'http://localhost/again',
    });
    expect(await (await fetch(link.url)).text()).toContain('Complete onboarding');
    const sent = await fetch(link.url, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ account_number: '000123456789', currency: 'usd' }),
    });
    expect([sent.status, sent.headers.get('location')]).toEqual([303, 'http://localhost/done']);
    const again = await fetch(link.url, { method: 'POST', redirect: 'manual' });
    expect(again.headers.get('location')).toBe('http://localhost/again');
    const able = await stripe.accounts.retrieve(account.id);
    expect(able).toMatchObject({
      payouts_enabled: true,
      details_submitted: true,
      capabilities: { transfers: 'active' },
      requirements: { currently_due: [], disabled_reason: null },
    });
    expect(able.external_accounts?.data[0]).toMatchObject({ object: 'bank_account', last4: '6789', currency: 'usd' });
    expect((await stripe.accounts.listCapabilities(account.id)).data).toHaveLength(1);
    const events = await stripe.events.list({ type: 'account.updated' }, { stripeAccount: account.id });
    expect(events.data[0]).toMatchObject({ account: account.id, data: { object: { payouts_enabled: true } } });
    expect((await stripe.events.list({ type: 'account.updated' })).data).toEqual([]);
    expect((await stripe.accounts.list()).data.map(({ id }) => id)).toContain(account.id);
  });

  it('whose questions we answer ourselves become able by an update', async () => {
    const account = await stripe.accounts.create({
      type: 'custom',
      country: 'DE',
      capabilities: { transfers: { requested: true } },
    });
    expect(account.default_currency).toBe('eur');
    const updated = await stripe.accounts.update(account.id, {
      business_type: 'company',
      company: { name: 'Open Models e. V.' },
      business_profile: { url: 'https://models.example' },
      tos_acceptance: { date: 1_700_000_000, ip: '127.0.0.1' },
      external_account: {
        object: 'bank_account',
        country: 'DE',
        currency: 'eur',
        account_number: 'DE89370400440532013000',
      },
    });
    expect(updated).toMatchObject({ payouts_enabled: true, requirements: { currently_due: [] } });
  });

  it('are refused where Stripe refuses', async () => {
    expect(await errorOf(stripe.accounts.create({ type: 'express', country: 'XX' }))).toMatchObject({
      code: 'country_unsupported',
      param: 'country',
    });
    expect(await errorOf(stripe.balance.retrieve({}, { stripeAccount: 'acct_nobody' }))).toMatchObject({
      code: 'account_invalid',
      statusCode: 403,
    });
    const account = await stripe.accounts.create({ type: 'express' });
    expect(
      await errorOf(stripe.accounts.createExternalAccount(account.id, { external_account: 'btok_nothing' })),
    ).toMatchObject({ code: 'resource_missing' });
    expect(await errorOf(stripe.accounts.createLoginLink(account.id))).toMatchObject({ statusCode: 400 });
    expect(await stripe.accounts.del(account.id)).toMatchObject({ deleted: true });
  });
});

describe('transfers', () => {
  it('move available money to the account, and back by a reversal', async () => {
    const account = await onboard({}, manual);
    await fund(50_000);
    const before = await balanceIn();
    const transfer = await stripe.transfers.create({
      amount: 30_000,
      currency: 'usd',
      destination: account,
      transfer_group: 'tranche_1',
      metadata: { payout: '1' },
      expand: ['balance_transaction'],
    });
    expect(transfer.balance_transaction).toMatchObject({ type: 'transfer', amount: -30_000, net: -30_000 });
    expect(await balanceIn()).toBe(before - 30_000);
    expect(await balanceIn(account)).toBe(30_000);
    const payment = await stripe.charges.retrieve(
      transfer.destination_payment as string,
      {},
      { stripeAccount: account },
    );
    expect(payment).toMatchObject({ amount: 30_000, source_transfer: transfer.id });
    expect(await errorOf(stripe.charges.retrieve(payment.id))).toMatchObject({ code: 'resource_missing' });

    const reversal = await stripe.transfers.createReversal(transfer.id, { amount: 10_000 });
    expect(reversal).toMatchObject({ object: 'transfer_reversal', amount: 10_000, transfer: transfer.id });
    expect(await stripe.transfers.retrieve(transfer.id)).toMatchObject({
      amount_reversed: 10_000,
      reversed: false,
      reversals: { data: [{ id: reversal.id }] },
    });
    expect([await balanceIn(), await balanceIn(account)]).toEqual([before - 20_000, 20_000]);
    expect(await errorOf(stripe.transfers.createReversal(transfer.id, { amount: 20_001 }))).toMatchObject({
      param: 'amount',
    });
    await stripe.payouts.create({ amount: 15_000, currency: 'usd' }, { stripeAccount: account });
    expect(await errorOf(stripe.transfers.createReversal(transfer.id))).toMatchObject({ code: 'balance_insufficient' });
    expect((await stripe.transfers.list({ transfer_group: 'tranche_1', destination: account })).data).toHaveLength(1);
    expect((await stripe.transfers.listReversals(transfer.id)).data).toHaveLength(1);
    expect(await stripe.transfers.retrieveReversal(transfer.id, reversal.id)).toMatchObject({ id: reversal.id });
    const types = await stripe.balanceTransactions.list({}, { stripeAccount: account });
    expect(types.data.map(({ type }) => type)).toEqual(['payout', 'payment_refund', 'payment']);
  });

  it('are refused without money, without capability, to nobody, and beyond their charge', async () => {
    const account = await onboard({}, manual);
    const terms = { currency: 'usd', destination: account };
    expect(await errorOf(stripe.transfers.create({ ...terms, amount: 99_000_000 }))).toMatchObject({
      code: 'balance_insufficient',
      statusCode: 400,
    });
    const idle = await stripe.accounts.create({ type: 'express' });
    expect(await errorOf(stripe.transfers.create({ ...terms, amount: 1, destination: idle.id }))).toMatchObject({
      code: 'insufficient_capabilities_for_transfer',
    });
    expect(await errorOf(stripe.transfers.create({ ...terms, amount: 1, destination: 'acct_x' }))).toMatchObject({
      code: 'resource_missing',
      param: 'destination',
    });
    const charge = await fund(4000, 'pm_card_visa');
    const taken = await stripe.transfers.create({ ...terms, amount: 3000, source_transaction: charge.id });
    expect(taken).toMatchObject({
      source_transaction: charge.id,
      transfer_group: `group_${charge.payment_intent as string}`,
    });
    const [pending] = (await stripe.balance.retrieve({}, { stripeAccount: account })).pending;
    expect(pending?.amount).toBe(3000);
    expect(
      await errorOf(stripe.transfers.create({ ...terms, amount: 1001, source_transaction: charge.id })),
    ).toMatchObject({ param: 'amount' });
  });
});

describe('payouts', () => {
  it('leave a connected account by its schedule, with the movements they are made of', async () => {
    const account = await onboard();
    await fund(20_000);
    await stripe.transfers.create({ amount: 12_000, currency: 'usd', destination: account });
    const as = { stripeAccount: account };
    const payout = await eventually('the payout', async () => {
      return (await stripe.payouts.list({ status: 'paid' }, as)).data[0];
    });
    expect(payout).toMatchObject({ amount: 12_000, automatic: true, reconciliation_status: 'completed' });
    const movements = await stripe.balanceTransactions.list({ payout: payout.id }, as);
    expect(movements.data.map(({ type, amount }) => [type, amount])).toEqual([
      ['payout', -12_000],
      ['payment', 12_000],
    ]);
    expect(await balanceIn(account)).toBe(0);
    const told = (await stripe.events.list({ types: ['payout.*'] }, as)).data.map(({ type }) => type);
    expect(told.toReversed()).toEqual(['payout.created', 'payout.updated', 'payout.paid']);
  });

  it.each([
    ['000111111116', 'no_account'],
    ['000111111113', 'account_closed'],
    ['000222222227', 'insufficient_funds'],
  ])('to the bank account %s fail with %s and give the money back', async (number, code) => {
    const account = await onboard({ account_number: number });
    await fund(5000);
    await stripe.transfers.create({ amount: 4000, currency: 'usd', destination: account });
    const as = { stripeAccount: account };
    const failed = await eventually('the failure', async () => {
      return (await stripe.payouts.list({ status: 'failed' }, as)).data[0];
    });
    expect(failed).toMatchObject({ failure_code: code, amount: 4000 });
    expect(
      await stripe.balanceTransactions.retrieve(failed.failure_balance_transaction as string, {}, as),
    ).toMatchObject({ type: 'payout_failure', amount: 4000 });
    expect(await balanceIn(account)).toBe(4000);
    expect(await stripe.accounts.retrieve(account)).toMatchObject({
      payouts_enabled: false,
      requirements: { currently_due: ['external_account'] },
    });
    expect(await errorOf(stripe.payouts.create({ amount: 1, currency: 'usd' }, as))).toMatchObject({
      code: 'payouts_not_allowed',
    });
    await stripe.accounts.createExternalAccount(account, { external_account: 'btok_us_verified' });
    await eventually('the second attempt', async () => (await stripe.payouts.list({ status: 'paid' }, as)).data[0]);
    expect(await balanceIn(account)).toBe(0);
  });

  it('fail even after they arrived, when the bank says so', async () => {
    const account = await onboard({}, manual);
    await fund(9000);
    await stripe.transfers.create({ amount: 4000, currency: 'usd', destination: account });
    const as = { stripeAccount: account };
    const { id } = await stripe.payouts.create({ amount: 4000, currency: 'usd', metadata: { attempt: '1' } }, as);
    await eventually('arrival', async () => (await stripe.payouts.retrieve(id, {}, as)).status === 'paid');
    const bounce = async (code: string): Promise<number> => {
      const answer = await fetch(`${sandbox.url}/_sandbox/payouts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET_KEY}` },
        body: JSON.stringify({ payout: id, code }),
      });
      return answer.status;
    };
    expect([await bounce('no_such_code'), await bounce('account_closed'), await bounce('account_closed')]).toEqual([
      400, 200, 400,
    ]);
    expect(await stripe.payouts.retrieve(id, {}, as)).toMatchObject({
      status: 'failed',
      failure_code: 'account_closed',
    });
    expect(await balanceIn(account)).toBe(4000);
    const [event] = (await stripe.events.list({ type: 'payout.failed' }, as)).data;
    expect(event).toMatchObject({ account, data: { object: { metadata: { attempt: '1' } } } });
  });

  it('of the platform are made by hand, cancelled, reversed, refused beyond the balance', async () => {
    await fund(30_000);
    const before = await balanceIn();
    const first = await stripe.payouts.create({ amount: 1000, currency: 'usd', metadata: { n: '1' } });
    expect(first).toMatchObject({ status: 'pending', automatic: false, reconciliation_status: 'not_applicable' });
    expect(await stripe.payouts.cancel(first.id)).toMatchObject({ status: 'canceled' });
    expect(await balanceIn()).toBe(before);
    const second = await stripe.payouts.create({ amount: 2000, currency: 'usd' });
    await eventually('arrival', async () => (await stripe.payouts.retrieve(second.id)).status === 'paid');
    expect(await errorOf(stripe.payouts.cancel(second.id))).toMatchObject({ code: 'payouts_not_allowed' });
    expect(await errorOf(stripe.balanceTransactions.list({ payout: second.id }))).toMatchObject({ param: 'payout' });
    const reversal = await stripe.payouts.reverse(second.id);
    expect(reversal).toMatchObject({ amount: -2000, original_payout: second.id });
    expect(await balanceIn()).toBe(before);
    expect(await errorOf(stripe.payouts.create({ amount: 99_000_000, currency: 'usd' }))).toMatchObject({
      code: 'balance_insufficient',
    });
  });

  it('the other way are top-ups: on the balance when the bank has paid, or cancelled before', async () => {
    const before = await balanceIn();
    const first = await stripe.topups.create({ amount: 700, currency: 'usd', metadata: { for: 'refunds' } });
    expect(first).toMatchObject({ status: 'pending', balance_transaction: null, metadata: { for: 'refunds' } });
    expect(await stripe.topups.cancel(first.id)).toMatchObject({ status: 'canceled' });
    const second = await stripe.topups.create({ amount: 5000, currency: 'usd', description: 'For refunds' });
    const paid = await eventually('the money', async () => {
      const topup = await stripe.topups.retrieve(second.id);
      return topup.status === 'succeeded' ? topup : undefined;
    });
    expect(await balanceIn()).toBe(before + 5000);
    const { data } = await stripe.balanceTransactions.list({ source: second.id });
    expect(data).toMatchObject([{ id: paid.balance_transaction, type: 'topup', amount: 5000, fee: 0 }]);
    expect(await errorOf(stripe.topups.cancel(second.id))).toMatchObject({ param: 'topup' });
    expect(await errorOf(stripe.topups.create({ amount: 0, currency: 'usd' }))).toMatchObject({ param: 'amount' });
    expect(await errorOf(stripe.topups.create({ amount: 1, currency: 'xxx' }))).toMatchObject({ param: 'currency' });
    expect(await errorOf(stripe.topups.retrieve('tu_none'))).toMatchObject({ code: 'resource_missing' });
    expect((await stripe.topups.list({ status: 'canceled' })).data.map(({ id }) => id)).toEqual([first.id]);
  });

  it('of the platform follow a schedule when one is set', async () => {
    const own = await openSandbox({ timing: { payoutMs: 40, payoutScheduleMs: 20, settlementMs: 0 } });
    try {
      const client = clientOf(own);
      await client.balanceSettings.update({ payments: { payouts: { schedule: { interval: 'daily' } } } });
      await client.paymentIntents.create({
        amount: 10_000,
        currency: 'usd',
        confirm: true,
        payment_method: 'pm_card_bypassPending',
        capture_method: 'automatic',
      });
      const payout = await eventually('the payout', async () => {
        return (await client.payouts.list({ status: 'paid' })).data[0];
      });
      expect(payout).toMatchObject({ amount: 9680, automatic: true });
      const movements = await client.balanceTransactions.list({ payout: payout.id });
      expect(movements.data.map(({ type }) => type)).toEqual(['payout', 'charge']);
    } finally {
      await own.stop();
    }
  });
});

describe('shapes', () => {
  const missing = !existsSync(FIXTURES);
  it.skipIf(missing)(
    `agree with Stripe’s published examples${missing ? ` (skipped: no ${FIXTURES})` : ''}`,
    async () => {
      const oracle = (JSON.parse(readFileSync(FIXTURES, 'utf8')) as { resources: Record<string, unknown> }).resources;
      const capabilities = { transfers: { requested: true }, card_payments: { requested: true } };
      const account = await onboard({}, { ...manual, capabilities });
      await fund(9000);
      const transfer = await stripe.transfers.create({ amount: 5000, currency: 'usd', destination: account });
      const samples: Record<string, unknown> = {
        account: await stripe.accounts.retrieve(account),
        account_link: await stripe.accountLinks.create({
          account,
          type: 'account_onboarding',
          return_url: 'http://localhost',
          refresh_url: 'http://localhost',
        }),
        bank_account: (await stripe.accounts.listExternalAccounts(account)).data[0],
        capability: await stripe.accounts.retrieveCapability(account, 'transfers'),
        login_link: await stripe.accounts.createLoginLink(account),
        transfer,
        transfer_reversal: await stripe.transfers.createReversal(transfer.id, { amount: 1 }),
        payout: await stripe.payouts.create({ amount: 100, currency: 'usd' }),
      };
      for (const [kind, sample] of Object.entries(samples)) {
        expect(compareShape(kind, sample, oracle[kind]), kind).toEqual([]);
      }
    },
  );
});
