import { stateMachine } from '#campaigns';

/*
 * 1. Money leaves a campaign only through a tranche that has its evidence, its approvals and its turn of the clock.
 * 2. A tranche is approved by m different people, none of whom submitted its evidence or receives its money.
 * 3. Before money leaves, it is set aside by a pending transfer: all of it, or the tranche waits.
 * 4. What fails goes back to escrow by itself; a new attempt sets it aside anew.
 */

export const TRANCHE_STATES = [
  'planned',
  'evidence_submitted',
  'approved',
  'reserved',
  'held',
  'in_transit',
  'succeeded',
  'failed',
  'canceled',
] as const;
export type TrancheState = (typeof TRANCHE_STATES)[number];

export const TRANCHE_EVENTS = [
  'submit_evidence',
  'reject',
  'approve',
  'reserve',
  'hold',
  'lift_hold',
  'leave',
  'arrive',
  'fail',
  'retry',
  'cancel',
] as const;
export type TrancheEvent = (typeof TRANCHE_EVENTS)[number];

export const trancheMachine = stateMachine<TrancheState, TrancheEvent>(TRANCHE_STATES, [
  { from: 'planned', event: 'submit_evidence', to: 'evidence_submitted', guard: 'evidence of the kind agreed' },
  { from: 'planned', event: 'cancel', to: 'canceled' },
  { from: 'evidence_submitted', event: 'reject', to: 'planned', guard: 'by an approver with a reason, or a lost vote' },
  { from: 'evidence_submitted', event: 'approve', to: 'approved', guard: 'the m-th approval; a vote must be won' },
  { from: 'evidence_submitted', event: 'cancel', to: 'canceled' },
  { from: 'approved', event: 'reserve', to: 'reserved', guard: 'safety window over; money there; account enabled' },
  { from: 'approved', event: 'hold', to: 'held', guard: 'by an operator, with a reason' },
  { from: 'approved', event: 'cancel', to: 'canceled' },
  { from: 'reserved', event: 'leave', to: 'in_transit', guard: 'the processor took the money' },
  { from: 'reserved', event: 'hold', to: 'held', guard: 'by an operator; the processor was not told yet' },
  { from: 'reserved', event: 'fail', to: 'failed', guard: 'the processor refused it' },
  { from: 'reserved', event: 'cancel', to: 'canceled', guard: 'the processor was not told yet' },
  { from: 'held', event: 'lift_hold', to: 'approved', guard: 'by an operator' },
  { from: 'held', event: 'cancel', to: 'canceled' },
  { from: 'in_transit', event: 'arrive', to: 'succeeded' },
  { from: 'in_transit', event: 'fail', to: 'failed', guard: 'the money is back in escrow' },
  { from: 'succeeded', event: 'fail', to: 'failed', guard: 'the bank sent it back days later' },
  { from: 'failed', event: 'retry', to: 'approved', guard: 'by a treasurer or an operator' },
  { from: 'failed', event: 'cancel', to: 'canceled' },
]);

/** Nothing more comes of these. SUCCEEDED may still be sent back by a bank. */
export const isOver = (state: TrancheState): boolean => state === 'succeeded' || state === 'canceled';
