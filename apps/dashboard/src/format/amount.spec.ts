import { describe, expect, it } from 'vitest';
import { bytes, decimal, engineering, gpuSeconds, gpuTime, integer, money, percent, share } from './amount.js';
import { parseDollars, parseHours } from './parse.js';

const usd = (amountMinor: string) => ({ amountMinor, currency: 'USD' });
const cpu = (milliseconds: string) => ({ milliseconds, class: 'cpu' });

describe('amounts', () => {
  it('shows money to the cent at any size', () => {
    expect(money(usd('0'))).toBe('$0.00');
    expect(money(usd('5'))).toBe('$0.05');
    expect(money(usd('-1999'))).toBe('−$19.99');
    expect(money(usd('1000000000000000001'))).toBe('$10,000,000,000,000,000.01');
    expect(money(usd('250000'), 'short')).toBe('$2,500');
    expect(money(usd('250050'), 'short')).toBe('$2,500.50');
    expect(money({ amountMinor: '1500', currency: 'JPY' })).toBe('¥1,500');
    expect(money({ amountMinor: '150050', currency: 'CHF' })).toBe('1,500.50 CHF');
  });

  it('shows GPU time in the unit that keeps it readable', () => {
    expect(gpuTime(cpu('0'))).toBe('0 CPU-s');
    expect(gpuTime(cpu('17'))).toBe('17 CPU-ms');
    expect(gpuTime(cpu('513000'))).toBe('513 CPU-s');
    expect(gpuTime(cpu('1085000'))).toBe('18 CPU-min');
    expect(gpuTime({ milliseconds: '147600000000', class: 'h100' })).toBe('41,000 GPU-h');
    expect(gpuSeconds({ milliseconds: '1234567', class: 'h100' })).toBe('1,234.567 GPU-s');
  });

  it('never rounds up', () => {
    expect(decimal('1999', 3, 1)).toBe('1.9');
    expect(engineering('999999999')).toBe('999 M');
    expect(engineering('15193866240000')).toBe('15.1 T');
    expect(engineering('412')).toBe('412');
  });

  it('draws shares between nothing and all, and says percents beyond', () => {
    expect(share('1', '3')).toBe(33.33);
    expect(share('5', '0')).toBe(0);
    expect(share('-1', '3')).toBe(0);
    expect(share('30', '10')).toBe(100);
    expect(percent('30', '20')).toBe('150 %');
    expect(percent('1', '0')).toBe('–');
  });

  it('shows sizes and counts', () => {
    expect(bytes('412')).toBe('412 B');
    expect(bytes('1650144')).toBe('1.7 MB');
    expect(integer(123456789012345678901234567890n)).toBe('123,456,789,012,345,678,901,234,567,890');
  });
});

describe('what people type', () => {
  it.each([
    ['25', 2500n],
    ['$ 12.5', 1250n],
    ['1,250.05', 125005n],
    ['999999999999999.99', 99999999999999999n],
  ])('reads %s as an amount', (text, cents) => expect(parseDollars(text)).toBe(cents));

  it.each(['', '0', '-5', '1.234', '1e9', '12,34', 'ten', '0x10', '9'.repeat(30)])('refuses %s as an amount', (text) =>
    expect(parseDollars(text)).toBeNull(),
  );

  it('reads hours to the millisecond', () => {
    expect(parseHours('8')).toBe(28_800_000n);
    expect(parseHours('0.5')).toBe(1_800_000n);
    expect(parseHours('0')).toBeNull();
    expect(parseHours('-1')).toBeNull();
    expect(parseHours('1.2345')).toBeNull();
  });
});
