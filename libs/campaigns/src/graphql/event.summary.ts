import { formatMinorUnits } from '#kernel';

const dollars = (value: unknown): string =>
  typeof value === 'string' && /^-?\d+$/.test(value) ? `$${formatMinorUnits(BigInt(value), 2)}` : 'an amount';

const hours = (value: unknown): string =>
  typeof value === 'string' && /^\d+$/.test(value) ? `${formatMinorUnits(BigInt(value), 3)} s` : 'some time';

const day = (value: unknown): string => String(value).slice(0, 10);

const SETTLING: Record<string, string> = {
  deadline: 'The deadline passed; pledges are frozen and being charged',
  hard_cap: 'The hard cap is reached; pledges are frozen and being charged',
  extension_over: 'The extension is over; pledges are frozen and being charged',
};

const FAILED: Record<string, string> = {
  below_goal: 'Missed its goals; everything collected is refunded',
  nothing_given: 'Closed at its deadline with nothing given',
  collapse: 'Failed by collapse; everything collected is refunded',
};

type Payload = Record<string, unknown>;

const SENTENCES: Record<string, (p: Payload) => string> = {
  'campaign.submitted': () => 'Handed to review',
  'campaign.live': () => 'Went live',
  'campaign.settling': (p) => SETTLING[String(p['reason'])] ?? 'Pledges are frozen and being charged',
  'campaign.extended': (p) => `Narrowly short: extended until ${day(p['deadline'])}`,
  'campaign.succeeded': (p) =>
    p['goalsReached'] === false ? 'Closed at its deadline and keeps what was given' : 'Reached its goals',
  'campaign.failed': (p) => FAILED[String(p['reason'])] ?? 'Failed',
  'campaign.collapsed': () => 'Refunds and disputes brought it below its goal before any money had left',
  'campaign.suspended': (p) => `Suspended: ${String(p['reason'])}`,
  'campaign.resumed': () => 'Resumed',
  'campaign.cancelled': (p) => `Cancelled: ${String(p['reason'])}`,
  'campaign.refunding': () => 'Refunds began',
  'campaign.refunded': () => 'Every pledge is at its end',
  'campaign.closed': () => 'Closed: the last payout and every window for disputes are over',
  'campaign.amended': (p) => `Terms changed: version ${String(p['version'])}`,
  'campaign.stretch.reached': (p) => `Stretch goal ${String(p['number'])} reached: ${String(p['title'])}`,
  'campaign.update.published': (p) => `Update ${String(p['number'])} published`,
  'campaign.update.corrected': (p) => `Update ${String(p['number'])} corrected`,
  'campaign.training': () => 'Training began',
  'campaign.completed': () => 'Training is complete',
  'pledge.cash.created': (p) => `${dollars(p['amountMinor'])} promised by card`,
  'pledge.cash.captured': (p) =>
    `${dollars(p['amountMinor'])} captured, ${dollars(p['feeMinor'])} of it kept by the processor`,
  'pledge.cash.failed': (p) => `A card payment failed: ${String(p['code'])}`,
  'pledge.cash.cancelled': () => 'A card pledge was withdrawn before it was paid',
  'pledge.cash.refunded': (p) => `${dollars(p['amountMinor'])} refunded`,
  'pledge.cash.disputed': (p) => `${dollars(p['amountMinor'])} disputed by a cardholder`,
  'pledge.cash.dispute_closed': (p) =>
    `A dispute over ${dollars(p['amountMinor'])} was ${p['won'] === true ? 'won' : 'lost'}`,
  'pledge.compute.offered': (p) => `${hours(p['milliseconds'])} of ${String(p['class'])} offered`,
  'pledge.compute.accepted': (p) => `${hours(p['milliseconds'])} of ${String(p['class'])} accepted`,
  'pledge.compute.fulfilled': (p) =>
    p['returnedMs'] === '0'
      ? `${hours(p['milliseconds'])} of ${String(p['class'])} delivered in full`
      : `${hours(p['milliseconds'])} of ${String(p['class'])} delivered, ${hours(p['returnedMs'])} were not needed`,
  'pledge.compute.lapsed': (p) => `${hours(p['returnedMs'])} of ${String(p['class'])} not needed`,
  'pledge.compute.withdrawn': (p) => `${hours(p['returnedMs'])} of ${String(p['class'])} withdrawn by its donor`,
};

/** One line for people about a public event of a campaign. */
export const eventSummary = (type: string, payload: Payload): string => SENTENCES[type]?.(payload) ?? type;
