import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_MINOR_UNITS,
  allot,
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

describe('allot, first come', () => {
  // numscript (MIT): rows of its allotment tests, amounts only.
  it.each<[bigint, bigint[], bigint[]]>([
    [15n, [80n, 8n, 12n], [13n, 1n, 1n]],
    [15n, [80n, 15n, 5n], [13n, 2n, 0n]],
    [77n, [10n, 20n, 20n, 50n], [8n, 16n, 15n, 38n]],
    [15n, [0n, 1n, 0n, 1n], [0n, 8n, 0n, 7n]],
    [0n, [1n, 2n], [0n, 0n]],
  ])('%s at %s is %s', (total, weights, parts) => {
    expect(allot(total, weights)).toEqual(parts);
  });

  it('splits parts again: 10,000 as 15 % and the rest, of that 20 % and 4 % for two and the rest for the third', () => {
    const [part, rest] = allot(10_000n, [15n, 85n]);
    expect([...allot(part ?? 0n, [20n, 4n, 76n]), rest]).toEqual([300n, 60n, 1140n, 8500n]);
  });

  it('gives the total exactly, each part its floor or one more, the first first', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: MAX_MINOR_UNITS }),
        fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 30 }),
        (total, weights) => {
          const sum = weights.reduce((a, b) => a + b, 0n);
          fc.pre(sum > 0n);
          const parts = allot(total, weights);
          expect(parts.reduce((a, b) => a + b, 0n)).toBe(total);
          const more = parts.map((part, n) => part - (total * (weights[n] ?? 0n)) / sum);
          expect(more.every((m) => m === 0n || m === 1n)).toBe(true);
          const given = more.filter((_, n) => weights[n] !== 0n).join('');
          expect(given).toMatch(/^1*0*$/);
        },
      ),
    );
  });

  it.each([[[]], [[0n, 0n]], [[2n, -1n]]])('throws for the weights %s', (weights) => {
    expect(() => allot(5n, weights)).toThrow(RangeError);
  });
});
