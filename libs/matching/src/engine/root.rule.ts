/*
 * Square roots in whole numbers. Nothing here rounds by the machine: a floating-point root is only where the search
 * begins, and the answer is checked in integers.
 */

const FLOAT_DIGITS = 300;

/** The whole part of √n. Throws a RangeError for a negative n. */
export function wholeRoot(n: bigint): bigint {
  if (n < 0n) throw new RangeError('a negative number has no root');
  if (n < 2n) return n;
  let root = guess(n);
  for (;;) {
    const next = (root + n / root) >> 1n;
    const step = next - root;
    root = next;
    if (step >= -1n && step <= 1n) break;
  }
  while (root * root > n) root -= 1n;
  while ((root + 1n) * (root + 1n) <= n) root += 1n;
  return root;
}

function guess(n: bigint): bigint {
  const float = Number(n);
  if (float < 10 ** FLOAT_DIGITS) return BigInt(Math.floor(Math.sqrt(float)));
  // Twice as many digits as the root has, so shifting by an even number of bits and back keeps the magnitude.
  const shift = BigInt((n.toString(16).length * 4 - 512) & ~1);
  return (guess(n >> shift) + 1n) << (shift / 2n);
}

/** Numbers between which an exact figure lies, both included; equal when the figure is known exactly. */
export interface Bounds {
  readonly low: bigint;
  readonly high: bigint;
}

export const exactly = (value: bigint): Bounds => ({ low: value, high: value });

/** √(numerator / denominator) · scale, between two neighbouring whole numbers, or exactly. `scale` squared is passed. */
export function scaledRoot(numerator: bigint, denominator: bigint, scaleSquared: bigint): Bounds {
  const product = numerator * scaleSquared;
  const floor = product / denominator;
  const low = wholeRoot(floor);
  const exact = low * low === floor && floor * denominator === product;
  return { low, high: exact ? low : low + 1n };
}

/** Remembers roots: gifts repeat a few round amounts. */
export class RootTable {
  private readonly known = new Map<bigint, Bounds>();

  constructor(private readonly scaleSquared: bigint) {}

  of(amount: bigint): Bounds {
    const found = this.known.get(amount);
    if (found) return found;
    const root = scaledRoot(amount, 1n, this.scaleSquared);
    // Bounded, since amounts that never repeat would make the table as large as the round.
    if (this.known.size < 500_000) this.known.set(amount, root);
    return root;
  }
}

export const plus = (a: Bounds, b: Bounds): Bounds => ({ low: a.low + b.low, high: a.high + b.high });
/** Of figures that are not negative. */
export const times = (a: Bounds, b: Bounds): Bounds => ({ low: a.low * b.low, high: a.high * b.high });
export const less = (a: Bounds, b: Bounds): Bounds => ({ low: a.low - b.high, high: a.high - b.low });
export const atLeastZero = (a: Bounds): Bounds => ({ low: a.low > 0n ? a.low : 0n, high: a.high > 0n ? a.high : 0n });
export const smaller = (a: Bounds, b: Bounds): Bounds => ({
  low: a.low < b.low ? a.low : b.low,
  high: a.high < b.high ? a.high : b.high,
});
export const ceilDivide = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
