import { type Refused, refuse } from '#kernel';

/** Everything that pledges refuse, with what would be right. */
const REFUSALS = {
  PLEDGE_AMOUNT_ABOVE_CARD_LIMIT: {
    message: 'A card can carry at most $999,999.99 in one payment.',
    hint: 'Split the pledge into several, or write to the campaign about a bank transfer.',
  },
  PLEDGE_AMOUNT_TOO_SMALL: {
    message: 'A card payment starts at $0.50.',
    hint: 'Give an amountMinor of at least 50.',
  },
  PLEDGE_AVAILABILITY_INVALID: {
    message: 'The availability is not a recurrence rule that can be used.',
    hint: 'Give an RFC 5545 rule such as "FREQ=DAILY;BYHOUR=20,21,22", or leave it out for any time.',
  },
  PLEDGE_CAMPAIGN_CLOSED: {
    message: 'The campaign takes no pledges now.',
    hint: 'Pledge to a campaign that is live and before its deadline.',
  },
  PLEDGE_CAMPAIGN_NOT_FOUND: {
    message: 'There is no campaign with this id.',
    hint: 'Take the id from the query campaigns.',
  },
  PLEDGE_CLASS_MISMATCH: {
    message: 'The campaign needs another accelerator class.',
    hint: 'Offer the class of the campaign’s compute goal.',
  },
  PLEDGE_CLASS_UNKNOWN: {
    message: 'There is no accelerator class of this name.',
    hint: 'Take a class from the query acceleratorClasses, for example "h100-sxm-80" or "cpu".',
  },
  PLEDGE_COUNT_INVALID: {
    message: 'The number of devices is outside what can be pledged.',
    hint: 'Give a whole number from 1 to 65536.',
  },
  PLEDGE_CURRENCY_MISMATCH: {
    message: 'The campaign raises another currency.',
    hint: 'Give the currency of the campaign’s cash goal.',
  },
  PLEDGE_FORBIDDEN: {
    message: 'This pledge is not yours to change.',
    hint: 'Its backer may change it; a treasurer of the project may refund it.',
  },
  PLEDGE_IDEMPOTENCY_KEY_INVALID: {
    message: 'The idempotency key is not usable.',
    hint: 'Give 8 to 100 letters, digits, "-", "_", ":" or ".", new for each pledge, for example a UUID.',
  },
  PLEDGE_IDEMPOTENCY_MISMATCH: {
    message: 'This idempotency key was used for another pledge.',
    hint: 'Use a new key for a new pledge, or send the same particulars again.',
  },
  PLEDGE_NOT_FOUND: {
    message: 'There is no pledge with this id.',
    hint: 'Take the id from the field "id" of a pledge.',
  },
  PLEDGE_REGION_INVALID: {
    message: 'The region is not usable.',
    hint: 'Give a short code such as "eu-north" or an ISO 3166 code such as "DE".',
  },
  PLEDGE_RESERVED: {
    message: 'A running lease holds GPU time of this pledge.',
    hint: 'Drain the node first; the rest of the pledge can be withdrawn when the lease has ended.',
  },
  PLEDGE_STATE_INVALID: {
    message: 'The pledge is not in a state that allows this.',
    hint: 'Look at its state; the README of pledges shows which step is possible from where.',
  },
  PLEDGE_TEXT_INVALID: {
    message: 'The text is too long.',
    hint: 'Give at most 500 characters.',
  },
} as const satisfies Record<string, { message: string; hint: string }>;

export type PledgeRefusal = keyof typeof REFUSALS;
export const PLEDGE_REFUSALS = Object.keys(REFUSALS) as readonly PledgeRefusal[];

export const refusePledge = (code: PledgeRefusal, path: readonly string[], detail?: string): Refused =>
  refuse({ code, ...REFUSALS[code], path, ...(detail === undefined ? {} : { detail }) });
