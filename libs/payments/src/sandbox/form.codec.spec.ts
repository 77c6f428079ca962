import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalForm, FormSyntaxError, parseForm } from './form.codec.js';
import { processingFeeMinor } from './processing-fee.rule.js';
import { hasValidCheckDigit, numberOfToken, scenarioOfNumber } from './test-card.table.js';

describe('the form codec', () => {
  it('nests keys and lists as Stripe does', () => {
    expect(parseForm('a=1&card[number]=42&card[checks][cvc]=ok&expand[]=x&expand[]=y&list[0]=p&list[1]=q')).toEqual({
      a: '1',
      card: { number: '42', checks: { cvc: 'ok' } },
      expand: ['x', 'y'],
      list: ['p', 'q'],
    });
    expect(parseForm('items[0][price]=a&items[1][price]=b')).toEqual({ items: [{ price: 'a' }, { price: 'b' }] });
    expect(parseForm('')).toEqual({});
  });

  it.each(['[a]=1', 'a[b=1', 'a]b=1', '__proto__[x]=1', 'a[constructor]=1'])('refuses %s', (text) => {
    expect(() => parseForm(text)).toThrow(FormSyntaxError);
  });

  it('gives one canonical text for every order of the parameters', () => {
    const pair = fc.tuple(fc.stringMatching(/^[a-z]{1,4}$/), fc.string());
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: ([key]) => key }), fc.infiniteStream(fc.nat()), (pairs, ranks) => {
        const encode = (list: [string, string][]): string =>
          canonicalForm(parseForm(list.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')));
        const shuffled = pairs
          .map((each) => ({ each, rank: ranks.next().value as number }))
          .toSorted((a, b) => a.rank - b.rank);
        expect(encode(shuffled.map(({ each }) => each))).toBe(encode(pairs));
      }),
    );
  });
});

describe('the fee', () => {
  it('is 2.9 % and 30 cents, half a cent going up', () => {
    expect([50, 500, 1000, 99_999_999].map((amount) => processingFeeMinor('card', 'usd', amount))).toEqual([
      31, 45, 59, 2_900_030,
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 99_999_999 }), (amount) => {
        const exact = (BigInt(amount) * 29n + 500n) / 1000n + 30n;
        expect(BigInt(processingFeeMinor('card', 'usd', amount))).toBe(exact);
      }),
    );
  });
});

describe('test cards', () => {
  it('have a check digit, and every token names one', () => {
    for (const token of ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_card_createDispute', 'pm_card_refundFail']) {
      const number = numberOfToken(token) ?? '';
      expect(hasValidCheckDigit(number)).toBe(true);
      expect(scenarioOfNumber(number)).toBeDefined();
    }
    expect(hasValidCheckDigit('4242424242424241')).toBe(false);
  });
});
