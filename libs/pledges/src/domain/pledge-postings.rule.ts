import { campaignChart } from '#campaigns';
import type { TransferSpec } from '#ledger';
import { cashAccounts, memoPledgedIn } from './cash-accounts.rule.js';

/*
 * Which transfers each step of a pledge makes. Keys come from row ids, so a step taken twice is one transfer.
 */

export interface CashTerms {
  readonly id: string;
  readonly campaignId: string;
  readonly currency: string;
}

export interface ComputeTerms {
  readonly id: string;
  readonly campaignId: string;
  readonly gpuClass: string;
  readonly milliseconds: bigint;
}

/** The commitment account of an accepted compute pledge; runs are delivered from it. */
export const commitmentAccount = (pledgeId: string, gpuClass: string): string =>
  `pledge:${pledgeId}:commitment:${gpuClass}`;

/** Promised money in the memo accounts, more (or less, when negative). `round` counts the moves of one pledge. */
export function promise(p: CashTerms, changeMinor: bigint, round: number, reason: string): TransferSpec {
  const [memo, pledged] = [memoPledgedIn(p.currency), cashAccounts(p.campaignId, p.currency).pledged];
  const more = changeMinor > 0n;
  return {
    key: `pledge:${p.id}:promise:${round}`,
    kind: 'posted',
    debit: more ? memo : pledged,
    credit: more ? pledged : memo,
    amount: more ? changeMinor : -changeMinor,
    reason,
    refs: { pledge: p.id, campaign: p.campaignId },
  };
}

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
