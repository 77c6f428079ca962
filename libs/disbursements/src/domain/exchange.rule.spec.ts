import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateDecimal } from './exchange.rule.js';

const decimal = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.integer({ min: 0, max: 6 }))
  .map(([units, scale]) => {
    const text = units.toString().padStart(scale + 1, '0');
    return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
  });

describe('the text of a rate', () => {
  it.each([
    ['1.1000', '1', '1.1'],
    ['1', '160.00', '0.00625'],
    ['1.1', '0.85', '1.294117647058'],
    ['160', '1', '160'],
  ])('of %s over %s is %s', (numerator, denominator, text) => {
    expect(rateDecimal({ numerator, denominator })).toBe(text);
  });

  it('is below the quotient by less than its last digit, and exact for what was published as it is', () => {
    fc.assert(
      fc.property(decimal, decimal, (numerator, denominator) => {
        const units = (text: string): bigint => {
          const [whole = '', fraction = ''] = text.split('.');
          return BigInt(whole + fraction.padEnd(12, '0'));
        };
        const text = rateDecimal({ numerator, denominator });
        const exact = units(numerator) * 10n ** 12n;
        const low = units(text) * units(denominator);
        expect(low <= exact && exact < low + units(denominator)).toBe(true);
        expect(units(rateDecimal({ numerator, denominator: '1' }))).toBe(units(numerator));
      }),
    );
  });

  it.each(['', '1e3', '-1', '.5'])('throws for %j', (numerator) => {
    expect(() => rateDecimal({ numerator, denominator: '1' })).toThrow(TypeError);
  });
});
