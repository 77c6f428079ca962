import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimatedHardwareFlop, modelFlop } from './flop.rule.js';
import { acceptedMs, deliveredMs } from './metering.rule.js';

const lease = {
  startedAtMs: 1_000,
  lastBeatAtMs: 11_000,
  expiresAtMs: 20_000,
  endedAtMs: 11_500,
  busyMs: 9_876n,
  deviceCount: 1,
  reservedMs: 60_000n,
};

describe('metering', () => {
  it('counts to the millisecond what the agent and the platform both saw', () => {
    expect(deliveredMs(lease)).toBe(9_876n);
    expect(deliveredMs({ ...lease, busyMs: 999_999n })).toBe(10_000n);
    expect(deliveredMs({ ...lease, deviceCount: 4 })).toBe(39_504n);
    expect(deliveredMs({ ...lease, lastBeatAtMs: 30_000, endedAtMs: 30_000, busyMs: 29_000n })).toBe(19_000n);
    expect(deliveredMs({ ...lease, reservedMs: 5_000n })).toBe(5_000n);
    expect(deliveredMs({ ...lease, startedAtMs: null })).toBe(0n);
  });

  it('accepts up to the proven step, or all when the proof covers the last one', () => {
    const base = { deliveredMs: 9_876n, startedAtMs: 1_000, deviceCount: 1 };
    expect(acceptedMs({ ...base, verifiedAtMs: 5_500, coversLastStep: false })).toBe(4_500n);
    expect(acceptedMs({ ...base, verifiedAtMs: 5_500, coversLastStep: true })).toBe(9_876n);
    expect(acceptedMs({ ...base, verifiedAtMs: 99_000, coversLastStep: false })).toBe(9_876n);
    expect(acceptedMs({ ...base, verifiedAtMs: null, coversLastStep: true })).toBe(0n);
  });

  it('M1-M4 hold for any lease', () => {
    const time = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(
        time,
        time,
        time,
        time,
        time,
        fc.bigInt({ min: 0n, max: 2_000_000n }),
        fc.integer({ min: 1, max: 8 }),
        (startedAtMs, lastBeatAtMs, expiresAtMs, endedAtMs, verifiedAtMs, busyMs, deviceCount) => {
          const reservedMs = 500_000n;
          const delivered = deliveredMs({
            startedAtMs,
            lastBeatAtMs,
            expiresAtMs,
            endedAtMs,
            busyMs,
            deviceCount,
            reservedMs,
          });
          const wall = Math.max(0, Math.min(expiresAtMs, endedAtMs, lastBeatAtMs) - startedAtMs);
          expect(delivered >= 0n && delivered <= BigInt(wall * deviceCount) && delivered <= reservedMs).toBe(true);
          expect(delivered <= busyMs * BigInt(deviceCount)).toBe(true);
          const accepted = acceptedMs({
            deliveredMs: delivered,
            startedAtMs,
            deviceCount,
            verifiedAtMs,
            coversLastStep: false,
          });
          expect(accepted >= 0n && accepted <= delivered).toBe(true);
        },
      ),
    );
  });

  it('counts operations as the guidelines do', () => {
    expect(modelFlop(3_800_000_000n, 3_300_000_000_000n)).toBe(75_240_000_000_000_000_000_000n);
    expect(estimatedHardwareFlop({ parameters: 10n, layers: 2, dModel: 4, context: 8 }, 3n)).toBe(
      180n + 12n * 64n * 3n,
    );
  });
});
