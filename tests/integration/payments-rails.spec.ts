import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import type { PaymentInput, Rail } from '#payments';
import { eventually } from '../../libs/testkit/src/index.js';
import { got, Stage } from './payments.stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ timing: { disputeDelayMs: 50, outcomeDelayMs: 50, warningDelayMs: 3_600_000 } });
});
afterAll(() => stage.close());

const toldOf = (reference: string): string[] =>
  stage.witness.told
    .filter((line) => line.includes(` ${reference}`))
    .map((line) => line.replace(` ${reference}`, '').trim());
const code = (outcome: unknown): string | undefined => (isRefused(outcome) ? outcome.first.code : undefined);
const MANDATE = {
  customer_acceptance: { type: 'online', online: { ip_address: '203.0.113.7', user_agent: 'test' } },
} as const;

/** A method that its owner saved in his browser; `token` is Stripe's for the test method. */
async function saved(reference: string, token: string, rail: Rail = 'card', pseudonym = randomUUID()) {
  const input = { reference, purpose: 'pledge' as const, beneficiaryId: stage.campaignId, rail };
  const ids = got(
    await stage.db.uow.run('setup', (tx) =>
      stage.methods.prepareSetups(tx, [{ ...input, contributorPseudonym: pseudonym }]),
    ),
  );
  const setup = got(await stage.methods.submitSetup(ids[0] ?? ''));
  const intentId = (setup.clientSecret ?? '').split('_secret_')[0] ?? '';
  const confirmed = await stage.stripe.setupIntents.confirm(intentId, {
    payment_method: token.startsWith('AT') ? await sepaAccount(token) : token,
    return_url: 'http://127.0.0.1/back',
    ...(rail === 'card' ? {} : { mandate_data: MANDATE }),
  });
  const page = confirmed.next_action?.redirect_to_url?.url;
  if (page != null) await challenge(page, 'complete');
  await stage.settle();
  return { pseudonym, setupId: setup.setupId, savedMethodId: stage.witness.saved.get(reference) ?? '' };
}

async function sepaAccount(iban: string): Promise<string> {
  const account = await stage.stripe.paymentMethods.create({
    type: 'sepa_debit',
    sepa_debit: { iban },
    billing_details: { name: 'Ada', email: 'ada@example.org' },
  });
  return account.id;
}

const challenge = (page: string, outcome: 'complete' | 'fail') =>
  fetch(page, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ outcome }),
  });

async function prepare(reference: string, more: Partial<PaymentInput>): Promise<string> {
  const ids = got(
    await stage.db.uow.run('charge', (tx) =>
      stage.payments.preparePayments(tx, [{ ...stage.input(reference), ...more }]),
    ),
  );
  return ids[0] ?? '';
}

/** Prepares a charge without its payer and lets the clock make it. */
async function charge(
  reference: string,
  of: { pseudonym: string; savedMethodId: string },
  more: Partial<PaymentInput> = {},
): Promise<string> {
  const id = await prepare(reference, {
    contributorPseudonym: of.pseudonym,
    savedMethodId: of.savedMethodId,
    ...more,
  });
  await stage.sweep.tick();
  await stage.settle();
  return id;
}

describe('a saved method', () => {
  it('is saved with its owner and charged without him', async () => {
    const method = await saved('save-good', 'pm_card_visa');
    expect(toldOf('save-good')).toEqual(['setup saved']);
    const id = await charge('charge-good', method);
    expect((await stage.row(id))['status']).toBe('SUCCEEDED');
    expect(toldOf('charge-good')).toEqual(['captured 175']);
    await stage.audit();
  });

  it('asks its owner in between where his bank wants so', async () => {
    const method = await saved('save-3ds', 'pm_card_authenticationRequiredOnSetup');
    expect(toldOf('save-3ds').at(-1)).toBe('setup saved');
    expect(method.savedMethodId).not.toBe('');
  });

  it('belongs to one customer of his donor, whatever he saves', async () => {
    const first = await saved('save-one', 'pm_card_visa');
    await saved('save-two', 'pm_card_mastercard', 'card', first.pseudonym);
    const rows = (await stage.db.dataSource.query(
      'SELECT DISTINCT stripe_customer_id FROM saved_method WHERE contributor_pseudonym = $1',
      [first.pseudonym],
    )) as unknown[];
    expect(rows).toHaveLength(1);
  });

  it('is asked for once while one is under way, and refused on other terms', async () => {
    const input = {
      reference: 'save-twice',
      purpose: 'pledge' as const,
      beneficiaryId: stage.campaignId,
      contributorPseudonym: randomUUID(),
      rail: 'card' as const,
    };
    const ask = (more: object = {}) =>
      stage.db.uow.run('setup', (tx) => stage.methods.prepareSetups(tx, [{ ...input, ...more }]));
    expect(got(await ask())).toEqual(got(await ask()));
    expect(code(await ask({ contributorPseudonym: randomUUID() }))).toBe('SETUP_REFERENCE_CONFLICT');
    expect(code(await ask({ rail: 'bank_transfer' }))).toBe('PAYMENT_RAIL_UNSAVED');
    expect(code(await stage.methods.submitSetup(randomUUID()))).toBe('SETUP_NOT_FOUND');
    await stage.db.uow.run('cancel', async (tx) => {
      await stage.methods.cancelSetups(tx, ['save-twice']);
      return 'done';
    });
    await stage.sweep.tick();
    await stage.settle();
    expect(toldOf('save-twice')).toEqual(['setup failed canceled']);
  });

  it('of somebody else, of another rail, or released is not charged', async () => {
    const method = await saved('save-release', 'pm_card_visa');
    const refused = (more: Partial<PaymentInput>) =>
      stage.db.uow.run('charge', (tx) =>
        stage.payments.preparePayments(tx, [
          {
            ...stage.input('charge-refused'),
            contributorPseudonym: method.pseudonym,
            savedMethodId: method.savedMethodId,
            ...more,
          },
        ]),
      );
    expect(code(await refused({ contributorPseudonym: randomUUID() }))).toBe('PAYMENT_METHOD_UNUSABLE');
    expect(code(await refused({ rail: 'us_bank_account' }))).toBe('PAYMENT_METHOD_UNUSABLE');
    expect(code(await refused({ savedMethodId: randomUUID() }))).toBe('PAYMENT_METHOD_UNUSABLE');
    expect(code(await refused({ rail: 'bank_transfer' }))).toBe('PAYMENT_RAIL_UNSAVED');
    await stage.db.uow.run('release', async (tx) => {
      await stage.methods.release(tx, [method.savedMethodId]);
      return 'done';
    });
    await stage.sweep.tick();
    expect(code(await refused({}))).toBe('PAYMENT_METHOD_UNUSABLE');
    const rows = await stage.db.dataSource.query(
      'SELECT state, stripe_payment_method_id AS at FROM saved_method WHERE id = $1',
      [method.savedMethodId],
    );
    const [row] = rows as { state: string; at: string }[];
    expect(row?.state).toBe('released');
    expect((await stage.stripe.paymentMethods.retrieve(row?.at ?? '')).customer).toBeNull();
  });
});

describe('a charge without its payer', () => {
  it('that is declined is canceled at Stripe, so that nobody pays it beside the next try', async () => {
    const method = await saved('save-declines', 'pm_card_chargeCustomerFail');
    const id = await charge('charge-declined', method);
    const row = await stage.row(id);
    expect(row).toMatchObject({ status: 'FAILED' });
    expect((await stage.stripe.paymentIntents.retrieve(String(row['stripe_payment_intent_id']))).status).toBe(
      'canceled',
    );
    expect(toldOf('charge-declined')).toEqual([`failed ${String(row['failure_code'])} final`]);
    const again = await charge('charge-declined', method);
    expect(again).not.toBe(id);
    await stage.audit();
  });

  it('whose bank wants him goes on when he comes', async () => {
    const method = await saved('save-wanted', 'pm_card_authenticationRequired');
    const id = await charge('charge-wanted', method);
    expect((await stage.row(id))['status']).toBe('REQUIRES_ACTION');
    expect(toldOf('charge-wanted')).toEqual(['action']);
    const link = got(await stage.payments.submitPayment(id));
    expect(link.clientSecret).toMatch(/_secret_/);
    const confirmed = await stage.stripe.paymentIntents.confirm(link.stripePaymentIntentId ?? '', {
      payment_method: link.stripePaymentMethodId ?? '',
      return_url: 'http://127.0.0.1/back',
    });
    await challenge(confirmed.next_action?.redirect_to_url?.url ?? '', 'complete');
    await stage.settle();
    expect(toldOf('charge-wanted')).toEqual(['action', 'captured 175']);
    await stage.audit();
  });

  it('whose payer fails the challenge is over', async () => {
    const method = await saved('save-fails', 'pm_card_authenticationRequired');
    const id = await charge('charge-fails', method);
    const link = got(await stage.payments.submitPayment(id));
    const confirmed = await stage.stripe.paymentIntents.confirm(link.stripePaymentIntentId ?? '', {
      payment_method: link.stripePaymentMethodId ?? '',
      return_url: 'http://127.0.0.1/back',
    });
    await challenge(confirmed.next_action?.redirect_to_url?.url ?? '', 'fail');
    await stage.settle();
    expect((await stage.row(id))['status']).toBe('FAILED');
    expect(toldOf('charge-fails')).toEqual(['action', 'failed payment_intent_authentication_failure final']);
  });

  it('whose answers are lost is made once', async () => {
    const method = await saved('save-lost', 'pm_card_visa');
    const id = await prepare('charge-lost', {
      contributorPseudonym: method.pseudonym,
      savedMethodId: method.savedMethodId,
    });
    await stage.control('faults', { dropAnswers: 2 });
    await stage.sweep.tick();
    expect((await stage.row(id))['status']).toBe('LOCAL_INTENT');
    await eventually('it is charged', async () => {
      await stage.sweep.tick();
      return (await stage.row(id))['status'] === 'SUCCEEDED';
    });
    await stage.settle();
    const intents = await stage.stripe.paymentIntents.list({ limit: 100 });
    expect(intents.data.filter((intent) => intent.metadata['payment_id'] === id)).toHaveLength(1);
    expect(toldOf('charge-lost')).toEqual(['captured 175']);
    await stage.audit();
  });

  it('made a day ago under a key that may be forgotten is read before it is repeated', async () => {
    const method = await saved('save-old', 'pm_card_visa');
    const id = await prepare('charge-old', {
      contributorPseudonym: method.pseudonym,
      savedMethodId: method.savedMethodId,
    });
    // The call was executed, its answer lost, and the key with it.
    const [customer] = (await stage.db.dataSource.query(
      'SELECT stripe_customer_id AS id, stripe_payment_method_id AS method FROM saved_method WHERE id = $1',
      [method.savedMethodId],
    )) as { id: string; method: string }[];
    await stage.control('chaos', { paused: true });
    await stage.stripe.paymentIntents.create({
      amount: 5000,
      currency: 'usd',
      customer: customer?.id ?? '',
      payment_method: customer?.method ?? '',
      off_session: true,
      confirm: true,
      capture_method: 'automatic',
      metadata: { payment_id: id },
    });
    await stage.db.dataSource.query("UPDATE payment SET created_at = now() - interval '24 hours' WHERE id = $1", [id]);
    await stage.sweep.tick();
    expect((await stage.row(id))['status']).toBe('SUCCEEDED');
    await stage.control('chaos', { paused: false });
    await stage.settle();
    const never = await prepare('charge-never', {
      contributorPseudonym: method.pseudonym,
      savedMethodId: method.savedMethodId,
    });
    await stage.db.dataSource.query("UPDATE payment SET created_at = now() - interval '24 hours' WHERE id = $1", [
      never,
    ]);
    await stage.sweep.tick();
    await stage.settle();
    expect((await stage.row(never))['status']).toBe('SUCCEEDED');
    expect([...toldOf('charge-old'), ...toldOf('charge-never')]).toEqual(['captured 175', 'captured 175']);
    await stage.audit();
  });
});

describe('a bank debit', () => {
  it.each([['us_bank_account', 'pm_usBankAccount_success', 'USD']] as const)(
    'by %s is processed first and captured later',
    async (rail, token, currency) => {
      const method = await saved(`save-${rail}`, token, rail);
      await charge(`charge-${rail}`, method, { rail, currency });
      await stage.settle();
      expect(toldOf(`charge-${rail}`)).toEqual(['processing', 'captured 40']);
      await stage.audit();
    },
  );

  it('that bounces late has failed for good', async () => {
    const method = await saved('save-bounce', 'pm_usBankAccount_insufficientFunds', 'us_bank_account');
    const id = await charge('charge-bounce', method, { rail: 'us_bank_account' });
    await stage.settle();
    expect((await stage.row(id))['status']).toBe('FAILED');
    expect(toldOf('charge-bounce')).toEqual(['processing', 'failed insufficient_funds final']);
    await stage.audit();
  });

  it('that is returned after it was refunded is owed: nobody else pays for the second credit', async () => {
    const method = await saved('save-return', 'pm_usBankAccount_success', 'us_bank_account');
    const id = await charge('charge-return', method, { rail: 'us_bank_account' });
    await stage.settle();
    const others = got(await stage.payments.createCardPayment(stage.input('other-gift')));
    await stage.pay(others.clientSecret, '4242424242424242');
    await stage.settle();
    got(await stage.payments.requestRefund(undefined, id, 5000n, 'changed his mind'));
    await stage.settle();
    const escrow = await stage.held(stage.escrow);
    const debt = await stage.held(`campaign:${stage.campaignId}:debt:USD`);
    const intent = String((await stage.row(id))['stripe_payment_intent_id']);
    await stage.control('disputes', { paymentIntent: intent });
    await stage.settle();
    const [dispute] = (await stage.stripe.disputes.list({ payment_intent: intent })).data;
    if (dispute?.status !== 'lost') await stage.stripe.disputes.close(dispute?.id ?? '');
    await stage.settle();
    expect(toldOf('charge-return').at(-1)).toBe('dispute lost 5000');
    expect(await stage.held(stage.escrow)).toBe(escrow);
    expect(await stage.held(`campaign:${stage.campaignId}:debt:USD`)).toBe(debt + 5000n);
    await stage.audit();
  });
});

describe('an early fraud warning', () => {
  it('of a small payment gives it back at once, before it becomes a dispute', async () => {
    const small = got(await stage.payments.createCardPayment(stage.input('warned-small', 900n)));
    await stage.pay(small.clientSecret, '4242424242424242');
    await stage.settle();
    await stage.control('warnings', { paymentIntent: small.stripePaymentIntentId });
    await stage.settle();
    await eventually('the refund is booked', async () => {
      await stage.db.dataSource.query('UPDATE refund SET next_check_at = now() WHERE payment_id = $1', [
        small.paymentId,
      ]);
      await stage.sweep.tick();
      await stage.settle();
      return toldOf('warned-small').includes('refunded 900');
    });
    expect(toldOf('warned-small')).toEqual(['captured 56', 'warning 900', 'refunded 900']);
    await stage.audit();
  });

  it('of a large payment is told and left to a person', async () => {
    const large = got(await stage.payments.createCardPayment(stage.input('warned-large', 5000n)));
    await stage.pay(large.clientSecret, '4242424242424242');
    await stage.settle();
    await stage.control('warnings', { paymentIntent: large.stripePaymentIntentId });
    await stage.settle();
    expect(toldOf('warned-large')).toEqual(['captured 175', 'warning 5000']);
    await stage.audit();
  });
});

describe('other currencies', () => {
  it.each([
    ['EUR', 'sepa_debit', 'AT611904300234573201', 5_000n, 35n],
    ['JPY', 'card', 'pm_card_visa', 5_000n, 175n],
    ['GBP', 'card', 'pm_card_visa', 5_000n, 165n],
  ] as const)('%s by %s is charged, held and refunded in itself', async (currency, rail, token, amountMinor, fee) => {
    const escrowAccount = `campaign:${stage.campaignId}:escrow:${currency}`;
    const refundsPayableAccount = `campaign:${stage.campaignId}:refunds_payable:${currency}`;
    const debtAccount = `campaign:${stage.campaignId}:debt:${currency}`;
    await stage.db.uow.run('accounts', (tx) =>
      stage.ledger.openAccounts(tx, [
        { code: escrowAccount, unit: currency, limit: 'debits_must_not_exceed_credits' },
        { code: refundsPayableAccount, unit: currency, limit: 'debits_must_not_exceed_credits' },
      ]),
    );
    const method = await saved(`save-${currency}`, token, rail);
    const own = { currency, rail, amountMinor, escrowAccount, refundsPayableAccount, debtAccount };
    const id = await charge(`in-${currency}`, method, own);
    await stage.settle();
    expect(toldOf(`in-${currency}`).at(-1)).toBe(`captured ${fee}`);
    expect(await stage.held(escrowAccount)).toBe(-amountMinor);
    expect(await stage.held(`processor:available:${currency}`)).toBe(amountMinor - fee);
    got(await stage.payments.requestRefund(undefined, id, 1_000n, 'in part'));
    await stage.settle();
    expect(await stage.held(escrowAccount)).toBe(1_000n - amountMinor);
    await stage.audit();
  });
});
