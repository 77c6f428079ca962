/** What an amount counts in another currency, by an exact rate: cut to the minor unit, as the platform counts it. */
import { minorDigitsOf } from './amount.js';

/** @param rate units of `to` for one of `from`: a decimal, or the quotient of two. */
export function countedMinor(amountMinor: string, from: string, to: string, rate: string): string {
  const [top = '', bottom = '1'] = rate.split('/');
  const [numerator, numeratorScale] = exact(top);
  const [denominator, denominatorScale] = exact(bottom);
  const up = minorDigitsOf(to) + denominatorScale;
  const down = minorDigitsOf(from) + numeratorScale;
  return ((BigInt(amountMinor) * numerator * 10n ** BigInt(up)) / (denominator * 10n ** BigInt(down))).toString();
}

function exact(text: string): [digits: bigint, scale: number] {
  const [whole = '', fraction = ''] = text.split('.');
  return [BigInt(whole + fraction), fraction.length];
}
