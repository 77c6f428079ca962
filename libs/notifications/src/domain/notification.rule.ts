import { currencyScale, formatMinorUnits } from '#kernel';

/*
 * 1. A message says what happened, what it means for the reader and what can be done, in that order.
 * 2. The words are ours: of what others wrote only titles are repeated, as plain text.
 * 3. Who reads it is a group that the database resolves; a message names no person.
 */

/** What a person can choose about: each kind is one line of the preferences. */
export const KINDS = {
  payment: 'Payments that need you: a card that was refused, a transfer that is short, a debit to come.',
  outcome: 'How a campaign ended that you stand behind, and what becomes of your pledge.',
  treasury: 'Disputes, refunds that got stuck and payouts that wait, of projects that you answer for.',
  receipt: 'Money that was collected from you or returned to you.',
  update: 'News that organisers publish for their backers.',
  compute: 'What becomes of GPU time that you offered.',
  report: 'Reports about runs that you helped to pay.',
} as const;
export type Kind = keyof typeof KINDS;

/** Kinds that always go by mail too: one's money, or a duty that one took on. */
export const REQUIRED_KINDS: readonly Kind[] = ['payment', 'outcome', 'treasury'];

/** Who is told. `backer` is the person behind the event's pledge; `backers` everybody who promised or gave. */
export type Audience = 'backer' | 'backers' | 'treasury' | 'approvers';

export interface MessageFacts {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly campaign: { readonly slug: string; readonly title: string } | undefined;
}
export interface Message {
  readonly title: string;
  readonly body: string;
  readonly link: string;
}
export interface NotificationRule {
  readonly type: string;
  readonly audience: Audience;
  readonly kind: Kind;
  /** Undefined when this event is nothing to tell anybody. */
  readonly write: (facts: MessageFacts) => Message | undefined;
}

/** "25.00 USD" of an event's amount; empty when the event names none. */
export function amountOf(payload: MessageFacts['payload'], field = 'amountMinor'): string {
  const amount = payload[field];
  const currency = payload['currency'];
  if (typeof amount !== 'string' || !/^-?\d+$/.test(amount) || typeof currency !== 'string') return '';
  return `${formatMinorUnits(BigInt(amount), currencyScale(currency))} ${currency}`;
}

const titleOf = ({ campaign }: MessageFacts): string => `“${campaign?.title ?? 'a campaign'}”`;
const campaignLink = ({ campaign }: MessageFacts, below = ''): string =>
  campaign ? `/campaigns/${encodeURIComponent(campaign.slug)}${below}` : '/account';
const some = (facts: MessageFacts): string => amountOf(facts.payload) || 'Your pledge';

type Row = readonly [type: string, audience: Audience, kind: Kind, write: NotificationRule['write']];

const rows: readonly Row[] = [
  [
    'pledge.cash.reminder_due',
    'backer',
    'payment',
    (f) => ({
      title: `Your pledge to ${titleOf(f)} is not paid yet`,
      body: `${some(f)} could not be collected. Pay it from your account with the same or another card before the campaign's window ends; after that the pledge is dropped and nothing is charged.`,
      link: '/account',
    }),
  ],
  [
    'pledge.cash.needs_action',
    'backer',
    'payment',
    (f) => ({
      title: `Your bank asks you to confirm your pledge to ${titleOf(f)}`,
      body: `${some(f)} waits for you. Confirm it from your account; nothing is charged without you.`,
      link: '/account',
    }),
  ],
  [
    'pledge.cash.debit_due',
    'backer',
    'payment',
    (f) => ({
      title: `A payment to ${titleOf(f)} is due soon`,
      body: `${some(f)} will be collected from the method that you saved. You can stop it, or change the method, in your account.`,
      link: '/account',
    }),
  ],
  [
    'pledge.cash.partially_funded',
    'backer',
    'payment',
    (f) => ({
      title: `Part of your transfer for ${titleOf(f)} has arrived`,
      body: 'The pledge holds once the rest is there. Your account shows what is missing and where to send it.',
      link: '/account',
    }),
  ],
  [
    'pledge.cash.expired',
    'backer',
    'payment',
    (f) => ({
      title: `Your transfer for ${titleOf(f)} did not arrive in time`,
      body: 'The pledge has expired. What arrives later stays yours: your account offers its return.',
      link: '/account',
    }),
  ],
  [
    'pledge.cash.dropped',
    'backer',
    'payment',
    (f) => ({
      title: `Your pledge to ${titleOf(f)} was dropped`,
      body: 'It could not be collected until the end of the window. Nothing was charged.',
      link: '/account',
    }),
  ],
  [
    'pledge.cash.refund_failed',
    'backer',
    'payment',
    (f) => ({
      title: `A refund to you did not reach you`,
      body: `Your bank sent ${some(f)} back. The treasurers of ${titleOf(f)} have been told and will find another way; the money is held for you.`,
      link: '/account',
    }),
  ],
  [
    'pledge.cash.captured',
    'backer',
    'receipt',
    (f) => ({
      title: `${some(f)} collected for ${titleOf(f)}`,
      body: 'Thank you. Your account has the receipt, and the ledger shows where each cent is.',
      link: '/account',
    }),
  ],
  [
    'pledge.cash.refunded',
    'backer',
    'receipt',
    (f) => ({
      title: `${some(f)} returned to you from ${titleOf(f)}`,
      body: 'It goes back the way it came. Banks take up to ten days to show it.',
      link: '/account',
    }),
  ],
  [
    'pledge.compute.accepted',
    'backer',
    'compute',
    (f) => ({
      title: `Your GPU time was accepted by ${titleOf(f)}`,
      body: 'Make a join token in your account and start the agent on the machine that you lend.',
      link: '/account',
    }),
  ],
  [
    'pledge.compute.fulfilled',
    'backer',
    'compute',
    (f) => ({
      title: `Your GPU time for ${titleOf(f)} is fulfilled`,
      body: 'What was accepted is credited to you on record. Thank you.',
      link: '/account',
    }),
  ],
  [
    'campaign.extended',
    'backers',
    'outcome',
    (f) => ({
      title: `${titleOf(f)} is short of its goal and asks for more time`,
      body: 'Your pledge goes along only if you agree. Without your consent it is released and nothing is charged.',
      link: campaignLink(f),
    }),
  ],
  [
    'campaign.succeeded',
    'backers',
    'outcome',
    (f) => ({
      title: `${titleOf(f)} has reached what it needs`,
      body: 'Its money is held in escrow and leaves it only as its terms say. The page shows each step.',
      link: campaignLink(f),
    }),
  ],
  [
    'campaign.failed',
    'backers',
    'outcome',
    (f) => ({
      title: `${titleOf(f)} did not reach its goal`,
      body: 'Saved cards are released uncharged, and everything that was collected goes back.',
      link: campaignLink(f),
    }),
  ],
  [
    'campaign.cancelled',
    'backers',
    'outcome',
    (f) => ({
      title: `${titleOf(f)} was cancelled`,
      body: 'Saved cards are released uncharged, and everything that was collected goes back.',
      link: campaignLink(f),
    }),
  ],
  [
    'campaign.suspended',
    'backers',
    'outcome',
    (f) => ({
      title: `${titleOf(f)} is suspended`,
      body: 'Nothing is charged and nothing is paid out until it is resumed or cancelled.',
      link: campaignLink(f),
    }),
  ],
  [
    'campaign.update.published',
    'backers',
    'update',
    (f) => ({
      title: `News from ${titleOf(f)}`,
      body: typeof f.payload['title'] === 'string' ? f.payload['title'] : 'Its organisers have written to you.',
      link: campaignLink(f, '/updates'),
    }),
  ],
  [
    'pledge.cash.disputed',
    'treasury',
    'treasury',
    (f) => ({
      title: `A payment to ${titleOf(f)} is disputed`,
      body: `${amountOf(f.payload)} was taken back by a bank and stands in dispute. Answer it at the payment processor before its date.`,
      link: campaignLink(f, '/manage'),
    }),
  ],
  [
    'refund_case.opened',
    'treasury',
    'treasury',
    (f) => ({
      title: `A refund of ${titleOf(f)} is stuck`,
      body: 'It did not reach its owner. Take the case and find another way.',
      link: campaignLink(f, '/manage'),
    }),
  ],
  [
    'disbursement.evidence_submitted',
    'approvers',
    'treasury',
    (f) => ({
      title: `A tranche of ${titleOf(f)} waits for approval`,
      body: 'Evidence was submitted. Look at it and approve or reject it, with your reason.',
      link: campaignLink(f, '/money'),
    }),
  ],
  [
    'disbursement.evidence_rejected',
    'treasury',
    'treasury',
    (f) => ({
      title: `Evidence for a tranche of ${titleOf(f)} was rejected`,
      body: 'The reason stands on the page of its money. Submit better evidence when you have it.',
      link: campaignLink(f, '/money'),
    }),
  ],
  [
    'disbursement.failed',
    'treasury',
    'treasury',
    (f) => ({
      title: `A payout of ${titleOf(f)} failed`,
      body: 'The money is back with the campaign. Check the payout account and try again.',
      link: campaignLink(f, '/money'),
    }),
  ],
  [
    'run.completed',
    'backers',
    'report',
    (f) => ({
      title: `The training of ${titleOf(f)} is done`,
      body: 'Its checkpoint and its report are on the page, each figure with its proof.',
      link: campaignLink(f),
    }),
  ],
];

/** Every message that the product sends, in one table. */
export const NOTIFICATION_RULES: readonly NotificationRule[] = rows.map(([type, audience, kind, write]) => ({
  type,
  audience,
  kind,
  write,
}));
