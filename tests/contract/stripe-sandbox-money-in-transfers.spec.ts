import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, errorOf, openSandbox, SECRET_KEY } from './stripe-sandbox.stage.js';

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox();
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

const customer = (params: Stripe.CustomerCreateParams = {}) => stripe.customers.create(params);
/** An intent that waits for a transfer, unless the customer's cash covers it. */
const wire = (owner: string, amount: number, more: object = {}) =>
  stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    customer: owner,
    payment_method_types: ['customer_balance'],
    payment_method_data: { type: 'customer_balance' },
    payment_method_options: {
      customer_balance: { funding_type: 'bank_transfer', bank_transfer: { type: 'us_bank_transfer' } },
    },
    confirm: true,
    ...more,
  } as Stripe.PaymentIntentCreateParams);
const fund = (owner: string, amount: number, more: { currency?: string; reference?: string } = {}) =>
  stripe.testHelpers.customers.fundCashBalance(owner, { amount, currency: 'usd', ...more });
const cash = async (owner: string) => (await stripe.customers.retrieveCashBalance(owner)).available;
const moves = async (owner: string) =>
  (await stripe.customers.listCashBalanceTransactions(owner)).data
    .map((move) => [move.type, move.net_amount, move.ending_balance])
    .toReversed();
const typesOf = async (about: string) =>
  (await stripe.events.list({ limit: 100 })).data
    .filter((event) => JSON.stringify(event.data.object).includes(about))
    .map((event) => event.type)
    .toReversed();

describe('a payment by bank transfer', () => {
  it('shows where to send the money, takes it in parts, and succeeds when it is covered', async () => {
    const owner = await customer();
    const waiting = await wire(owner.id, 100_000);
    const shown = waiting.next_action?.display_bank_transfer_instructions;
    expect(waiting.status).toBe('requires_action');
    expect(shown).toMatchObject({ amount_remaining: 100_000, currency: 'usd', type: 'us_bank_transfer' });
    expect(shown?.financial_addresses?.map((address) => address.type)).toEqual(['aba', 'swift']);
    await fund(owner.id, 60_000);
    const partly = await stripe.paymentIntents.retrieve(waiting.id);
    expect(partly).toMatchObject({ status: 'requires_action', amount_received: 0 });
    expect(partly.next_action?.display_bank_transfer_instructions?.amount_remaining).toBe(40_000);
    await fund(owner.id, 55_000);
    const paid = await stripe.paymentIntents.retrieve(waiting.id, { expand: ['latest_charge.balance_transaction'] });
    expect(paid).toMatchObject({
      status: 'succeeded',
      amount_received: 100_000,
      latest_charge: {
        id: expect.stringMatching(/^py_/),
        customer: owner.id,
        payment_method_details: { type: 'customer_balance' },
        balance_transaction: { type: 'payment', amount: 100_000, fee: 500, reporting_category: 'charge' },
      },
    });
    expect(await cash(owner.id)).toEqual({ usd: 15_000 });
    expect(await moves(owner.id)).toEqual([
      ['funded', 60_000, 60_000],
      ['applied_to_payment', -60_000, 0],
      ['funded', 55_000, 55_000],
      ['applied_to_payment', -40_000, 15_000],
    ]);
    expect(await typesOf(owner.id)).toEqual(
      expect.arrayContaining([
        'payment_intent.requires_action',
        'payment_intent.partially_funded',
        'payment_intent.succeeded',
        'charge.succeeded',
        'customer_cash_balance_transaction.created',
        'cash_balance.funds_available',
      ]),
    );
  });

  it('takes what a wire of 150 million left on the balance, 999,999.99 at a time', async () => {
    const owner = await customer();
    await fund(owner.id, 15_000_000_000);
    expect(await cash(owner.id)).toEqual({ usd: 15_000_000_000 });
    const part = await wire(owner.id, 99_999_999);
    expect(part.status).toBe('succeeded');
    expect(await cash(owner.id)).toEqual({ usd: 14_900_000_001 });
    expect((await errorOf(wire(owner.id, 100_000_000))).code).toBe('amount_too_large');
    // A second charge of the same key takes nothing more.
    const once = () =>
      stripe.paymentIntents.create(
        {
          amount: 5_000_000,
          currency: 'usd',
          customer: owner.id,
          payment_method_types: ['customer_balance'],
          payment_method_data: { type: 'customer_balance' },
          confirm: true,
        } as Stripe.PaymentIntentCreateParams,
        { idempotencyKey: 'wire-part-1' },
      );
    expect((await once()).id).toBe((await once()).id);
    expect(await cash(owner.id)).toEqual({ usd: 14_895_000_001 });
  });

  it('goes to the intent that the reference names, then to the exact amount, then to the oldest', async () => {
    const owner = await customer();
    const [first, second, third] = [
      await wire(owner.id, 10_000),
      await wire(owner.id, 20_000),
      await wire(owner.id, 30_000),
    ];
    const reference = third.next_action?.display_bank_transfer_instructions?.reference ?? '';
    await fund(owner.id, 30_000, { reference: `invoice ${reference}` });
    await fund(owner.id, 20_000);
    await fund(owner.id, 4_000);
    const states = await Promise.all([first, second, third].map(({ id }) => stripe.paymentIntents.retrieve(id)));
    expect(states.map((each) => each.status)).toEqual(['requires_action', 'succeeded', 'succeeded']);
    expect(states[0]?.next_action?.display_bank_transfer_instructions?.amount_remaining).toBe(6_000);
  });

  it('gives back what it had when it is given up, and money that comes later stays on the balance', async () => {
    const owner = await customer();
    const waiting = await wire(owner.id, 10_000);
    await fund(owner.id, 3_000);
    expect((await stripe.paymentIntents.cancel(waiting.id)).status).toBe('canceled');
    await fund(owner.id, 7_000);
    expect(await cash(owner.id)).toEqual({ usd: 10_000 });
    expect((await moves(owner.id)).map(([type]) => type)).toEqual([
      'funded',
      'applied_to_payment',
      'unapplied_from_payment',
      'funded',
    ]);
  });

  it('waits for a decision when it is reconciled by hand', async () => {
    const owner = await customer({ cash_balance: { settings: { reconciliation_mode: 'manual' } } });
    const waiting = await wire(owner.id, 10_000);
    await fund(owner.id, 12_000);
    expect((await stripe.paymentIntents.retrieve(waiting.id)).status).toBe('requires_action');
    expect((await stripe.paymentIntents.applyCustomerBalance(waiting.id, { amount: 4_000 })).status).toBe(
      'requires_action',
    );
    const over = await errorOf(stripe.paymentIntents.applyCustomerBalance(waiting.id, { amount: 6_001 }));
    expect([over.code, over.param]).toEqual(['amount_too_large', 'amount']);
    expect((await stripe.paymentIntents.applyCustomerBalance(waiting.id)).status).toBe('succeeded');
    const again = await errorOf(stripe.paymentIntents.applyCustomerBalance(waiting.id));
    expect(again.code).toBe('payment_intent_unexpected_state');
    const settings = await stripe.customers.updateCashBalance(owner.id, {
      settings: { reconciliation_mode: 'merchant_default' },
    });
    expect(settings.settings).toEqual({ reconciliation_mode: 'automatic', using_merchant_default: true });
  });

  it.each([
    ['no customer', { customer: undefined }, 'parameter_missing', 'customer'],
    [
      'no transfer',
      { payment_method_options: undefined },
      'parameter_missing',
      'payment_method_options[customer_balance][funding_type]',
    ],
    [
      'a transfer of another currency',
      {
        payment_method_options: {
          customer_balance: { funding_type: 'bank_transfer', bank_transfer: { type: 'gb_bank_transfer' } },
        },
      },
      undefined,
      'payment_method_options[customer_balance][bank_transfer][type]',
    ],
    ['a currency nobody sends', { currency: 'chf' }, 'payment_intent_invalid_parameter', 'payment_method_types'],
    ['a hold', { capture_method: 'manual' }, 'payment_intent_invalid_parameter', 'capture_method'],
  ])('is refused with %s', async (_case, more, code, param) => {
    const owner = await customer();
    const error = await errorOf(wire(owner.id, 10_000, more));
    expect([error.code, error.param, error.statusCode]).toEqual([code, param, 400]);
  });
});

describe('funding instructions', () => {
  it.each([
    ['us_bank_transfer', 'usd', ['aba', 'swift']],
    ['eu_bank_transfer', 'eur', ['iban']],
    ['gb_bank_transfer', 'gbp', ['sort_code']],
    ['jp_bank_transfer', 'jpy', ['zengin']],
  ] as const)('of %s belong to the customer and stay the same', async (type, currency, kinds) => {
    const ask = async (owner: string) =>
      stripe.customers.createFundingInstructions(owner, {
        currency,
        funding_type: 'bank_transfer',
        bank_transfer: { type, ...(type === 'eu_bank_transfer' ? { eu_bank_transfer: { country: 'DE' } } : {}) },
      });
    const [one, other] = [await customer(), await customer()];
    const told = (await ask(one.id)).bank_transfer.financial_addresses;
    expect(told.map((address) => address.type)).toEqual(kinds);
    expect((await ask(one.id)).bank_transfer.financial_addresses).toEqual(told);
    expect((await ask(other.id)).bank_transfer.financial_addresses).not.toEqual(told);
  });

  it('refuse a country, a currency or a customer they do not know', async () => {
    const owner = await customer();
    const ask = (id: string, bankTransfer: object, currency = 'eur') =>
      errorOf(
        stripe.customers.createFundingInstructions(id, {
          currency,
          funding_type: 'bank_transfer',
          bank_transfer: bankTransfer as Stripe.CustomerCreateFundingInstructionsParams.BankTransfer,
        }),
      );
    expect((await ask(owner.id, { type: 'eu_bank_transfer' })).param).toBe('bank_transfer[eu_bank_transfer][country]');
    expect((await ask(owner.id, { type: 'us_bank_transfer' })).param).toBe('bank_transfer[type]');
    expect((await ask(owner.id, { type: 'us_bank_transfer' }, 'cad')).param).toBe('currency');
    expect((await ask('cus_none', { type: 'us_bank_transfer' })).code).toBe('resource_missing');
    const nothing = await errorOf(fund(owner.id, 0));
    expect([nothing.code, nothing.param]).toEqual(['parameter_invalid_integer', 'amount']);
  });
});

describe('refunds of cash', () => {
  it('of a payment go back to the balance, and of the balance to the bank', async () => {
    const owner = await customer({ email: 'ada@example.com' });
    await fund(owner.id, 8_000);
    const paid = await wire(owner.id, 8_000);
    const back = await stripe.refunds.create({
      payment_intent: paid.id,
      amount: 5_000,
      expand: ['balance_transaction'],
    });
    expect(back.balance_transaction).toMatchObject({
      type: 'payment_refund',
      reporting_category: 'refund',
      net: -5_000,
    });
    expect(back).toMatchObject({ status: 'succeeded', destination_details: { type: 'customer_cash_balance' } });
    expect(await cash(owner.id)).toEqual({ usd: 5_000 });
    const out = await stripe.refunds.create({
      customer: owner.id,
      origin: 'customer_balance',
      currency: 'usd',
      amount: 4_000,
    });
    expect(out).toMatchObject({ status: 'pending', charge: null, balance_transaction: null });
    expect(await cash(owner.id)).toEqual({ usd: 1_000 });
    await eventually('the bank', async () => (await stripe.refunds.retrieve(out.id)).status === 'succeeded');
    await fetch(`${sandbox.url}/_sandbox/refunds`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
      body: JSON.stringify({ refund: out.id, outcome: 'failed', reason: 'account_closed' }),
    });
    expect(await stripe.refunds.retrieve(out.id)).toMatchObject({ status: 'failed', failure_reason: 'account_closed' });
    expect(await cash(owner.id)).toEqual({ usd: 5_000 });
    expect((await moves(owner.id)).map(([type]) => type)).toEqual([
      'funded',
      'applied_to_payment',
      'refunded_from_payment',
      'return_initiated',
      'return_canceled',
    ]);
    const over = await errorOf(
      stripe.refunds.create({ customer: owner.id, origin: 'customer_balance', currency: 'usd', amount: 5_001 }),
    );
    expect(over.param).toBe('amount');
    const nobody = await errorOf(stripe.refunds.create({ origin: 'customer_balance', currency: 'usd', amount: 1 }));
    expect([nobody.code, nobody.param]).toEqual(['parameter_missing', 'customer']);
  });
});

describe('the book', () => {
  it('keeps cash, methods and time over a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
    const path = join(folder, 'book.sqlite');
    const first = await openSandbox({ path });
    const owner = await clientOf(first).customers.create({ payment_method: 'pm_card_visa' });
    await clientOf(first).testHelpers.customers.fundCashBalance(owner.id, { amount: 900, currency: 'eur' });
    const moved = await fetch(`${first.url}/_sandbox/time`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
      body: JSON.stringify({ advanceMs: 14 * 86_400_000 }),
    });
    expect(moved.status).toBe(200);
    await first.stop();
    const second = await openSandbox({ path });
    const client = clientOf(second);
    expect((await client.customers.retrieveCashBalance(owner.id)).available).toEqual({ eur: 900 });
    expect((await client.customers.listPaymentMethods(owner.id)).data).toHaveLength(1);
    const later = await client.customers.create({});
    expect(later.created - owner.created).toBeGreaterThanOrEqual(14 * 86_400);
    await second.stop();
    rmSync(folder, { recursive: true });
  });

  it('makes what falls due in a jump of time happen in its order', async () => {
    const own = await openSandbox({ timing: { disputeDelayMs: 3_600_000, outcomeDelayMs: 20 } });
    const client = clientOf(own);
    const paid = await client.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      payment_method: 'pm_card_createDispute',
      capture_method: 'automatic',
      confirm: true,
    });
    const jump = async (advanceMs: unknown) =>
      fetch(`${own.url}/_sandbox/time`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET_KEY}` },
        body: JSON.stringify({ advanceMs }),
      });
    expect((await client.balance.retrieve()).available[0]?.amount).toBe(0);
    expect((await jump(3 * 86_400_000)).status).toBe(200);
    const dispute = (await client.disputes.list({ payment_intent: paid.id })).data[0];
    expect(dispute?.created).toBe(paid.created + 3600);
    expect((await client.balance.retrieve()).available[0]?.amount).toBe(5_000 - 175 - 5_000 - 1_500);
    for (const bad of [-1, 1.5, '10', 400 * 86_400_000]) expect((await jump(bad)).status).toBe(400);
    await own.stop();
  });
});
