/*
 * 1. An amount is converted by the exact quotient that was published, and floored once: what is lost is less than one
 *    minor unit of the currency got.
 * 2. The rate that people and the ledger read is the same quotient as decimal text, cut (never rounded up) after
 *    RATE_DIGITS digits. Whoever wants to compute an amount again takes numerator and denominator, which are kept.
 */

/** Digits after the point of the rate as text. */
export const RATE_DIGITS = 12;

const DECIMAL = /^\d{1,20}(?:\.(\d{1,20}))?$/;

function scaled(decimal: string): { units: bigint; scale: number } {
  const match = DECIMAL.exec(decimal);
  if (match === null) throw new TypeError(`${decimal} is no decimal`);
  return { units: BigInt(decimal.replace('.', '')), scale: match[1]?.length ?? 0 };
}

/** The quotient of two published decimals as decimal text. Throws for what is no positive decimal: a bug of the caller. */
export function rateDecimal(rate: { readonly numerator: string; readonly denominator: string }): string {
  const over = scaled(rate.numerator);
  const under = scaled(rate.denominator);
  if (under.units === 0n) throw new TypeError('a rate is over something');
  const digits = (over.units * 10n ** BigInt(under.scale + RATE_DIGITS)) / (under.units * 10n ** BigInt(over.scale));
  const text = digits.toString().padStart(RATE_DIGITS + 1, '0');
  const fraction = text.slice(-RATE_DIGITS).replace(/0+$/, '');
  const whole = text.slice(0, -RATE_DIGITS);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
