import { type Refused, refuse } from '#kernel';

/** Everything that pledges refuse, with what would be right. */
const REFUSALS = {
  PLEDGE_AMOUNT_ABOVE_CARD_LIMIT: {
    message: 'That is more than twenty charges of a card or an account can carry.',
    hint: 'Pledge it by bank transfer: rail BANK_TRANSFER carries any amount.',
  },
  PLEDGE_AMOUNT_TOO_LARGE: {
    message: 'The campaign can not be promised so much.',
    hint: 'Pledge at most what is left, in all ten trillion units of its currency.',
  },
  PLEDGE_AMOUNT_TOO_SMALL: {
    message: 'The amount is below what can be charged.',
    hint: 'The query railQuote shows the least amount of each way to pay.',
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
    message: 'The campaign raises another currency, and no rate between the two is known.',
    hint: 'Give the currency of the campaign’s cash goal, or one of the query exchangeRates.',
  },
  PLEDGE_CURRENCY_UNSUPPORTED: {
    message: 'Pledges can not be made in this currency.',
    hint: 'Give one of USD, EUR, GBP, CHF, CAD or JPY.',
  },
  PLEDGE_FORBIDDEN: {
    message: 'This pledge is not yours to change.',
    hint: 'Its backer may change it; a treasurer of the project may refund it.',
  },
  PLEDGE_HARD_CAP: {
    message: 'The campaign takes no more than its hard cap.',
    hint: 'Pledge at most what is left of it.',
  },
  PLEDGE_IDEMPOTENCY_KEY_INVALID: {
    message: 'The idempotency key is not usable.',
    hint: 'Give 8 to 100 letters, digits, "-", "_", ":" or ".", new for each pledge, for example a UUID.',
  },
  PLEDGE_IDEMPOTENCY_MISMATCH: {
    message: 'This idempotency key was used for another pledge.',
    hint: 'Use a new key for a new pledge, or send the same particulars again.',
  },
  PLEDGE_METHOD_IN_USE: {
    message: 'A charge by this card or account is under way, or is on the final list of a campaign that settles.',
    hint: 'Give that pledge another card or account instead; this one goes with it.',
  },
  PLEDGE_METHOD_NOT_FOUND: {
    message: 'You have saved no such card or account.',
    hint: 'Take the id from the query mySavedMethods.',
  },
  PLEDGE_NOT_FOUND: {
    message: 'There is no pledge with this id.',
    hint: 'Take the id from the field "id" of a pledge.',
  },
  PLEDGE_PLAN_INVALID: {
    message: 'A monthly pledge can not be planned like this.',
    hint: 'Give an end at least one month and at most sixty months ahead, by card or by debit.',
  },
  PLEDGE_RAIL_UNAVAILABLE: {
    message: 'This way to pay can not carry the pledge.',
    hint: 'The query railQuote says which ways can, and why the others can not.',
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
    message: 'The text is too long, or missing.',
    hint: 'Give at most 500 characters.',
  },
  PLEDGE_UNAPPLIED_CASH: {
    message: 'There is not so much unapplied cash.',
    hint: 'Take the amount from the query myUnappliedCash.',
  },
} as const satisfies Record<string, { message: string; hint: string }>;

export type PledgeRefusal = keyof typeof REFUSALS;
export const PLEDGE_REFUSALS = Object.keys(REFUSALS) as readonly PledgeRefusal[];

export const refusePledge = (code: PledgeRefusal, path: readonly string[], detail?: string): Refused =>
  refuse({ code, ...REFUSALS[code], path, ...(detail === undefined ? {} : { detail }) });
