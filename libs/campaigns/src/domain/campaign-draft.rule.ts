import { type Outcome, Refused, isRefused, parseMinorUnits } from '#kernel';
import { refuseCampaign } from '../campaign.refusal.js';
import { FUNDING_MODELS, type FundingModel } from './campaign.machine.js';

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

export interface DraftTerms {
  readonly title: string;
  readonly summary: string;
  readonly fundingModel: FundingModel;
  readonly cashGoalMinor: bigint;
  readonly currency: Currency;
  readonly computeGoalMs: bigint;
  readonly gpuClass: string;
  readonly deadline: Date;
}

/** What a campaign can raise; the ledger knows how many decimals each has. */
export const CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF', 'CAD', 'JPY'] as const;
export type Currency = (typeof CURRENCIES)[number];

const YEAR_MS = 366 * 86_400_000;

/** Refuses a reason that says nothing. */
export const reasonRefusal = (reason: string): Refused | undefined =>
  reason.trim().length >= 3 && reason.length <= 500
    ? undefined
    : refuseCampaign('CAMPAIGN_TEXT_INVALID', ['input', 'reason'], `Got ${reason.trim().length} characters.`);

/** Refuses texts that can't be shown, every fault at once; what isn't given is fine. */
export function textRefusal(texts: {
  readonly title?: string | null | undefined;
  readonly summary?: string | null | undefined;
}): Refused | undefined {
  const faults = [
    texts.title == null ? undefined : titleRefusal(texts.title.trim()),
    texts.summary == null ? undefined : summaryRefusal(texts.summary.trim()),
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

/**
 * Checks what an organiser asks for against the recipe's class and the present moment (null: the deadline isn't looked
 * at). Every fault is named at once.
 */
export function draftTerms(draft: CampaignDraft, recipeClass: string, now: Date | null): Outcome<DraftTerms> {
  const title = draft.title.trim();
  const summary = draft.summary.trim();
  const cashGoal = readGoal(draft.cashGoalMinor, 'cashGoalMinor');
  const computeGoal = readGoal(draft.computeGoalMilliseconds, 'computeGoalMilliseconds');
  const faults = [
    titleRefusal(title),
    summaryRefusal(summary),
    FUNDING_MODELS.includes(draft.fundingModel as FundingModel)
      ? undefined
      : refuseCampaign(
          'CAMPAIGN_FUNDING_MODEL_UNKNOWN',
          ['input', 'fundingModel'],
          `Got "${draft.fundingModel.slice(0, 40)}"; known are ${FUNDING_MODELS.join(', ')}.`,
        ),
    CURRENCIES.includes(draft.currency as Currency)
      ? undefined
      : refuseCampaign(
          'CAMPAIGN_CURRENCY_UNSUPPORTED',
          ['input', 'currency'],
          `Got "${draft.currency.slice(0, 10)}"; known are ${CURRENCIES.join(', ')}.`,
        ),
    isRefused(cashGoal) ? cashGoal : undefined,
    isRefused(computeGoal) ? computeGoal : undefined,
    !isRefused(cashGoal) && !isRefused(computeGoal) && cashGoal + computeGoal === 0n
      ? refuseCampaign('CAMPAIGN_GOAL_MISSING', ['input', 'cashGoalMinor'])
      : undefined,
    draft.computeClass && draft.computeClass !== recipeClass
      ? refuseCampaign('CAMPAIGN_CLASS_MISMATCH', ['input', 'computeClass'], `The recipe runs on "${recipeClass}".`)
      : undefined,
    now === null ? undefined : checkDeadline(draft.deadline, now),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) return new Refused(faults.flatMap((fault) => fault.refusals));
  return {
    title,
    summary,
    fundingModel: draft.fundingModel as FundingModel,
    cashGoalMinor: cashGoal as bigint,
    currency: draft.currency as Currency,
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
