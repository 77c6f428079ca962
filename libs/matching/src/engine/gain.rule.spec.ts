import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimsOf } from './claim.rule.js';
import { countGifts } from './counted.rule.js';
import { withGift } from './gain.rule.js';
import type { MatchRound, MatchRule } from './match.type.js';
import { scaleOf } from './scale.rule.js';

const RULES: readonly MatchRule[] = [
  { kind: 'linear', ratioMillionths: 500_000n },
  { kind: 'quadratic' },
  { kind: 'cluster' },
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
        const quick = withGift(round, counted, claimsOf(round, counted, scale), gain, scale);
        const all = { ...round, gifts: [...gifts, more] };
        const whole = claimsOf(all, countGifts(all), scale)[index];
        const away = (quick?.claim.low ?? -1n) - (whole?.claim.low ?? 0n);
        // Within a thousandth of a minor unit: the quick way takes the lower bound of each root.
        expect(away < 0n ? -away : away).toBeLessThan(scale.figure / 1000n);
      }),
    );
  });
});
