import type { CampaignEvent } from './campaign.machine.js';

/** What a campaign has, for the verdict: minor units of its currency, milliseconds of its accelerator class. */
export interface Funding {
  readonly cashGoalMinor: bigint;
  readonly computeGoalMs: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly committedMs: bigint;
}

/** Money that is there: what was captured less what went back or is contested. Fees are a cost, not a loss of support. */
export const netCashMinor = (f: Pick<Funding, 'capturedMinor' | 'refundedMinor' | 'disputedMinor'>): bigint =>
  f.capturedMinor - f.refundedMinor - f.disputedMinor;

export const goalsReached = (f: Funding): boolean =>
  netCashMinor(f) >= f.cashGoalMinor && f.committedMs >= f.computeGoalMs;

/** What a live keep-it-all campaign comes to at this moment; undefined while it goes on. */
export function verdict(funding: Funding, deadline: Date, now: Date): CampaignEvent | undefined {
  if (goalsReached(funding)) return 'reach_goals';
  if (now < deadline) return undefined;
  return netCashMinor(funding) > 0n || funding.committedMs > 0n ? 'expire_with_support' : 'expire_empty';
}
