import { type CampaignEvent, type FundingModel, goalsAreMandatory } from './campaign.machine.js';

/*
 * 1. Never funded below a mandatory goal: all-or-nothing and tranches need both goals, each by its own unit.
 * 2. GPU time that is missing may be covered by money above the cash minimum, if the terms fixed a price before the
 *    campaign went live; money that is missing is covered by nothing.
 * 3. More money or more GPU time never turns funded into failed.
 * 4. Extended at most once, and only within the tolerance that the terms named.
 * 5. Nobody is charged for an all-or-nothing campaign that could not succeed if every promise were kept.
 */

/** What a campaign has and needs, for the verdict: minor units of its currency, milliseconds of its accelerator class. */
export interface Funding {
  readonly fundingModel: FundingModel;
  readonly cashGoalMinor: bigint;
  readonly computeGoalMs: bigint;
  /** Price of a GPU-hour at which surplus money covers missing GPU time; null when the terms have no such rule. */
  readonly coverPriceMinor: bigint | null;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly committedMs: bigint;
}

const MS_PER_HOUR = 3_600_000n;
const BASIS_POINTS = 10_000n;

/** Money that is there: what was captured less what went back or is contested. Fees are a cost, not a loss of support. */
export const netCashMinor = (f: Pick<Funding, 'capturedMinor' | 'refundedMinor' | 'disputedMinor'>): bigint =>
  f.capturedMinor - f.refundedMinor - f.disputedMinor;

/** What GPU time costs at that price, rounded up: a part of a minor unit buys nothing. */
export const coverCostMinor = (milliseconds: bigint, pricePerGpuHourMinor: bigint): bigint =>
  (milliseconds * pricePerGpuHourMinor + MS_PER_HOUR - 1n) / MS_PER_HOUR;

/**
 * How much money is needed for both goals with the GPU time that was committed: the minimum, and what covers missing
 * GPU time. Undefined when GPU time is missing and nothing may cover it.
 */
export function cashNeededMinor(
  f: Pick<Funding, 'cashGoalMinor' | 'computeGoalMs' | 'coverPriceMinor' | 'committedMs'>,
): bigint | undefined {
  const missingMs = f.computeGoalMs > f.committedMs ? f.computeGoalMs - f.committedMs : 0n;
  if (missingMs === 0n) return f.cashGoalMinor;
  return f.coverPriceMinor === null ? undefined : f.cashGoalMinor + coverCostMinor(missingMs, f.coverPriceMinor);
}

export function goalsReached(f: Funding): boolean {
  const needed = cashNeededMinor(f);
  return needed !== undefined && netCashMinor(f) >= needed;
}

/** Whether a keep-it-all campaign has anything to keep. */
const hasSupport = (f: Funding): boolean => netCashMinor(f) > 0n || f.committedMs > 0n;

export interface Extension {
  readonly toleranceBp: number;
  readonly days: number;
}

/**
 * Whether every goal lacks at most the tolerated share of itself. Missing GPU time is measured against its own goal
 * even where money could cover it.
 */
export function isTolerated(f: Funding, toleranceBp: number): boolean {
  const within = (has: bigint, goal: bigint) => has * BASIS_POINTS >= goal * (BASIS_POINTS - BigInt(toleranceBp));
  return within(netCashMinor(f), f.cashGoalMinor) && within(f.committedMs, f.computeGoalMs);
}

/** What a settling campaign comes to once nothing is pending. `extension` is null when it was extended before. */
export function verdict(
  f: Funding,
  extension: Extension | null,
): Extract<CampaignEvent, 'fund' | 'fall_short' | 'extend'> {
  if (goalsReached(f)) return 'fund';
  if (!goalsAreMandatory(f.fundingModel)) return hasSupport(f) ? 'fund' : 'fall_short';
  return extension !== null && isTolerated(f, extension.toleranceBp) ? 'extend' : 'fall_short';
}

/**
 * Whether the promises, if all of them were kept, would leave an all-or-nothing campaign below its cash goal, and nothing
 * can extend it. GPU time is left out: more of it may be accepted while the pledges are charged. `promisedMinor` in minor
 * units of the campaign's currency; `extension` is null when it was extended before.
 */
export function isOutOfReach(f: Funding, promisedMinor: bigint, extension: Extension | null): boolean {
  if (f.fundingModel !== 'all_or_nothing') return false;
  const committedMs = f.committedMs > f.computeGoalMs ? f.committedMs : f.computeGoalMs;
  return verdict({ ...f, capturedMinor: f.capturedMinor + promisedMinor, committedMs }, extension) === 'fall_short';
}

export const failReason = (f: Funding, promisedMinor: bigint): 'below_goal' | 'nothing_given' =>
  hasSupport(f) || promisedMinor > 0n ? 'below_goal' : 'nothing_given';

/**
 * Whether refunds and disputes brought a funded campaign below what its goals need in money. GPU time that donors took
 * back counts only where the terms let money cover it: it is made up for by other means.
 */
export const isCollapsed = (f: Funding): boolean =>
  goalsAreMandatory(f.fundingModel) && netCashMinor(f) < (cashNeededMinor(f) ?? f.cashGoalMinor);

/** What happens to a live campaign at this moment; undefined while it goes on. */
export function liveStep(
  f: Funding,
  at: {
    readonly deadline: Date;
    readonly now: Date;
    readonly promisedMinor: bigint;
    readonly hardCapMinor: bigint | null;
  },
): Extract<CampaignEvent, 'deadline' | 'hard_cap' | 'reach_goals'> | undefined {
  if (f.fundingModel !== 'all_or_nothing' && goalsReached(f)) return 'reach_goals';
  if (at.now >= at.deadline) return 'deadline';
  const capped = at.hardCapMinor !== null && at.promisedMinor + netCashMinor(f) >= at.hardCapMinor;
  // Money is full; a compute goal that is still open goes on until the deadline.
  return capped && f.committedMs >= f.computeGoalMs ? 'hard_cap' : undefined;
}
