import { stateMachine } from '#campaigns';

/*
 * 1. What a round promises is set aside from its pool when it opens, so no pool is promised twice.
 * 2. From the cut-off on, terms, campaigns, scores, groups and gifts are fixed. What doesn't count is said by an
 *    exclusion with a reason, until the review is over.
 * 3. A round is final when its review is over and no appeal is open; it is paid once.
 */

export const ROUND_STATES = ['draft', 'open', 'closed', 'computed', 'final', 'paid', 'cancelled'] as const;
export type RoundState = (typeof ROUND_STATES)[number];

export const ROUND_EVENTS = ['open', 'cut_off', 'compute', 'compute_again', 'finish_review', 'pay', 'cancel'] as const;
export type RoundEvent = (typeof ROUND_EVENTS)[number];

export const roundMachine = stateMachine<RoundState, RoundEvent>(ROUND_STATES, [
  { from: 'draft', event: 'open', to: 'open', guard: 'by a manager of the pool; the pool holds what is promised' },
  { from: 'draft', event: 'cancel', to: 'cancelled' },
  { from: 'open', event: 'cut_off', to: 'closed', guard: 'the window is over; the gifts are copied' },
  { from: 'open', event: 'cancel', to: 'cancelled', guard: 'with a reason; the promise goes back to the pool' },
  { from: 'closed', event: 'compute', to: 'computed', guard: 'result signed and published' },
  { from: 'closed', event: 'cancel', to: 'cancelled', guard: 'with a reason; the promise goes back to the pool' },
  { from: 'computed', event: 'compute_again', to: 'computed', guard: 'what counts has changed by the review' },
  { from: 'computed', event: 'finish_review', to: 'final', guard: 'the review is over; no appeal is open' },
  { from: 'computed', event: 'cancel', to: 'cancelled', guard: 'with a reason; the promise goes back to the pool' },
  { from: 'final', event: 'pay', to: 'paid', guard: 'pool to escrow in one go; what is left goes back to the pool' },
]);
