/**
 * What the sandbox takes for a card charge: 2.9 % + 30 minor units, the percentage rounded half up to a whole
 * minor unit. All integers: 29 thousandths of an amount of at most 99,999,999 fit a double exactly.
 */
export function cardFeeMinor(amountMinor: number): number {
  return Math.floor((amountMinor * 29 + 500) / 1000) + 30;
}

/** What a dispute costs whatever its outcome. A refund gives no fee back. */
export const DISPUTE_FEE_MINOR = 1500;

/** Stripe's bounds for one US dollar charge, minor units. */
export const CHARGE_MINOR_MIN = 50;
export const CHARGE_MINOR_MAX = 99_999_999;
