import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_MINOR_UNITS,
  currencyScale,
  formatMinorUnits,
  isRefused,
  largestRemainder,
  parseMinorUnits,
} from './index.js';

describe('amounts', () => {
  it('reads every whole number in range back unchanged', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: MAX_MINOR_UNITS }), (amount) => parseMinorUnits(String(amount)) === amount),
    );
  });

  it.each(['0', '-5', '1.5', '', 'abc', '1e3', String(10n ** 30n), String(MAX_MINOR_UNITS + 1n), '9'.repeat(5000)])(
    'refuses %s',
    (text) => {
      const outcome = parseMinorUnits(text, ['input', 'amountMinor']);
      expect(isRefused(outcome) && outcome.first.code).toMatch(/^AMOUNT_/);
      expect(isRefused(outcome) && outcome.first.hint).toMatch(/whole number/);
    },
  );

  it('formats without floats', () => {
    expect(formatMinorUnits(2505n, 2)).toBe('25.05');
    expect(formatMinorUnits(-5n, 2)).toBe('-0.05');
    expect(formatMinorUnits(10n ** 18n, 0)).toBe('1000000000000000000');
  });

  it('splits to the last unit', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        fc.array(fc.bigInt({ min: 0n, max: 10n ** 9n }), { minLength: 1, maxLength: 20 }),
        (total, weights) => {
          fc.pre(weights.some((w) => w > 0n));
          const parts = largestRemainder(total, weights);
          return parts.reduce((a, b) => a + b, 0n) === total && parts.every((p) => p >= 0n);
        },
      ),
    );
  });
});

it.each([
  ['USD', '2500', '25.00'],
  ['JPY', '2500', '2500'],
  ['KWD', '2500', '2.500'],
])('%s has its own minor unit', (currency, minor, text) => {
  expect(formatMinorUnits(BigInt(minor), currencyScale(currency))).toBe(text);
});
