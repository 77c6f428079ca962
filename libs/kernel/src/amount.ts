import { type Outcome, refuse } from './refusal.js';

/**
 * The largest amount accepted anywhere, in minor units: 10^18 (ten quadrillion dollars in cents, or 31.7 million
 * GPU-years in milliseconds). PostgreSQL's bigint holds 9.2 * 10^18, so a sum of nine such amounts still fits.
 */
export const MAX_MINOR_UNITS = 10n ** 18n;

/**
 * Reads an amount in minor units from its decimal text.
 * Refuses anything that is not a whole number from 1 to {@link MAX_MINOR_UNITS}; nothing is ever rounded.
 */
export function parseMinorUnits(text: string, path: readonly string[] = []): Outcome<bigint> {
  const field = path.length > 0 ? { path } : {};
  if (!/^-?\d+$/.test(text)) {
    return refuse({
      code: 'AMOUNT_INVALID',
      message: 'The amount is not a whole number of minor units.',
      detail: `Got ${JSON.stringify(text.slice(0, 40))}.`,
      hint: 'Give a whole number as text: "2500" is $25.00.',
      ...field,
    });
  }
  if (text.replace('-', '').length > 30) return outOfRange(text, field);
  const amount = BigInt(text);
  return amount < 1n || amount > MAX_MINOR_UNITS ? outOfRange(text, field) : amount;
}

function outOfRange(text: string, field: { path?: readonly string[] }) {
  return refuse({
    code: 'AMOUNT_OUT_OF_RANGE',
    message: 'The amount is outside the range that can be booked.',
    detail: `Got ${text.slice(0, 40)}.`,
    hint: `Give a whole number from 1 to ${MAX_MINOR_UNITS}.`,
    ...field,
  });
}

/** Decimal text of an amount, for people: formatMinorUnits(2505n, 2) is "25.05". Exact, no float on the way. */
export function formatMinorUnits(amount: bigint, scale: number): string {
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(scale + 1, '0');
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/**
 * Splits a total in proportion to the weights so that the parts sum to the total exactly: floors first, then one unit
 * each to the largest remainders, ties to the earlier index. All weights zero: everything stays undivided (all zeros
 * would lose the total, so this throws).
 */
export function largestRemainder(total: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((a, b) => a + b, 0n);
  if (sum <= 0n) throw new RangeError('largestRemainder needs at least one positive weight');
  const parts = weights.map((w) => (total * w) / sum);
  const order = weights
    .map((w, index) => ({ index, remainder: (total * w) % sum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  const left = Number(total - parts.reduce((a, b) => a + b, 0n));
  for (const { index } of order.slice(0, left)) parts[index] = (parts[index] ?? 0n) + 1n;
  return parts;
}

/**
 * Splits a total in proportion to the weights as payment languages do (numscript): floors first, then one unit each
 * from the first part on until nothing is left. Sums to the total exactly. Parts of weight zero get nothing. Where the
 * parts are people, {@link largestRemainder} is fairer: it doesn't depend on who stands first.
 */
export function allot(total: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((a, b) => a + b, 0n);
  if (sum <= 0n || weights.some((w) => w < 0n))
    throw new RangeError('allot needs weights that are not negative, one of them positive');
  let left = total;
  const floors = weights.map((weight) => {
    const floor = (total * weight) / sum;
    left -= floor;
    return floor;
  });
  return floors.map((floor, index) => {
    if (left === 0n || weights[index] === 0n) return floor;
    left -= 1n;
    return floor + 1n;
  });
}
