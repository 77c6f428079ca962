import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MatchingModule, matchingInvariants } from '#matching';
import { FundingStage, type Person } from './funding.stage.js';

// Sponsors who pay into a pool by bank transfer, through GraphQL and the sandbox's bank alone.

let home: string;
let stage: FundingStage;
let poolId: string;
let manager: Person;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'commonweights-matching-'));
  stage = await FundingStage.open({}, { modules: [MatchingModule], env: { COMMONWEIGHTS_HOME: home } });
  manager = await stage.person('Manager Mo');
  const { pool } = await change('matchPoolCreate', 'MatchPoolCreateInput', 'pool { id }', manager, {
    title: 'Open models fund',
    currency: 'USD',
  });
  poolId = pool.id;
});
afterAll(async () => {
  await stage.close();
  await rm(home, { recursive: true, force: true });
});

async function change(name: string, type: string, fields: string, as: Person, input: object) {
  const text = `mutation M($input: ${type}!) { ${name}(input: $input) { ${fields} userErrors { code path } } }`;
  const answer = await stage.gql(text, { input }, as);
  return answer.data?.[name] ?? answer.errors?.[0]?.extensions;
}
const announce = (who: Person, amountMinor: string, more: object = {}) =>
  change(
    'matchPoolDeposit',
    'MatchPoolDepositInput',
    'deposit { id state } payment { clientSecret } transfer { currency accounts { label value } }',
    who,
    { poolId, amountMinor, currency: 'USD', rail: 'BANK_TRANSFER', idempotencyKey: randomUUID(), ...more },
  );
const POOL =
  'query P($id: ID!) { matchPool(id: $id) { deposited { amountMinor } free { amountMinor } sponsors { displayName amount { decimal } } viewerDeposits { id state rail amount { amountMinor } refunded { amountMinor } collectedAt } } }';
const seen = async (who: Person) => (await stage.gql(POOL, { id: poolId }, who)).data.matchPool;
const statesOf = async (who: Person) => (await seen(who)).viewerDeposits.map((d: { state: string }) => d.state);

async function wire(who: Person, amountMinor: bigint): Promise<void> {
  const [customer] = await stage.rows<{ id: string }>(
    'SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1',
    [who.pseudonym],
  );
  const address = `${stage.sandbox.url}/v1/test_helpers/customers/${customer?.id}/fund_cash_balance`;
  const response = await fetch(address, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_funding', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ amount: String(amountMinor), currency: 'usd' }),
  });
  if (response.status !== 200) throw new Error(await response.text());
  await work();
}
/** The processor's events arrive, and the sweep moves what was applied. */
async function work(): Promise<void> {
  await stage.settle();
  for (let round = 0; round < 3; round += 1) {
    await stage.tick('payment-sweep');
    await stage.settle();
  }
}
async function violations(): Promise<string[]> {
  const found = await stage.violations();
  for (const check of matchingInvariants) {
    const result = await stage.db.uow.read((tx) => check.run(tx));
    found.push(...result.violations.map((violation) => `${check.name}: ${violation}`));
  }
  return found;
}

describe('a bank transfer into a pool', () => {
  it('is told where to go, taken when all of it has come, and moved at the processor in as many parts as it takes', async () => {
    const sponsor = await stage.person('Foundation Fiona');
    const made = await announce(sponsor, '250000000');
    expect(made.userErrors).toEqual([]);
    expect(made.payment).toBeNull();
    expect(made.deposit.state).toBe('CREATED');
    expect(made.transfer.currency).toBe('USD');
    expect(made.transfer.accounts.flat().map((line: { label: string }) => line.label)).toContain('Account number');
    await wire(sponsor, 100_000_000n);
    expect(await statesOf(sponsor)).toEqual(['CREATED']);
    expect((await seen(sponsor)).free).toEqual({ amountMinor: '0' });
    await wire(sponsor, 150_000_000n);
    expect(await seen(sponsor)).toMatchObject({
      deposited: { amountMinor: '250000000' },
      free: { amountMinor: '250000000' },
      sponsors: [{ displayName: 'Foundation Fiona', amount: { decimal: '2500000.00' } }],
      viewerDeposits: [{ state: 'COLLECTED', rail: 'BANK_TRANSFER', amount: { amountMinor: '250000000' } }],
    });
    expect(await violations()).toEqual([]);
  });

  it('shows a sponsor his own payments, and others none', async () => {
    expect(await statesOf(manager)).toEqual([]);
  });

  it('goes to the announcement that it fits; what is over stays with its sender', async () => {
    const sponsor = await stage.person('Second sponsor');
    await announce(sponsor, '30000');
    await announce(sponsor, '20000');
    await wire(sponsor, 20_000n);
    expect(await statesOf(sponsor)).toEqual(['COLLECTED', 'CREATED']);
    await wire(sponsor, 30_500n);
    expect(await statesOf(sponsor)).toEqual(['COLLECTED', 'COLLECTED']);
    const [left] = await stage.rows<{ n: bigint }>(
      'SELECT credits_posted - debits_posted AS n FROM ledger_account WHERE code = $1',
      [`donor:${sponsor.pseudonym}:unapplied_cash:USD`],
    );
    expect(left?.n).toBe(500n);
    expect(await violations()).toEqual([]);
  });

  it('can be taken back until it has come; what comes later stays with its sender', async () => {
    const sponsor = await stage.person('Third sponsor');
    const { deposit } = await announce(sponsor, '40000');
    const withdraw = (who: Person, depositId: string) =>
      change('matchDepositWithdraw', 'MatchDepositWithdrawInput', 'pool { id }', who, { depositId });
    expect((await withdraw(manager, deposit.id)).userErrors).toEqual([
      { code: 'MATCHING_DEPOSIT_NOT_FOUND', path: ['input', 'depositId'] },
    ]);
    expect((await withdraw(sponsor, deposit.id)).userErrors).toEqual([]);
    expect((await withdraw(sponsor, deposit.id)).userErrors).toEqual([
      { code: 'MATCHING_DEPOSIT_STATE_INVALID', path: ['input', 'depositId'] },
    ]);
    await wire(sponsor, 40_000n);
    expect(await statesOf(sponsor)).toEqual(['FAILED']);
    expect(await violations()).toEqual([]);
  });

  it('is refused below what can be moved and in a currency that no transfer carries', async () => {
    const few = await announce(manager, '10');
    expect(few.userErrors).toEqual([{ code: 'MATCHING_TERMS_INVALID', path: ['input', 'amountMinor'] }]);
    const { pool } = await change('matchPoolCreate', 'MatchPoolCreateInput', 'pool { id }', manager, {
      title: 'A pool of francs',
      currency: 'CHF',
    });
    const francs = await announce(manager, '10000', { poolId: pool.id, currency: 'CHF' });
    expect(francs.userErrors).toEqual([{ code: 'MATCHING_TERMS_INVALID', path: ['input', 'rail'] }]);
  });

  it('is given back to the bank that sent it, each of its parts', async () => {
    const given = await change('matchPoolGiveBack', 'MatchPoolGiveBackInput', 'pool { id }', manager, {
      poolId,
      reason: 'the season is over',
    });
    expect(given.userErrors).toEqual([]);
    await work();
    expect((await seen(manager)).free).toEqual({ amountMinor: '0' });
    const left = await stage.rows(
      `SELECT state, amount_minor - refunded_minor AS left FROM match_deposit WHERE collected_at IS NOT NULL`,
    );
    expect(left).toEqual(Array(3).fill({ state: 'refunded', left: 0n }));
    expect(await violations()).toEqual([]);
  });
});
