import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExchangeRates } from '#payments';
import { toGlobalId } from '#platform';
import { PledgeQueries } from '#pledges';
import { PledgePlanCommands } from '../../libs/pledges/src/plan.commands.js';
import { UnappliedCashCommands } from '../../libs/pledges/src/unapplied.commands.js';
import { FundingStage, type Person, codes, got } from './funding.stage.js';

const DAY_MS = 86_400_000;

let stage: FundingStage;
let owner: Person;
let ada: Person;
let campaignId: string;

beforeAll(async () => {
  stage = await FundingStage.open();
  owner = await stage.person('Ishmael');
  ada = await stage.person('Ada');
  campaignId = await stage.liveCampaign(owner, { cashGoalMinor: 10n ** 12n, deadline: stage.inDays(300) });
});
afterAll(() => stage.close());

const pledge = (more: object = {}) => ({
  campaignId,
  amountMinor: 2_500n,
  currency: 'USD',
  idempotencyKey: randomUUID(),
  ...more,
});
interface Row {
  readonly state: string;
  readonly collected_minor: bigint;
  readonly counted_minor: bigint;
  readonly instalments: number;
  readonly exchange_rate: string | null;
}
const rowOf = async (id: string) => (await stage.rows<Row>('SELECT * FROM cash_pledge WHERE id = $1', [id]))[0];
const work = async () => {
  for (let round = 0; round < 3; round += 1) {
    await stage.tick('payment-sweep');
    await stage.settle();
  }
};

/** The donor's bank sends money to his account at the processor. */
async function wire(who: Person, amountMinor: bigint, currency = 'USD'): Promise<void> {
  const [customer] = await stage.rows<{ id: string }>(
    'SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1',
    [who.pseudonym],
  );
  const response = await fetch(`${stage.sandbox.url}/v1/test_helpers/customers/${customer?.id}/fund_cash_balance`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_funding', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ amount: String(amountMinor), currency: currency.toLowerCase() }),
  });
  if (response.status !== 200) throw new Error(await response.text());
  await stage.settle();
  await work();
}

describe('a pledge above what one payment carries', () => {
  it('is charged in parts by a card that is saved once: $3,000,000', async () => {
    const made = got(await stage.cash.create(ada, pledge({ amountMinor: 300_000_000n })));
    expect(made.payment?.savesMethod).toBe(true);
    expect(made.pledge.instalments).toBe(4);
    await stage.saveCard(made.payment?.clientSecret, '4242424242424242');
    await stage.settle();
    await work();
    expect(await rowOf(made.pledge.id)).toMatchObject({ state: 'collected', collected_minor: 300_000_000n });
    const parts = await stage.rows<{ amount_minor: bigint }>(
      'SELECT amount_minor FROM cash_pledge_charge WHERE pledge_id = $1 ORDER BY instalment',
      [made.pledge.id],
    );
    expect(parts.map((part) => part.amount_minor)).toEqual([75_000_000n, 75_000_000n, 75_000_000n, 75_000_000n]);
    expect(await stage.violations()).toEqual([]);
  });
});

describe('a pledge by bank transfer', () => {
  it('is paid in part, then whole; what is over is the donor’s to apply or to take back', async () => {
    const made = got(await stage.cash.create(ada, pledge({ amountMinor: 15_000_000_000n, rail: 'bank_transfer' })));
    expect(made.payment).toBeNull();
    expect(made.transfer?.addresses.length).toBeGreaterThan(0);
    await wire(ada, 5_000_000_000n);
    expect(await rowOf(made.pledge.id)).toMatchObject({ state: 'partially_funded', collected_minor: 5_000_000_000n });
    expect(await stage.violations()).toEqual([]);
    await wire(ada, 10_000_700_000n);
    expect(await rowOf(made.pledge.id)).toMatchObject({ state: 'collected', collected_minor: 15_000_000_000n });
    const cash = stage.app.get(UnappliedCashCommands, { strict: false });
    expect(await cash.of(ada)).toEqual([{ currency: 'USD', amountMinor: 700_000n }]);
    const more = got(await stage.cash.create(ada, pledge({ amountMinor: 600_000n, rail: 'bank_transfer' })));
    expect(codes(await cash.apply(owner, more.pledge.id, 'choice-1'))).toEqual(['PLEDGE_FORBIDDEN']);
    got(await cash.apply(ada, more.pledge.id, 'choice-1'));
    expect(await rowOf(more.pledge.id)).toMatchObject({ state: 'collected', collected_minor: 600_000n });
    got(await cash.refund(ada, 'USD'));
    expect(codes(await cash.refund(ada, 'USD'))).toEqual(['PLEDGE_UNAPPLIED_CASH']);
    await work();
    expect(await stage.violations()).toEqual([]);
  });
});

describe('a pledge in another currency', () => {
  it('counts by the dated rate that is written with it', async () => {
    expect(codes(await stage.cash.create(ada, pledge({ currency: 'EUR' })))).toEqual(['PLEDGE_CURRENCY_MISMATCH']);
    const day = stage.now().toISOString().slice(0, 10);
    got(
      await stage.db.uow.run('rates', (tx) =>
        stage.app
          .get(ExchangeRates, { strict: false })
          .importEcb(tx, `Date,USD,JPY,GBP,CHF,CAD\n${day},1.1000,160.00,0.8500,0.9500,1.5000\n`),
      ),
    );
    const made = got(await stage.cash.create(ada, pledge({ currency: 'EUR', amountMinor: 1_001n })));
    await stage.pay(made.payment?.clientSecret, '4242424242424242');
    await stage.settle();
    expect(await rowOf(made.pledge.id)).toMatchObject({ state: 'collected', counted_minor: 1_101n });
    expect((await rowOf(made.pledge.id))?.exchange_rate).toMatch(/^1\.1000? USD per EUR, ECB eurofxref /);
    expect(await stage.violations()).toEqual([]);
  });
});

describe('a monthly pledge', () => {
  it('makes one pledge a month, skips months that passed, and ends when its donor stops it', async () => {
    const plans = stage.app.get(PledgePlanCommands, { strict: false });
    const bob = await stage.person('Bob');
    const endsAt = stage.inDays(250);
    const asked = { campaignId, amountMinor: 1_000n, currency: 'USD', endsAt, idempotencyKey: randomUUID() };
    expect(codes(await plans.create(bob, { ...asked, endsAt: stage.inDays(3) }))).toEqual(['PLEDGE_PLAN_INVALID']);
    const begun = got(await plans.create(bob, asked));
    expect(got(await plans.create(bob, asked)).plan.id).toBe(begun.plan.id);
    await stage.saveCard(begun.setup?.clientSecret, '4242424242424242');
    await stage.settle();
    const collected = async () => {
      await stage.tick('pledges.plans');
      await stage.tick('pledges.plans');
      await work();
      return (
        await stage.rows<{ plan_month: number; state: string }>(
          'SELECT plan_month, state FROM cash_pledge WHERE plan_id = $1 ORDER BY plan_month',
          [begun.plan.id],
        )
      ).map((row) => `${row.plan_month} ${row.state}`);
    };
    expect(await collected()).toEqual(['1 collected']);
    await stage.advance(100 * DAY_MS);
    expect(await collected()).toEqual(['1 collected', '4 collected']);
    expect(await stage.rows("SELECT 1 FROM event_outbox WHERE type = 'pledge.cash.debit_due'")).not.toEqual([]);
    expect(codes(await plans.stop(ada, begun.plan.id))).toEqual(['PLEDGE_FORBIDDEN']);
    got(await plans.stop(bob, begun.plan.id));
    expect(codes(await plans.stop(bob, begun.plan.id))).toEqual(['PLEDGE_STATE_INVALID']);
    await stage.advance(60 * DAY_MS);
    expect(await collected()).toEqual(['1 collected', '4 collected']);
    expect(await stage.violations()).toEqual([]);
  });
});

describe('an invoice', () => {
  it('has the next number of its year, is its donor’s to read, and forgets him when he is erased', async () => {
    const cleo = await stage.person('Cleo Institute');
    const invoice = { organisation: 'Whale Foundation', address: 'Nantucket', taxId: 'X1' };
    const asked = () =>
      stage.cash.create(cleo, pledge({ rail: 'bank_transfer', invoice, displayName: 'Whale Foundation' }));
    const [first, second] = [got(await asked()), got(await asked())];
    const queries = stage.app.get(PledgeQueries, { strict: false });
    const numbers = [await queries.invoiceData(first.pledge.id), await queries.invoiceData(second.pledge.id)].map(
      (data) => Number(data?.number.slice(-6)),
    );
    expect(numbers[1]).toBe((numbers[0] ?? 0) + 1);
    const query = 'query Q($id: ID!) { pledgeInvoice(pledgeId: $id) { number organisation amount { amountMinor } } }';
    const id = toGlobalId('CashPledge', first.pledge.id);
    expect((await stage.gql(query, { id }, cleo)).data.pledgeInvoice.organisation).toBe('Whale Foundation');
    expect((await stage.gql(query, { id }, ada)).data.pledgeInvoice).toBeNull();
    const erase =
      'mutation M($input: ContributorEraseInput!) { contributorErase(input: $input) { userErrors { code } } }';
    const input = { contributorId: toGlobalId('Contributor', cleo.contributorId) };
    const erased = await stage.gql(erase, { input }, cleo);
    expect(erased.errors ?? erased.data.contributorErase.userErrors).toEqual([]);
    await stage.relay();
    const left = await stage.rows(
      `SELECT 1 FROM pledge_billing b JOIN cash_pledge p ON p.id = b.pledge_id WHERE p.pseudonym = $1
       UNION ALL SELECT 1 FROM cash_pledge WHERE pseudonym = $1 AND display_name IS NOT NULL`,
      [cleo.pseudonym],
    );
    expect(left).toEqual([]);
    expect((await queries.invoiceData(first.pledge.id))?.organisation).toBeNull();
    expect(await stage.violations()).toEqual([]);
  });
});
