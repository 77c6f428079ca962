import { stateMachine } from '#campaigns';

/*
 * 1. An offer is no commitment: it stands in memo accounts until the campaign accepts it.
 * 2. An accepted pledge owns one account, its commitment; runs are delivered from it and it can't be overdrawn.
 * 3. A donor may leave at any time: what isn't reserved by a lease goes back at once, what was delivered stays given.
 * 4. When the campaign ends, whoever delivered accepted work has fulfilled the pledge, and the rest goes back; only a
 *    pledge of which nothing came lapses.
 */

export const COMPUTE_PLEDGE_STATES = ['offered', 'accepted', 'delivering', 'fulfilled', 'lapsed', 'withdrawn'] as const;
export type ComputePledgeState = (typeof COMPUTE_PLEDGE_STATES)[number];

export const COMPUTE_PLEDGE_EVENTS = ['accept', 'deliver', 'fulfil', 'withdraw', 'lapse'] as const;
export type ComputePledgeEvent = (typeof COMPUTE_PLEDGE_EVENTS)[number];

export const computePledgeMachine = stateMachine<ComputePledgeState, ComputePledgeEvent>(COMPUTE_PLEDGE_STATES, [
  { from: 'offered', event: 'accept', to: 'accepted', guard: 'by a maintainer, or at once where the campaign says so' },
  { from: 'offered', event: 'withdraw', to: 'withdrawn' },
  { from: 'offered', event: 'lapse', to: 'lapsed', guard: 'declined, or the campaign ended' },
  { from: 'accepted', event: 'deliver', to: 'delivering', guard: 'first usage settled' },
  { from: 'accepted', event: 'fulfil', to: 'fulfilled', guard: 'everything settled at once, or the campaign ended' },
  { from: 'accepted', event: 'withdraw', to: 'withdrawn' },
  { from: 'accepted', event: 'lapse', to: 'lapsed', guard: 'the campaign ended' },
  {
    from: 'delivering',
    event: 'fulfil',
    to: 'fulfilled',
    guard: 'everything settled, or the campaign ended with some accepted',
  },
  { from: 'delivering', event: 'withdraw', to: 'withdrawn' },
  { from: 'delivering', event: 'lapse', to: 'lapsed', guard: 'the campaign ended with nothing accepted' },
]);

/** The pledge may still deliver: its commitment account holds GPU time. */
export const isCommitted = (state: ComputePledgeState): boolean => state === 'accepted' || state === 'delivering';
