import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { eventually } from '../../libs/testkit/src/index.js';
import { got, Stage } from './payments.stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ timing: { disputeDelayMs: 50, outcomeDelayMs: 50 } });
});
afterAll(() => stage.close());

const toldOf = (reference: string): string[] =>
  stage.witness.told
    .filter((line) => line.includes(` ${reference}`))
    .map((line) => line.replace(` ${reference}`, '').trim());
const code = (outcome: unknown): string | undefined => (isRefused(outcome) ? outcome.first.code : undefined);

describe('a bank transfer', () => {
  const donor = randomUUID();
  const application = (reference: string, amountMinor: bigint) => ({
    contributorPseudonym: donor,
    currency: 'USD',
    applicationKey: 'chosen',
    reference,
    purpose: 'pledge' as const,
    beneficiaryId: stage.campaignId,
    amountMinor,
    escrowAccount: stage.escrow,
    refundsPayableAccount: stage.refundsPayable,
    debtAccount: `campaign:${stage.campaignId}:debt:USD`,
  });
  const customerOf = async (pseudonym: string): Promise<string> => {
    const rows = await stage.db.dataSource.query(
      'SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1',
      [pseudonym],
    );
    return (rows as { id: string }[])[0]?.id ?? '';
  };
  const send = async (amount: number): Promise<void> => {
    await stage.stripe.testHelpers.customers.fundCashBalance(await customerOf(donor), { amount, currency: 'usd' });
    await stage.settle();
    await stage.sweep.tick();
    await stage.settle();
  };
  const unapplied = () => stage.db.uow.read((tx) => stage.transfers.unapplied(tx, donor));

  it('has an account of its donor, and counts when it is applied: $150,000,000 by 151 intents', async () => {
    const shown = got(await stage.transfers.instructions(donor, 'USD'));
    expect(shown.addresses.map((address) => address.type)).toContain('aba');
    expect(code(await stage.transfers.instructions(donor, 'CHF'))).toBe('PAYMENT_CURRENCY_UNSUPPORTED');
    const before = await stage.held(stage.escrow);
    stage.witness.wanted.push(application('wire', 15_000_000_000n));
    for (let sent = 0; sent < 151; sent += 1) {
      const amount = sent < 150 ? 99_999_999 : 150;
      await stage.stripe.testHelpers.customers.fundCashBalance(await customerOf(donor), { amount, currency: 'usd' });
    }
    await stage.settle();
    expect(await stage.held(stage.escrow)).toBe(before - 15_000_000_000n);
    await eventually(
      'all of it is moved at Stripe',
      async () => {
        await stage.sweep.tick();
        await stage.settle();
        return (await stage.held('donor_cash_balance:USD')) === 0n;
      },
      60_000,
    );
    expect(await unapplied()).toEqual([]);
    await stage.audit();
  }, 90_000);

  it('of too much stays the donor’s: applied by his choice, or sent back', async () => {
    stage.witness.wanted.length = 0;
    await send(7_000);
    expect(await unapplied()).toEqual([{ currency: 'USD', amountMinor: 7_000n }]);
    const apply = (amountMinor: bigint, key = 'chosen') =>
      stage.db.uow.run('apply', (tx) =>
        stage.transfers.apply(tx, [{ ...application('chosen', amountMinor), applicationKey: key }]),
      );
    expect(code(await apply(7_001n))).toBe('CASH_INSUFFICIENT');
    expect(code(await apply(49n))).toBe('CASH_AMOUNT_INVALID');
    got(await apply(3_000n));
    got(await apply(3_000n));
    expect(await unapplied()).toEqual([{ currency: 'USD', amountMinor: 4_000n }]);
    const back = (amountMinor: bigint) =>
      stage.db.uow.run('back', (tx) =>
        stage.transfers.refundUnapplied(tx, { pseudonym: donor, currency: 'USD', amountMinor, reason: 'too much' }),
      );
    expect(code(await back(4_001n))).toBe('CASH_INSUFFICIENT');
    expect(code(await back(0n))).toBe('CASH_AMOUNT_INVALID');
    got(await back(4_000n));
    await eventually('it is sent back', async () => {
      await stage.sweep.tick();
      await stage.settle();
      const rows = await stage.db.dataSource.query("SELECT 1 FROM cash_return WHERE status = 'SUCCEEDED'");
      return (rows as unknown[]).length === 1;
    });
    expect(await unapplied()).toEqual([]);
    expect(await stage.held('donor_cash_balance:USD')).toBe(0n);
    await stage.audit();
  });

  it('that is refunded goes on from the balance to the donor’s bank', async () => {
    stage.witness.wanted.length = 0;
    await send(2_000);
    got(await stage.db.uow.run('apply', (tx) => stage.transfers.apply(tx, [application('sent-back', 2_000n)])));
    await stage.sweep.tick();
    await stage.settle();
    const [paid] = (await stage.db.dataSource.query(
      "SELECT id, status FROM payment WHERE reference = 'sent-back'",
    )) as { id: string; status: string }[];
    expect(paid?.status).toBe('SUCCEEDED');
    got(await stage.payments.requestRefund(undefined, paid?.id ?? '', 2_000n, 'campaign failed'));
    await eventually('the money has left', async () => {
      await stage.settle();
      await stage.sweep.tick();
      const rows = await stage.db.dataSource.query(
        "SELECT 1 FROM cash_return WHERE status = 'SUCCEEDED' AND amount_minor = 2000",
      );
      return (rows as unknown[]).length === 1;
    });
    expect(toldOf('sent-back')).toContain('refunded 2000');
    expect(await unapplied()).toEqual([]);
    expect(await stage.held('donor_cash_balance:USD')).toBe(0n);
    await stage.audit();
  });
});

describe('a lost dispute', () => {
  it('takes the reserve first, then escrow, then debt, and a late win gives back the other way round', async () => {
    const reserveAccount = `campaign:${stage.campaignId}:dispute_reserve:USD`;
    const own = `campaign:${stage.campaignId}:escrow_of_one:USD`;
    await stage.db.uow.run('accounts', async (tx) => {
      await stage.ledger.openAccounts(tx, [
        { code: reserveAccount, unit: 'USD', limit: 'debits_must_not_exceed_credits' },
        { code: own, unit: 'USD', limit: 'debits_must_not_exceed_credits' },
        { code: 'bank:operating:USD', unit: 'USD', limit: 'none' },
      ]);
      return 'opened';
    });
    const payment = got(
      await stage.payments.createCardPayment({ ...stage.input('reserved'), escrowAccount: own, reserveAccount }),
    );
    await stage.pay(payment.clientSecret, '4242424242424242');
    await stage.settle();
    const post = (key: string, credit: string, amount: bigint) =>
      stage.db.uow.run('post', (tx) =>
        stage.ledger.post(tx, [{ key, kind: 'posted', debit: own, credit, amount, reason: 'test' }]),
      );
    got(await post('hold-back', reserveAccount, 1_500n));
    got(await post('pay-out', 'bank:operating:USD', 3_000n));
    const debt = await stage.held(`campaign:${stage.campaignId}:debt:USD`);
    await stage.control('disputes', { paymentIntent: payment.stripePaymentIntentId });
    await stage.settle();
    const [dispute] = (await stage.stripe.disputes.list({ payment_intent: payment.stripePaymentIntentId ?? '' })).data;
    await stage.stripe.disputes.close(dispute?.id ?? '');
    await stage.settle();
    const [row] = (await stage.db.dataSource.query(
      'SELECT status, lost_reserve_minor AS reserve, lost_escrow_minor AS escrow, lost_debt_minor AS debt FROM dispute WHERE payment_id = $1',
      [payment.paymentId],
    )) as object[];
    expect(row).toEqual({ status: 'LOST', reserve: 1_500n, escrow: 500n, debt: 3_000n });
    expect([await stage.held(reserveAccount), await stage.held(own)]).toEqual([0n, 0n]);
    expect(await stage.held(`campaign:${stage.campaignId}:debt:USD`)).toBe(debt + 3_000n);
    expect(await stage.held('disputes_receivable:USD')).toBe(0n);

    // The bank corrects itself: first a part comes back, then all.
    const seen = (reinstatedMinor: bigint) => ({
      kind: 'dispute' as const,
      paymentId: payment.paymentId,
      observed: {
        stripeDisputeId: dispute?.id ?? '',
        stripeStatus: 'won',
        withdrawn: { amountMinor: 5_000n, feeMinor: 1_500n },
        reinstated: { amountMinor: reinstatedMinor, feeReturnedMinor: 0n },
        amountMinor: 5_000n,
        reason: 'fraudulent',
        openedAt: new Date(),
        respondBy: null,
      },
    });
    const book = (reinstatedMinor: bigint) =>
      stage.db.uow.run('late-win', (tx) => stage.bookkeeper.book(tx, [seen(reinstatedMinor), seen(reinstatedMinor)]));
    got(await book(3_200n));
    expect(await stage.held(`campaign:${stage.campaignId}:debt:USD`)).toBe(debt);
    expect(await stage.held(own)).toBe(-200n);
    got(await book(5_000n));
    expect([await stage.held(reserveAccount), await stage.held(own)]).toEqual([-1_500n, -500n]);
    expect(toldOf('reserved')).toEqual([
      'captured 175',
      'dispute opened 5000+1500',
      'dispute lost 5000',
      'dispute won 3200',
      'dispute won 1800',
    ]);
  });
});
