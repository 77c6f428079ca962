/**
 * A dispute. Money moves when the bank takes it (OPEN) and when it comes back (WON), not when Stripe changes a word:
 * an inquiry holds nothing, and a dispute is WON only with the reinstatement in hand. A bank may give back late, or in parts.
 */
export const DISPUTE_STATUSES = ['INQUIRY', 'OPEN', 'WON', 'LOST', 'CLOSED'] as const;
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number];

export const DISPUTE_TRANSITIONS: Readonly<Record<DisputeStatus, readonly DisputeStatus[]>> = {
  INQUIRY: ['OPEN', 'CLOSED'],
  OPEN: ['WON', 'LOST'],
  // Banks correct themselves: the rest of a partial win, or a win after the loss.
  WON: ['WON'],
  LOST: ['WON'],
  CLOSED: [],
};

/** What was read at Stripe. Amounts in minor units, as they moved in Stripe's balance. */
export interface DisputeObservation {
  readonly stripeStatus: string;
  readonly withdrawn: { readonly amountMinor: bigint; readonly feeMinor: bigint } | undefined;
  readonly reinstated: { readonly amountMinor: bigint; readonly feeReturnedMinor: bigint } | undefined;
}

/**
 * The steps from `current` to what was observed, in order: an observation may span several (a dispute that is first
 * heard of when it was lost was opened before). `reinstatedMinor` is what was booked as given back so far.
 */
export function disputeSteps(
  current: DisputeStatus | undefined,
  observed: DisputeObservation,
  reinstatedMinor = 0n,
): DisputeStatus[] {
  const path = pathTo(observed);
  if (current === undefined) return path;
  if (current === 'LOST' || current === 'WON') {
    return observed.reinstated !== undefined && observed.reinstated.amountMinor > reinstatedMinor ? ['WON'] : [];
  }
  const at = path.indexOf(current);
  return at === -1 ? [] : path.slice(at + 1);
}

function pathTo(observed: DisputeObservation): DisputeStatus[] {
  if (observed.withdrawn === undefined) {
    return observed.stripeStatus === 'warning_closed' || observed.stripeStatus === 'prevented'
      ? ['INQUIRY', 'CLOSED']
      : ['INQUIRY'];
  }
  if (observed.reinstated !== undefined) return ['INQUIRY', 'OPEN', 'WON'];
  return observed.stripeStatus === 'lost' ? ['INQUIRY', 'OPEN', 'LOST'] : ['INQUIRY', 'OPEN'];
}
