import { type CampaignRow, takesPledges } from '#campaigns';
import { type Outcome, Refused, isRefused, newId, parseMinorUnits } from '#kernel';
import { RAIL_TERMS, type Rail } from '#payments';
import { refusePledge } from '../pledge.refusal.js';
import type { NewCashPledge } from '../store/cash-pledge.store.js';
import { type CashPledgeState, cashPledgeMachine, isPromise } from './cash-pledge.machine.js';
import { instalmentCount } from './instalment.rule.js';

/** What somebody asks to pledge. Amounts in minor units of `currency`. */
export interface AskedPledge {
  readonly campaignId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly rail: Rail;
  readonly isAnonymous: boolean;
  readonly displayName: string | null;
  readonly idempotencyKey: string;
  readonly billing: Billing | null;
  /** The month of a plan that this pledge is, charged with the plan's method. */
  readonly month: { readonly planId: string; readonly month: number; readonly savedMethodId: string } | null;
}

/** Whom an invoice is made out to. */
export interface Billing {
  readonly organisation: string;
  readonly address: string;
  readonly taxId: string | null;
  readonly reference: string | null;
}

/** A pledge may be charged in so many parts; a bank transfer comes in one piece, however large. */
const MOST_CHARGES = 20;
/** Checks an amount against what can be booked and what the rail can carry; the number of payments it takes. */
export function railAmount(amountMinor: bigint, currency: string, rail: Rail): Outcome<number> {
  const path = ['input', 'amountMinor'];
  const amount = parseMinorUnits(String(amountMinor), path);
  if (isRefused(amount)) return amount;
  const terms = RAIL_TERMS[rail];
  const own = terms.currencies[currency];
  if (own === undefined) {
    const known = Object.keys(terms.currencies).join(', ');
    return RAIL_TERMS.card.currencies[currency] === undefined
      ? refusePledge('PLEDGE_CURRENCY_UNSUPPORTED', ['input', 'currency'], `Got "${currency.slice(0, 10)}".`)
      : refusePledge('PLEDGE_RAIL_UNAVAILABLE', ['input', 'rail'], `This way moves ${known}.`);
  }
  if (amount < own.minimumMinor)
    return refusePledge('PLEDGE_AMOUNT_TOO_SMALL', path, `Got ${amount}, the least is ${own.minimumMinor}.`);
  if (rail === 'bank_transfer') return 1;
  const count = instalmentCount(amount, terms.ceilingMinor);
  return count <= MOST_CHARGES
    ? count
    : refusePledge('PLEDGE_AMOUNT_ABOVE_CARD_LIMIT', path, `Got ${amount} minor units, ${count} charges.`);
}

export const idempotencyKey = (key: string): Outcome<string> =>
  /^[A-Za-z0-9_:.-]{8,100}$/.test(key)
    ? key
    : refusePledge('PLEDGE_IDEMPOTENCY_KEY_INVALID', ['input', 'idempotencyKey'], `Got ${key.length} characters.`);

/** The name to be shown with a pledge: a line of up to 80 characters, or the account's own. */
export function displayName(name: string | null | undefined): Outcome<string | null> {
  const text = name?.trim() ?? '';
  if (text === '') return null;
  return text.length <= 80 && !/\p{Cc}/u.test(text)
    ? text
    : refusePledge('PLEDGE_TEXT_INVALID', ['input', 'displayName'], 'Give one line of at most 80 characters.');
}

/** Checks whom an invoice is made out to; null when none is wanted. */
export function billingOf(asked: Partial<Billing> | null | undefined): Outcome<Billing | null> {
  if (!asked) return null;
  const faults: Refused[] = [];
  const line = (field: keyof Billing, most: number, needed: boolean): string => {
    const text = asked[field]?.trim() ?? '';
    if (text.length > most || (needed && text === ''))
      faults.push(refusePledge('PLEDGE_TEXT_INVALID', ['input', 'invoice', field], `Give 1 to ${most} characters.`));
    return text;
  };
  const billing = {
    organisation: line('organisation', 120, true),
    address: line('address', 400, true),
    taxId: line('taxId', 40, false) || null,
    reference: line('reference', 60, false) || null,
  };
  return faults.length > 0 ? new Refused(faults.flatMap((fault) => fault.refusals)) : billing;
}

/** Whether the campaign takes a pledge at this moment; undefined when it does. */
export function campaignRefusal(campaign: CampaignRow | undefined, now: Date): Refused | undefined {
  const path = ['input', 'campaignId'];
  // Drafts and campaigns in review are nobody's business yet: they look like none.
  if (!campaign || campaign.state === 'draft' || campaign.state === 'in_review' || campaign.state === 'rejected')
    return refusePledge('PLEDGE_CAMPAIGN_NOT_FOUND', path);
  if (takesPledges(campaign.state, campaign.deadline, now)) return undefined;
  const past = now >= campaign.deadline;
  const detail = past ? `Its deadline was ${campaign.deadline.toISOString()}.` : `It is ${campaign.state}.`;
  return refusePledge('PLEDGE_CAMPAIGN_CLOSED', path, detail);
}

/** The exact rate by which a pledge in another currency counts. */
export interface CountedAt {
  readonly countedMinor: bigint;
  readonly exchangeRate: string | null;
}

/** How the pledge begins: its first state follows from its rail and from how its campaign is funded. */
export function beginning(asked: AskedPledge, campaign: CampaignRow, at: CountedAt): Outcome<NewCashPledge> {
  const count = railAmount(asked.amountMinor, asked.currency, asked.rail);
  if (isRefused(count)) return count;
  const byTransfer = asked.rail === 'bank_transfer';
  const isDeferred = campaign.fundingModel === 'all_or_nothing' && !byTransfer;
  const state = firstState(asked, isDeferred, count);
  return {
    id: newId(),
    campaignId: asked.campaignId,
    contributorId: asked.contributorId,
    pseudonym: asked.pseudonym,
    amountMinor: asked.amountMinor,
    currency: asked.currency,
    countedMinor: at.countedMinor,
    exchangeRate: at.exchangeRate,
    rail: asked.rail,
    isDeferred,
    instalments: count,
    termsVersion: campaign.termsVersion,
    state,
    isPromised: isPromise(state),
    isAnonymous: asked.isAnonymous,
    displayName: asked.displayName,
    idempotencyKey: asked.idempotencyKey,
    expiresAt: byTransfer
      ? new Date(campaign.deadline.getTime() + campaign.plan.windows.settlementWindowSeconds * 1000)
      : null,
    savedMethodId: asked.month?.savedMethodId ?? null,
    planId: asked.month?.planId ?? null,
    planMonth: asked.month?.month ?? null,
  };
}

function firstState(asked: AskedPledge, isDeferred: boolean, count: number): CashPledgeState {
  const walk = (...events: Parameters<typeof cashPledgeMachine.next>[1][]): CashPledgeState =>
    events.reduce<CashPledgeState>((state, event) => cashPledgeMachine.next(state, event) ?? state, 'created');
  if (asked.rail === 'bank_transfer') return walk('issue_instructions');
  // A plan's method is saved already: its month waits for the close, or is charged now.
  if (asked.month) return isDeferred ? walk('ask_method', 'save_method') : walk('charge');
  return isDeferred || count > 1 ? walk('ask_method') : 'created';
}
