import { describe, expect, it } from 'vitest';
import { type Exchange, exchange, exchangeAccounts } from './exchange.rules.js';

const swap: Exchange = {
  id: 'x1',
  give: { account: 'campaign:1:escrow:EUR', unit: 'EUR', amount: 10_000n },
  get: { account: 'campaign:1:escrow:USD', unit: 'USD', amount: 10_850n },
  rate: { text: '1.0850', source: 'ECB', asOf: '2026-03-02' },
  reason: 'payout in dollars',
  refs: { campaign: '1', rate: 'a caller can not overwrite it' },
};
const moves = (change: Partial<Exchange> = {}) =>
  exchange({ ...swap, ...change }).map((t) => `${t.debit} > ${t.credit} ${t.amount}`);

describe('an exchange', () => {
  it('is two linked transfers that name it, the rate and its source', () => {
    expect(exchange(swap)).toEqual([
      {
        key: 'exchange:x1:give',
        kind: 'posted',
        debit: 'campaign:1:escrow:EUR',
        credit: 'fx:liquidity:EUR',
        amount: 10_000n,
        reason: 'payout in dollars',
        refs: { campaign: '1', exchange: 'x1', rate: '1.0850', rateSource: 'ECB', rateAsOf: '2026-03-02' },
      },
      expect.objectContaining({
        key: 'exchange:x1:get',
        debit: 'fx:liquidity:USD',
        credit: 'campaign:1:escrow:USD',
        amount: 10_850n,
      }),
    ]);
  });

  it('posts what the market gave beyond or short of it as gain or loss', () => {
    expect(moves({ settled: 10_850n })).toHaveLength(2);
    expect(moves({ settled: 10_900n })[2]).toBe('fx:liquidity:USD > fx_gain:USD 50');
    expect(moves({ settled: 10_849n })[2]).toBe('fx_loss:USD > fx:liquidity:USD 1');
  });

  it('turns round for accounts that hold their value on the debit side', () => {
    expect(moves({ normal: 'debit', settled: 10_900n })).toEqual([
      'fx:liquidity:EUR > campaign:1:escrow:EUR 10000',
      'campaign:1:escrow:USD > fx:liquidity:USD 10850',
      'fx:liquidity:USD > fx_gain:USD 50',
    ]);
  });

  it.each(['', '0', '0.0', '-1', '1e3', '1,5', '.5', 'NaN', '1.'])('throws for the rate %j', (text) => {
    expect(() => exchange({ ...swap, rate: { text, source: 'ECB' } })).toThrow(TypeError);
  });

  it('throws for one unit on both sides', () => {
    expect(() => exchange({ ...swap, get: { ...swap.get, unit: 'EUR' } })).toThrow('between two units');
  });
});

it('an account code fits every unit', () => {
  expect(exchangeAccounts('gpu_second:h100-sxm').map((a) => a.code)).toEqual([
    'fx:liquidity:gpu_second:h100-sxm',
    'fx_gain:gpu_second:h100-sxm',
    'fx_loss:gpu_second:h100-sxm',
  ]);
});
