import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_MINOR_UNITS } from '#kernel';
import { isRetryableDecline, wantsPayer } from './decline.table.js';
import { feeMinor, quoteRails, railParts, splitAmount } from './rail.rule.js';
import { INTENT_MINOR_MAX, RAIL_TERMS } from './rail.table.js';
import { topUpPlan } from './top-up.rule.js';
import { warningRefundMinor } from './warning.rule.js';

const quoteOf = (rail: string, amount: bigint, currency: string) =>
  quoteRails(amount, currency).find((quote) => quote.rail === rail);

describe('a split', () => {
  it('adds up, and no part is above the ceiling or below the minimum (1, 2)', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 50n, max: 30_000_000_000n }), (amount) => {
        const parts = splitAmount(amount, INTENT_MINOR_MAX, 50n);
        expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(amount);
        for (const part of parts) expect(part >= 50n && part <= INTENT_MINOR_MAX).toBe(true);
        expect(parts).toHaveLength(Number((amount + INTENT_MINOR_MAX - 1n) / INTENT_MINOR_MAX));
      }),
    );
  });

  it.each([
    // $3,000,000 by card; $50,000,000 takes 51; $200,000,000 takes 201.
    [300_000_000n, 4],
    [5_000_000_000n, 51],
    [20_000_000_000n, 201],
    [INTENT_MINOR_MAX, 1],
    [INTENT_MINOR_MAX + 1n, 2],
  ])('of %s minor units is %i charges', (amount, charges) => {
    expect(railParts('card', 'USD', amount)).toHaveLength(charges);
    expect(quoteOf('card', amount, 'USD')?.charges).toBe(charges);
  });

  it('never leaves a remainder that could not be charged', () => {
    expect(splitAmount(INTENT_MINOR_MAX + 1n, INTENT_MINOR_MAX, 50n)).toEqual([INTENT_MINOR_MAX - 49n, 50n]);
  });

  it('of a currency that the rail does not know is a mistake', () => {
    expect(() => railParts('sepa_debit', 'USD', 100n)).toThrow('sepa_debit does not carry USD');
  });
});

describe('a quote', () => {
  it('has the fee of its parts, each rounded by itself (3)', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 50n, max: 2_000_000_000n }), (amount) => {
        const terms = RAIL_TERMS.card.currencies.USD;
        if (terms === undefined) throw new Error('no terms');
        const fees = railParts('card', 'USD', amount).reduce((sum, part) => sum + feeMinor(part, terms.fee), 0n);
        expect(quoteOf('card', amount, 'USD')?.feeMinor).toBe(fees);
      }),
    );
  });

  it.each([
    ['card', 5_000n, 'USD', 175n],
    ['card', 5_000n, 'JPY', 175n],
    ['us_bank_account', 5_000n, 'USD', 40n],
    ['us_bank_account', 15_000_000n, 'USD', 500n],
    ['sepa_debit', 5_000n, 'EUR', 35n],
    ['bank_transfer', 15_000_000_000n, 'USD', 75_001n],
  ])('of %s for %s %s says a fee of %s', (rail, amount, currency, fee) => {
    expect(quoteOf(rail, amount, currency)).toMatchObject({ isAvailable: true, feeMinor: fee });
  });

  it.each([
    ['sepa_debit', 5_000n, 'USD', 'CURRENCY_UNSUPPORTED'],
    ['card', 5_000n, 'KWD', 'CURRENCY_UNSUPPORTED'],
    ['card', 49n, 'USD', 'AMOUNT_TOO_SMALL'],
    ['card', 29n, 'GBP', 'AMOUNT_TOO_SMALL'],
    ['card', 0n, 'USD', 'AMOUNT_INVALID'],
    ['card', -5n, 'USD', 'AMOUNT_INVALID'],
    ['card', MAX_MINOR_UNITS + 1n, 'USD', 'AMOUNT_INVALID'],
  ])('of %s for %s %s says why not: %s', (rail, amount, currency, reason) => {
    expect(quoteOf(rail, amount, currency)).toMatchObject({ isAvailable: false, reason, charges: 0, feeMinor: 0n });
  });

  it('takes no longer for the largest amount than for a small one', () => {
    expect(quoteOf('card', MAX_MINOR_UNITS, 'USD')?.isAvailable).toBe(true);
  });
});

describe('declines', () => {
  it.each([
    ['insufficient_funds', true],
    ['try_again_later', true],
    ['lost_card', false],
    ['stolen_card', false],
    ['expired_card', false],
    ['account_closed', false],
  ])('with %s may be tried again: %s', (code, retryable) => {
    expect(isRetryableDecline(code)).toBe(retryable);
  });

  it('that want the payer are told apart', () => {
    expect([wantsPayer('authentication_required'), wantsPayer('card_declined'), wantsPayer(null)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a plan to top up', () => {
  it('says by currency what is short, and lends nothing across currencies', () => {
    const due = new Map([
      ['USD', 500n],
      ['EUR', 100n],
      ['JPY', 0n],
    ]);
    expect(
      topUpPlan(
        due,
        new Map([
          ['EUR', 1000n],
          ['USD', 300n],
        ]),
      ),
    ).toEqual([
      { currency: 'EUR', dueMinor: 100n, availableMinor: 1000n, shortMinor: 0n },
      { currency: 'USD', dueMinor: 500n, availableMinor: 300n, shortMinor: 200n },
    ]);
    expect(topUpPlan(new Map([['USD', 5n]]), new Map([['USD', -10n]]))).toMatchObject([{ shortMinor: 15n }]);
  });
});

describe('the policy of warnings', () => {
  it.each([
    [1000n, 1000n, 1000n, 1000n],
    [1000n, 1001n, 1001n, 0n],
    // Escrow does not hold it any more: a part would not prevent the dispute.
    [1000n, 800n, 700n, 0n],
    [0n, 1n, 1n, 0n],
    [1000n, 0n, 0n, 0n],
  ])('up to %s gives back, of %s with %s in escrow, %s', (limit, whole, held, back) => {
    expect(warningRefundMinor({ refundUpToMinor: limit }, { leftMinor: held, leftOfPaymentMinor: whole })).toBe(back);
  });
});
