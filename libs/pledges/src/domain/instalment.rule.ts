/*
 * 1. The parts sum to the whole exactly.
 * 2. No part is above the ceiling, and no two differ by more than one minor unit: so none is below a minimum that is at
 *    most half the ceiling.
 * 3. Amount and count alone decide the parts, so that a later try charges the same.
 */

/** How many payments an amount needs where one carries at most `ceilingMinor`. */
export const instalmentCount = (amountMinor: bigint, ceilingMinor: bigint): number =>
  Number((amountMinor + ceilingMinor - 1n) / ceilingMinor);

/** The parts of an amount, in minor units, for instalments 1 to `count`. */
export function instalments(amountMinor: bigint, count: number): bigint[] {
  const parts = BigInt(count);
  const [each, left] = [amountMinor / parts, amountMinor % parts];
  return Array.from({ length: count }, (_, index) => each + (BigInt(index) < left ? 1n : 0n));
}
