import { MAX_MINOR_UNITS, type Outcome, Refused, isRefused, isUuid } from '#kernel';
import { type CampaignRefusal, refuseCampaign } from '../campaign.refusal.js';
import { type BudgetLine, type BudgetLineDraft, type DerivedLine, budgetLines } from './budget-line.rule.js';
import type { FundingModel } from './campaign.machine.js';
import { type StretchGoal, type StretchGoalDraft, stretchGoals } from './stretch-goal.rule.js';
import { type Tranche, type TrancheDraft, tranchePlan } from './tranche-plan.rule.js';
import type { Extension } from './verdict.rule.js';
import { type Windows, type WindowsDraft, windows } from './window.rule.js';

/*
 * What backers agree to besides goal, model and deadline, fixed when the campaign is handed to review.
 * Amounts are decimal text: minor units of the campaign's currency, milliseconds of its accelerator class.
 */

export const SURPLUS_RULES = ['reserve', 'optimum'] as const;
export type SurplusRule = (typeof SURPLUS_RULES)[number];

/** What happens when GPU time is missing at the verdict. Money that is missing is covered by nothing. */
export type ShortfallRule =
  { readonly rule: 'none' } | { readonly rule: 'cash_may_cover_compute'; readonly pricePerGpuHourMinor: string };

export interface CampaignPlan {
  readonly cashOptimumMinor: string | null;
  /** No pledge may carry the campaign past it; reached, the pledges are frozen before the deadline. */
  readonly hardCapMinor: string | null;
  /** Numbered from 1 by their place; goals are only ever added. */
  readonly stretchGoals: readonly StretchGoal[];
  readonly shortfall: ShortfallRule;
  /** Where money above the minimum goes: kept in reserve, or spent up to the optimum and then kept. */
  readonly surplus: SurplusRule;
  /** Their sum is the cash minimum. */
  readonly budgetLines: readonly BudgetLine[];
  /** Empty: one payout of everything, after the safety window and its approvals. */
  readonly tranches: readonly Tranche[];
  readonly approvalsRequired: number;
  /** Pseudonyms of who approves; empty: any reviewer or treasurer of the project. */
  readonly approvers: readonly string[];
  readonly extension: Extension | null;
  readonly windows: Windows;
}

export interface PlanDraft {
  readonly cashOptimumMinor?: bigint | null | undefined;
  readonly hardCapMinor?: bigint | null | undefined;
  readonly stretchGoals?: readonly StretchGoalDraft[] | null | undefined;
  /** A price makes the rule: surplus money may cover missing GPU time at it. */
  readonly coverPricePerGpuHourMinor?: bigint | null | undefined;
  readonly surplus?: string | null | undefined;
  readonly budgetLines?: readonly BudgetLineDraft[] | null | undefined;
  readonly tranches?: readonly TrancheDraft[] | null | undefined;
  readonly approvalsRequired?: number | null | undefined;
  readonly approvers?: readonly string[] | null | undefined;
  readonly extensionToleranceBp?: number | null | undefined;
  readonly extensionDays?: number | null | undefined;
  readonly windows?: WindowsDraft | null | undefined;
}

/** What a plan is judged against. */
export interface PlanGround {
  readonly fundingModel: FundingModel;
  readonly cashGoalMinor: bigint;
  readonly computeGoalMs: bigint;
  /** What the budget of the recipe asks for in money; undefined when it is in another currency. */
  readonly derived: DerivedLine | undefined;
  readonly shortestWindowSeconds: number;
}

const TOLERANCE_MAX_BP = 2_000;
const EXTENSION_MAX_DAYS = 30;
const APPROVERS_MAX = 20;

/** Checks everything that an organiser asks for at once; each fault is named with its field. */
export function campaignPlan(draft: PlanDraft, ground: PlanGround): Outcome<CampaignPlan> {
  const parts = {
    amounts: amounts(draft, ground),
    stretchGoals: stretchGoals(draft.stretchGoals ?? [], ground),
    shortfall: shortfall(draft.coverPricePerGpuHourMinor, ground),
    surplus: surplus(draft),
    budgetLines: budgetLines(draft.budgetLines, ground.cashGoalMinor, ground.derived),
    tranches: tranchePlan(draft.tranches ?? [], ground.fundingModel),
    approvals: approvals(draft),
    extension: extension(draft, ground.fundingModel),
    windows: windows(draft.windows ?? {}, ground.shortestWindowSeconds),
  };
  const faults = Object.values(parts).flatMap((part) => (isRefused(part) ? part.refusals : []));
  if (faults.length > 0) return new Refused(faults);
  const read = parts as { [K in keyof typeof parts]: Exclude<(typeof parts)[K], Refused> };
  const { amounts: figures, approvals: approval, ...rest } = read;
  return { ...rest, ...figures, ...approval };
}

const fault = (code: CampaignRefusal, field: string, detail: string): Refused =>
  refuseCampaign(code, ['input', field], detail);

function amounts(
  draft: PlanDraft,
  ground: PlanGround,
): Outcome<Pick<CampaignPlan, 'cashOptimumMinor' | 'hardCapMinor'>> {
  const optimum = draft.cashOptimumMinor ?? null;
  const cap = draft.hardCapMinor ?? null;
  if (optimum !== null && (optimum <= ground.cashGoalMinor || optimum > MAX_MINOR_UNITS))
    return fault(
      'CAMPAIGN_GOALS_INVALID',
      'cashOptimumMinor',
      `The minimum is ${ground.cashGoalMinor}, got ${optimum}.`,
    );
  const least = optimum ?? ground.cashGoalMinor;
  if (cap !== null && (cap < least || cap < 1n || cap > MAX_MINOR_UNITS))
    return fault('CAMPAIGN_GOALS_INVALID', 'hardCapMinor', `The goals ask for ${least}, got ${cap}.`);
  return {
    cashOptimumMinor: optimum === null ? null : String(optimum),
    hardCapMinor: cap === null ? null : String(cap),
  };
}

function shortfall(price: bigint | null | undefined, ground: PlanGround): Outcome<ShortfallRule> {
  if (price == null) return { rule: 'none' };
  const field = 'coverPricePerGpuHourMinor';
  if (ground.computeGoalMs === 0n)
    return fault('CAMPAIGN_SHORTFALL_RULE_INVALID', field, 'There is no compute goal that could be missed.');
  if (price < 1n || price > 10n ** 9n)
    return fault('CAMPAIGN_SHORTFALL_RULE_INVALID', field, `From 1 to 1000000000; got ${price}.`);
  return { rule: 'cash_may_cover_compute', pricePerGpuHourMinor: String(price) };
}

function surplus(draft: PlanDraft): Outcome<SurplusRule> {
  const rule = draft.surplus ?? (draft.cashOptimumMinor == null ? 'reserve' : 'optimum');
  if (!SURPLUS_RULES.includes(rule as SurplusRule))
    return fault('CAMPAIGN_SURPLUS_RULE_INVALID', 'surplus', `Got "${rule.slice(0, 40)}".`);
  if (rule === 'optimum' && draft.cashOptimumMinor == null)
    return fault('CAMPAIGN_SURPLUS_RULE_INVALID', 'surplus', 'There is no optimum to spend it up to.');
  return rule as SurplusRule;
}

function approvals(draft: PlanDraft): Outcome<Pick<CampaignPlan, 'approvalsRequired' | 'approvers'>> {
  const approvers = draft.approvers ?? [];
  const required = draft.approvalsRequired ?? 1;
  const most = approvers.length === 0 ? APPROVERS_MAX : approvers.length;
  if (approvers.length > APPROVERS_MAX || new Set(approvers).size !== approvers.length)
    return fault('CAMPAIGN_APPROVALS_INVALID', 'approvers', `Up to ${APPROVERS_MAX}, each once.`);
  if (approvers.some((pseudonym) => !isUuid(pseudonym)))
    return fault('CAMPAIGN_APPROVALS_INVALID', 'approvers', 'An approver is named by pseudonym.');
  if (!Number.isInteger(required) || required < 1 || required > most)
    return fault('CAMPAIGN_APPROVALS_INVALID', 'approvalsRequired', `From 1 to ${most}; got ${required}.`);
  return { approvalsRequired: required, approvers };
}

function extension(draft: PlanDraft, model: FundingModel): Outcome<Extension | null> {
  const [toleranceBp, days] = [draft.extensionToleranceBp ?? null, draft.extensionDays ?? null];
  if (toleranceBp === null && days === null) return null;
  if (model === 'keep_it_all')
    return fault(
      'CAMPAIGN_EXTENSION_INVALID',
      'extensionDays',
      'A keep-it-all campaign keeps what it has at its deadline.',
    );
  if (toleranceBp === null || !Number.isInteger(toleranceBp) || toleranceBp < 1 || toleranceBp > TOLERANCE_MAX_BP)
    return fault(
      'CAMPAIGN_EXTENSION_INVALID',
      'extensionToleranceBp',
      `From 1 to ${TOLERANCE_MAX_BP}; got ${toleranceBp}.`,
    );
  if (days === null || !Number.isInteger(days) || days < 1 || days > EXTENSION_MAX_DAYS)
    return fault('CAMPAIGN_EXTENSION_INVALID', 'extensionDays', `From 1 to ${EXTENSION_MAX_DAYS}; got ${days}.`);
  return { toleranceBp, days };
}
