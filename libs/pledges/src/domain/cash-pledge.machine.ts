import { stateMachine } from '#campaigns';

/*
 * 1. A pledge is charged at most once: it owns one payment an instalment, and `collected` is entered with money only.
 * 2. A promise is no money: until it is collected, what is promised stands in memo accounts.
 * 3. Whatever the bank says later is booked, whatever the campaign's state: money that arrives for a pledge that was
 *    given up is collected and sent back, a dispute after a refund is a dispute.
 * 4. What was pledged (campaign, amount, currency, rail, by whom, under which terms) never changes.
 * 5. A pledge whose list was frozen is collected, dropped or released: its donor can't take it out of a close under way.
 */

export const CASH_PLEDGE_STATES = [
  'created',
  'method_required',
  'pledged',
  'frozen',
  'charging',
  'needs_action',
  'errored',
  'collected',
  'dropped',
  'released',
  'cancelled',
  'instructions_issued',
  'partially_funded',
  'funded',
  'expired',
  'refund_pending',
  'refunded',
  'refund_stuck',
  'disputed',
  'charged_back',
] as const;
export type CashPledgeState = (typeof CASH_PLEDGE_STATES)[number];

export const CASH_PLEDGE_EVENTS = [
  'ask_method',
  'save_method',
  'freeze',
  'charge',
  'ask_action',
  'decline',
  'collect',
  'drop',
  'release',
  'cancel',
  'issue_instructions',
  'fund_part',
  'fund',
  'expire',
  'request_refund',
  'refund_paid',
  'refund_failed',
  'open_dispute',
  'win_dispute',
  'lose_dispute',
] as const;
export type CashPledgeEvent = (typeof CASH_PLEDGE_EVENTS)[number];

const LATE = 'paid in the same moment; a refund follows where the campaign does not need it';

export const cashPledgeMachine = stateMachine<CashPledgeState, CashPledgeEvent>(CASH_PLEDGE_STATES, [
  // How it begins, by rail and funding model.
  { from: 'created', event: 'ask_method', to: 'method_required', guard: 'charged later, or in several parts' },
  { from: 'created', event: 'issue_instructions', to: 'instructions_issued', guard: 'by bank transfer' },
  { from: 'created', event: 'charge', to: 'charging', guard: 'a debit is under way' },
  { from: 'created', event: 'ask_action', to: 'needs_action', guard: 'the bank wants the cardholder' },
  { from: 'created', event: 'decline', to: 'errored' },
  { from: 'created', event: 'collect', to: 'collected' },
  { from: 'created', event: 'cancel', to: 'cancelled' },
  // A method is saved now, charged at the close or in parts at once.
  { from: 'method_required', event: 'save_method', to: 'pledged', guard: 'a card or an account is saved' },
  { from: 'method_required', event: 'cancel', to: 'cancelled', guard: 'by its donor, or nothing saved in time' },
  { from: 'pledged', event: 'freeze', to: 'frozen', guard: 'the campaign settles' },
  { from: 'pledged', event: 'charge', to: 'charging', guard: 'charged at once, in parts' },
  { from: 'pledged', event: 'release', to: 'released', guard: 'the campaign ended before its close' },
  { from: 'pledged', event: 'cancel', to: 'cancelled', guard: 'by its donor' },
  { from: 'frozen', event: 'charge', to: 'charging' },
  { from: 'frozen', event: 'release', to: 'released', guard: 'the campaign ended, or no consent to its extension' },
  { from: 'charging', event: 'collect', to: 'collected', guard: 'every part is paid' },
  { from: 'charging', event: 'ask_action', to: 'needs_action', guard: 'the bank wants the cardholder' },
  { from: 'charging', event: 'decline', to: 'errored' },
  { from: 'needs_action', event: 'charge', to: 'charging', guard: 'confirmed, or the last try' },
  { from: 'needs_action', event: 'decline', to: 'errored' },
  { from: 'needs_action', event: 'collect', to: 'collected' },
  { from: 'needs_action', event: 'drop', to: 'dropped', guard: 'the window is over' },
  { from: 'needs_action', event: 'release', to: 'released', guard: 'the campaign ended' },
  { from: 'needs_action', event: 'cancel', to: 'cancelled', guard: 'charged at once' },
  { from: 'errored', event: 'charge', to: 'charging', guard: 'tried again' },
  { from: 'errored', event: 'ask_action', to: 'needs_action', guard: 'another card on the same payment' },
  { from: 'errored', event: 'collect', to: 'collected', guard: 'another card, or the parts that were paid are kept' },
  { from: 'errored', event: 'drop', to: 'dropped', guard: 'the window is over' },
  { from: 'errored', event: 'release', to: 'released', guard: 'the campaign ended' },
  { from: 'errored', event: 'cancel', to: 'cancelled', guard: 'charged at once' },
  // By bank transfer.
  { from: 'instructions_issued', event: 'fund_part', to: 'partially_funded' },
  { from: 'instructions_issued', event: 'fund', to: 'funded' },
  { from: 'instructions_issued', event: 'expire', to: 'expired', guard: 'nothing came in time' },
  { from: 'instructions_issued', event: 'cancel', to: 'cancelled' },
  { from: 'partially_funded', event: 'fund', to: 'funded' },
  { from: 'partially_funded', event: 'collect', to: 'collected', guard: 'time is over; what came is kept' },
  { from: 'partially_funded', event: 'request_refund', to: 'refund_pending' },
  { from: 'funded', event: 'collect', to: 'collected' },
  // Money that was faster than the word that it isn't wanted.
  { from: 'cancelled', event: 'collect', to: 'collected', guard: LATE },
  { from: 'dropped', event: 'collect', to: 'collected', guard: LATE },
  { from: 'released', event: 'collect', to: 'collected', guard: LATE },
  // Back again.
  { from: 'collected', event: 'request_refund', to: 'refund_pending' },
  { from: 'collected', event: 'refund_paid', to: 'refunded', guard: "made in the processor's dashboard" },
  { from: 'collected', event: 'open_dispute', to: 'disputed' },
  { from: 'refund_pending', event: 'refund_paid', to: 'refunded', guard: 'everything is paid back' },
  { from: 'refund_pending', event: 'refund_failed', to: 'refund_stuck' },
  { from: 'refund_pending', event: 'open_dispute', to: 'disputed' },
  { from: 'refund_stuck', event: 'refund_paid', to: 'refunded', guard: 'tried again, or paid another way' },
  { from: 'refund_stuck', event: 'open_dispute', to: 'disputed' },
  { from: 'refunded', event: 'refund_failed', to: 'refund_stuck', guard: 'the bank sent it back' },
  { from: 'refunded', event: 'open_dispute', to: 'disputed', guard: 'refund and bank return at once' },
  { from: 'disputed', event: 'win_dispute', to: 'collected' },
  { from: 'disputed', event: 'lose_dispute', to: 'charged_back' },
  { from: 'charged_back', event: 'win_dispute', to: 'collected', guard: 'the bank gave it back late' },
]);

const inOneOf =
  (...states: readonly CashPledgeState[]) =>
  (state: CashPledgeState): boolean =>
    states.includes(state);

/** The amount stands in the memo accounts. */
export const isPromise = inOneOf(
  'created',
  'pledged',
  'frozen',
  'charging',
  'needs_action',
  'instructions_issued',
  'partially_funded',
  'funded',
);
/** The pledge supports its campaign: its money came and has not gone again. */
export const holdsCash = inOneOf('collected', 'refund_pending', 'refund_stuck', 'disputed');
/** Money may still come of it, so it takes room under the campaign's hard cap. */
export const isOpen = inOneOf(
  'created',
  'method_required',
  'pledged',
  'frozen',
  'charging',
  'needs_action',
  'errored',
  'instructions_issued',
  'partially_funded',
  'funded',
);
