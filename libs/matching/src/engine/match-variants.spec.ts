import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { computeMatch } from './match.rule.js';
import { FIGURE_SCALE, type MatchGift, type MatchOutcome, type MatchRound, type MatchRule } from './match.type.js';

function solved(round: MatchRound): MatchOutcome {
  const outcome = computeMatch(round);
  if (isRefused(outcome)) throw new Error(outcome.first.message);
  return outcome;
}
const decimal = (figure: bigint): number => Number(figure) / Number(FIGURE_SCALE);

describe('the ways to count a connection (qf-calculator has the walk and the harsh form; formulas alone)', () => {
  // The people, groups and gifts of gov.gitcoin.co thread 15709.
  const GROUPS = [[0], [1, 2], [2, 3, 4, 5], [5, 6]];
  const GIFTS = { P1: [50, 5, 10, 0, 20, 0, 10], P2: [5, 15, 5, 5, 20, 10, 15] };

  /** The formula as it is written, in floating point. */
  function plainly(gifts: readonly number[], connection: 'hard' | 'soft' | 'walk', discount: 'root' | 'harsh'): number {
    const ties = gifts.map((_, i) => GROUPS.filter((g) => g.includes(i)).length);
    const isIn = (i: number, h: number) => GROUPS[h]?.includes(i) === true;
    const mean = (all: readonly number[]) => all.reduce((a, b) => a + b, 0) / all.length;
    const strength = (i: number, h: number): number => {
      if (isIn(i, h)) return 1;
      const own = GROUPS.filter((g) => g.includes(i));
      if (connection === 'hard') return own.some((g) => g.some((j) => isIn(j, h))) ? 1 : 0;
      const step = (j: number) => (isIn(j, h) ? 1 / (connection === 'walk' ? (ties[j] ?? 1) : 1) : 0);
      return mean(own.map((g) => mean(g.map(step))));
    };
    const kept = (i: number, h: number): number => {
      const gift = gifts[i] ?? 0;
      const least = discount === 'harsh' ? 0 : Math.min(gift, Math.sqrt(gift));
      return gift - strength(i, h) * (gift - least);
    };
    let figure = gifts.reduce((a, b) => a + b, 0);
    for (const [g, one] of GROUPS.entries())
      for (const [h, other] of GROUPS.entries()) {
        if (g >= h) continue;
        const sum = (members: readonly number[], towards: number) =>
          members.reduce((total, i) => total + kept(i, towards) / (ties[i] ?? 1), 0);
        figure += 2 * Math.sqrt(sum(one, h)) * Math.sqrt(sum(other, g));
      }
    return figure;
  }

  it.each([
    ['hard', 'root'],
    ['soft', 'root'],
    ['walk', 'root'],
    ['hard', 'harsh'],
    ['soft', 'harsh'],
    ['walk', 'harsh'],
  ] as const)('%s, %s: the exact figures are those of the formula', (connection, discount) => {
    const gifts: MatchGift[] = Object.entries(GIFTS).flatMap(([project, amounts]) =>
      amounts.flatMap((amount, n) => (amount > 0 ? [{ project, donor: `p${n}`, amountMinor: BigInt(amount) }] : [])),
    );
    const { projects } = solved({
      rule: { kind: 'connection_oriented', unitMinor: 1n, connection, discount },
      gifts,
      poolMinor: 10n ** 12n,
      unsaturated: 'raw',
      projects: [{ id: 'P1' }, { id: 'P2' }],
      groups: new Map(GROUPS.map((group, n) => [`g${n}`, group.map((person) => `p${person}`)])),
    });
    expect(decimal(projects[0]?.figure ?? 0n)).toBeCloseTo(plainly(GIFTS.P1, connection, discount), 8);
    expect(decimal(projects[1]?.figure ?? 0n)).toBeCloseTo(plainly(GIFTS.P2, connection, discount), 8);
  });

  it('hard with roots is the published one, so the plain way above is held to it too', () => {
    expect(plainly(GIFTS.P1, 'hard', 'root')).toBeCloseTo(289.7424515457382, 10);
    expect(plainly(GIFTS.P2, 'hard', 'root')).toBeCloseTo(199.92969686897504, 10);
  });
});

describe('offset match', () => {
  it('is plain quadratic where nobody shares a group', () => {
    const gifts = [4n, 9n, 25n].map((amountMinor, n) => ({ project: 'P', donor: `d${n}`, amountMinor }));
    const round: MatchRound = {
      rule: { kind: 'offset' },
      gifts,
      poolMinor: 1000n,
      unsaturated: 'raw',
      projects: [{ id: 'P' }],
      groups: new Map([['g', ['d0']]]),
    };
    expect(decimal(solved(round).projects[0]?.figure ?? 0n)).toBe(100);
  });

  it('refuses more groups than it can solve for', () => {
    const groups = new Map(Array.from({ length: 201 }, (_, n) => [`g${n}`, ['d']]));
    const outcome = computeMatch({
      rule: { kind: 'offset' },
      gifts: [{ project: 'P', donor: 'd', amountMinor: 1n }],
      poolMinor: 1n,
      unsaturated: 'raw',
      projects: [{ id: 'P' }],
      groups,
    });
    expect(isRefused(outcome) && outcome.first.code).toBe('MATCH_TOO_MANY_GROUPS');
  });
});

describe('Giveth impact-graph, src/services/actualMatchingFundView.test.ts (MIT)', () => {
  // Its round: a donor counts from 1 USD in sum; a donor of too low a score, a known false identity and gifts to
  // fraudulent projects don't. It keeps sums of roots; (Σ √c)² is the figure here. Amounts in cents.
  const QUADRATIC: MatchRule = { kind: 'quadratic' };
  const people = (...gifts: readonly (readonly number[])[]): MatchGift[] =>
    gifts.flatMap((own, n) =>
      own.map((usd, at) => ({
        project: 'P',
        donor: `d${n}`,
        amountMinor: BigInt(Math.round(usd * 100)),
        id: `d${n}-${at}`,
      })),
    );
  const rootsOf = (gifts: readonly MatchGift[], more: Partial<MatchRound> = {}): [roots: number, given: number] => {
    const [project] = solved({
      rule: QUADRATIC,
      gifts,
      poolMinor: 10n ** 9n,
      unsaturated: 'raw',
      projects: [{ id: 'P' }],
      minimumPerDonorMinor: 100n,
      ...more,
    }).projects;
    const counted = Number(project?.countedMillionths ?? 0n) / 1e8;
    return [Math.sqrt(decimal(project?.figure ?? 0n) / 100), counted];
  };
  const THREE = [
    [1, 3],
    [2, 23],
    [3, 97],
  ] as const;

  it('several gifts of a person are one: √4 + √25 + √100 = 17', () => {
    expect(rootsOf(people(...THREE))).toEqual([17, 129]);
  });
  it('gifts of 4, 25, 100 and 1,024 are all counted: 2 + 5 + 10 + 32 = 49', () => {
    expect(rootsOf(people([4], [25], [100], [1024]))).toEqual([49, 1153]);
  });
  it('who gave less than a dollar in sum is left out: 17 again', () => {
    expect(rootsOf(people(...THREE, [0.5], [0.7]))).toEqual([17, 129]);
  });
  it('who reaches a dollar by two gifts counts: 18', () => {
    expect(rootsOf(people(...THREE, [0.5], [0.7], [0.5, 0.5]))).toEqual([18, 130]);
  });
  it('a known false identity is left out, with the reason kept', () => {
    const exclusions = [{ kind: 'donor' as const, id: 'd3', reason: 'a false identity' }];
    expect(rootsOf(people(...THREE, [35]), { exclusions })).toEqual([17, 129]);
  });
  it('a score below the least is left out', () => {
    expect(rootsOf(people(...THREE, [35]), { weightMillionths: new Map([['d3', 0n]]) })).toEqual([17, 129]);
  });
  it('a gift by a way that does not count, or by the project’s own people, is left out alone', () => {
    const exclusions = [{ kind: 'gift' as const, id: 'd3-0', reason: 'not on a network of the round' }];
    expect(rootsOf(people(...THREE, [35]), { exclusions })).toEqual([17, 129]);
  });
  it('a fraudulent project gets nothing', () => {
    const exclusions = [{ kind: 'project' as const, id: 'P', reason: 'a fraud' }];
    expect(rootsOf(people([100], [100]), { exclusions })).toEqual([0, 0]);
  });
  it('a single gift is its own figure, and no gift is none', () => {
    expect(rootsOf(people([100]))).toEqual([10, 100]);
    expect(rootsOf([])).toEqual([0, 0]);
  });
});
