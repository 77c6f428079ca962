import { describe, expect, it } from 'vitest';
import { countedMinor } from './counted.js';

describe('what an amount counts in another currency', () => {
  it.each([
    ['1000', 'EUR', 'USD', '1.0823', '1082'],
    ['999', 'USD', 'EUR', '1/1.0823', '923'],
    ['1000', 'JPY', 'USD', '1.0823/163.31', '662'],
    ['2500', 'USD', 'JPY', '163.31/1.0823', '3772'],
    ['1', 'USD', 'JPY', '150', '1'],
  ])('%s %s in %s at %s is %s', (amount, from, to, rate, counted) => {
    expect(countedMinor(amount, from, to, rate)).toBe(counted);
  });
});
