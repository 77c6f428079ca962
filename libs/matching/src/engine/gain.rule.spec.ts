import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimsOf } from './claim.rule.js';
import { countGifts } from './counted.rule.js';
import { withGift } from './gain.rule.js';
import type { MatchRound, MatchRule } from './match.type.js';
import { scaleOf } from './scale.rule.js';
import { SUMS_SCALE, claimOfSums, sumsWith } from './sums.rule.js';
import { scaledRoot } from './root.rule.js';

const RULES: readonly MatchRule[] = [
  { kind: 'cluster' },
  { kind: 'squared_cluster' },
  { kind: 'connection_oriented', unitMinor: 100n, connection: 'hard' },
];
const scale = scaleOf(9);

describe('one more gift', () => {
  it('is claimed as if the whole round had been counted with it', () => {
    const donor = fc.integer({ min: 0, max: 6 }).map((n) => `d${n}`);
    const gift = fc.record({
      donor,
      project: fc.constantFrom('a', 'b'),
      amountMinor: fc.bigInt({ min: 1n, max: 10n ** 9n }),
    });
    fc.assert(
      fc.property(fc.constantFrom(...RULES), fc.array(gift, { maxLength: 20 }), gift, (rule, gifts, more) => {
        const round: MatchRound = {
          rule,
          gifts,
          poolMinor: 10n ** 9n,
          unsaturated: 'raw',
          projects: [{ id: 'a' }, { id: 'b' }],
          groups: new Map([['g', ['d0', 'd1', 'd2']]]),
          capPerDonorMinor: 10n ** 8n,
        };
        const counted = countGifts(round);
        const index = more.project === 'a' ? 0 : 1;
        const gain = { index, donor: more.donor, amountMinor: more.amountMinor };
        const quick = withGift(round, counted, gain, scale);
        const all = { ...round, gifts: [...gifts, more] };
        const whole = claimsOf(all, countGifts(all), scale)[index];
        const away = (quick?.claim.low ?? -1n) - (whole?.claim.low ?? 0n);
        expect(away < 0n ? -away : away).toBeLessThan(scale.figure / 1000n);
      }),
    );
  });

  it('is claimed from three sums as from all gifts, by the rules that need no more', () => {
    const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 9n }), { maxLength: 20 });
    const rules = [{ kind: 'linear', ratioMillionths: 500_000n }, { kind: 'quadratic' }] as const;
    fc.assert(
      fc.property(fc.constantFrom(...rules), amounts, fc.nat(25), amounts, (rule, given, at, more) => {
        const millionths = given.map((amount) => amount * 1_000_000n);
        const old = millionths[at] ?? 0n;
        const now = old + (more[0] ?? 1n) * 1_000_000n;
        const sums = {
          donors: given.length,
          counted: millionths.reduce((a, b) => a + b, 0n),
          roots: millionths.reduce((sum, m) => sum + scaledRoot(m, 1n, SUMS_SCALE.rootSquared).low, 0n),
        };
        const quick = claimOfSums(rule, sumsWith(sums, old, now)).claim.low;
        const all = at < given.length ? millionths.with(at, now) : [...millionths, now];
        const project = {
          id: 'a',
          capMinor: undefined,
          donors: all.map((_, n) => n),
          amounts: all,
          giftCount: all.length,
          givenMinor: 0n,
          countedMillionths: all.reduce((a, b) => a + b, 0n),
        };
        const none = { excludedGifts: 0, donorsBelowMinimum: 0, donorsOfNoWeight: 0, cappedGifts: 0 };
        const round = { rule, gifts: [], poolMinor: 1n, unsaturated: 'raw', projects: [] } as const;
        const [whole] = claimsOf(round, { projects: [project], donorIds: [], left: none }, SUMS_SCALE);
        expect(quick).toBe(whole?.claim.low);
      }),
    );
  });
});
