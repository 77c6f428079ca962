import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, errorOf, openSandbox, PUBLISHABLE_KEY, SECRET_KEY } from './stripe-sandbox.stage.js';

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox({ timing: { debitDelayMs: 20, disputeDelayMs: 20, outcomeDelayMs: 20 } });
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

const ACCEPTED = {
  customer_acceptance: { type: 'online', online: { ip_address: '198.51.100.7', user_agent: 'test' } },
} as const;
const holder = { billing_details: { name: 'Ada Lovelace', email: 'ada@example.com' } };
const rails = {
  us_bank_account: { currency: 'usd', type: 'us_bank_account' },
  sepa_debit: { currency: 'eur', type: 'sepa_debit' },
} as const;
const saved = async (rail: keyof typeof rails, token: string): Promise<{ customer: string; method: string }> => {
  const customer = (await stripe.customers.create({})).id;
  const setup = await stripe.setupIntents.create({
    customer,
    payment_method: token,
    payment_method_types: [rail],
    mandate_data: ACCEPTED,
    confirm: true,
  } as Stripe.SetupIntentCreateParams);
  expect(setup.status).toBe('succeeded');
  return { customer, method: setup.payment_method as string };
};
const debit = (rail: keyof typeof rails, of: { customer: string; method: string }, more: object = {}) =>
  stripe.paymentIntents.create({
    amount: 100_000,
    currency: rails[rail].currency,
    customer: of.customer,
    payment_method: of.method,
    payment_method_types: [rail],
    off_session: true,
    confirm: true,
    ...more,
  } as Stripe.PaymentIntentCreateParams);
const ended = (id: string) =>
  eventually('the bank', async () => {
    const intent = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge.balance_transaction'] });
    return intent.status === 'processing' ? undefined : intent;
  });

describe('debits', () => {
  it.each([
    ['us_bank_account', 'pm_usBankAccount_success', 500],
    ['sepa_debit', 'pm_success_de', 35],
  ] as const)('of %s rest on a mandate, take their time and cost %s %i', async (rail, token, fee) => {
    const of = await saved(rail, token);
    // The charge as it was in that very moment: the bank is quicker than a slow machine asks again.
    const intent = await debit(rail, of, { expand: ['latest_charge'] });
    expect(intent.status).toBe('processing');
    const pending = intent.latest_charge as Stripe.Charge;
    expect(pending).toMatchObject({ id: expect.stringMatching(/^py_/), status: 'pending', paid: false });
    const details = pending.payment_method_details as unknown as Record<string, { mandate: string }>;
    const mandate = await stripe.mandates.retrieve(details[rail]?.mandate ?? '');
    expect(mandate).toMatchObject({ status: 'active', type: 'multi_use', payment_method: of.method });
    expect(mandate).not.toHaveProperty('created');
    expect((await errorOf(stripe.paymentIntents.cancel(intent.id))).code).toBe('payment_intent_unexpected_state');
    expect(await ended(intent.id)).toMatchObject({
      status: 'succeeded',
      amount_received: 100_000,
      latest_charge: { status: 'succeeded', balance_transaction: { amount: 100_000, fee, currency: intent.currency } },
    });
  });

  it.each([
    ['us_bank_account', 'pm_usBankAccount_accountClosed', 'account_closed', 'inactive'],
    ['us_bank_account', 'pm_usBankAccount_insufficientFunds', 'insufficient_funds', 'active'],
    ['us_bank_account', 'pm_usBankAccount_debitNotAuthorized', 'debit_not_authorized', 'inactive'],
    ['us_bank_account', 'pm_usBankAccount_noAccount', 'no_account', 'inactive'],
    ['sepa_debit', 'pm_failed_at', 'generic_decline', 'active'],
    ['sepa_debit', 'pm_insufficientFunds_at', 'insufficient_funds', 'active'],
  ] as const)('of %s %s fail later with %s, and leave the mandate %s', async (rail, token, code, state) => {
    const of = await saved(rail, token);
    const intent = await debit(rail, of);
    expect(intent.status).toBe('processing');
    const failed = await ended(intent.id);
    expect(failed).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code, type: 'card_error', payment_method: { id: of.method } },
      latest_charge: { status: 'failed', failure_code: code, balance_transaction: null },
    });
    const again = debit(rail, of);
    if (state === 'active') expect((await again).status).toBe('processing');
    else expect((await errorOf(again)).code).toBe('payment_intent_mandate_invalid');
  });

  it('stay with the bank as long as it likes', async () => {
    const intent = await debit('us_bank_account', await saved('us_bank_account', 'pm_usBankAccount_processing'));
    const slow = await debit('sepa_debit', await saved('sepa_debit', 'pm_successDelayed_at'));
    await new Promise((done) => setTimeout(done, 150));
    for (const { id } of [intent, slow]) expect((await stripe.paymentIntents.retrieve(id)).status).toBe('processing');
  });

  it.each([
    ['us_bank_account', 'pm_usBankAccount_dispute'],
    ['sepa_debit', 'pm_disputed_at'],
  ] as const)('of %s are taken back after they succeeded, for good', async (rail, token) => {
    const of = await saved(rail, token);
    const intent = await debit(rail, of);
    const dispute = await eventually('the return', async () => {
      return (await stripe.disputes.list({ payment_intent: intent.id })).data[0];
    });
    expect(dispute).toMatchObject({
      status: 'lost',
      amount: 100_000,
      is_charge_refundable: false,
      payment_method_details: { type: rail },
      evidence_details: { due_by: null },
    });
    expect(dispute.balance_transactions[0]).toMatchObject({ amount: -100_000, fee: 1500 });
    const late = await errorOf(stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: 'mine' } }));
    expect(late.code).toBe('dispute_already_closed');
    const updated = (await stripe.events.list({ type: 'mandate.updated' })).data[0];
    expect(updated?.data.object).toMatchObject({ status: 'inactive', payment_method: of.method });
    expect((await errorOf(debit(rail, of))).code).toBe('payment_intent_mandate_invalid');
  });

  it('are taken back although they were refunded: the payer has it twice', async () => {
    const intent = await debit('us_bank_account', await saved('us_bank_account', 'pm_usBankAccount_success'));
    await ended(intent.id);
    await stripe.refunds.create({ payment_intent: intent.id });
    await fetch(`${sandbox.url}/_sandbox/disputes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
      body: JSON.stringify({ paymentIntent: intent.id, reason: 'insufficient_funds' }),
    });
    expect((await stripe.disputes.list({ payment_intent: intent.id })).data[0]).toMatchObject({
      status: 'lost',
      amount: 100_000,
      reason: 'insufficient_funds',
    });
  });

  it('are started once per idempotency key', async () => {
    const of = await saved('us_bank_account', 'pm_usBankAccount_success');
    const once = () =>
      stripe.paymentIntents.create(
        {
          amount: 4_000,
          currency: 'usd',
          customer: of.customer,
          payment_method: of.method,
          payment_method_types: ['us_bank_account'],
          confirm: true,
        } as Stripe.PaymentIntentCreateParams,
        { idempotencyKey: 'debit-1' },
      );
    expect((await once()).id).toBe((await once()).id);
    expect((await stripe.customers.listPaymentMethods(of.customer)).data).toHaveLength(1);
  });

  it('are refused without a mandate, in another currency and for an account that cannot be', async () => {
    const raw = { account_number: '000123456789', routing_number: '110000000' };
    const bare = stripe.paymentIntents.create({
      amount: 4_000,
      currency: 'usd',
      payment_method: 'pm_usBankAccount_success',
      payment_method_types: ['us_bank_account'],
      confirm: true,
    } as Stripe.PaymentIntentCreateParams);
    expect(await errorOf(bare)).toMatchObject({ code: 'parameter_missing', param: 'mandate_data' });
    const euros = stripe.paymentIntents.create({
      amount: 4_000,
      currency: 'eur',
      payment_method_types: ['us_bank_account'],
    } as Stripe.PaymentIntentCreateParams);
    expect((await errorOf(euros)).param).toBe('payment_method_types');
    const card = stripe.paymentIntents.create({
      amount: 4_000,
      currency: 'usd',
      payment_method: 'pm_usBankAccount_success',
      mandate_data: ACCEPTED,
      confirm: true,
    });
    expect((await errorOf(card)).code).toBe('payment_intent_incompatible_payment_method');
    const make = (params: object) => errorOf(stripe.paymentMethods.create(params as Stripe.PaymentMethodCreateParams));
    const us = (more: object, owner: object = holder) =>
      make({ type: 'us_bank_account', us_bank_account: { ...raw, ...more }, ...owner });
    expect((await us({ routing_number: '110000001' })).code).toBe('routing_number_invalid');
    expect((await us({ account_number: '12' })).code).toBe('account_number_invalid');
    expect((await us({}, {})).param).toBe('billing_details[name]');
    const iban = await make({ type: 'sepa_debit', sepa_debit: { iban: 'DE89370400440532013001' }, ...holder });
    expect([iban.code, iban.param]).toEqual(['invalid_bank_account_iban', 'sepa_debit[iban]']);
    expect((await errorOf(stripe.mandates.retrieve('mandate_none'))).code).toBe('resource_missing');
  });
});

describe('accounts that nobody has linked', () => {
  const account = (number = '000123456789') => ({
    type: 'us_bank_account' as const,
    us_bank_account: {
      account_number: number,
      routing_number: '110000000',
      account_holder_type: 'individual' as const,
    },
    ...holder,
  });
  const setup = async (number?: string) => {
    const customer = await stripe.customers.create({});
    return stripe.setupIntents.create({
      customer: customer.id,
      payment_method_types: ['us_bank_account'],
      payment_method_data: account(number),
      mandate_data: ACCEPTED,
      confirm: true,
    } as Stripe.SetupIntentCreateParams);
  };

  it('are saved when their two deposits are named', async () => {
    const waiting = await setup();
    expect(waiting).toMatchObject({
      status: 'requires_action',
      next_action: { type: 'verify_with_microdeposits' },
    });
    const method = waiting.payment_method as string;
    const early = await errorOf(stripe.paymentMethods.attach(method, { customer: waiting.customer as string }));
    expect(early.code).toBe('payment_method_bank_account_unverified');
    const wrong = await errorOf(stripe.setupIntents.verifyMicrodeposits(waiting.id, { amounts: [1, 2] }));
    expect(wrong.code).toBe('payment_method_microdeposit_verification_amounts_mismatch');
    const one = await errorOf(stripe.setupIntents.verifyMicrodeposits(waiting.id, { amounts: [32] }));
    expect(one.code).toBe('payment_method_microdeposit_verification_amounts_invalid');
    const done = await stripe.setupIntents.verifyMicrodeposits(waiting.id, { amounts: [45, 32] });
    expect(done).toMatchObject({ status: 'succeeded', mandate: expect.stringMatching(/^mandate_/) });
    expect((await stripe.paymentMethods.retrieve(method)).customer).toBe(waiting.customer);
    const intent = await debit('us_bank_account', { customer: done.customer as string, method });
    expect((await ended(intent.id)).status).toBe('succeeded');
  });

  it('pay at once, in a browser, by the code of a deposit', async () => {
    const intent = await stripe.paymentIntents.create({
      amount: 4_000,
      currency: 'usd',
      payment_method_types: ['us_bank_account'],
    } as Stripe.PaymentIntentCreateParams);
    const call = async (path: string, params: Record<string, string>) =>
      (await (
        await fetch(`${sandbox.url}/v1/payment_intents/${intent.id}/${path}`, {
          method: 'POST',
          body: new URLSearchParams({ key: PUBLISHABLE_KEY, client_secret: intent.client_secret ?? '', ...params }),
        })
      ).json()) as Stripe.PaymentIntent;
    const asked = await call('confirm', {
      'payment_method_data[type]': 'us_bank_account',
      'payment_method_data[billing_details][name]': 'Ada',
      'payment_method_data[us_bank_account][account_number]': '000123456789',
      'payment_method_data[us_bank_account][routing_number]': '110000000',
    });
    expect(asked.next_action?.type).toBe('verify_with_microdeposits');
    const page = asked.next_action?.verify_with_microdeposits?.hosted_verification_url ?? '';
    expect(await (await fetch(page)).text()).toContain('code');
    const verified = await call('verify_microdeposits', { descriptor_code: 'SM11AA' });
    expect(verified.status).toBe('processing');
    expect((await ended(intent.id)).status).toBe('succeeded');
  });

  it.each([
    [{ amounts: [10, 11] }, 'payment_method_microdeposit_verification_attempts_exceeded'],
    [{ descriptor_code: 'SM44DD' }, 'payment_method_microdeposit_verification_timeout'],
  ])('are given up after %o', async (answer, code) => {
    const waiting = await setup();
    expect((await errorOf(stripe.setupIntents.verifyMicrodeposits(waiting.id, answer))).code).toBe(code);
    expect(await stripe.setupIntents.retrieve(waiting.id)).toMatchObject({
      status: 'requires_payment_method',
      last_setup_error: { code },
    });
    const late = await errorOf(stripe.setupIntents.verifyMicrodeposits(waiting.id, { amounts: [32, 45] }));
    expect(late.code).toBe('setup_intent_unexpected_state');
  });

  it('fail when no deposit reaches them', async () => {
    const waiting = await setup('000666666661');
    await eventually('the failure', async () => {
      const now = await stripe.setupIntents.retrieve(waiting.id);
      return now.last_setup_error?.code === 'payment_method_microdeposit_failed';
    });
  });
});
