import fc from 'fast-check';
import { parseValue } from 'graphql';
import { describe, expect, it } from 'vitest';
import { BigIntScalar, DateTimeScalar, JsonScalar, UrlScalar } from './scalars.js';

describe('BigInt', () => {
  it('keeps every whole number of 30 digits, in and out', () => {
    const limit = 10n ** 30n - 1n;
    fc.assert(
      fc.property(fc.bigInt({ min: -limit, max: limit }), (amount) => {
        const text = BigIntScalar.serialize(amount);
        return (
          BigIntScalar.parseValue(text) === amount && BigIntScalar.parseLiteral(parseValue(`"${text}"`)) === amount
        );
      }),
    );
  });

  it('refuses JSON numbers, fractions, exponents and floats on the way out', () => {
    for (const value of [1, 1.5, '1.5', '1e3', '0x1', '', ' 1', '1 ', '+1', null, true, [], '1'.repeat(31)]) {
      expect(() => BigIntScalar.parseValue(value)).toThrow(/BigInt takes a whole number/);
    }
    for (const value of [1.5, 2 ** 53, Number.NaN, '1.5', {}]) expect(() => BigIntScalar.serialize(value)).toThrow();
  });
});

describe('DateTime', () => {
  it('reads what it writes, to the millisecond', () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date('0001-01-01T00:00:00Z'),
          max: new Date('9999-12-31T23:59:59.999Z'),
          noInvalidDate: true,
        }),
        (date) => DateTimeScalar.parseValue(DateTimeScalar.serialize(date)).getTime() === date.getTime(),
      ),
    );
  });

  it.each([
    ['2026-11-24T12:00Z', '2026-11-24T12:00:00.000Z'],
    ['2026-11-24T12:00:00+05:30', '2026-11-24T06:30:00.000Z'],
    ['2024-02-29T23:59:59.5-12:00', '2024-03-01T11:59:59.500Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
  ])('takes %s', (text, utc) => expect(DateTimeScalar.parseValue(text).toISOString()).toBe(utc));

  it.each([
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01',
    '2026-01-01T00:00:00+99:00',
    '+012026-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    'now',
    '',
    0,
    null,
  ])('refuses %j', (value) => expect(() => DateTimeScalar.parseValue(value)).toThrow(/DateTime takes a moment/));
});

describe('URL and JSON', () => {
  it('takes web addresses only', () => {
    expect(UrlScalar.parseValue('https://example.org/a?b#c')).toBe('https://example.org/a?b#c');
    for (const value of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/relative', 'x', '', 7]) {
      expect(() => UrlScalar.parseValue(value)).toThrow(/URL takes an absolute/);
    }
  });

  it('takes JSON in the document as well as in variables', () => {
    expect(JsonScalar.parseLiteral(parseValue('{a: [1, 2.5, "x", true, null, {b: E}]}'))).toEqual({
      a: [1, 2.5, 'x', true, null, { b: 'E' }],
    });
    expect(JsonScalar.parseLiteral(parseValue('{a: 1}'), {})).toEqual({ a: 1 });
  });
});
