import { MAX_MINOR_UNITS, type Outcome } from '#kernel';
import { refuseCampaign } from '../campaign.refusal.js';
import { coverCostMinor } from './verdict.rule.js';

/*
 * What the money is for, in the campaign's currency.
 *
 * 1. The lines add up to the cash minimum, to the unit: a budget that explains another sum explains nothing.
 * 2. The compute line follows from the recipe's budget: GPU time that donors are not asked for, at the published price.
 */

export const BUDGET_KINDS = ['compute', 'storage', 'evaluation', 'people', 'reserve'] as const;
export type BudgetKind = (typeof BUDGET_KINDS)[number];

export interface BudgetLine {
  readonly kind: BudgetKind;
  readonly amountMinor: string;
  readonly note: string;
}

/** `amountMinor` may stay out of the compute line: it is derived then. */
export interface BudgetLineDraft {
  readonly kind: string;
  readonly amountMinor?: bigint | null | undefined;
  readonly note?: string | null | undefined;
}

export interface DerivedLine {
  readonly amountMinor: bigint;
  readonly note: string;
}

const NOTE_MAX = 300;

/** The compute line of a recipe: what it takes less what donors are asked for, at its price, rounded up. */
export function derivedComputeLine(
  budget: { readonly milliseconds: bigint; readonly pricePerGpuHourMinor: bigint },
  computeGoalMs: bigint,
): DerivedLine {
  const rentedMs = budget.milliseconds > computeGoalMs ? budget.milliseconds - computeGoalMs : 0n;
  return {
    amountMinor: coverCostMinor(rentedMs, budget.pricePerGpuHourMinor),
    note: `${rentedMs} ms of GPU time to rent at ${budget.pricePerGpuHourMinor} an hour, rounded up`,
  };
}

/** The lines in their order; one per kind. Without lines the money is for compute, and what is left for the reserve. */
export function budgetLines(
  drafts: readonly BudgetLineDraft[] | null | undefined,
  goalMinor: bigint,
  derived: DerivedLine | undefined,
): Outcome<readonly BudgetLine[]> {
  if (drafts == null || drafts.length === 0) return usualLines(goalMinor, derived);
  const kinds = new Set<string>();
  const lines: BudgetLine[] = [];
  let sum = 0n;
  for (const [index, draft] of drafts.entries()) {
    const bad = (field: string, detail: string) =>
      refuseCampaign('CAMPAIGN_BUDGET_INVALID', ['input', 'budgetLines', String(index), field], detail);
    if (!BUDGET_KINDS.includes(draft.kind as BudgetKind)) return bad('kind', `Got "${draft.kind.slice(0, 40)}".`);
    if (kinds.has(draft.kind)) return bad('kind', `There are two lines for ${draft.kind}.`);
    kinds.add(draft.kind);
    const amount = draft.amountMinor ?? (draft.kind === 'compute' ? derived?.amountMinor : undefined);
    if (amount === undefined) return bad('amountMinor', 'It is missing, and no budget of a recipe tells it.');
    if (amount < 0n || amount > MAX_MINOR_UNITS) return bad('amountMinor', `Got ${amount}.`);
    const note = (draft.note ?? (draft.amountMinor == null ? (derived?.note ?? '') : '')).trim();
    if (note.length > NOTE_MAX || /\p{Cc}/u.test(note)) return bad('note', `One line, up to ${NOTE_MAX} characters.`);
    sum += amount;
    lines.push({ kind: draft.kind as BudgetKind, amountMinor: String(amount), note });
  }
  return sum === goalMinor
    ? lines
    : refuseCampaign(
        'CAMPAIGN_BUDGET_INVALID',
        ['input', 'budgetLines'],
        `They add up to ${sum}, the goal is ${goalMinor}.`,
      );
}

function usualLines(goalMinor: bigint, derived: DerivedLine | undefined): readonly BudgetLine[] {
  if (goalMinor === 0n) return [];
  const compute = derived && derived.amountMinor < goalMinor ? derived.amountMinor : goalMinor;
  const line = (kind: BudgetKind, amount: bigint, note: string): BudgetLine[] =>
    amount === 0n ? [] : [{ kind, amountMinor: String(amount), note }];
  return [...line('compute', compute, derived?.note ?? ''), ...line('reserve', goalMinor - compute, '')];
}
