import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { countGifts } from './counted.rule.js';
import type { MatchRound } from './match.type.js';
import { pairwiseClaimsInDoubles } from './pairwise-double.rule.js';
import { computeMatch } from './match.rule.js';
import { pairCount, pairwiseClaims } from './pairwise.rule.js';
import { scaleOf } from './scale.rule.js';
import { divide } from './shares.rule.js';

describe('pairs in doubles', () => {
  const gift = fc.record({
    donor: fc.integer({ min: 0, max: 30 }).map((n) => `d${n}`),
    project: fc.integer({ min: 0, max: 3 }).map((n) => `p${n}`),
    amountMinor: fc.oneof(fc.bigInt({ min: 1n, max: 50_000n }), fc.bigInt({ min: 1n, max: 10n ** 17n })),
  });
  const rule = fc.record({
    kind: fc.constant('pairwise' as const),
    boundMinor: fc.bigInt({ min: 1n, max: 10n ** 12n }),
    form: fc.constantFrom('bounded' as const, 'reciprocal' as const),
    pairs: fc.constantFrom('once' as const, 'twice' as const),
  });

  it('lie between bounds that hold what whole numbers find, and are close', () => {
    fc.assert(
      fc.property(rule, fc.array(gift, { maxLength: 80 }), (kind, gifts) => {
        const round: MatchRound = {
          rule: kind,
          gifts,
          poolMinor: 1n,
          unsaturated: 'raw',
          projects: [0, 1, 2, 3].map((n) => ({ id: `p${n}` })),
          weightMillionths: new Map([['d3', 333_333n]]),
        };
        const counted = countGifts(round);
        const scale = scaleOf(21);
        const exact = pairwiseClaims(counted, kind, scale);
        const quick = pairwiseClaimsInDoubles(counted, kind, scale);
        for (const [index, { claim }] of quick.entries()) {
          const { low, high } = exact[index]?.claim ?? { low: -1n, high: -1n };
          expect(claim.low).toBeLessThanOrEqual(low);
          expect(claim.high).toBeGreaterThanOrEqual(high);
          expect(claim.high - claim.low).toBeLessThanOrEqual(high / 10n ** 13n + scale.figure / 10n ** 12n);
        }
        const backwards = countGifts({ ...round, gifts: gifts.toReversed() });
        expect(pairwiseClaimsInDoubles(backwards, kind, scale)).toEqual(quick);
      }),
      { numRuns: 200 },
    );
  });

  it('decide a round of more than a million pairs to the unit as whole numbers do', () => {
    let state = 42;
    const next = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    const gifts = Array.from({ length: 3400 }, (_, n) => ({
      donor: `d${next(2600)}`,
      project: `p${n % 2}`,
      amountMinor: BigInt(100 + next(250_000)),
    }));
    const rule = { kind: 'pairwise', boundMinor: 10_000n, form: 'bounded', pairs: 'twice' } as const;
    const projects = [{ id: 'p0' }, { id: 'p1' }];
    const round: MatchRound = { rule, gifts, poolMinor: 5_000_000_000n, unsaturated: 'scale_up', projects };
    const counted = countGifts(round);
    expect(pairCount(counted)).toBeGreaterThan(1_000_000);
    const scale = scaleOf(9);
    const claims = pairwiseClaims(counted, rule, scale);
    const order = { claims, caps: [undefined, undefined], poolMinor: round.poolMinor, unsaturated: round.unsaturated };
    const exact = divide({ ...order, scale }, true);
    const found = computeMatch(round);
    expect(isRefused(found) ? found : found.projects.map(({ matchMinor }) => matchMinor)).toEqual(exact?.parts);
  }, 60_000);
});
