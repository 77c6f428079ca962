import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import type { Rail } from '#payments';
import { toGlobalId } from '#platform';
import { railAmount } from '../../libs/pledges/src/domain/cash-pledge.rule.js';
import { refusePledge } from '../../libs/pledges/src/pledge.refusal.js';
import { type Person, codes as refusalsOf } from './funding.stage.js';
import { PledgesStage } from './pledges.stage.js';

/* Amounts over the whole range of 64 bits and beyond it, asked for through GraphQL: kept to the unit, or refused whole. */

const CREATE = `mutation M($input: PledgeCashCreateInput!) { pledgeCashCreate(input: $input) {
  pledge { id amount { amountMinor currency } } userErrors { code path message hint } } }`;

let stage: PledgesStage;
let ada: Person;
const campaigns = new Map<string, string>();

beforeAll(async () => {
  stage = await PledgesStage.open();
  ada = await stage.funding.person('Ada');
  for (const currency of ['USD', 'JPY']) campaigns.set(currency, await stage.keepsAll({ currency }));
});
afterAll(async () => {
  expect(await stage.funding.violations()).toEqual([]);
  await stage.close();
});

async function ask(amountMinor: bigint | string, currency: string, rail: Rail) {
  const input = {
    campaignId: toGlobalId('Campaign', campaigns.get(currency) ?? ''),
    amountMinor: String(amountMinor),
    currency,
    rail: rail.toUpperCase(),
    idempotencyKey: randomUUID(),
  };
  return stage.funding.gql(CREATE, { input }, ada);
}

/** What one campaign can be promised. */
const MOST_PROMISED = 10n ** 15n;
const edges = [
  0n,
  1n,
  29n,
  30n,
  49n,
  50n,
  99_999_999n,
  100_000_000n,
  1_999_999_980n,
  1_999_999_981n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n + 1n,
  10n ** 15n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n,
].flatMap((n) => [n, -n]);
const amounts = fc.oneof(
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  fc.bigInt({ min: 1n, max: 10n ** 10n }),
  fc.constantFrom(...edges),
);

it('are kept to the unit or refused, and a refused one changes nothing at all', async () => {
  let refusals = 0;
  let taken = 0;
  const check = async (amount: bigint, currency: string, rail: Rail): Promise<void> => {
    const ruled = railAmount(amount, currency, rail);
    const expected =
      amount > MOST_PROMISED && !isRefused(ruled)
        ? refusePledge('PLEDGE_AMOUNT_TOO_LARGE', ['input', 'amountMinor'])
        : ruled;
    await stage.funding.settle();
    const before = isRefused(expected) ? await stage.steps.everything() : {};
    const { data, errors } = await ask(amount, currency, rail);
    expect(errors).toBeUndefined();
    const { pledge, userErrors } = data.pledgeCashCreate;
    if (isRefused(expected)) {
      refusals += 1;
      expect(pledge).toBeNull();
      expect(userErrors.map((each: { code: string }) => each.code)).toEqual(expected.refusals.map(({ code }) => code));
      expect(userErrors[0].path).toEqual(expected.first.path);
      expect(await stage.steps.everything()).toEqual(before);
      return;
    }
    taken += 1;
    expect(userErrors).toEqual([]);
    expect(pledge.amount).toEqual({ amountMinor: String(amount), currency });
    const id = Buffer.from(String(pledge.id), 'base64url').toString().split(':')[1] ?? '';
    const [row] = await stage.rows<{ amount_minor: bigint }>('SELECT amount_minor FROM cash_pledge WHERE id = $1', [
      id,
    ]);
    expect(row?.amount_minor).toBe(amount);
    // So that the next of the same size has room in the books.
    expect(await stage.ask('pledgeCancel', ada, id)).toEqual([]);
  };
  const rails = fc.constantFrom<Rail>('card', 'bank_transfer', 'us_bank_account');
  await fc.assert(fc.asyncProperty(amounts, fc.constantFrom('USD', 'JPY'), rails, check), { numRuns: 40 });
  expect(Math.min(refusals, taken)).toBeGreaterThan(5);
});

it('that no number of 64 bits can hold are no amounts', async () => {
  const before = await stage.steps.everything();
  for (const text of ['1e3', '1.5', '', 'NaN', '9'.repeat(31), '0x10']) {
    const { errors } = await ask(text, 'USD', 'card');
    expect(errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
  }
  expect(await stage.steps.everything()).toEqual(before);
});

it('that nobody has may not fill the books: what a campaign can be promised is bounded, for money and for GPU time', async () => {
  const most = 10n ** 15n;
  const answers = await Promise.all([
    ...Array.from({ length: 12 }, () => ask(most, 'USD', 'bank_transfer')),
    ...Array.from({ length: 4 }, () => ask(10n ** 18n, 'USD', 'bank_transfer')),
    ask(5_000n, 'USD', 'card'),
  ]);
  const codes = answers.map(({ data }) =>
    data.pledgeCashCreate.userErrors.map((each: { code: string }) => each.code).join(),
  );
  expect(codes.slice(0, 12).filter((code) => code === '').length).toBeLessThanOrEqual(1);
  expect(new Set(codes.slice(0, 16))).toContain('PLEDGE_AMOUNT_TOO_LARGE');
  expect(codes.slice(12, 16)).toEqual(Array.from({ length: 4 }, () => 'PLEDGE_AMOUNT_TOO_LARGE'));
  expect(codes[16]).toBe('');
  const offer = (milliseconds: bigint) =>
    stage.funding.compute.create(ada, campaigns.get('USD') ?? '', {
      gpuClass: 'cpu',
      count: 1,
      milliseconds,
      idempotencyKey: randomUUID(),
    });
  const before = await stage.steps.everything();
  expect(refusalsOf(await offer(10n ** 16n + 1n))).toEqual(['PLEDGE_AMOUNT_TOO_LARGE']);
  expect(await stage.steps.everything()).toEqual(before);
  expect(isRefused(await offer(10n ** 16n))).toBe(false);
  expect(refusalsOf(await offer(1n))).toEqual(['PLEDGE_AMOUNT_TOO_LARGE']);
});
