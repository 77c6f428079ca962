import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localDeadlineMs } from './lease-clock.js';

describe('lease clock', () => {
  it('stops before the platform lets go, whatever the delay of the answer and the offset of the clocks', () => {
    const facts = fc.record({
      ttlMs: fc.integer({ min: 1_000, max: 600_000 }),
      sentAtMs: fc.integer({ min: 0, max: 1e9 }),
      toServerMs: fc.integer({ min: 0, max: 30_000 }),
      platformEpochMs: fc.integer({ min: 0, max: 4e12 }),
    });
    fc.assert(
      fc.property(facts, ({ ttlMs, sentAtMs, toServerMs, platformEpochMs }) => {
        const iso = (ms: number) => new Date(ms).toISOString();
        const deadline = localDeadlineMs({
          sentAtMs,
          serverTime: iso(platformEpochMs),
          expiresAt: iso(platformEpochMs + ttlMs),
        });
        // The platform answered at sentAt + toServer of the same true time, and lets go ttl later.
        const letsGoAtMs = sentAtMs + toServerMs + ttlMs;
        expect(deadline).toBeLessThanOrEqual(letsGoAtMs - 300);
        expect(deadline).toBeGreaterThan(sentAtMs + ttlMs / 2);
      }),
    );
  });
});
