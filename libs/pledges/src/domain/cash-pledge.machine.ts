import { stateMachine } from '#campaigns';

/*
 * 1. A pledge is charged at most once: it owns one payment, and `captured` is entered from an unpaid state only.
 * 2. A promise is no money: while `created` or `requires_action` the amount stands in memo accounts.
 * 3. Whatever the bank says later is booked, whatever the campaign's state: money that arrives for a cancelled pledge
 *    is captured and sent back, a dispute after a refund is a dispute.
 * 4. What was pledged (campaign, amount, currency, by whom) never changes.
 */

export const CASH_PLEDGE_STATES = [
  'created',
  'requires_action',
  'captured',
  'refund_pending',
  'refunded',
  'disputed',
  'charged_back',
  'failed',
  'cancelled',
] as const;
export type CashPledgeState = (typeof CASH_PLEDGE_STATES)[number];

export const CASH_PLEDGE_EVENTS = [
  'ask_action',
  'capture',
  'fail',
  'cancel',
  'request_refund',
  'refund_paid',
  'refund_failed',
  'open_dispute',
  'win_dispute',
  'lose_dispute',
] as const;
export type CashPledgeEvent = (typeof CASH_PLEDGE_EVENTS)[number];

export const cashPledgeMachine = stateMachine<CashPledgeState, CashPledgeEvent>(CASH_PLEDGE_STATES, [
  { from: 'created', event: 'ask_action', to: 'requires_action', guard: 'the bank wants the cardholder' },
  { from: 'created', event: 'capture', to: 'captured' },
  { from: 'created', event: 'fail', to: 'failed' },
  { from: 'created', event: 'cancel', to: 'cancelled' },
  { from: 'requires_action', event: 'capture', to: 'captured' },
  { from: 'requires_action', event: 'fail', to: 'failed' },
  { from: 'requires_action', event: 'cancel', to: 'cancelled' },
  { from: 'failed', event: 'ask_action', to: 'requires_action', guard: 'another card on the same payment' },
  { from: 'failed', event: 'capture', to: 'captured', guard: 'another card on the same payment' },
  { from: 'failed', event: 'cancel', to: 'cancelled' },
  { from: 'cancelled', event: 'capture', to: 'captured', guard: 'paid in the same moment; a refund follows' },
  { from: 'captured', event: 'request_refund', to: 'refund_pending' },
  { from: 'captured', event: 'refund_paid', to: 'refunded', guard: "made in the processor's dashboard" },
  { from: 'captured', event: 'open_dispute', to: 'disputed' },
  { from: 'refund_pending', event: 'refund_paid', to: 'refunded', guard: 'everything is paid back' },
  { from: 'refund_pending', event: 'refund_failed', to: 'captured' },
  { from: 'refund_pending', event: 'open_dispute', to: 'disputed' },
  { from: 'refunded', event: 'refund_failed', to: 'captured', guard: 'the bank sent it back' },
  { from: 'refunded', event: 'open_dispute', to: 'disputed', guard: 'refund and bank return at once' },
  { from: 'disputed', event: 'win_dispute', to: 'captured' },
  { from: 'disputed', event: 'lose_dispute', to: 'charged_back' },
]);

/** The amount stands in the memo accounts. */
export const isPromise = (state: CashPledgeState): boolean => state === 'created' || state === 'requires_action';
/** The pledge supports its campaign: its money came and has not gone again. */
export const holdsCash = (state: CashPledgeState): boolean =>
  state === 'captured' || state === 'refund_pending' || state === 'disputed';
