/*
 * The chart of a campaign's accounts. Promises stand in memo accounts only: a pledge that wasn't paid is never money.
 */

/** Debit side of every promised dollar. */
const MEMO_PLEDGED = 'memo:pledged:USD';
const memoComputeOffered = (gpuClass: string): string => `memo:compute_offered:${gpuClass}`;
const memoComputeCommitted = (gpuClass: string): string => `memo:compute_committed:${gpuClass}`;
/** Where donated GPU time comes from; its debit balance is what donors stand in for. */
const computeDonors = (gpuClass: string): string => `compute:donors:${gpuClass}`;
const gpuUnit = (gpuClass: string): string => `gpu_second:${gpuClass}`;

export const campaignAccounts = (campaignId: string, gpuClass: string) => ({
  /** Money held for the campaign's backers until it is spent on the run. */
  escrow: `campaign:${campaignId}:escrow:USD`,
  refundsPayable: `campaign:${campaignId}:refunds_payable:USD`,
  /** Memo: promised by card and neither captured nor given up. */
  pledged: `campaign:${campaignId}:pledged:USD`,
  /** Memo: GPU time offered and not yet accepted. */
  computeOffered: `campaign:${campaignId}:compute_offered:${gpuClass}`,
  /** Memo: GPU time accepted from donors, less what was given back undelivered. */
  computeCommitted: `campaign:${campaignId}:compute_committed:${gpuClass}`,
});

interface AccountSpec {
  code: string;
  unit: string;
  limit: 'none' | 'debits_must_not_exceed_credits';
}

/** Every account that a campaign needs before its first pledge, shared contra accounts included. */
export function accountsToOpen(campaignId: string, gpuClass: string): AccountSpec[] {
  const own = campaignAccounts(campaignId, gpuClass);
  const unit = gpuUnit(gpuClass);
  const guarded = (code: string, of: string): AccountSpec => ({
    code,
    unit: of,
    limit: 'debits_must_not_exceed_credits',
  });
  const free = (code: string, of: string): AccountSpec => ({ code, unit: of, limit: 'none' });
  return [
    guarded(own.escrow, 'USD'),
    guarded(own.refundsPayable, 'USD'),
    guarded(own.pledged, 'USD'),
    guarded(own.computeOffered, unit),
    guarded(own.computeCommitted, unit),
    free(MEMO_PLEDGED, 'USD'),
    free(memoComputeOffered(gpuClass), unit),
    free(memoComputeCommitted(gpuClass), unit),
    free(computeDonors(gpuClass), unit),
  ];
}

/** The chart as one name, for rooms above that post to it. */
export const campaignChart = {
  memoPledged: MEMO_PLEDGED,
  memoComputeOffered,
  memoComputeCommitted,
  computeDonors,
  gpuUnit,
  of: campaignAccounts,
} as const;
