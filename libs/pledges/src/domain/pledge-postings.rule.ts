import { campaignChart } from '#campaigns';
import type { TransferSpec } from '#ledger';

/*
 * Which transfers each step of a pledge makes. Keys come from row ids, so a step taken twice is one transfer.
 */

export interface CashTerms {
  readonly id: string;
  readonly campaignId: string;
  readonly amountMinor: bigint;
}

export interface ComputeTerms {
  readonly id: string;
  readonly campaignId: string;
  readonly gpuClass: string;
  readonly milliseconds: bigint;
}

const pledged = (campaignId: string): string => campaignChart.of(campaignId, 'cpu').pledged;

/** The commitment account of an accepted compute pledge; runs are delivered from it. */
export const commitmentAccount = (pledgeId: string, gpuClass: string): string =>
  `pledge:${pledgeId}:commitment:${gpuClass}`;

/** A promise by card. `round` counts the tries: a failed card may be followed by another. */
export const promise = (p: CashTerms, round: number): TransferSpec => ({
  key: `pledge:${p.id}:promise:${round}`,
  kind: 'posted',
  debit: campaignChart.memoPledged,
  credit: pledged(p.campaignId),
  amount: p.amountMinor,
  reason: 'cash pledge promised',
  refs: { pledge: p.id, campaign: p.campaignId },
});

export const promiseEnd = (p: CashTerms, round: number, reason: string): TransferSpec => ({
  key: `pledge:${p.id}:promise_end:${round}`,
  kind: 'posted',
  debit: pledged(p.campaignId),
  credit: campaignChart.memoPledged,
  amount: p.amountMinor,
  reason,
  refs: { pledge: p.id, campaign: p.campaignId },
});

export function offer(p: ComputeTerms): TransferSpec {
  return compute(p, 'offered', 'compute pledge offered', {
    debit: campaignChart.memoComputeOffered(p.gpuClass),
    credit: campaignChart.of(p.campaignId, p.gpuClass).computeOffered,
  });
}

export function offerEnd(p: ComputeTerms, reason: string): TransferSpec {
  return compute(p, 'offer_end', reason, {
    debit: campaignChart.of(p.campaignId, p.gpuClass).computeOffered,
    credit: campaignChart.memoComputeOffered(p.gpuClass),
  });
}

/** The offer ends, the donor's commitment begins, and the campaign counts it. */
export function acceptance(p: ComputeTerms): TransferSpec[] {
  return [
    offerEnd(p, 'compute pledge accepted'),
    compute(p, 'commitment', 'compute committed', {
      debit: campaignChart.computeDonors(p.gpuClass),
      credit: commitmentAccount(p.id, p.gpuClass),
    }),
    compute(p, 'committed', 'compute committed to campaign', {
      debit: campaignChart.memoComputeCommitted(p.gpuClass),
      credit: campaignChart.of(p.campaignId, p.gpuClass).computeCommitted,
    }),
  ];
}

/** What wasn't delivered goes back to the donor and is counted no more. */
export function giveBack(p: ComputeTerms, remainingMs: bigint, reason: string): TransferSpec[] {
  if (remainingMs === 0n) return [];
  return [
    compute(p, 'given_back', reason, {
      debit: commitmentAccount(p.id, p.gpuClass),
      credit: campaignChart.computeDonors(p.gpuClass),
      amount: remainingMs,
    }),
    compute(p, 'uncommitted', reason, {
      debit: campaignChart.of(p.campaignId, p.gpuClass).computeCommitted,
      credit: campaignChart.memoComputeCommitted(p.gpuClass),
      amount: remainingMs,
    }),
  ];
}

function compute(
  p: ComputeTerms,
  step: string,
  reason: string,
  sides: { debit: string; credit: string; amount?: bigint },
): TransferSpec {
  return {
    key: `pledge:${p.id}:${step}`,
    kind: 'posted',
    debit: sides.debit,
    credit: sides.credit,
    amount: sides.amount ?? p.milliseconds,
    reason,
    refs: { pledge: p.id, campaign: p.campaignId },
  };
}
