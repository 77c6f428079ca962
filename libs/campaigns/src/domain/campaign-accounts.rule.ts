/*
 * The chart of a campaign's accounts. Promises stand in memo accounts only: a pledge that wasn't paid is never money.
 */

/** Debit side of everything promised in a currency. */
const memoPledgedIn = (currency: string): string => `memo:pledged:${currency}`;
const memoComputeOffered = (gpuClass: string): string => `memo:compute_offered:${gpuClass}`;
const memoComputeCommitted = (gpuClass: string): string => `memo:compute_committed:${gpuClass}`;
/** Where donated GPU time comes from; its debit balance is what donors stand in for. */
const computeDonors = (gpuClass: string): string => `compute:donors:${gpuClass}`;
const gpuUnit = (gpuClass: string): string => `gpu_second:${gpuClass}`;

/** The accounts of one campaign; those for money in one currency. */
export const campaignAccounts = (campaignId: string, gpuClass: string, currency = 'USD') => ({
  /** Money held for the campaign's backers until it is spent on the run. */
  escrow: `campaign:${campaignId}:escrow:${currency}`,
  refundsPayable: `campaign:${campaignId}:refunds_payable:${currency}`,
  payoutsPayable: `campaign:${campaignId}:payouts_payable:${currency}`,
  /** Held back from payouts until the windows for disputes are over. */
  disputeReserve: `campaign:${campaignId}:dispute_reserve:${currency}`,
  /** Paid out to the project. */
  released: `campaign:${campaignId}:released:${currency}`,
  /** Lost after the money had left; the only account of the campaign without a limit. */
  debt: `campaign:${campaignId}:debt:${currency}`,
  /** Memo: promised and neither captured nor given up. */
  pledged: `campaign:${campaignId}:pledged:${currency}`,
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

const guarded = (code: string, unit: string): AccountSpec => ({ code, unit, limit: 'debits_must_not_exceed_credits' });
const free = (code: string, unit: string): AccountSpec => ({ code, unit, limit: 'none' });

/** What a campaign needs before its first pledge in a currency, the shared contra account included. */
export function cashAccountsToOpen(campaignId: string, currency: string): AccountSpec[] {
  const own = campaignAccounts(campaignId, '', currency);
  return [
    guarded(own.escrow, currency),
    guarded(own.refundsPayable, currency),
    guarded(own.payoutsPayable, currency),
    guarded(own.disputeReserve, currency),
    guarded(own.released, currency),
    free(own.debt, currency),
    guarded(own.pledged, currency),
    free(memoPledgedIn(currency), currency),
  ];
}

/** Every account that a campaign needs before its first pledge, shared contra accounts included. */
export function accountsToOpen(campaignId: string, gpuClass: string, currency: string): AccountSpec[] {
  const own = campaignAccounts(campaignId, gpuClass);
  const unit = gpuUnit(gpuClass);
  return [
    ...cashAccountsToOpen(campaignId, currency),
    guarded(own.computeOffered, unit),
    guarded(own.computeCommitted, unit),
    free(memoComputeOffered(gpuClass), unit),
    free(memoComputeCommitted(gpuClass), unit),
    free(computeDonors(gpuClass), unit),
  ];
}

/** The chart as one name, for rooms above that post to it. */
export const campaignChart = {
  memoPledged: memoPledgedIn('USD'),
  memoPledgedIn,
  memoComputeOffered,
  memoComputeCommitted,
  computeDonors,
  gpuUnit,
  of: campaignAccounts,
} as const;
