/** A bank transfer pledge that waits for money. Minor units. */
export interface Waiting {
  readonly id: string;
  readonly missingMinor: bigint;
}

/**
 * Which waiting pledges a donor's cash goes to: the one that it fits exactly, else the oldest first, each as far as the
 * cash reaches. No part is below `leastMinor`, which is the least that can be moved, and none leaves less than that
 * missing. What is over stays his.
 */
export function share(
  cashMinor: bigint,
  receiptMinor: bigint,
  waiting: readonly Waiting[],
  leastMinor: bigint,
): Map<string, bigint> {
  const exact = waiting.find((pledge) => pledge.missingMinor === receiptMinor && receiptMinor <= cashMinor);
  const order = exact ? [exact, ...waiting.filter((pledge) => pledge !== exact)] : waiting;
  const parts = new Map<string, bigint>();
  let left = cashMinor;
  for (const { id, missingMinor } of order) {
    const part = partOf(missingMinor, left, leastMinor);
    if (part < leastMinor) continue;
    parts.set(id, part);
    left -= part;
  }
  return parts;
}

/** As much of the cash as the pledge misses, without leaving a rest that could never be moved. */
export function partOf(missingMinor: bigint, cashMinor: bigint, leastMinor: bigint): bigint {
  if (cashMinor >= missingMinor) return missingMinor;
  const rest = missingMinor - cashMinor;
  return rest < leastMinor ? missingMinor - leastMinor : cashMinor;
}
