import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { computeMatch } from './match.rule.js';
import { FIGURE_SCALE, type MatchGift, type MatchOutcome, type MatchRound, type MatchRule } from './match.type.js';
import { wholeRoot } from './root.rule.js';

const RULES: readonly MatchRule[] = [
  { kind: 'linear', ratioMillionths: 1_500_000n },
  { kind: 'quadratic' },
  { kind: 'capital_constrained' },
  { kind: 'pairwise', boundMinor: 2500n, form: 'bounded', pairs: 'twice' },
  { kind: 'pairwise', boundMinor: 2500n, form: 'reciprocal', pairs: 'once' },
  { kind: 'cluster' },
  { kind: 'squared_cluster' },
  { kind: 'connection_oriented', unitMinor: 100n, connection: 'hard' },
  { kind: 'connection_oriented', unitMinor: 100n, connection: 'soft' },
  { kind: 'connection_oriented', unitMinor: 100n, connection: 'walk', discount: 'harsh' },
  { kind: 'offset' },
];

const person = fc.integer({ min: 0, max: 9 }).map((n) => `donor-${n}`);
const project = fc.integer({ min: 0, max: 4 }).map((n) => `project-${n}`);
const amount = fc.oneof(fc.bigInt({ min: 1n, max: 50_000n }), fc.bigInt({ min: 1n, max: 10n ** 17n }));
const gift: fc.Arbitrary<MatchGift> = fc.record({ donor: person, project, amountMinor: amount });
const someRound = (rules = RULES): fc.Arbitrary<MatchRound> =>
  fc.record({
    rule: fc.constantFrom(...rules),
    poolMinor: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    unsaturated: fc.constantFrom('raw' as const, 'scale_up' as const),
    projects: fc.constant([0, 1, 2, 3, 4].map((n) => ({ id: `project-${n}` }))),
    gifts: fc.array(gift, { maxLength: 40 }),
    weightMillionths: fc.constantFrom(
      new Map<string, bigint>(),
      new Map([
        ['donor-1', 333_333n],
        ['donor-2', 0n],
      ]),
    ),
    groups: fc.constantFrom(
      new Map<string, readonly string[]>(),
      new Map([
        ['a', ['donor-0', 'donor-1']],
        ['b', ['donor-1', 'donor-2', 'donor-3']],
        ['c', ['donor-5', 'nobody']],
      ]),
    ),
  });
const caps = fc.array(fc.option(fc.bigInt({ min: 0n, max: 10n ** 9n }), { nil: undefined }), {
  minLength: 5,
  maxLength: 5,
});
const withCaps = (round: MatchRound, list: readonly (bigint | undefined)[]): MatchRound => ({
  ...round,
  projects: round.projects.map((p, n) => (list[n] === undefined ? p : { ...p, capMinor: list[n] })),
});

/** Refusals (nobody agrees with anybody) compare as such. */
const solve = (round: MatchRound): MatchOutcome | string => {
  const outcome = computeMatch(round);
  return isRefused(outcome) ? outcome.first.code : outcome;
};
const part = (outcome: MatchOutcome | string, id: string): bigint =>
  typeof outcome === 'string' ? 0n : (outcome.projects.find((p) => p.id === id)?.matchMinor ?? -1n);

describe('whole roots', () => {
  it('are right for any number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 400n }), (n) => {
        const root = wholeRoot(n);
        return root * root <= n && (root + 1n) * (root + 1n) > n;
      }),
    );
    for (const n of [0n, 1n, 2n, 3n, 4n, 2n ** 53n - 1n, 2n ** 64n, 10n ** 36n - 1n, 10n ** 36n])
      expect(wholeRoot(n * n)).toBe(n);
    expect(() => wholeRoot(-1n)).toThrow(RangeError);
  });
});

describe('any rule', () => {
  it('gives the same whatever order projects, gifts and groups come in', () => {
    fc.assert(
      fc.property(someRound(), caps, fc.infiniteStream(fc.nat()), (plain, list, random) => {
        const round = withCaps(plain, list);
        const draws = random[Symbol.iterator]();
        const mixed = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => ({ item, at: draws.next().value as number }))
            .sort((a, b) => a.at - b.at)
            .map(({ item }) => item);
        const shuffled = {
          ...round,
          projects: mixed(round.projects),
          gifts: mixed(round.gifts),
          groups: new Map(mixed([...(round.groups ?? [])])),
        };
        expect(solve(shuffled)).toEqual(solve(round));
      }),
    );
  });

  it('pays the pool to the last unit, or the claims that are below it, and never above a cap', () => {
    fc.assert(
      fc.property(someRound(), caps, (plain, list) => {
        const round = withCaps(plain, list);
        const outcome = solve(round);
        if (typeof outcome === 'string') return;
        const { projects, paidMinor, leftMinor } = outcome;
        const sum = projects.reduce((total, p) => total + p.matchMinor, 0n);
        expect(sum).toBe(paidMinor);
        expect(paidMinor + leftMinor).toBe(round.poolMinor);
        for (const p of projects) {
          expect(p.matchMinor).toBeGreaterThanOrEqual(0n);
          if (p.capMinor !== undefined) expect(p.matchMinor).toBeLessThanOrEqual(p.capMinor);
        }
        const claiming = projects.filter((p) => p.claim > 0n);
        const paysAll = outcome.isSaturated || round.unsaturated === 'scale_up';
        const everyoneAtCap = claiming.every((p) => p.isCapped || p.matchMinor === p.capMinor);
        if (paysAll && claiming.length > 0 && !everyoneAtCap) expect(leftMinor).toBe(0n);
      }),
    );
  });

  it('counts gifts of one donor to one project as their sum: splitting a gift changes nothing', () => {
    fc.assert(
      fc.property(someRound(), fc.nat(39), fc.bigInt({ min: 1n, max: 10n ** 17n }), (round, at, cut) => {
        const whole = round.gifts[at];
        if (!whole || whole.amountMinor < 2n) return;
        const first = (cut % (whole.amountMinor - 1n)) + 1n;
        const split = [
          ...round.gifts.filter((_, n) => n !== at),
          { ...whole, amountMinor: first },
          { ...whole, amountMinor: whole.amountMinor - first },
        ];
        for (const { id } of round.projects)
          expect(part(solve({ ...round, gifts: split }), id)).toBe(part(solve(round), id));
      }),
    );
  });
});

describe('monotone', () => {
  const label = (rule: MatchRule): string =>
    [rule.kind, 'connection' in rule && rule.connection, 'form' in rule && rule.form].filter(Boolean).join(' ');
  const claimOf = (outcome: MatchOutcome | string, id: string): bigint =>
    typeof outcome === 'string' ? 0n : (outcome.projects.find((p) => p.id === id)?.claim ?? -1n);

  it.each(RULES.filter(({ kind }) => kind !== 'offset').map((rule) => [label(rule), rule] as const))(
    '%s: who gives a project more never lowers its claim, nor its part by more than the unit that rounding moves',
    (_, rule) => {
      fc.assert(
        fc.property(someRound([rule]), gift, (round, more) => {
          const before = solve(round);
          const after = solve({ ...round, gifts: [...round.gifts, more] });
          // A claim is told as its lower bound, which is short by less than a thousandth of a unit at these sums.
          const short = FIGURE_SCALE / 1000n;
          expect(claimOf(after, more.project) + short).toBeGreaterThanOrEqual(claimOf(before, more.project));
          expect(part(after, more.project)).toBeGreaterThanOrEqual(part(before, more.project) - 1n);
        }),
        { numRuns: 200 },
      );
    },
  );

  it('offset doesn’t promise it: who shares groups with others is offset more than he brings', () => {
    const claim = (amountMinor: bigint): bigint => {
      const outcome = computeMatch({
        rule: { kind: 'offset' },
        poolMinor: 10n ** 15n,
        unsaturated: 'raw',
        projects: [{ id: 'P' }],
        groups: new Map([['g', ['a', 'b']]]),
        gifts: [
          { donor: 'a', project: 'P', amountMinor },
          { donor: 'b', project: 'P', amountMinor: 1000n },
        ],
      });
      return isRefused(outcome) ? -1n : (outcome.projects[0]?.matchMinor ?? -1n);
    };
    expect([claim(1000n), claim(100_000n)]).toEqual([666n, 0n]);
  });

  it('a larger pool never gives a project less by more than the unit that rounding moves', () => {
    fc.assert(
      fc.property(someRound(), (round) => {
        const before = solve(round);
        const after = solve({ ...round, poolMinor: round.poolMinor * 2n });
        return round.projects.every(({ id }) => part(after, id) >= part(before, id) - 1n);
      }),
    );
  });
});

describe('one person as many', () => {
  const split = (rule: MatchRule, groups: ReadonlyMap<string, readonly string[]>, people: number): bigint => {
    const outcome = computeMatch({
      rule,
      poolMinor: 10n ** 15n,
      unsaturated: 'raw',
      projects: [{ id: 'P' }],
      groups,
      gifts: [
        { donor: 'friend', project: 'P', amountMinor: 2500n },
        ...Array.from({ length: people }, (_, n) => ({
          donor: `false-${n}`,
          project: 'P',
          amountMinor: 10_000n / BigInt(people),
        })),
      ],
    });
    return isRefused(outcome) ? -1n : (outcome.projects[0]?.matchMinor ?? -1n);
  };
  const oneGroup = new Map([['household', ['false-0', 'false-1', 'false-2', 'false-3']]]);

  it('gains by plain quadratic match, nothing by linear, and nothing by cluster match within a group', () => {
    const linear = { kind: 'linear', ratioMillionths: 1_000_000n } as const;
    expect(split(linear, new Map(), 4)).toBe(split(linear, new Map(), 1));
    expect(split({ kind: 'quadratic' }, new Map(), 4)).toBeGreaterThan(split({ kind: 'quadratic' }, new Map(), 1));
    expect(split({ kind: 'cluster' }, oneGroup, 4)).toBe(split({ kind: 'cluster' }, oneGroup, 1));
    const connected = { kind: 'connection_oriented', unitMinor: 100n, connection: 'hard' } as const;
    expect(split(connected, oneGroup, 4)).toBe(split(connected, oneGroup, 1));
  });

  it('is bounded by the pairwise rule: no pair is worth more than M, however much it gives', () => {
    const claim = (amountMinor: bigint) => {
      const outcome = computeMatch({
        rule: { kind: 'pairwise', boundMinor: 1000n, form: 'bounded', pairs: 'once' },
        poolMinor: 10n ** 18n,
        unsaturated: 'raw',
        projects: [{ id: 'P' }],
        gifts: ['a', 'b'].map((donor) => ({ donor, project: 'P', amountMinor })),
      });
      return isRefused(outcome) ? -1n : (outcome.projects[0]?.matchMinor ?? -1n);
    };
    expect(claim(10n ** 3n)).toBe(500n);
    expect(claim(10n ** 15n)).toBeLessThanOrEqual(1000n);
  });
});

describe('borders', () => {
  it('sees that √2 and √8 make a whole number together, which no number of digits shows', () => {
    const outcome = computeMatch({
      rule: { kind: 'quadratic' },
      poolMinor: 100n,
      unsaturated: 'raw',
      projects: [{ id: 'P' }],
      gifts: [
        { donor: 'a', project: 'P', amountMinor: 2n },
        { donor: 'b', project: 'P', amountMinor: 8n },
      ],
    });
    expect(isRefused(outcome) || [outcome.projects[0]?.matchMinor, outcome.digits]).toEqual([8n, 60]);
  });

  it('gives the unit that equal projects leave over to the smaller id', () => {
    const gifts = ['b', 'a', 'c'].flatMap((id) =>
      [3n, 5n].map((amountMinor, n) => ({ donor: `${id}${n}`, project: id, amountMinor })),
    );
    const outcome = computeMatch({
      rule: { kind: 'quadratic' },
      poolMinor: 10n,
      unsaturated: 'scale_up',
      projects: [{ id: 'b' }, { id: 'c' }, { id: 'a' }],
      gifts,
    });
    expect(isRefused(outcome) || outcome.projects.map((p) => [p.id, p.matchMinor])).toEqual([
      ['a', 4n],
      ['b', 3n],
      ['c', 3n],
    ]);
  });
});

describe('what does not count', () => {
  const base: MatchRound = {
    rule: { kind: 'linear', ratioMillionths: 1_000_000n },
    poolMinor: 10_000n,
    unsaturated: 'raw',
    projects: [{ id: 'P' }, { id: 'Q' }],
    gifts: [
      { donor: 'small', project: 'P', amountMinor: 40n },
      { donor: 'small', project: 'Q', amountMinor: 40n },
      { donor: 'large', project: 'P', amountMinor: 5000n, id: 'g1' },
    ],
  };
  const parts = (round: MatchRound) => {
    const outcome = computeMatch(round);
    return isRefused(outcome) ? [] : outcome.projects.map((p) => p.matchMinor);
  };
  it('a donor below the minimum of the whole round, what is above the cap per donor, and what is excluded', () => {
    expect(parts(base)).toEqual([5040n, 40n]);
    expect(parts({ ...base, minimumPerDonorMinor: 81n })).toEqual([5000n, 0n]);
    expect(parts({ ...base, minimumPerDonorMinor: 80n })).toEqual([5040n, 40n]);
    expect(parts({ ...base, capPerDonorMinor: 1000n })).toEqual([1040n, 40n]);
    const without = (kind: 'gift' | 'donor' | 'project', id: string) =>
      parts({ ...base, exclusions: [{ kind, id, reason: 'a test' }] });
    expect([without('gift', 'g1'), without('donor', 'small'), without('project', 'P')]).toEqual([
      [40n, 40n],
      [5000n, 0n],
      [0n, 40n],
    ]);
  });
});
