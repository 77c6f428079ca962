import type { Parts } from './postings.rule.js';

/*
 * 1. A loss is taken from the dispute reserve first, then from escrow, and the rest is owed.
 * 2. Escrow gives at most what of this very payment it still holds: money that was given back already is not taken a
 *    second time from what others gave, it is owed.
 * 3. What comes back after a loss goes the other way round: debt, escrow, reserve.
 * 4. The parts always add up to the amount.
 */

const least = (...amounts: bigint[]): bigint => amounts.reduce((a, b) => (a < b ? a : b));
const atLeastZero = (amount: bigint): bigint => (amount < 0n ? 0n : amount);

/** Amounts in minor units. `held` is what escrow has of this payment; the other two what the accounts have free. */
export function splitLoss(
  amountMinor: bigint,
  free: { readonly reserve: bigint; readonly escrow: bigint },
  held: bigint,
): Parts {
  const reserve = least(amountMinor, atLeastZero(free.reserve));
  const escrow = least(amountMinor - reserve, atLeastZero(free.escrow), atLeastZero(held));
  return { reserve, escrow, debt: amountMinor - reserve - escrow };
}

/** How much of what was lost comes back, and to where. At most what was lost. */
export function restoreLoss(amountMinor: bigint, lost: Parts): Parts {
  const debt = least(amountMinor, lost.debt);
  const escrow = least(amountMinor - debt, lost.escrow);
  const reserve = least(amountMinor - debt - escrow, lost.reserve);
  return { reserve, escrow, debt };
}

export const sumOf = (parts: Parts): bigint => parts.reserve + parts.escrow + parts.debt;
