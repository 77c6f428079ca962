import { stateMachine } from '#campaigns';

export const DEPOSIT_STATES = [
  'created',
  'collected',
  'failed',
  'refund_pending',
  'refunded',
  'disputed',
  'charged_back',
] as const;
export type DepositState = (typeof DEPOSIT_STATES)[number];

export const DEPOSIT_EVENTS = [
  'collect',
  'fail',
  'request_refund',
  'refund_paid',
  'refund_failed',
  'dispute',
  'win_dispute',
  'lose_dispute',
] as const;
export type DepositEvent = (typeof DEPOSIT_EVENTS)[number];

/** What happens to a sponsor's money. A refund may be of a part: the deposit is collected again with the rest. */
export const depositMachine = stateMachine<DepositState, DepositEvent>(DEPOSIT_STATES, [
  { from: 'created', event: 'collect', to: 'collected' },
  { from: 'created', event: 'fail', to: 'failed' },
  { from: 'failed', event: 'collect', to: 'collected', guard: 'paid by another method' },
  { from: 'collected', event: 'request_refund', to: 'refund_pending', guard: 'from what the pool has free' },
  { from: 'refund_pending', event: 'refund_paid', to: 'refunded' },
  { from: 'refund_pending', event: 'refund_failed', to: 'collected' },
  { from: 'refunded', event: 'refund_failed', to: 'collected', guard: 'the bank sent it back' },
  { from: 'collected', event: 'dispute', to: 'disputed' },
  { from: 'refund_pending', event: 'dispute', to: 'disputed' },
  { from: 'disputed', event: 'win_dispute', to: 'collected' },
  { from: 'disputed', event: 'lose_dispute', to: 'charged_back' },
  { from: 'charged_back', event: 'win_dispute', to: 'collected', guard: 'the bank gave it back late' },
]);
