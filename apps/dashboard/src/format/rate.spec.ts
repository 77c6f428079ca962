import { describe, expect, it } from 'vitest';
import { operationRate } from './rate.js';

describe('a rate of operations', () => {
  it.each([
    ['0', '0 op/s'],
    ['999', '999 op/s'],
    ['1000', '1 kop/s'],
    ['636480037', '636 Mop/s'],
    ['1640000000', '1.6 Gop/s'],
    ['989000000000000', '989 Top/s'],
    ['12345678901234567890', '12.3 Eop/s'],
    ['9223372036854775807000', '9223 Eop/s'],
  ])('%s is %s', (perSecond, text) => expect(operationRate(perSecond)).toBe(text));
});
