import { describe, expect, it } from 'vitest';
import { CALM, LATE_MS_MAX, planDeliveries, type Chaos } from './chaos.rule.js';

const wild: Chaos = {
  ...CALM,
  duplicates: 5,
  shuffleWindow: 100,
  late: 0.2,
  lose: 0.1,
  early: 0.05,
  seed: 'a',
};
const plans = (chaos: Chaos, count: number) => Array.from({ length: count }, (_, at) => planDeliveries(chaos, at));

describe('the plan of deliveries', () => {
  it('follows from seed and place alone', () => {
    expect(plans(wild, 500)).toEqual(plans({ ...wild }, 500));
    expect(plans(wild, 500)).not.toEqual(plans({ ...wild, seed: 'b' }, 500));
  });

  it('is one delivery at once when nothing is asked', () => {
    expect(planDeliveries(CALM, 7)).toEqual({
      kind: 'delivered',
      early: false,
      copies: [{ delayMs: 0, overtakenBy: 0 }],
    });
  });

  it('loses, hurries and delays the shares that are asked for', () => {
    const all = plans(wild, 3000);
    const lost = all.filter((plan) => plan.kind === 'lost').length;
    const kept = all.filter((plan) => plan.kind === 'delivered');
    const early = kept.filter((plan) => plan.early).length;
    const late = kept.filter((plan) => plan.copies.some(({ delayMs }) => delayMs > 0)).length;
    expect(lost / all.length).toBeCloseTo(0.1, 1);
    expect(early / kept.length).toBeCloseTo(0.05, 1);
    expect(late / kept.length).toBeCloseTo(0.19, 1);
    for (const plan of kept) {
      expect(plan.copies).toHaveLength(5);
      for (const copy of plan.copies) {
        expect(copy.delayMs).toBeLessThan(LATE_MS_MAX);
        expect(copy.overtakenBy).toBeLessThanOrEqual(100);
      }
      if (plan.early) expect(plan.copies[0]).toEqual({ delayMs: 0, overtakenBy: 0 });
    }
  });
});
