import { describe, expect, it } from 'vitest';
import { exact, kinds, signed, subjectOf } from './difference.js';

describe('amounts of reconciliation', () => {
  it('are exact to the unit, at any size', () => {
    expect(exact('USD', '9007199254740993')).toBe('$90,071,992,547,409.93');
    expect(exact('JPY', -5n)).toBe('−¥5');
    expect(exact('ms', '1')).toBe('0.001 GPU-s');
  });

  it('show which side has more', () => {
    expect([signed('USD', 1n), signed('USD', -1n), signed('USD', 0n)]).toEqual(['+$0.01', '−$0.01', '$0.00']);
  });

  it('name their subjects', () => {
    expect(subjectOf('bank_line:01a20f4e-b535-76ef-b8b1-ab26cf42e8dc')).toBe('bank line 01a20f4e-b535…');
    expect(subjectOf('payout:po_1')).toBe('payout po_1');
    expect(subjectOf('lease:01a20f4e-b535-76ef-b8b1-ab26cf42e8dc', true)).toMatch(/^lease 01a2.*e8dc$/);
    expect(Object.keys(kinds)).toHaveLength(11);
  });
});
