import type { Outcome } from '#kernel';
import { refuseCampaign } from '../campaign.refusal.js';

/*
 * How long things take: charging the frozen pledges, the wait before the first payout, and how long a share stays back
 * for disputes of each rail. A window is never shorter than the platform allows, so that nobody rushes backers or banks.
 */

export interface Windows {
  /** How long frozen pledges are charged and charged again, from the moment they are frozen. */
  readonly settlementWindowSeconds: number;
  readonly retryEverySeconds: number;
  /** From success until the first money may leave. */
  readonly safetyWindowSeconds: number;
  /** How long a share is held back for disputes, per rail, from the day it was collected. */
  readonly reserveDays: {
    readonly card: number;
    readonly us_bank_account: number;
    readonly sepa_debit: number;
    readonly bank_transfer: number;
  };
}

export interface WindowsDraft {
  readonly settlementWindowSeconds?: number | null | undefined;
  readonly retryEverySeconds?: number | null | undefined;
  readonly safetyWindowSeconds?: number | null | undefined;
  readonly reserveDays?:
    { readonly [K in keyof Windows['reserveDays']]?: number | null | undefined } | null | undefined;
}

const DAY = 86_400;

/** 7 days with a try every 48 hours; 14 days until money leaves; card disputes 120 days, ACH returns 60, SEPA 8 weeks. */
export const USUAL_WINDOWS: Windows = {
  settlementWindowSeconds: 7 * DAY,
  retryEverySeconds: 2 * DAY,
  safetyWindowSeconds: 14 * DAY,
  reserveDays: { card: 120, us_bank_account: 60, sepa_debit: 56, bank_transfer: 0 },
};

/** The shortest window in seconds: a day where real money moves, a second where it is tried out. */
export const shortestWindowSeconds = (environment: string): number => (environment === 'production' ? DAY : 1);

const LONGEST = 90 * DAY;
const RESERVE_MAX_DAYS = 365;

export function windows(draft: WindowsDraft, shortest: number): Outcome<Windows> {
  const bad = (field: string, detail: string) =>
    refuseCampaign('CAMPAIGN_WINDOW_INVALID', ['input', 'windows', ...field.split('.')], detail);
  const seconds = {
    settlementWindowSeconds: draft.settlementWindowSeconds ?? USUAL_WINDOWS.settlementWindowSeconds,
    retryEverySeconds: draft.retryEverySeconds ?? USUAL_WINDOWS.retryEverySeconds,
    safetyWindowSeconds: draft.safetyWindowSeconds ?? USUAL_WINDOWS.safetyWindowSeconds,
  };
  for (const [field, value] of Object.entries(seconds))
    if (!Number.isInteger(value) || value < shortest || value > LONGEST)
      return bad(field, `From ${shortest} to ${LONGEST} seconds; got ${value}.`);
  if (draft.retryEverySeconds == null && seconds.retryEverySeconds > seconds.settlementWindowSeconds)
    seconds.retryEverySeconds = seconds.settlementWindowSeconds;
  if (seconds.retryEverySeconds > seconds.settlementWindowSeconds)
    return bad('retryEverySeconds', 'It is longer than the window in which pledges are charged.');
  const reserveDays = {
    card: draft.reserveDays?.card ?? USUAL_WINDOWS.reserveDays.card,
    us_bank_account: draft.reserveDays?.us_bank_account ?? USUAL_WINDOWS.reserveDays.us_bank_account,
    sepa_debit: draft.reserveDays?.sepa_debit ?? USUAL_WINDOWS.reserveDays.sepa_debit,
    bank_transfer: draft.reserveDays?.bank_transfer ?? USUAL_WINDOWS.reserveDays.bank_transfer,
  };
  for (const [rail, days] of Object.entries(reserveDays))
    if (!Number.isInteger(days) || days < 0 || days > RESERVE_MAX_DAYS)
      return bad(`reserveDays.${rail}`, `From 0 to ${RESERVE_MAX_DAYS} days; got ${days}.`);
  return { ...seconds, reserveDays };
}
