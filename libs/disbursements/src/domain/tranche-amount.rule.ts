/*
 * 1. No tranche takes more than escrow holds, and all together never more than was collected net.
 * 2. Shares are floors; the last tranche of the plan that is still to be paid takes what is left, to the last minor unit.
 *    What a canceled tranche would have had is nobody's: it stays for the backers.
 * 3. What the dispute reserve holds is not shared out: the remainder tranche takes it when every window has closed.
 */

export interface TrancheClaim {
  /** Basis points of the whole. 0 for the remainder tranche. */
  readonly shareBp: number;
  readonly isRemainder: boolean;
  /** Whether no other share of the plan is still to be paid. */
  readonly isLast: boolean;
  /** Basis points of the shares that were canceled: their money stays where it is, for its backers. */
  readonly canceledBp: number;
  /** What had arrived of those before they were canceled, minor units. */
  readonly canceledPaidMinor: bigint;
}

/** Minor units of the campaign's currency. */
export interface Funds {
  /** Held in escrow and free. */
  readonly escrowMinor: bigint;
  /** Held in the dispute reserve. */
  readonly reserveMinor: bigint;
  /** Set aside for tranches, on its way or paid out. */
  readonly spentMinor: bigint;
}

/** What was collected, less what was given back or lost: it is somewhere in the three. */
export const netMinor = (funds: Funds): bigint => funds.escrowMinor + funds.reserveMinor + funds.spentMinor;

/** What a tranche is to be paid now, in minor units. Zero where nothing is left for it. */
export function trancheAmount(claim: TrancheClaim, funds: Funds): bigint {
  const shared = netMinor(funds) - (claim.isRemainder ? 0n : funds.reserveMinor);
  const kept = clamp(share(shared, claim.canceledBp) - claim.canceledPaidMinor);
  const left = shared - funds.spentMinor - kept;
  const wanted = claim.isLast || claim.isRemainder ? left : share(shared, claim.shareBp);
  return clamp(least(wanted, left, funds.escrowMinor));
}

const share = (whole: bigint, bp: number): bigint => (whole * BigInt(bp)) / 10_000n;
const clamp = (amount: bigint): bigint => (amount < 0n ? 0n : amount);
const least = (...amounts: [bigint, ...bigint[]]): bigint => amounts.reduce((a, b) => (b < a ? b : a));
