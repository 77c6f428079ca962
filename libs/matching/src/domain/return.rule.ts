import { largestRemainder } from '#kernel';

export interface Returnable {
  readonly depositId: string;
  /** What of the deposit was neither refunded nor taken back. */
  readonly heldMinor: bigint;
}

/**
 * What each sponsor gets of what is left in a pool: in proportion to what he has in it, to the last unit, and never
 * more than that. Deposits come in the order of their ids.
 */
export function returnsOf(leftMinor: bigint, deposits: readonly Returnable[]): Map<string, bigint> {
  const held = deposits.reduce((sum, { heldMinor }) => sum + heldMinor, 0n);
  if (held === 0n || leftMinor <= 0n) return new Map();
  const total = leftMinor < held ? leftMinor : held;
  const parts = largestRemainder(
    total,
    deposits.map(({ heldMinor }) => heldMinor),
  );
  return new Map(deposits.flatMap(({ depositId }, n) => ((parts[n] ?? 0n) > 0n ? [[depositId, parts[n] ?? 0n]] : [])));
}
