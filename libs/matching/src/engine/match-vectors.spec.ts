import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { claimsOf } from './claim.rule.js';
import { countGifts } from './counted.rule.js';
import { computeMatch } from './match.rule.js';
import { FIGURE_SCALE, type MatchGift, type MatchOutcome, type MatchRound, type MatchRule } from './match.type.js';
import { scaleOf } from './scale.rule.js';
import { parseMillionths, weightOfScore } from './weight.rule.js';

// Published figures of other projects, each with its source. Where a source's own answer is short of the exact one,
// the test says by how much and why.

const QUADRATIC = { kind: 'quadratic' } as const;

/** Projects with one gift a donor, all donors different. */
const apart = (projects: Readonly<Record<string, readonly bigint[]>>): MatchGift[] =>
  Object.entries(projects).flatMap(([project, amounts]) =>
    amounts.map((amountMinor, n) => ({ project, donor: `${project}-${n}`, amountMinor })),
  );

/** Projects with the gifts of the same people, in their order. */
const together = (projects: Readonly<Record<string, readonly bigint[]>>): MatchGift[] =>
  Object.entries(projects).flatMap(([project, amounts]) =>
    amounts.flatMap((amountMinor, n) => (amountMinor > 0n ? [{ project, donor: `p${n}`, amountMinor }] : [])),
  );

const round = (gifts: readonly MatchGift[], rule: MatchRule, more: Partial<MatchRound> = {}): MatchRound => ({
  rule,
  gifts,
  poolMinor: 10n ** 12n,
  unsaturated: 'raw',
  projects: [...new Set(gifts.map(({ project }) => project))].map((id) => ({ id })),
  ...more,
});

function solved(input: MatchRound): MatchOutcome {
  const outcome = computeMatch(input);
  if (isRefused(outcome)) throw new Error(outcome.first.message);
  return outcome;
}

const parts = (input: MatchRound): bigint[] => solved(input).projects.map(({ matchMinor }) => matchMinor);
const number = (figure: bigint): number => Number(figure) / Number(FIGURE_SCALE);
const figures = (input: MatchRound): number[] => solved(input).projects.map(({ figure }) => number(figure));
const groups = (...members: readonly (readonly number[])[]): ReadonlyMap<string, readonly string[]> =>
  new Map(members.map((group, n) => [`g${n}`, group.map((person) => `p${person}`)]));

const THREE = apart({
  P1: [1n, 4n, 1n, 9n],
  P2: [1n, 1n, 1n, 1n, 1n, 1n, 4n],
  P3: [1n, 9n, 1n, 9n, 1n, 9n, 4n],
});
const MILLION = 1_000_000n;
const threeMillion = THREE.map((gift) => ({ ...gift, amountMinor: gift.amountMinor * MILLION }));

describe('pluralistic.js, src/test/linear.test.ts (ISC)', () => {
  it('divides a pool below the claims', () => {
    expect(parts(round(threeMillion, QUADRATIC, { poolMinor: 100n * MILLION }))).toEqual([
      13_600_000n,
      21_600_000n,
      64_800_000n,
    ]);
  });

  it('pays the claims as they are where the pool is larger, or scales them up when asked', () => {
    const large = round(threeMillion, QUADRATIC, { poolMinor: 1000n * MILLION });
    expect(parts(large)).toEqual([34n * MILLION, 54n * MILLION, 162n * MILLION]);
    expect(solved(large).leftMinor).toBe(750n * MILLION);
    expect(parts({ ...large, unsaturated: 'scale_up' })).toEqual([136n * MILLION, 216n * MILLION, 648n * MILLION]);
  });

  it('gives what a cap cut off to the others; the source rounds both down and loses one unit (19,318,181)', () => {
    const capped = solved(
      round(threeMillion, QUADRATIC, { poolMinor: 100n * MILLION, capPerProjectMinor: 50n * MILLION }),
    );
    expect(capped.projects.map(({ matchMinor }) => matchMinor)).toEqual([19_318_182n, 30_681_818n, 50_000_000n]);
    expect(capped.projects.map(({ isCapped }) => isCapped)).toEqual([false, false, true]);
    expect(capped.paidMinor).toBe(100n * MILLION);
  });

  it('gives a single donor nothing', () => {
    const single = round([{ donor: 'one', project: 'P1', amountMinor: MILLION }], QUADRATIC);
    expect(parts(single)).toEqual([0n]);
    expect(parts({ ...single, unsaturated: 'scale_up' })).toEqual([0n]);
    expect(solved(single).leftMinor).toBe(single.poolMinor);
  });
});

describe('allo-indexer, src/test/http/app.test.ts (ISC)', () => {
  // Its amounts are in cents where roots are taken.
  const cents = THREE.map((gift) => ({ ...gift, amountMinor: gift.amountMinor * 100n }));

  it('divides 10,000, and pays the claims of a larger pool', () => {
    expect(parts(round(cents, QUADRATIC, { poolMinor: 10_000n }))).toEqual([1360n, 2160n, 6480n]);
    expect(parts(round(cents, QUADRATIC, { poolMinor: 1_000_000n }))).toEqual([3400n, 5400n, 16_200n]);
  });

  it('weighs gifts by half; the source takes roots of whole cents, so it pays the first project 20 units short and loses one', () => {
    const halved = new Map(['P1-0', 'P1-1', 'P1-2', 'P1-3'].map((donor) => [donor, 500_000n]));
    const weighted = solved(round(cents, QUADRATIC, { poolMinor: 10_000n, weightMillionths: halved }));
    expect(weighted.projects.map(({ matchMinor }) => matchMinor)).toEqual([730n, 2317n, 6953n]);
    expect(number(weighted.projects[0]?.claim ?? 0n)).toBeCloseTo(1700, 9);
    // The source's way: (⌊√50⌋ + ⌊√200⌋ + ⌊√50⌋ + ⌊√450⌋)² - 750 = 1651 instead of 1700.
    const floored = [1651, 5400, 16_200];
    const total = floored.reduce((a, b) => a + b, 0);
    expect(floored.map((claim) => Math.floor((10_000 * claim) / total))).toEqual([710, 2322, 6967]);
  });

  it('leaves excluded donors out', () => {
    const exclusions = [0, 1, 2, 3].map((n) => ({ kind: 'donor' as const, id: `P1-${n}`, reason: 'a test' }));
    expect(parts(round(cents, QUADRATIC, { poolMinor: 10_000n, exclusions }))).toEqual([0n, 2500n, 7500n]);
  });
});

describe('grants-stack-indexer, src/test/calculator/proportionalMatch.test.ts (ISC)', () => {
  it('weighs identity scores', () => {
    const weights = ['0', '10', '15', '20', '25', '30'].map((score) => weightOfScore(parseMillionths(score) ?? -1n));
    expect(weights).toEqual([0n, 0n, 500_000n, 750_000n, 1_000_000n, 1_000_000n]);
  });
});

describe('quadratic-funding, clr.py example (MIT)', () => {
  const money = (amount: number) => BigInt(amount) * 10n ** 6n;
  const first: [string, number][] = [
    ['1', 10],
    ['2', 5],
    ['2', 10],
    ['3', 7],
    ['5', 5],
    ['4', 10],
    ['5', 5],
    ['5', 5],
  ];
  const second: [string, number][] = [
    ['1', 10],
    ['1', 5],
    ['2', 20],
    ['3', 3],
    ['8', 2],
    ['9', 10],
    ['7', 7],
    ['2', 5],
  ];
  const gifts = [
    ...first.map(([donor, amount]) => ({ project: '4', donor, amountMinor: money(amount) })),
    ...second.map(([donor, amount]) => ({ project: '5', donor, amountMinor: money(amount) })),
  ];
  // Its threshold of 25 enters as threshold + 1, and each pair counts once.
  const rule = { kind: 'pairwise', boundMinor: money(26), form: 'reciprocal', pairs: 'once' } as const;

  it('pays the claims of a pot of 5,000 as they are', () => {
    const claims = solved(round(gifts, rule, { poolMinor: money(5000) })).projects.map(
      ({ claim }) => number(claim) / 1e6,
    );
    expect(claims[0]).toBeCloseTo(220.5941806408241, 9);
    expect(claims[1]).toBeCloseTo(351.4058193591759, 9);
  });

  it('divides a pot of 100, to the last unit', () => {
    const divided = parts(round(gifts, rule, { poolMinor: money(100) }));
    expect(divided.map((part) => Number(part) / 1e6)).toEqual([
      expect.closeTo(38.5654, 4) as number,
      expect.closeTo(61.4346, 4) as number,
    ]);
    expect(divided.reduce((a, b) => a + b, 0n)).toBe(money(100));
  });
});

describe('gov.gitcoin.co thread 15709, connection-oriented match', () => {
  const gifts = together({ P1: [50n, 5n, 10n, 0n, 20n, 0n, 10n], P2: [5n, 15n, 5n, 5n, 20n, 10n, 15n] });
  const people = { groups: groups([0], [1, 2], [2, 3, 4, 5], [5, 6]) };
  const connected = { kind: 'connection_oriented', unitMinor: 1n, connection: 'hard' } as const;

  it('finds the figures of both projects', () => {
    const [one, two] = figures(round(gifts, connected, people));
    expect(one).toBeCloseTo(289.7424515457382, 8);
    expect(two).toBeCloseTo(199.92969686897504, 8);
  });

  it('turns the order of plain quadratic funding round: 42.82 : 57.18 becomes 60.92 : 39.08', () => {
    const hundred = { ...people, poolMinor: 10_000n };
    expect(figures(round(gifts, QUADRATIC))).toEqual([
      expect.closeTo(404.16386, 4) as number,
      expect.closeTo(487.90555, 4) as number,
    ]);
    const scaled = (rule: MatchRule) => parts(round(gifts, rule, { ...hundred, unsaturated: 'scale_up' }));
    expect(scaled(QUADRATIC)).toEqual([4282n, 5718n]);
    expect(scaled(connected)).toEqual([6092n, 3908n]);
  });

  it('finds the figures of cluster and squared cluster match', () => {
    expect(figures(round(gifts, { kind: 'cluster' }, people))).toEqual([
      expect.closeTo(338.399, 3) as number,
      expect.closeTo(275.3071, 3) as number,
    ]);
    expect(figures(round(gifts, { kind: 'squared_cluster' }, people))).toEqual([
      expect.closeTo(313.8345, 3) as number,
      expect.closeTo(250.032, 3) as number,
    ]);
  });
});

describe('plural-qf README (numbers alone)', () => {
  const gifts = together({ P: [10n, 20n, 0n] });
  const people = { groups: groups([0, 1], [1, 2]) };
  it.each([
    ['cluster', { kind: 'cluster' }, 58.284271],
    ['squared cluster', { kind: 'squared_cluster' }, 37.320508],
    ['connection-oriented', { kind: 'connection_oriented', unitMinor: 1n, connection: 'hard' }, 36.948688],
    ['offset', { kind: 'offset' }, 34.820508],
    ['pairwise, M = 100', { kind: 'pairwise', boundMinor: 100n, form: 'bounded', pairs: 'once' }, 42.389934],
  ] satisfies [string, MatchRule, number][])('%s', (_, rule, expected) => {
    expect(figures(round(gifts, rule, people))[0]).toBeCloseTo(expected, 6);
  });
});

describe('the precision trap', () => {
  it('matches 1,000 gifts of $5 by $4,995,000; roots of whole cents would give 3.2 % less', () => {
    const gifts = Array.from({ length: 1000 }, (_, n) => ({ project: 'P', donor: `d${n}`, amountMinor: 500n }));
    expect(parts(round(gifts, QUADRATIC))).toEqual([499_500_000n]);
    expect((1000n * 22n) ** 2n - 500_000n).toBe(483_500_000n);
  });

  it('knows a claim exactly or between bounds that hold the next number of digits', () => {
    const gifts = together({ A: [2n, 3n, 5n, 7n], B: [11n, 13n] });
    const input = round(gifts, QUADRATIC);
    const counted = countGifts(input);
    const coarse = claimsOf(input, counted, scaleOf(9));
    const fine = claimsOf(input, counted, scaleOf(57));
    const ratio = scaleOf(57).figure / scaleOf(9).figure;
    for (const [index, { claim }] of coarse.entries()) {
      expect(claim.low * ratio).toBeLessThanOrEqual(fine[index]?.claim.low ?? -1n);
      expect(claim.high * ratio).toBeGreaterThanOrEqual(fine[index]?.claim.high ?? 10n ** 300n);
    }
  });
});
