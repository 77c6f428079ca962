import { type PublishedBudget, type RecipeRow, budgetTerms, computeBudget, publishBudget } from '#catalog';
import { type Outcome, Refused, isRefused } from '#kernel';
import { type BudgetLineDraft, budgetLines, derivedComputeLine } from './domain/budget-line.rule.js';
import { type CampaignDraft, type DraftTerms, draftTerms } from './domain/campaign-draft.rule.js';
import { type CampaignPlan, type PlanDraft, type PlanGround, campaignPlan } from './domain/campaign-plan.rule.js';
import type { CampaignRow } from './store/campaign.store.js';

/** What an organiser writes. */
export interface DraftInput extends CampaignDraft, PlanDraft, BudgetInput {
  readonly autoAcceptCompute?: boolean | null | undefined;
}

interface BudgetInput {
  readonly mfu?: string | null | undefined;
  readonly overheadPercent?: number | null | undefined;
  readonly pricePerGpuHourMinor?: bigint | null | undefined;
}

/** A change of a draft: absent stays, null takes away what may be absent. */
export type DraftChange = {
  readonly [K in keyof Omit<DraftInput, 'currency' | 'computeClass'>]?: DraftInput[K] | null;
};

/** The compute budget of the recipe, with what the organiser sets instead of the usual. */
export function publishedBudget(recipe: RecipeRow, input: BudgetInput): Outcome<PublishedBudget> {
  const { mfu, overheadPercent, pricePerGpuHourMinor } = input;
  const chosen = budgetTerms({ ...recipe, mfu, overheadPercent, pricePerGpuHourMinor });
  const budget = isRefused(chosen) ? chosen : computeBudget(chosen);
  return isRefused(budget) ? budget : publishBudget(budget);
}

/** A budget is priced in one currency; a campaign in another states its compute line itself. */
export function planGround(
  terms: Pick<CampaignRow, 'fundingModel' | 'cashGoalMinor' | 'computeGoalMs' | 'currency'>,
  budget: PublishedBudget,
  shortestWindowSeconds: number,
): PlanGround {
  const figures = {
    milliseconds: BigInt(budget.milliseconds),
    pricePerGpuHourMinor: BigInt(budget.pricePerGpuHourMinor),
  };
  return {
    fundingModel: terms.fundingModel,
    cashGoalMinor: terms.cashGoalMinor,
    computeGoalMs: terms.computeGoalMs,
    derived: terms.currency === budget.currency ? derivedComputeLine(figures, terms.computeGoalMs) : undefined,
    shortestWindowSeconds,
  };
}

interface ChangedDraft extends DraftTerms {
  readonly autoAcceptCompute: boolean;
  readonly budget: PublishedBudget;
  readonly plan: CampaignPlan;
}

/** The draft with the change made, judged as if it had been written that way. */
export function changedDraft(
  campaign: CampaignRow,
  edit: DraftChange,
  recipe: RecipeRow,
  at: { readonly now: Date; readonly shortestWindowSeconds: number },
): Outcome<ChangedDraft> {
  const given = definedOnly(edit);
  const wanted = { ...draftOf(campaign), ...(edit.cashOptimumMinor === undefined ? {} : { surplus: null }), ...given };
  // A deadline that isn't touched may have passed; handing the draft to review asks for one ahead.
  const terms = draftTerms(wanted, campaign.gpuClass, given.deadline ? at.now : null);
  if (isRefused(terms)) return terms;
  const priced = ['mfu', 'overheadPercent', 'pricePerGpuHourMinor'].some((field) => field in given);
  const budget = priced ? publishedBudget(recipe, { ...budgetInput(campaign.budget), ...given }) : campaign.budget;
  if (isRefused(budget)) return budget;
  const ground = planGround(terms, budget, at.shortestWindowSeconds);
  const lines = 'budgetLines' in given ? edit.budgetLines : keptLines(campaign, at.shortestWindowSeconds);
  const plan = campaignPlan({ ...wanted, budgetLines: lines }, ground);
  if (isRefused(plan)) return plan;
  return { ...terms, budget, plan, autoAcceptCompute: edit.autoAcceptCompute ?? campaign.autoAcceptCompute };
}

/** The lines of a draft, unless they are those that every draft starts with: those follow its goal. */
function keptLines(campaign: CampaignRow, shortestWindowSeconds: number): readonly BudgetLineDraft[] | null {
  const ground = planGround(campaign, campaign.budget, shortestWindowSeconds);
  const usual = budgetLines(null, campaign.cashGoalMinor, ground.derived);
  const same =
    !(usual instanceof Refused) && JSON.stringify(usual) === JSON.stringify(campaign.plan.budgetLines.map(inOrder));
  return same ? null : campaign.plan.budgetLines.map((line) => ({ ...line, amountMinor: BigInt(line.amountMinor) }));
}

// PostgreSQL gives the keys of jsonb back in an order of its own.
const inOrder = ({ kind, amountMinor, note }: CampaignPlan['budgetLines'][number]) => ({ kind, amountMinor, note });

const big = (text: string | null): bigint | null => (text === null ? null : BigInt(text));

/** A stored draft as its organiser would write it. */
function draftOf(c: CampaignRow): CampaignDraft & PlanDraft {
  const { plan } = c;
  return {
    title: c.title,
    summary: c.summary,
    fundingModel: c.fundingModel,
    cashGoalMinor: c.cashGoalMinor,
    currency: c.currency,
    computeGoalMilliseconds: c.computeGoalMs,
    deadline: c.deadline,
    cashOptimumMinor: big(plan.cashOptimumMinor),
    hardCapMinor: big(plan.hardCapMinor),
    stretchGoals: plan.stretchGoals.map((goal) => ({ ...goal, amount: BigInt(goal.amount) })),
    coverPricePerGpuHourMinor: plan.shortfall.rule === 'none' ? null : BigInt(plan.shortfall.pricePerGpuHourMinor),
    surplus: plan.surplus,
    tranches: plan.tranches,
    approvalsRequired: plan.approvalsRequired,
    approvers: plan.approvers,
    extensionToleranceBp: plan.extension?.toleranceBp ?? null,
    extensionDays: plan.extension?.days ?? null,
    windows: plan.windows,
  };
}

const budgetInput = (budget: PublishedBudget): BudgetInput => ({
  mfu: budget.mfu,
  overheadPercent: budget.overheadPercent,
  pricePerGpuHourMinor: BigInt(budget.pricePerGpuHourMinor),
});

const REQUIRED: ReadonlySet<string> = new Set(['title', 'summary', 'fundingModel', 'deadline']);

const definedOnly = (edit: DraftChange): Partial<DraftInput> =>
  Object.fromEntries(
    Object.entries(edit).filter(([field, value]) => value !== undefined && (value !== null || !REQUIRED.has(field))),
  ) as Partial<DraftInput>;
