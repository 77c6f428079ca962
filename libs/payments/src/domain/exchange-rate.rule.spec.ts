import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { convertMinor, crossRate, rateText, readEcbRates, type ExchangeRate } from './exchange-rate.rule.js';

const facts = { asOf: '2026-11-23', source: 'test' };
const published = new Map([
  ['USD', '1.0843'],
  ['JPY', '162.57'],
  ['GBP', '0.83215'],
]);
const rate = (base: string, quote: string): ExchangeRate => {
  const found = crossRate(base, quote, published, facts);
  if (found === undefined) throw new Error('no rate');
  return found;
};

describe('an exchange rate', () => {
  it.each([
    ['EUR', 'USD', 100_00n, 10843n, '1.0843'],
    ['USD', 'EUR', 108_43n, 10000n, '1/1.0843'],
    // 1 euro is ¥162.57: the yen has no minor unit.
    ['EUR', 'JPY', 100n, 162n, '162.57'],
    ['JPY', 'EUR', 162n, 99n, '1/162.57'],
    ['USD', 'JPY', 1_00n, 149n, '162.57/1.0843'],
    ['GBP', 'USD', 1_00n, 130n, '1.0843/0.83215'],
  ])('from %s to %s makes of %s minor units %s (%s)', (base, quote, amount, converted, text) => {
    expect(convertMinor(rate(base, quote), amount)).toBe(converted);
    expect(rateText(rate(base, quote))).toBe(text);
  });

  it('rounds down once, never by more than a unit, and never through a float (3)', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        fc.constantFrom('USD', 'EUR', 'GBP'),
        fc.constantFrom('USD', 'EUR', 'GBP'),
        (amount, base, quote) => {
          const converted = convertMinor(rate(base, quote), amount);
          // To the fifth digit all rates are whole numbers: converted ≤ amount · n / d < converted + 1.
          const whole = (currency: string): bigint =>
            BigInt(Math.round(Number(published.get(currency) ?? '1') * 100_000));
          const [n, d] = base === quote ? [1n, 1n] : [whole(quote), whole(base)];
          expect(converted * d <= amount * n && amount * n < (converted + 1n) * d).toBe(true);
        },
      ),
    );
  });

  it('is larger for a larger amount, and there and back is never a gain', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 15n });
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const [least, most] = a < b ? [a, b] : [b, a];
        expect(convertMinor(rate('USD', 'JPY'), least) <= convertMinor(rate('USD', 'JPY'), most)).toBe(true);
        expect(convertMinor(rate('JPY', 'USD'), convertMinor(rate('USD', 'JPY'), a)) <= a).toBe(true);
      }),
    );
  });

  it('of a currency that was not published there is none', () => {
    expect(crossRate('USD', 'XAU', published, facts)).toBeUndefined();
  });
});

describe('the table of the European Central Bank', () => {
  it('is read with its history, and for one day', () => {
    const history = 'Date,USD,JPY,CYP,\n2026-11-23,1.0843,162.57,N/A,\n2026-11-20,1.0830,162.1,N/A,\n';
    expect(readEcbRates(history)).toEqual([
      { base: 'EUR', quote: 'USD', asOf: '2026-11-23', rate: '1.0843' },
      { base: 'EUR', quote: 'JPY', asOf: '2026-11-23', rate: '162.57' },
      { base: 'EUR', quote: 'USD', asOf: '2026-11-20', rate: '1.0830' },
      { base: 'EUR', quote: 'JPY', asOf: '2026-11-20', rate: '162.1' },
    ]);
    expect(readEcbRates('Date, USD, JPY, \r\n23 November 2026, 1.0843, 162.57, \r\n')).toHaveLength(2);
  });

  it.each([
    ['nothing', ''],
    ['another table', 'Name,Amount\nx,1'],
    ['a day that is none', 'Date,USD\n2026-02-30,1.1'],
    ['a month that is none', 'Date,USD\n3 Nonember 2026,1.1'],
    ['a rate with a formula', 'Date,USD\n2026-11-23,=1+1'],
    ['a rate in exponents', 'Date,USD\n2026-11-23,1e3'],
    ['a rate of zero', 'Date,USD\n2026-11-23,0.000'],
    ['a negative rate', 'Date,USD\n2026-11-23,-1'],
    ['a currency that is none', 'Date,dollar\n2026-11-23,1.1'],
    ['no rate', 'Date,USD\n2026-11-23,N/A'],
  ])('of %s is refused', (_, text) => {
    const outcome = readEcbRates(text);
    expect(isRefused(outcome) && outcome.first.code).toBe('RATES_FILE_INVALID');
  });
});
