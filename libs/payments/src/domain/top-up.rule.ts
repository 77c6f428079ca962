/** What refunds need and what is there, in one currency. Amounts in minor units. */
export interface TopUp {
  readonly currency: string;
  /** Refunds that are asked for and have not left. */
  readonly dueMinor: bigint;
  /** What the processor can pay out now. */
  readonly availableMinor: bigint;
  /** What has to be brought to the processor before all of them can leave; 0 when nothing. */
  readonly shortMinor: bigint;
}

/** The plan, by currency, of those in which refunds are due. Money of one currency pays no refund of another. */
export function topUpPlan(due: ReadonlyMap<string, bigint>, available: ReadonlyMap<string, bigint>): TopUp[] {
  return [...due]
    .filter(([, dueMinor]) => dueMinor > 0n)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, dueMinor]) => {
      const availableMinor = available.get(currency) ?? 0n;
      const shortMinor = dueMinor > availableMinor ? dueMinor - availableMinor : 0n;
      return { currency, dueMinor, availableMinor, shortMinor };
    });
}
