import { type Outcome, type Refused, isRefused } from '#kernel';
import { refuseCampaign } from '../campaign.refusal.js';
import { BUDGET_KINDS, type BudgetKind } from './budget-line.rule.js';
import type { FundingModel } from './campaign.machine.js';

/*
 * When which share of the money may leave, and on what evidence. Shares are basis points of what was collected and add
 * up to 10,000, so that nothing is promised twice and nothing is left over.
 */

export const EVIDENCE_KINDS = ['checkpoint', 'evaluation', 'milestone_report', 'vote'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

export interface TrancheEvidence {
  readonly kind: EvidenceKind;
  /** checkpoint: promoted after at least so many trained tokens; decimal text. */
  readonly minTokens?: string;
  /** evaluation: the metric, its threshold as decimal text, and on which side of it the result must lie. */
  readonly metric?: string;
  readonly threshold?: string;
  readonly direction?: 'at_least' | 'at_most';
  /** vote: share of backers that must vote, share of votes that must be exceeded, how long it is open. */
  readonly quorumBp?: number;
  readonly majorityBp?: number;
  readonly votingSeconds?: number;
  readonly description?: string;
}

export interface Tranche {
  readonly title: string;
  readonly shareBp: number;
  readonly budgetKind: BudgetKind;
  readonly evidence: TrancheEvidence;
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | null | undefined };
export interface TrancheDraft {
  readonly title: string;
  readonly shareBp: number;
  readonly budgetKind: string;
  readonly evidence: { readonly kind: string } & Loose<Omit<TrancheEvidence, 'kind' | 'direction'>> & {
      readonly direction?: string | null | undefined;
    };
}

const TRANCHES_MAX = 12;
const WHOLE_BP = 10_000;
const VOTE_MAX_SECONDS = 30 * 86_400;

/** A campaign paid in tranches needs a plan; the other models may have one. */
export function tranchePlan(drafts: readonly TrancheDraft[], model: FundingModel): Outcome<readonly Tranche[]> {
  const path = ['input', 'tranches'];
  if (model === 'tranches' && drafts.length === 0)
    return refuseCampaign('CAMPAIGN_TRANCHES_INVALID', path, 'The funding model asks for a plan.');
  if (drafts.length > TRANCHES_MAX)
    return refuseCampaign('CAMPAIGN_TRANCHES_INVALID', path, `Up to ${TRANCHES_MAX}; got ${drafts.length}.`);
  const read: Tranche[] = [];
  for (const [index, draft] of drafts.entries()) {
    const tranche = readTranche(draft, [...path, String(index)]);
    if (isRefused(tranche)) return tranche;
    read.push(tranche);
  }
  const sum = read.reduce((total, tranche) => total + tranche.shareBp, 0);
  return read.length === 0 || sum === WHOLE_BP
    ? read
    : refuseCampaign('CAMPAIGN_TRANCHES_INVALID', path, `The shares add up to ${sum} of ${WHOLE_BP} basis points.`);
}

function readTranche(draft: TrancheDraft, path: readonly string[]): Outcome<Tranche> {
  const bad = (field: string, detail: string) => refuseCampaign('CAMPAIGN_TRANCHES_INVALID', [...path, field], detail);
  const title = draft.title.trim();
  if (title.length < 3 || title.length > 120 || /\p{Cc}/u.test(title))
    return bad('title', `A title has 3 to 120 characters on one line; got ${title.length}.`);
  if (!Number.isInteger(draft.shareBp) || draft.shareBp < 1 || draft.shareBp > WHOLE_BP)
    return bad('shareBp', `From 1 to ${WHOLE_BP}; got ${draft.shareBp}.`);
  if (!BUDGET_KINDS.includes(draft.budgetKind as BudgetKind))
    return bad('budgetKind', `Got "${draft.budgetKind.slice(0, 40)}".`);
  const evidence = readEvidence(draft.evidence, [...path, 'evidence']);
  return isRefused(evidence)
    ? evidence
    : { title, shareBp: draft.shareBp, budgetKind: draft.budgetKind as BudgetKind, evidence };
}

function readEvidence(draft: TrancheDraft['evidence'], path: readonly string[]): Outcome<TrancheEvidence> {
  const bad = (field: string, detail: string): Refused =>
    refuseCampaign('CAMPAIGN_TRANCHES_INVALID', [...path, field], detail);
  const description = draft.description?.trim() ?? '';
  if (description.length > 500) return bad('description', `Up to 500 characters; got ${description.length}.`);
  const described = description === '' ? {} : { description };
  switch (draft.kind as EvidenceKind) {
    case 'checkpoint': {
      if (draft.minTokens == null) return { kind: 'checkpoint', ...described };
      if (!/^[1-9]\d{0,17}$/.test(draft.minTokens)) return bad('minTokens', 'A whole number of tokens above zero.');
      return { kind: 'checkpoint', minTokens: draft.minTokens, ...described };
    }
    case 'evaluation': {
      const { metric, threshold, direction } = draft;
      if (metric == null || !/^[\w./ -]{1,80}$/.test(metric))
        return bad('metric', 'Name the metric, up to 80 characters.');
      if (threshold == null || !/^-?\d{1,12}(\.\d{1,12})?$/.test(threshold))
        return bad('threshold', 'Give it as decimal text, like "0.75".');
      if (direction !== 'at_least' && direction !== 'at_most')
        return bad('direction', 'It is "at_least" or "at_most".');
      return { kind: 'evaluation', metric, threshold, direction, ...described };
    }
    case 'milestone_report':
      return description === ''
        ? bad('description', 'Say what the report must show.')
        : { kind: 'milestone_report', ...described };
    case 'vote': {
      const share = (value: number | null | undefined) =>
        value != null && Number.isInteger(value) && value >= 0 && value < WHOLE_BP;
      const { quorumBp = 0, majorityBp = 5_000, votingSeconds = 7 * 86_400 } = withoutNulls(draft);
      if (!share(quorumBp)) return bad('quorumBp', `From 0 to ${WHOLE_BP - 1}; got ${quorumBp}.`);
      if (!share(majorityBp)) return bad('majorityBp', `From 0 to ${WHOLE_BP - 1}; got ${majorityBp}.`);
      if (!Number.isInteger(votingSeconds) || votingSeconds < 1 || votingSeconds > VOTE_MAX_SECONDS)
        return bad('votingSeconds', `From 1 to ${VOTE_MAX_SECONDS}; got ${votingSeconds}.`);
      return { kind: 'vote', quorumBp, majorityBp, votingSeconds, ...described };
    }
    default:
      return bad('kind', `Got "${draft.kind.slice(0, 40)}"; known are ${EVIDENCE_KINDS.join(', ')}.`);
  }
}

const withoutNulls = (draft: TrancheDraft['evidence']) => ({
  ...(draft.quorumBp == null ? {} : { quorumBp: draft.quorumBp }),
  ...(draft.majorityBp == null ? {} : { majorityBp: draft.majorityBp }),
  ...(draft.votingSeconds == null ? {} : { votingSeconds: draft.votingSeconds }),
});
