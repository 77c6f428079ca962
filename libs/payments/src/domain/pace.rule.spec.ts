import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slowDown, startPace, takeToken, type Pace } from './pace.rule.js';

describe('the pace of calls', () => {
  it('never lets more through than rate · time + burst (1)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 50, maxLength: 300 }), (gaps) => {
        let pace: Pace = startPace(20, 0);
        let asked = 0;
        const made = gaps.map((gap) => {
          asked += gap;
          const turn = takeToken(pace, asked);
          pace = turn.pace;
          return asked + turn.waitMs;
        });
        for (const [index, start] of made.entries()) {
          const inSecond = made.filter((at, n) => n >= index && at - start < 1000).length;
          expect(inSecond).toBeLessThanOrEqual(20 + 5 + 1);
        }
      }),
    );
  });

  it('halves once for calls that were under way together, and comes back by a twentieth a second (2)', () => {
    const start = startPace(40, 0);
    const slowed = [1, 2, 3].reduce((pace, at) => slowDown(pace, at), start);
    expect(slowed.perSecond).toBeCloseTo(20, 0);
    expect(slowDown(slowed, 600).perSecond).toBeLessThan(11);
    expect(takeToken(slowed, 5_001).pace.perSecond).toBeCloseTo(30, 0);
    expect(takeToken(slowed, 60_000).pace.perSecond).toBe(40);
  });

  it('never falls below a twentieth', () => {
    let pace = startPace(40, 0);
    for (let at = 1_000; at < 20_000; at += 1_000) pace = slowDown(pace, at);
    expect(pace.perSecond).toBeGreaterThanOrEqual(2);
    expect(pace.perSecond).toBeLessThan(6);
  });
});
