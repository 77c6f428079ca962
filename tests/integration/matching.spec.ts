import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  MatchingModule,
  PoolCommands,
  ReviewCommands,
  RoundCommands,
  matchingInvariants,
  verifyResult,
} from '#matching';
import { toGlobalId } from '#platform';
import { CARD, FundingStage, type Person, codes, got } from './funding.stage.js';

const DAY_MS = 86_400_000;

let home: string;
let stage: FundingStage;
let pools: PoolCommands;
let rounds: RoundCommands;
let reviews: ReviewCommands;
let sponsor: Person;
let operator: Person;
let owner: Person;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'commonweights-matching-'));
  stage = await FundingStage.open({}, { modules: [MatchingModule], env: { COMMONWEIGHTS_HOME: home } });
  pools = stage.app.get(PoolCommands, { strict: false });
  rounds = stage.app.get(RoundCommands, { strict: false });
  reviews = stage.app.get(ReviewCommands, { strict: false });
  sponsor = await stage.person('Foundation Fiona');
  operator = await stage.person('Olga Operator', 'operator');
  owner = await stage.person('Ishmael');
});
afterAll(async () => {
  await stage.close();
  await rm(home, { recursive: true, force: true });
});

/** Everything that the invariants of funding and of matching find wrong. */
async function violations(): Promise<string[]> {
  const found = await stage.violations();
  for (const check of matchingInvariants) {
    const result = await stage.db.uow.read((tx) => check.run(tx));
    found.push(...result.violations.map((violation) => `${check.name}: ${violation}`));
  }
  return found;
}

async function deposit(who: Person, poolId: string, amountMinor: bigint, card: string = CARD.good): Promise<string> {
  const made = got(
    await pools.deposit(who, { poolId, amountMinor, currency: 'USD', rail: 'card', idempotencyKey: randomUUID() }),
  );
  await stage.pay(made.payment?.clientSecret, card);
  await stage.settle();
  return made.deposit.id;
}

const fullPool = async (amountMinor = 100_000n): Promise<string> => {
  const poolId = got(await pools.create(sponsor, { title: 'Open models fund', currency: 'USD' }));
  await deposit(sponsor, poolId, amountMinor);
  return poolId;
};

const draft = (poolId: string, campaigns: readonly string[], more: object = {}) => ({
  poolId,
  title: 'Spring round',
  summary: 'Matches what many give.',
  poolMinor: 50_000n,
  terms: { rule: { kind: 'quadratic' }, unsaturated: 'scale_up' },
  opensAt: stage.now(),
  closesAt: stage.inDays(7),
  reviewSeconds: 3n * 86_400n,
  campaigns: campaigns.map((campaignId) => ({ campaignId })),
  ...more,
});

const balance = async (code: string): Promise<bigint> => {
  const [row] = await stage.rows<{ b: bigint }>(
    'SELECT credits_posted - debits_posted AS b FROM ledger_account WHERE code = $1',
    [code],
  );
  return row?.b ?? -1n;
};
const stateOf = async (roundId: string) =>
  (await stage.rows('SELECT state FROM match_round WHERE id = $1', [roundId]))[0]?.['state'];

describe('a pool', () => {
  it('takes deposits once each, and holds them apart from every campaign', async () => {
    const poolId = got(await pools.create(sponsor, { title: 'A pool', currency: 'USD' }));
    const asked = {
      poolId,
      amountMinor: 20_000n,
      currency: 'USD',
      rail: 'card' as const,
      idempotencyKey: randomUUID(),
    };
    const first = got(await pools.deposit(sponsor, asked));
    const again = got(await pools.deposit(sponsor, asked));
    expect(again.deposit.id).toBe(first.deposit.id);
    expect(codes(await pools.deposit(sponsor, { ...asked, amountMinor: 20_001n }))).toEqual(['MATCHING_KEY_MISMATCH']);
    await stage.pay(first.payment?.clientSecret, CARD.good);
    await stage.settle();
    expect(await balance(`pool:${poolId}:USD`)).toBe(20_000n);
    expect(got(await pools.deposit(sponsor, asked)).payment).toBeNull();
    expect(await violations()).toEqual([]);
  });

  it('refuses what it cannot take', async () => {
    const poolId = got(await pools.create(sponsor, { title: 'A pool', currency: 'USD' }));
    const asked = { poolId, amountMinor: 500n, currency: 'USD', rail: 'card' as const, idempotencyKey: randomUUID() };
    expect(codes(await pools.create(sponsor, { title: 'x', currency: 'USD' }))).toEqual(['MATCHING_TEXT_INVALID']);
    expect(codes(await pools.create(sponsor, { title: 'A pool', currency: 'XXX' }))).toEqual([
      'MATCHING_TERMS_INVALID',
    ]);
    expect(codes(await pools.deposit(sponsor, { ...asked, poolId: randomUUID() }))).toEqual([
      'MATCHING_POOL_NOT_FOUND',
    ]);
    expect(codes(await pools.deposit(sponsor, { ...asked, currency: 'EUR' }))).toEqual(['MATCHING_TERMS_INVALID']);
    expect(codes(await pools.deposit(sponsor, { ...asked, amountMinor: 0n }))).toEqual(['AMOUNT_OUT_OF_RANGE']);
    expect(codes(await pools.deposit(sponsor, { ...asked, idempotencyKey: 'short' }))).toEqual([
      'MATCHING_KEY_INVALID',
    ]);
  });

  it('gives what is left back in proportion, to the last unit, and only what no round was promised', async () => {
    const poolId = got(await pools.create(sponsor, { title: 'A pool', currency: 'USD' }));
    const second = await stage.person('Second sponsor');
    await deposit(sponsor, poolId, 10_000n);
    await deposit(second, poolId, 5_000n);
    const campaignId = await stage.liveCampaign(owner);
    const roundId = got(await rounds.create(sponsor, draft(poolId, [campaignId], { poolMinor: 5_000n })));
    got(await rounds.open(sponsor, roundId));
    expect(codes(await pools.giveBack(second, poolId, 'not mine to give'))).toEqual(['MATCHING_FORBIDDEN']);
    got(await pools.giveBack(sponsor, poolId, 'the season is over'));
    await stage.settle();
    expect(await balance(`pool:${poolId}:USD`)).toBe(0n);
    const deposits = await stage.rows('SELECT refunded_minor FROM match_deposit WHERE pool_id = $1 ORDER BY id', [
      poolId,
    ]);
    expect(deposits.map((d) => d['refunded_minor'])).toEqual([6_667n, 3_333n]);
    expect(codes(await pools.giveBack(sponsor, poolId, 'once more'))).toEqual(['MATCHING_POOL_NOTHING_LEFT']);
    got(await rounds.cancel(sponsor, roundId, 'nobody gives'));
    expect(await balance(`pool:${poolId}:USD`)).toBe(5_000n);
    expect(await violations()).toEqual([]);
  });
});

describe('a round', () => {
  it('cannot promise what its pool does not hold', async () => {
    const poolId = await fullPool(60_000n);
    const campaignId = await stage.liveCampaign(owner);
    const first = got(await rounds.create(sponsor, draft(poolId, [campaignId])));
    const second = got(await rounds.create(sponsor, draft(poolId, [campaignId])));
    got(await rounds.open(sponsor, first));
    expect(codes(await rounds.open(sponsor, second))).toEqual(['MATCHING_POOL_OVERDRAWN']);
    expect(await stateOf(second)).toBe('draft');
    got(await rounds.cancel(sponsor, first, 'the other goes first'));
    got(await rounds.open(sponsor, second));
    expect(await violations()).toEqual([]);
  });

  it('refuses terms, windows and campaigns that are not usable, and strangers', async () => {
    const poolId = await fullPool();
    const campaignId = await stage.liveCampaign(owner);
    const asked = draft(poolId, [campaignId]);
    const refusedAs = async (more: object, who = sponsor) => codes(await rounds.create(who, { ...asked, ...more }));
    expect(await refusedAs({ terms: { rule: { kind: 'fair' } } })).toEqual(['MATCHING_TERMS_INVALID']);
    expect(await refusedAs({ closesAt: stage.inDays(-1) })).toEqual(['MATCHING_TERMS_INVALID']);
    expect(await refusedAs({ poolMinor: 0n })).toEqual(['MATCHING_TERMS_INVALID']);
    expect(await refusedAs({ title: 'x' })).toEqual(['MATCHING_TEXT_INVALID']);
    expect(await refusedAs({ campaigns: [{ campaignId: randomUUID() }] })).toEqual(['MATCHING_CAMPAIGN_INELIGIBLE']);
    expect(await refusedAs({}, owner)).toEqual(['MATCHING_FORBIDDEN']);
    expect(codes(await rounds.open(sponsor, randomUUID()))).toEqual(['MATCHING_ROUND_NOT_FOUND']);
  });
});

describe('the whole life of a round', () => {
  it('gifts count until the cut-off, the result is signed and checked, reviewed, appealed, and paid once', async () => {
    const poolId = await fullPool();
    const many = await stage.liveCampaign(owner, { title: 'Many small gifts', cashGoalMinor: 10_000_000n });
    const one = await stage.liveCampaign(owner, { title: 'One large gift', cashGoalMinor: 10_000_000n });
    const roundId = got(await rounds.create(sponsor, draft(poolId, [many, one])));
    got(await rounds.open(sponsor, roundId));
    const donors = await Promise.all(['Ada', 'Ben', 'Cleo', 'Dan'].map((name) => stage.person(name)));
    for (const donor of donors) await stage.give(donor, many, 2_500n);
    await stage.give(donors[0] as Person, one, 20_000n);
    await stage.give(donors[1] as Person, one, 100n);

    const estimate = await stage.gql(
      'query E($id: ID!) { matchEstimate(campaignId: $id, amountMinor: "1000") { match { amountMinor } stands { amountMinor } round { title state } } }',
      { id: toGlobalId('Campaign', one) },
      donors[2],
    );
    expect(estimate.errors).toBeUndefined();
    expect(estimate.data.matchEstimate.round).toEqual({ title: 'Spring round', state: 'OPEN' });
    expect(BigInt(estimate.data.matchEstimate.match.amountMinor)).toBeGreaterThan(1000n);

    await stage.advance(7 * DAY_MS + 1000);
    await stage.tick('matching.rounds');
    expect(await stateOf(roundId)).toBe('computed');
    expect(codes(await rounds.replaceCampaigns(sponsor, roundId, [{ campaignId: many }]))).toEqual([
      'MATCHING_CUT_OFF_PASSED',
    ]);
    const score = [{ pseudonym: (donors[0] as Person).pseudonym, score: '30' }];
    expect(codes(await rounds.recordScores(sponsor, roundId, 'a passport', score))).toEqual([
      'MATCHING_CUT_OFF_PASSED',
    ]);
    expect(codes(await rounds.replaceGroups(sponsor, roundId, []))).toEqual(['MATCHING_CUT_OFF_PASSED']);
    await expect(
      stage.rows('UPDATE match_round SET pool_minor = pool_minor + 1 WHERE id = $1', [roundId]),
    ).rejects.toThrow('immutable');
    await expect(stage.rows('UPDATE match_gift SET amount_minor = 1')).rejects.toThrow('never changes');

    // Published, and computed again by whoever has the two files.
    const [named] = await stage.rows<{ slug: string }>('SELECT slug FROM match_round WHERE id = $1', [roundId]);
    const slug = named?.slug ?? '';
    const [result, round] = await Promise.all(
      ['result', 'round'].map(async (file) => (await fetch(`${stage.url}/matching/${slug}/${file}.json`)).text()),
    );
    const checks = await verifyResult(result ?? '', round ?? '');
    expect(checks.map((c) => [c.name, c.ok])).toEqual([
      ['form', true],
      ['signature', true],
      ['round', true],
      ['figures', true],
    ]);
    expect(round).not.toContain((donors[0] as Person).pseudonym);
    const before = await matches(roundId);
    expect([...before.values()].reduce((a, b) => a + b, 0n)).toBe(50_000n);
    expect(before.get(many)).toBeGreaterThan(before.get(one) ?? 0n);

    // An exclusion, an appeal, and a decision by somebody else.
    const ben = donors[1] as Person;
    const asked = { roundId, kind: 'donor' as const, subjectId: ben.pseudonym, reason: 'one person with two accounts' };
    expect(codes(await reviews.exclude(owner, asked))).toEqual(['MATCHING_FORBIDDEN']);
    expect(codes(await reviews.exclude(sponsor, { ...asked, subjectId: randomUUID() }))).toEqual([
      'MATCHING_SUBJECT_NOT_FOUND',
    ]);
    expect(codes(await reviews.exclude(sponsor, { ...asked, reason: '' }))).toEqual(['MATCHING_TEXT_INVALID']);
    const exclusionId = got(await reviews.exclude(sponsor, asked));
    expect(codes(await reviews.exclude(sponsor, asked))).toEqual(['MATCHING_EXCLUDED_ALREADY']);
    expect(await matches(roundId)).toEqual(
      new Map([
        [many, 50_000n],
        [one, 0n],
      ]),
    );
    expect(codes(await reviews.appeal(owner, exclusionId, 'not about me'))).toEqual(['MATCHING_APPEAL_FORBIDDEN']);
    expect(codes(await reviews.decide(operator, exclusionId, true, 'too early'))).toEqual(['MATCHING_APPEAL_NONE']);
    got(await reviews.appeal(ben, exclusionId, 'My brother lives in the same house.'));
    expect(codes(await reviews.appeal(ben, exclusionId, 'And again.'))).toEqual(['MATCHING_APPEAL_TWICE']);
    expect(codes(await reviews.decide(sponsor, exclusionId, false, 'my own word'))).toEqual([
      'MATCHING_DECIDER_INVOLVED',
    ]);

    await stage.advance(4 * DAY_MS);
    await stage.tick('matching.rounds');
    expect(await stateOf(roundId), 'waits for the decision').toBe('computed');
    got(await reviews.decide(operator, exclusionId, true, 'two people indeed'));
    expect(await matches(roundId)).toEqual(before);
    for (let n = 0; n < 3; n += 1) await stage.tick('matching.rounds');
    expect(await stateOf(roundId)).toBe('paid');
    expect(codes(await rounds.cancel(operator, roundId, 'too late'))).toEqual(['MATCHING_STATE_INVALID']);
    expect(codes(await reviews.exclude(sponsor, { ...asked, subjectId: (donors[2] as Person).pseudonym }))).toEqual([
      'MATCHING_STATE_INVALID',
    ]);
    await stage.tick('matching.rounds');
    expect(await balance(`campaign:${many}:escrow:USD`)).toBe(10_000n + (before.get(many) ?? 0n));
    expect(await balance(`pool:${poolId}:USD`)).toBe(50_000n);
    expect(await violations()).toEqual([]);
    const events = await stage.rows<{ type: string }>(
      "SELECT type FROM event_outbox WHERE aggregate_type = 'match_round' AND aggregate_id = $1 AND is_public",
      [roundId],
    );
    expect(events.map((e) => e.type)).toContain('match.paid');
  });
});

const matches = async (roundId: string): Promise<Map<string, bigint>> => {
  const rows = await stage.rows<{ campaign_id: string; match_minor: bigint }>(
    'SELECT campaign_id, match_minor FROM match_round_campaign WHERE round_id = $1 ORDER BY campaign_id',
    [roundId],
  );
  return new Map(rows.map((r) => [r.campaign_id, r.match_minor]));
};
