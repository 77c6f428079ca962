import { largestRemainder } from '#kernel';

export interface Returnable {
  readonly paymentId: string;
  /** What of the payment was neither refunded nor taken back. */
  readonly heldMinor: bigint;
}

/**
 * What each sponsor gets of what is left in a pool: in proportion to what he has in it, to the last unit, and never
 * more than that. Payments come in a fixed order.
 */
export function returnsOf(leftMinor: bigint, payments: readonly Returnable[]): Map<string, bigint> {
  const held = payments.reduce((sum, { heldMinor }) => sum + heldMinor, 0n);
  if (held === 0n || leftMinor <= 0n) return new Map();
  const total = leftMinor < held ? leftMinor : held;
  const parts = largestRemainder(
    total,
    payments.map(({ heldMinor }) => heldMinor),
  );
  return new Map(payments.flatMap(({ paymentId }, n) => ((parts[n] ?? 0n) > 0n ? [[paymentId, parts[n] ?? 0n]] : [])));
}
