import { currencyScale, formatMinorUnits } from '#kernel';

type Payload = Record<string, unknown>;

const SIGNS: Record<string, string> = { USD: '$', EUR: '€', GBP: '£', JPY: '¥' };

/** An amount in its own currency, with thousands apart: "¥7,777", "$200,000,000.00". */
function amountOf(minor: unknown, currency: unknown): string {
  if (typeof minor !== 'string' || !/^-?\d+$/.test(minor)) return 'an amount';
  // The first events of all, before there were currencies, were in dollars.
  const code = typeof currency === 'string' ? currency : 'USD';
  const [whole = '', part] = formatMinorUnits(BigInt(minor), currencyScale(code)).split('.');
  const text = `${whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',')}${part === undefined ? '' : `.${part}`}`;
  const sign = SIGNS[code];
  return sign ? `${sign}${text}` : `${text} ${code}`;
}

/** An amount of the event's own currency. */
const amount = (p: Payload, field = 'amountMinor'): string => amountOf(p[field], p['currency']);

/** An amount that carries its currency itself. */
function money(value: unknown): string {
  const { amountMinor, currency } = (value ?? {}) as { amountMinor?: unknown; currency?: unknown };
  return amountOf(amountMinor, currency);
}

const RAILS: Record<string, string> = {
  card: 'by card',
  us_bank_account: 'by debit of a US bank account',
  sepa_debit: 'by SEPA debit',
  bank_transfer: 'by bank transfer',
};
const tranche = (p: Payload): string => `Tranche ${String(p['number'])}`;

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
  'pledge.cash.created': (p) => `${amount(p)} promised ${RAILS[String(p['rail'])] ?? ''}`.trimEnd(),
  'pledge.cash.captured': (p) =>
    p['feeMinor'] === '0'
      ? `${amount(p)} came`
      : `${amount(p)} came; the processor took ${amount(p, 'feeMinor')} as its fee`,
  'pledge.cash.fee_charged': (p) => `The processor took ${amount(p, 'feeMinor')} for a bank transfer`,
  'pledge.cash.failed': (p) =>
    p['code'] === 'authentication_failed' ? 'A payment was not confirmed with its bank' : 'A payment was declined',
  'pledge.cash.cancelled': () => 'A pledge was withdrawn before it was paid',
  'pledge.cash.refunded': (p) => `${amount(p)} refunded`,
  'pledge.cash.refund_failed': (p) => `A refund of ${amount(p)} did not reach its owner; somebody looks after it`,
  'pledge.cash.disputed': (p) => `${amount(p)} disputed by whoever paid it`,
  'pledge.cash.dispute_closed': (p) => `A dispute over ${amount(p)} was ${p['won'] === true ? 'won' : 'lost'}`,
  'disbursement.planned': () => 'It is planned how the money leaves',
  'disbursement.fees_borne': (p) => `${money(p['moved'])} of fees taken from what was raised`,
  'disbursement.reserve_sized': (p) => `${money(p['target'])} held back for disputes`,
  'disbursement.exchanged': (p) => `${money(p['gave'])} exchanged into ${money(p['got'])}`,
  'disbursement.evidence_submitted': (p) => `${tranche(p)}: evidence submitted`,
  'disbursement.evidence_rejected': (p) => `${tranche(p)}: evidence sent back`,
  'disbursement.approval_given': (p) => `${tranche(p)}: an approval given`,
  'disbursement.vote_closed': (p) => `${tranche(p)}: the vote of the backers is over`,
  'disbursement.approved': (p) => `${tranche(p)} approved`,
  'disbursement.held': (p) => `${tranche(p)} held: ${String(p['reason'])}`,
  'disbursement.hold_lifted': (p) => `${tranche(p)} goes on`,
  'disbursement.reserved': (p) => `${tranche(p)}: ${money(p['amount'])} set aside`,
  'disbursement.in_transit': (p) => `${tranche(p)} is on its way to the bank`,
  'disbursement.succeeded': (p) => `${tranche(p)} paid out`,
  'disbursement.failed': (p) => `${tranche(p)} did not arrive; its money is back in escrow`,
  'disbursement.retried': (p) => `${tranche(p)} is tried again`,
  'disbursement.tranche_canceled': (p) => `${tranche(p)} given up; its money stays for the backers`,
  'disbursement.canceled': () => 'No more money leaves',
  'disbursement.closed': () => 'The last money has left',
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
