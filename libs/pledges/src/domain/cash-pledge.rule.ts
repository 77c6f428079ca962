import { type CampaignRow, takesPledges } from '#campaigns';
import { type Outcome, type Refused, isRefused, parseMinorUnits } from '#kernel';
import { refusePledge } from '../pledge.refusal.js';

/** What a card can carry in one payment, in cents: Stripe's minimum for USD and the ceiling of its amount field. */
const CARD_MIN_MINOR = 50n;
const CARD_MAX_MINOR = 99_999_999n;

/** Checks an amount against what can be booked and what a card can carry. */
export function cardAmount(amountMinor: bigint): Outcome<bigint> {
  const path = ['input', 'amountMinor'];
  const amount = parseMinorUnits(String(amountMinor), path);
  if (isRefused(amount)) return amount;
  if (amount < CARD_MIN_MINOR) return refusePledge('PLEDGE_AMOUNT_TOO_SMALL', path, `Got ${amount} cents.`);
  if (amount > CARD_MAX_MINOR) return refusePledge('PLEDGE_AMOUNT_ABOVE_CARD_LIMIT', path, `Got ${amount} cents.`);
  return amount;
}

export const idempotencyKey = (key: string): Outcome<string> =>
  /^[A-Za-z0-9_:.-]{8,100}$/.test(key)
    ? key
    : refusePledge('PLEDGE_IDEMPOTENCY_KEY_INVALID', ['input', 'idempotencyKey'], `Got ${key.length} characters.`);

/** Whether the campaign takes a pledge at this moment; undefined when it does. */
export function campaignRefusal(campaign: CampaignRow | undefined, now: Date): Refused | undefined {
  const path = ['input', 'campaignId'];
  // Drafts and campaigns in review are nobody's business yet: they look like none.
  if (!campaign || campaign.state === 'draft' || campaign.state === 'in_review')
    return refusePledge('PLEDGE_CAMPAIGN_NOT_FOUND', path);
  if (takesPledges(campaign.state, campaign.deadline, now)) return undefined;
  const past = now >= campaign.deadline;
  const detail = past ? `Its deadline was ${campaign.deadline.toISOString()}.` : `It is ${campaign.state}.`;
  return refusePledge('PLEDGE_CAMPAIGN_CLOSED', path, detail);
}

export const currencyRefusal = (campaign: CampaignRow, currency: string): Refused | undefined =>
  currency === campaign.currency
    ? undefined
    : refusePledge('PLEDGE_CURRENCY_MISMATCH', ['input', 'currency'], `It raises ${campaign.currency}.`);
