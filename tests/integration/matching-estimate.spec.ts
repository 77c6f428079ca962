import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { MatchingModule, PoolCommands, ReviewCommands, RoundCommands, computeMatch } from '#matching';
import { toGlobalId } from '#platform';
import type { MatchRound, MatchRule } from '../../libs/matching/src/engine/match.type.js';
import { CARD, FundingStage, type Person, got } from './funding.stage.js';

// The estimate of the pledge page against the engine: what it says of a gift is what the gift would change.

let home: string;
let stage: FundingStage;
let sponsor: Person;
let donors: Person[];
let campaigns: [string, string];
let poolId: string;
/** Donor, campaign, amount. */
const GIFTS = [
  [0, 0, 2_500n],
  [1, 0, 4_000n],
  [0, 0, 500n],
  [2, 1, 30_000n],
  [3, 1, 150n],
  [4, 0, 9_000n],
] as const;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'commonweights-matching-'));
  stage = await FundingStage.open({}, { modules: [MatchingModule], env: { COMMONWEIGHTS_HOME: home } });
  sponsor = await stage.person('Foundation Fiona');
  const owner = await stage.person('Ishmael');
  donors = await Promise.all(['Ada', 'Ben', 'Cleo', 'Dan', 'Eve', 'New'].map((name) => stage.person(name)));
  campaigns = [
    await stage.liveCampaign(owner, { cashGoalMinor: 10_000_000n }),
    await stage.liveCampaign(owner, { cashGoalMinor: 10_000_000n }),
  ];
  const pools = stage.app.get(PoolCommands, { strict: false });
  poolId = got(await pools.create(sponsor, { title: 'Open models fund', currency: 'USD' }));
  const asked = { poolId, amountMinor: 100_000n, currency: 'USD', rail: 'card' as const };
  const made = got(await pools.deposit(sponsor, { ...asked, idempotencyKey: randomUUID() }));
  await stage.pay(made.payment?.clientSecret, CARD.good);
  for (const [donor, campaign, amount] of GIFTS) await stage.give(donors[donor] as Person, campaigns[campaign], amount);
  await stage.settle();
});
afterAll(async () => {
  await stage.close();
  await rm(home, { recursive: true, force: true });
});

const ESTIMATE =
  'query E($id: ID!, $amount: BigInt!) { matchEstimate(campaignId: $id, amountMinor: $amount) { match { amountMinor } atPace { amountMinor } stands { amountMinor } } }';
const estimate = async (who: Person | undefined, campaign: 0 | 1, amount: bigint) => {
  const variables = { id: toGlobalId('Campaign', campaigns[campaign]), amount: String(amount) };
  const found = (await stage.gql(ESTIMATE, variables, who)).data.matchEstimate;
  return (
    found && {
      match: BigInt(found.match.amountMinor),
      stands: BigInt(found.stands.amountMinor),
      atPace: BigInt(found.atPace.amountMinor),
    }
  );
};

interface Case {
  readonly name: string;
  readonly rule: object;
  readonly engine: MatchRule;
  readonly unsaturated: 'raw' | 'scale_up';
}
const CASES: readonly Case[] = [
  {
    name: 'linear',
    rule: { kind: 'linear', ratio: '0.5' },
    engine: { kind: 'linear', ratioMillionths: 500_000n },
    unsaturated: 'raw',
  },
  { name: 'quadratic', rule: { kind: 'quadratic' }, engine: { kind: 'quadratic' }, unsaturated: 'scale_up' },
  {
    name: 'capital-constrained',
    rule: { kind: 'capital_constrained' },
    engine: { kind: 'capital_constrained' },
    unsaturated: 'raw',
  },
  {
    name: 'pairwise',
    rule: { kind: 'pairwise', bound: '5000' },
    engine: { kind: 'pairwise', boundMinor: 5_000n, form: 'bounded', pairs: 'twice' },
    unsaturated: 'scale_up',
  },
  { name: 'cluster', rule: { kind: 'cluster' }, engine: { kind: 'cluster' }, unsaturated: 'raw' },
];

describe('the live estimate', () => {
  it.each(CASES)('of a $name round is what the engine makes of the gift', async ({ rule, engine, unsaturated }) => {
    const rounds = stage.app.get(RoundCommands, { strict: false });
    const roundId = got(
      await rounds.create(sponsor, {
        poolId,
        title: 'A round',
        summary: 'Matches what many give.',
        poolMinor: 50_000n,
        terms: { rule, unsaturated, capPerDonor: '20000', minimumPerDonor: '200', capPerProject: '40000' },
        opensAt: stage.inDays(-1),
        closesAt: stage.inDays(9),
        reviewSeconds: 0n,
        campaigns: campaigns.map((campaignId) => ({ campaignId })),
      }),
    );
    got(await rounds.open(sponsor, roundId));
    const score = { pseudonym: (donors[1] as Person).pseudonym, score: '15' };
    got(await rounds.recordScores(sponsor, roundId, 'a passport', [score]));
    const reviews = stage.app.get(ReviewCommands, { strict: false });
    const subjectId = (donors[4] as Person).pseudonym;
    got(await reviews.exclude(sponsor, { roundId, kind: 'donor', subjectId, reason: 'the same person as Ada' }));

    const input = (more: readonly (readonly [number, 0 | 1, bigint])[]): MatchRound => ({
      rule: engine,
      unsaturated,
      poolMinor: 50_000n,
      projects: campaigns.map((id) => ({ id })),
      capPerProjectMinor: 40_000n,
      capPerDonorMinor: 20_000n,
      minimumPerDonorMinor: 200n,
      weightMillionths: new Map([[(donors[1] as Person).pseudonym, 500_000n]]),
      exclusions: [{ kind: 'donor', id: subjectId, reason: 'the same person as Ada' }],
      gifts: [...GIFTS, ...more].map(([donor, campaign, amountMinor]) => ({
        donor: (donors[donor] as Person).pseudonym,
        project: campaigns[campaign],
        amountMinor,
      })),
    });
    const matchOf = (round: MatchRound, campaign: 0 | 1): bigint => {
      const outcome = computeMatch(round);
      if (isRefused(outcome)) throw new Error(outcome.first.message);
      return outcome.projects.find((p) => p.id === campaigns[campaign])?.matchMinor ?? -1n;
    };
    // Somebody new, somebody who gave here, somebody whose first gifts were below the minimum, and the excluded one.
    for (const [donor, campaign, amount] of [
      [5, 0, 1_000n],
      [0, 0, 25_000n],
      [1, 1, 700n],
      [3, 1, 100n],
      [4, 0, 5_000n],
    ] as const) {
      const told = await estimate(donors[donor], campaign, amount);
      const [before, after] = [matchOf(input([]), campaign), matchOf(input([[donor, campaign, amount]]), campaign)];
      const moved = after > before ? after - before : 0n;
      expect(near(told?.stands, before), `stands ${told?.stands}, engine ${before}`).toBe(true);
      expect(near(told?.match, moved), `donor ${donor}: moves ${told?.match}, engine ${moved}`).toBe(true);
    }
    // A tenth of the window is past, so claims ten times as large compete for the same pool.
    const stranger = await estimate(undefined, 1, 1_000n);
    if (unsaturated === 'scale_up') expect(stranger?.atPace).toBeLessThan(stranger?.match ?? 0n);
    expect(stranger?.atPace).toBeGreaterThanOrEqual(0n);
    got(await rounds.cancel(sponsor, roundId, 'the test is over'));
    expect(await estimate(donors[5], 0, 1_000n)).toBeNull();
  });
});

/** Largest remainders may move a unit. */
const near = (told: bigint | undefined, exact: bigint): boolean => {
  const away = (told ?? -1_000_000n) - exact;
  return away >= -1n && away <= 1n;
};
