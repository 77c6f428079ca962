import { MAX_MINOR_UNITS, type Outcome } from '#kernel';
import { refuseCampaign } from '../campaign.refusal.js';

export interface StretchGoal {
  readonly title: string;
  readonly unit: 'cash' | 'compute';
  /** Minor units of the campaign's currency, or milliseconds of its accelerator class. */
  readonly amount: string;
}

export interface StretchGoalDraft {
  readonly title: string;
  readonly unit: string;
  readonly amount: bigint;
}

const STRETCH_MAX = 12;

/** Stretch goals lie above the goal of their unit and rise in their order. */
export function stretchGoals(
  drafts: readonly StretchGoalDraft[],
  goals: { readonly cashGoalMinor: bigint; readonly computeGoalMs: bigint },
): Outcome<readonly StretchGoal[]> {
  const last = { cash: goals.cashGoalMinor, compute: goals.computeGoalMs };
  const read: StretchGoal[] = [];
  if (drafts.length > STRETCH_MAX)
    return refuseCampaign(
      'CAMPAIGN_STRETCH_INVALID',
      ['input', 'stretchGoals'],
      `Up to ${STRETCH_MAX}; got ${drafts.length}.`,
    );
  for (const [index, draft] of drafts.entries()) {
    const bad = (field: string, detail: string) =>
      refuseCampaign('CAMPAIGN_STRETCH_INVALID', ['input', 'stretchGoals', String(index), field], detail);
    const title = draft.title.trim();
    if (title.length < 3 || title.length > 120 || /\p{Cc}/u.test(title))
      return bad('title', `A title has 3 to 120 characters on one line; got ${title.length}.`);
    if (draft.unit !== 'cash' && draft.unit !== 'compute') return bad('unit', `Got "${draft.unit.slice(0, 40)}".`);
    if (draft.amount <= last[draft.unit] || draft.amount > MAX_MINOR_UNITS)
      return bad('amount', `It must lie above ${last[draft.unit]}; got ${draft.amount}.`);
    last[draft.unit] = draft.amount;
    read.push({ title, unit: draft.unit, amount: String(draft.amount) });
  }
  return read;
}

/** Numbers (from 1) of the goals that money and GPU time really there have reached. */
export const reachedStretchGoals = (
  goals: readonly StretchGoal[],
  has: { readonly cashMinor: bigint; readonly computeMs: bigint },
): number[] =>
  goals.flatMap((goal, index) =>
    (goal.unit === 'cash' ? has.cashMinor : has.computeMs) >= BigInt(goal.amount) ? [index + 1] : [],
  );
