import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { acceleratorClass, acceleratorClasses } from './accelerator.table.js';
import { budgetTerms, computeBudget, formatMfu, parseMfu, publishBudget } from './compute-budget.rule.js';

const budget = (more: Partial<Parameters<typeof budgetTerms>[0]> = {}) => {
  const terms = budgetTerms({ parameters: 7_000_000_000n, tokens: 140_000_000_000n, gpuClass: 'h100-sxm-80', ...more });
  const result = isRefused(terms) ? terms : computeBudget(terms);
  if (isRefused(result)) throw new Error(result.first.code);
  return result;
};
const code = (more: object) => {
  const terms = budgetTerms({ parameters: 1_000n, tokens: 1_000n, gpuClass: 'cpu', ...more });
  const result = isRefused(terms) ? terms : computeBudget(terms);
  return isRefused(result) ? [result.first.code, result.first.path?.at(-1)] : 'accepted';
};

describe('compute budget', () => {
  it('follows by pocket calculator: 7 billion parameters on 140 billion tokens', () => {
    const b = budget({ mfu: '0.40', overheadPercent: 10, pricePerGpuHourMinor: 250n });
    expect(b.flop).toBe(6n * 7_000_000_000n * 140_000_000_000n);
    // 5.88e21 FLOP / (989e12 FLOP/s · 0.40) = 14,863,498.48 s
    expect(b.lines.find((l) => l.code === 'training')?.amount).toBe(14_863_498_484n);
    expect(b.milliseconds).toBe(14_863_498_484n + 1_486_349_849n);
    expect(b.cashMinor).toBe((b.milliseconds * 250n + 3_599_999n) / 3_600_000n);
  });

  it('counts only the parameters that a token passes through in a mixture of experts', () => {
    expect(budget({ activeParameters: 1_000_000_000n }).flop).toBe(6n * 1_000_000_000n * 140_000_000_000n);
  });

  it('never promises more than it buys, and is exact at any size', () => {
    const count = fc.bigInt({ min: 1n, max: 10n ** 14n });
    fc.assert(
      fc.property(
        count,
        count,
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.constantFrom(...acceleratorClasses().map((c) => c.class)),
        (parameters, tokens, basisPoints, overheadPercent, gpuClass) => {
          const b = budget({ parameters, tokens, gpuClass, overheadPercent, mfu: formatMfu(basisPoints) });
          const perMs = b.peakFlopPerSecond * BigInt(basisPoints);
          const trainingMs = b.lines.find((l) => l.code === 'training')?.amount ?? 0n;
          const needed = b.flop * 10_000_000n;
          return trainingMs * perMs >= needed && (trainingMs - 1n) * perMs < needed && b.milliseconds >= trainingMs;
        },
      ),
    );
  });

  it('gives the class its usual share and price, each replaceable', () => {
    const b = budget();
    expect(b.terms).toMatchObject({ mfuBasisPoints: 4000, overheadPercent: 15, pricePerGpuHourMinor: 249n });
    expect(publishBudget(b).lines.every((l) => l.source.length > 0 && l.formula.length > 0)).toBe(true);
  });

  it.each(acceleratorClasses().map((c) => c.class))('reads as a sentence for %s', (gpuClass) => {
    const label = budget({ gpuClass }).lines.find((l) => l.code === 'peak')?.label ?? '';
    expect(label).toMatch(/^Peak of one (NVIDIA|AMD|CPU) [A-Za-z0-9 ]+$/);
    expect(label.slice('Peak of one '.length)).not.toMatch(/\b(a|an|one|the)\b/i);
  });

  it.each<[object, string, string]>([
    [{ gpuClass: 'abacus' }, 'CATALOG_CLASS_UNKNOWN', 'gpuClass'],
    [{ mfu: '1.5' }, 'CATALOG_MFU_INVALID', 'mfu'],
    [{ mfu: '0' }, 'CATALOG_MFU_INVALID', 'mfu'],
    [{ parameters: 0n }, 'CATALOG_NUMBER_INVALID', 'parameters'],
    [{ parameters: 10n ** 30n }, 'CATALOG_NUMBER_INVALID', 'parameters'],
    [{ tokens: -1n }, 'CATALOG_NUMBER_INVALID', 'tokens'],
    [{ activeParameters: 2_000n }, 'CATALOG_NUMBER_INVALID', 'activeParameters'],
    [{ overheadPercent: 1001 }, 'CATALOG_NUMBER_INVALID', 'overheadPercent'],
    [{ pricePerGpuHourMinor: -1n }, 'CATALOG_NUMBER_INVALID', 'pricePerGpuHourMinor'],
  ])('refuses case %#', (more, expected, field) => {
    expect(code(more)).toEqual([expected, field]);
  });
});

describe('utilisation', () => {
  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), (bp) => parseMfu(formatMfu(bp)) === bp));
  });
});

describe('accelerator classes', () => {
  it('state a peak, a source and an unambiguous name', () => {
    const names = acceleratorClasses().flatMap((c) => [c.class, ...c.devices.filter((d) => d !== c.class)]);
    expect(new Set(names).size).toBe(names.length);
    for (const c of acceleratorClasses()) {
      expect(c.class).toMatch(/^[a-z0-9][a-z0-9-]{0,39}$/);
      expect(c.peakFlopPerSecond).toBeGreaterThan(0n);
      expect(c.source.length).toBeGreaterThan(10);
    }
  });

  it('are found by what a driver calls the device', () => {
    expect(acceleratorClass('h100-80gb-hbm3')?.class).toBe('h100-sxm-80');
    expect(acceleratorClass('a100-sxm4-80gb')?.class).toBe('a100-80');
  });
});
