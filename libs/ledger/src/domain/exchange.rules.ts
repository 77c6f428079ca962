import type { AccountSpec, TransferSpec } from './transfer.rules.js';

// 1. A transfer stays in one unit. An exchange is two linked transfers, one in each unit, through the unit's liquidity
//    account, and both name the exchange: neither stands without the other.
// 2. Both amounts are given. Nothing is multiplied here: the rate is recorded as the text it came as, with its source, so
//    that anybody can compute it again; what was rounded, and how, is known to who made the amounts.
// 3. What the market gave beyond, or short of, the amount that was booked is a gain or a loss of its own.

/** Accounts of a unit that exchanges go through. None has a limit: a liquidity account is a position, not a purse. */
export const exchangeAccounts = (unit: string): AccountSpec[] => [
  { code: `fx:liquidity:${unit}`, unit, limit: 'none' },
  { code: `fx_gain:${unit}`, unit, limit: 'none' },
  { code: `fx_loss:${unit}`, unit, limit: 'none' },
];

/** One side of an exchange: an account and what it gives or gets, minor units of its unit. */
export interface ExchangeSide {
  readonly account: string;
  readonly unit: string;
  readonly amount: bigint;
}

export interface Exchange {
  /** Names the exchange for ever: repeated with the same content it is posted once. */
  readonly id: string;
  readonly give: ExchangeSide;
  readonly get: ExchangeSide;
  /** Exact decimal text, its source and the day it is of: `{ text: '1.0850', source: 'ECB', asOf: '2026-03-02' }`. */
  readonly rate: { readonly text: string; readonly source: string; readonly asOf?: string };
  /**
   * Which side of the two accounts holds their value. Funds held for somebody (escrow, pools) stand on the credit side,
   * which is the rule; money and machines owned, on the debit side.
   */
  readonly normal?: 'credit' | 'debit';
  /** What the market really gave, in the unit got; the difference is posted as gain or loss. Absent: just the amount. */
  readonly settled?: bigint;
  readonly reason: string;
  readonly refs?: Readonly<Record<string, string>>;
}

/**
 * The chain that makes an exchange: between currencies, or of money for machine time when cash covers a shortfall of
 * compute. Post it whole. The accounts of {@link exchangeAccounts} must be open in both units. Throws when both sides
 * are of one unit, or the rate is no positive decimal number: those are bugs of the caller.
 */
export function exchange({ id, give, get, rate, normal = 'credit', settled, reason, refs }: Exchange): TransferSpec[] {
  if (give.unit === get.unit) throw new TypeError(`An exchange is between two units; both are ${give.unit}.`);
  if (!/^(?=.*[1-9])\d{1,20}(\.\d{1,20})?$/.test(rate.text)) throw new TypeError(`${rate.text} is no rate.`);
  const about = {
    ...refs,
    exchange: id,
    rate: rate.text,
    rateSource: rate.source,
    ...(rate.asOf === undefined ? {} : { rateAsOf: rate.asOf }),
  };
  const transfer = (part: string, amount: bigint, outOf: string, into: string): TransferSpec => ({
    key: `exchange:${id}:${part}`,
    kind: 'posted',
    debit: normal === 'credit' ? outOf : into,
    credit: normal === 'credit' ? into : outOf,
    amount,
    reason,
    refs: about,
  });
  const difference = (settled ?? get.amount) - get.amount;
  return [
    transfer('give', give.amount, give.account, `fx:liquidity:${give.unit}`),
    transfer('get', get.amount, `fx:liquidity:${get.unit}`, get.account),
    ...(difference === 0n ? [] : [result(id, get.unit, difference, reason, about)]),
  ];
}

/** A gain is income and a loss an expense, whichever side the accounts of the exchange stand on. */
const result = (
  id: string,
  unit: string,
  difference: bigint,
  reason: string,
  refs: Readonly<Record<string, string>>,
): TransferSpec => ({
  key: `exchange:${id}:${difference > 0n ? 'gain' : 'loss'}`,
  kind: 'posted',
  debit: difference > 0n ? `fx:liquidity:${unit}` : `fx_loss:${unit}`,
  credit: difference > 0n ? `fx_gain:${unit}` : `fx:liquidity:${unit}`,
  amount: difference > 0n ? difference : -difference,
  reason,
  refs,
});
