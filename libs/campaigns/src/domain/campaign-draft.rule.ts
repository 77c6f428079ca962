import { type Outcome, Refused, isRefused, parseMinorUnits } from '#kernel';
import { refuseCampaign } from '../campaign.refusal.js';
import { FUNDING_MODELS, type FundingModel, OFFERED_FUNDING_MODELS } from './campaign.machine.js';

export interface CampaignDraft {
  readonly title: string;
  readonly summary: string;
  readonly fundingModel: string;
  readonly cashGoalMinor?: bigint | null | undefined;
  readonly currency: string;
  readonly computeGoalMilliseconds?: bigint | null | undefined;
  readonly computeClass?: string | null | undefined;
  readonly deadline: Date;
}

export interface CampaignTerms {
  readonly title: string;
  readonly summary: string;
  readonly fundingModel: FundingModel;
  readonly cashGoalMinor: bigint;
  readonly currency: 'USD';
  readonly computeGoalMs: bigint;
  readonly gpuClass: string;
  readonly deadline: Date;
}

const YEAR_MS = 366 * 86_400_000;

/** What may be changed while a campaign is a draft; the rest is fixed from the first row on. */
export interface DraftEdit {
  readonly title?: string | null | undefined;
  readonly summary?: string | null | undefined;
  readonly deadline?: Date | null | undefined;
}

/** Checks an edit of a draft, every fault at once; undefined when it may be made. */
export function editRefusal(edit: DraftEdit, now: Date): Refused | undefined {
  const faults = [
    edit.title == null ? undefined : titleRefusal(edit.title.trim()),
    edit.summary == null ? undefined : summaryRefusal(edit.summary.trim()),
    edit.deadline == null ? undefined : checkDeadline(edit.deadline, now),
  ].filter((fault) => fault !== undefined);
  return faults.length > 0 ? new Refused(faults.flatMap((fault) => fault.refusals)) : undefined;
}

const titleRefusal = (title: string): Refused | undefined =>
  title.length < 3 || title.length > 120 || /\p{Cc}/u.test(title)
    ? refuseCampaign('CAMPAIGN_TEXT_INVALID', ['input', 'title'], `Got ${title.length} characters.`)
    : undefined;

const summaryRefusal = (summary: string): Refused | undefined =>
  summary.length > 2000
    ? refuseCampaign('CAMPAIGN_TEXT_INVALID', ['input', 'summary'], `Got ${summary.length} characters.`)
    : undefined;

/** Checks what an organiser asks for against the recipe's class and the present moment. Every fault is named at once. */
export function campaignTerms(draft: CampaignDraft, recipeClass: string, now: Date): Outcome<CampaignTerms> {
  const title = draft.title.trim();
  const summary = draft.summary.trim();
  const cashGoal = readGoal(draft.cashGoalMinor, 'cashGoalMinor');
  const computeGoal = readGoal(draft.computeGoalMilliseconds, 'computeGoalMilliseconds');
  const faults = [
    titleRefusal(title),
    summaryRefusal(summary),
    OFFERED_FUNDING_MODELS.includes(draft.fundingModel as FundingModel)
      ? undefined
      : refuseCampaign(
          'CAMPAIGN_FUNDING_MODEL_UNAVAILABLE',
          ['input', 'fundingModel'],
          `Got "${draft.fundingModel.slice(0, 40)}"; known are ${FUNDING_MODELS.join(', ')}.`,
        ),
    draft.currency === 'USD'
      ? undefined
      : refuseCampaign('CAMPAIGN_CURRENCY_UNSUPPORTED', ['input', 'currency'], `Got "${draft.currency.slice(0, 10)}".`),
    isRefused(cashGoal) ? cashGoal : undefined,
    isRefused(computeGoal) ? computeGoal : undefined,
    !isRefused(cashGoal) && !isRefused(computeGoal) && cashGoal + computeGoal === 0n
      ? refuseCampaign('CAMPAIGN_GOAL_MISSING', ['input', 'cashGoalMinor'])
      : undefined,
    draft.computeClass && draft.computeClass !== recipeClass
      ? refuseCampaign('CAMPAIGN_CLASS_MISMATCH', ['input', 'computeClass'], `The recipe runs on "${recipeClass}".`)
      : undefined,
    checkDeadline(draft.deadline, now),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) return new Refused(faults.flatMap((fault) => fault.refusals));
  return {
    title,
    summary,
    fundingModel: draft.fundingModel as FundingModel,
    cashGoalMinor: cashGoal as bigint,
    currency: 'USD',
    computeGoalMs: computeGoal as bigint,
    gpuClass: recipeClass,
    deadline: draft.deadline,
  };
}

/** Undefined when the deadline is usable at this moment. */
export const checkDeadline = (deadline: Date, now: Date): Refused | undefined =>
  deadline > now && deadline.getTime() - now.getTime() <= YEAR_MS
    ? undefined
    : refuseCampaign('CAMPAIGN_DEADLINE_INVALID', ['input', 'deadline'], `Got ${deadline.toISOString()}.`);

const readGoal = (goal: bigint | null | undefined, field: string): Outcome<bigint> =>
  goal == null || goal === 0n ? 0n : parseMinorUnits(String(goal), ['input', field]);

/** The campaign's place in addresses: words of the title and the end of its id, which keeps it unique. */
export function campaignSlug(title: string, id: string): string {
  const words = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  return `${words || 'campaign'}-${id.slice(-6)}`;
}
