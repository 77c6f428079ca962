import type { EvidenceTerms } from './evidence.rule.js';

/** What the terms of a campaign say about paying out. Amounts as decimal text in minor units. */
export interface PayoutTerms {
  readonly fundingModel: string;
  readonly cashMinimumMinor: string;
  readonly tranches: readonly {
    readonly title: string;
    readonly shareBp: number;
    readonly budgetKind: string;
    readonly evidence: EvidenceTerms;
  }[];
}

export interface PlannedTranche {
  readonly number: number;
  readonly title: string;
  readonly shareBp: number;
  readonly isRemainder: boolean;
  readonly budgetKind: string | null;
  readonly evidence: EvidenceTerms;
}

/** The remainder gets what the dispute reserve gives back, when no payment can be disputed any more. */
const REMAINDER_TITLE = 'What the dispute reserve gives back';
const WHOLE_BP = 10_000;

/**
 * The tranches of a plan, the remainder last. Terms without tranches are one of the whole, due after the safety window.
 */
export function planTranches(terms: PayoutTerms): PlannedTranche[] {
  const shares =
    terms.tranches.length > 0
      ? terms.tranches
      : [{ title: 'All that was collected', shareBp: WHOLE_BP, budgetKind: null, evidence: { kind: 'none' as const } }];
  const planned = shares.map((tranche, index) => ({
    number: index + 1,
    title: tranche.title,
    shareBp: tranche.shareBp,
    isRemainder: false,
    budgetKind: tranche.budgetKind,
    evidence: tranche.evidence,
  }));
  return [
    ...planned,
    {
      number: planned.length + 1,
      title: REMAINDER_TITLE,
      shareBp: 0,
      isRemainder: true,
      budgetKind: 'reserve',
      evidence: { kind: 'none' },
    },
  ];
}

/** What backers were promised about the goal: nothing in keep-it-all. Minor units. */
export const promisedGoalMinor = (terms: PayoutTerms): bigint =>
  terms.fundingModel === 'keep_it_all' ? 0n : BigInt(terms.cashMinimumMinor);
