import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHours } from './parse.js';
import { hoursValue, momentValue, parseCount, parseMoment } from './typed.js';

describe('what organisers type', () => {
  it.each([
    ['69824', 69824n],
    [' 6,144,000 ', 6144000n],
    ['1_000', 1000n],
  ])('reads %s as a count', (text, count) => expect(parseCount(text)).toBe(count));
  it.each(['', '0', '-1', '1.5', '1e9', 'ten'])('refuses %j as a count', (text) => expect(parseCount(text)).toBeNull());

  it('reads a moment as UTC and writes it back', () => {
    expect(parseMoment('2027-01-31T18:30')).toBe('2027-01-31T18:30:00.000Z');
    expect(momentValue('2027-01-31T18:30:00.000Z')).toBe('2027-01-31T18:30');
    for (const text of ['', '2027-01-31', '31.1.2027', '2027-13-41T99:99']) expect(parseMoment(text)).toBeNull();
  });

  it('never asks for less than a budget says, nor for a second more than its step', () =>
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 14n }), (milliseconds) => {
        const back = parseHours(hoursValue(milliseconds));
        return back !== null && back >= milliseconds && back - milliseconds < 3600n;
      }),
    ));
});
