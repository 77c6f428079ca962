import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FUNDING_MODELS, goalsAreMandatory } from './campaign.machine.js';
import {
  type Funding,
  cashNeededMinor,
  coverCostMinor,
  goalsReached,
  isCollapsed,
  isOutOfReach,
  isTolerated,
  liveStep,
  netCashMinor,
  verdict,
} from './verdict.rule.js';

const amount = fc.bigInt({ min: 0n, max: 10n ** 18n });
const price = fc.option(fc.bigInt({ min: 1n, max: 10n ** 9n }));
const funding: fc.Arbitrary<Funding> = fc.record({
  fundingModel: fc.constantFrom(...FUNDING_MODELS),
  cashGoalMinor: amount,
  computeGoalMs: amount,
  coverPriceMinor: price,
  capturedMinor: amount,
  refundedMinor: amount,
  disputedMinor: amount,
  committedMs: amount,
});
const extension = fc.option(
  fc.record({ toleranceBp: fc.integer({ min: 1, max: 2_000 }), days: fc.integer({ min: 1, max: 30 }) }),
);
const RANK = { fall_short: 0, extend: 1, fund: 2 } as const;

describe('verdict', () => {
  it('1. never funds below a mandatory goal, however much there is of the other unit', () => {
    fc.assert(
      fc.property(funding, extension, (f, terms) => {
        if (verdict(f, terms) !== 'fund' || !goalsAreMandatory(f.fundingModel)) return true;
        const computeIsThere = f.committedMs >= f.computeGoalMs;
        const covered =
          f.coverPriceMinor !== null &&
          netCashMinor(f) - f.cashGoalMinor >= coverCostMinor(f.computeGoalMs - f.committedMs, f.coverPriceMinor);
        return netCashMinor(f) >= f.cashGoalMinor && (computeIsThere || covered);
      }),
    );
  });

  it('2. without a price in the terms money covers no GPU time, and GPU time never covers money', () => {
    fc.assert(
      fc.property(funding, (f) => {
        const unpriced = { ...f, coverPriceMinor: null };
        return (
          goalsReached(unpriced) === (netCashMinor(f) >= f.cashGoalMinor && f.committedMs >= f.computeGoalMs) &&
          (netCashMinor(f) >= f.cashGoalMinor || !goalsReached(f))
        );
      }),
    );
  });

  it('3. is monotone: more money or more GPU time never makes it worse', () => {
    fc.assert(
      fc.property(funding, extension, amount, amount, (f, terms, money, time) => {
        const richer = { ...f, capturedMinor: f.capturedMinor + money, committedMs: f.committedMs + time };
        return RANK[verdict(richer, terms)] >= RANK[verdict(f, terms)];
      }),
    );
  });

  it('4. extends only what the terms tolerate, and not at all once it was extended', () => {
    fc.assert(
      fc.property(funding, extension, (f, terms) => {
        if (verdict(f, null) === 'extend') return false;
        if (verdict(f, terms) !== 'extend') return true;
        return (
          terms !== null && isTolerated(f, terms.toleranceBp) && !goalsReached(f) && f.fundingModel !== 'keep_it_all'
        );
      }),
    );
  });

  it('keep-it-all fails with nothing given and with nothing else', () => {
    fc.assert(
      fc.property(funding, extension, (f, terms) => {
        const kept = { ...f, fundingModel: 'keep_it_all' as const };
        const something = goalsReached(kept) || netCashMinor(kept) > 0n || kept.committedMs > 0n;
        return (verdict(kept, terms) === 'fund') === something;
      }),
    );
  });

  it('a funded campaign that is judged again on the same books has not collapsed', () => {
    fc.assert(fc.property(funding, (f) => !(goalsReached(f) && isCollapsed(f))));
  });

  it('rounds the price of missing GPU time up, to the unit', () => {
    expect(coverCostMinor(1n, 250n)).toBe(1n);
    expect(coverCostMinor(3_600_000n, 250n)).toBe(250n);
    expect(coverCostMinor(3_600_001n, 250n)).toBe(251n);
    const f = { cashGoalMinor: 1_000n, computeGoalMs: 7_200_000n, coverPriceMinor: 250n, committedMs: 3_600_000n };
    expect(cashNeededMinor(f)).toBe(1_250n);
    expect(cashNeededMinor({ ...f, coverPriceMinor: null })).toBeUndefined();
    expect(cashNeededMinor({ ...f, committedMs: 9_000_000n, coverPriceMinor: null })).toBe(1_000n);
  });

  it('a live campaign goes on until its deadline, its cap or its goals', () => {
    const at = { deadline: new Date(1000), now: new Date(999), promisedMinor: 0n, hardCapMinor: null };
    const f: Funding = {
      fundingModel: 'tranches',
      cashGoalMinor: 100n,
      computeGoalMs: 0n,
      coverPriceMinor: null,
      capturedMinor: 99n,
      refundedMinor: 0n,
      disputedMinor: 0n,
      committedMs: 0n,
    };
    expect(liveStep(f, at)).toBeUndefined();
    expect(liveStep(f, { ...at, now: new Date(1000) })).toBe('deadline');
    expect(liveStep({ ...f, capturedMinor: 100n }, at)).toBe('reach_goals');
    const saved = { ...f, fundingModel: 'all_or_nothing' as const, capturedMinor: 100n };
    expect(liveStep(saved, at)).toBeUndefined();
    expect(liveStep(saved, { ...at, promisedMinor: 50n, hardCapMinor: 150n })).toBe('hard_cap');
    expect(liveStep(saved, { ...at, promisedMinor: 49n, hardCapMinor: 150n })).toBeUndefined();
    const open = { ...saved, computeGoalMs: 1n };
    expect(liveStep(open, { ...at, promisedMinor: 50n, hardCapMinor: 150n })).toBeUndefined();
  });

  it('5. charges nobody where kept promises would miss the goal, and everybody where they could reach it', () => {
    fc.assert(
      fc.property(funding, amount, extension, (f, promisedMinor, terms) => {
        const kept = { ...f, capturedMinor: f.capturedMinor + promisedMinor };
        if (isOutOfReach(f, promisedMinor, terms)) return verdict(kept, terms) === 'fall_short';
        return f.fundingModel !== 'all_or_nothing' || netCashMinor(kept) >= f.cashGoalMinor || terms !== null;
      }),
    );
    const f: Funding = {
      fundingModel: 'all_or_nothing',
      cashGoalMinor: 10_000n,
      computeGoalMs: 5n,
      coverPriceMinor: null,
      capturedMinor: 0n,
      refundedMinor: 0n,
      disputedMinor: 0n,
      committedMs: 0n,
    };
    const tolerance = { toleranceBp: 500, days: 14 };
    expect(isOutOfReach(f, 9_999n, null)).toBe(true);
    expect(isOutOfReach(f, 10_000n, null)).toBe(false);
    expect(isOutOfReach(f, 9_500n, tolerance)).toBe(false);
    expect(isOutOfReach(f, 9_499n, tolerance)).toBe(true);
    expect(isOutOfReach({ ...f, fundingModel: 'tranches' }, 0n, null)).toBe(false);
  });
});
