import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backOffMs } from './back-off.js';

it('grows to its cap and never beyond, and never to nothing', () => {
  const facts = [
    fc.nat(10_000),
    fc.integer({ min: 1, max: 5_000 }),
    fc.integer({ min: 1, max: 60_000 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  ] as const;
  fc.assert(
    fc.property(...facts, (failures, base, cap, spread) => {
      const ms = backOffMs(failures, base, cap, spread);
      expect(ms).toBeLessThanOrEqual(cap);
      expect(ms).toBeGreaterThanOrEqual(Math.floor(Math.min(base, cap) / 2));
    }),
  );
  expect([0, 1, 2, 3, 9].map((failures) => backOffMs(failures, 200, 5_000, 0))).toEqual([100, 200, 400, 800, 2_500]);
});
