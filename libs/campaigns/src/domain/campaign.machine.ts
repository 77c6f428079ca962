import { stateMachine } from './state-machine.rule.js';

/*
 * 1. Nobody can pledge to a campaign that no reviewer has seen.
 * 2. The terms (goals, deadline, recipe, budget, funding model) are frozen from review on.
 * 3. The verdict looks at money really captured and GPU time really committed, each against its own goal; a dollar
 *    value of GPU time is never added to money.
 * 4. A campaign that ended takes no pledge, but late payment events (a dispute, a refund) still reach its books.
 */

export const CAMPAIGN_STATES = [
  'draft',
  'in_review',
  'live',
  'suspended',
  'succeeded',
  'failed',
  'cancelled',
  'training',
  'completed',
] as const;
export type CampaignState = (typeof CAMPAIGN_STATES)[number];

export const CAMPAIGN_EVENTS = [
  'submit',
  'approve',
  'reject',
  'suspend',
  'resume',
  'cancel',
  'reach_goals',
  'expire_with_support',
  'expire_empty',
  'start_training',
  'run_failed',
  'run_completed',
] as const;
export type CampaignEvent = (typeof CAMPAIGN_EVENTS)[number];

export const campaignMachine = stateMachine<CampaignState, CampaignEvent>(CAMPAIGN_STATES, [
  { from: 'draft', event: 'submit', to: 'in_review', guard: 'deadline ahead' },
  { from: 'draft', event: 'cancel', to: 'cancelled' },
  { from: 'in_review', event: 'approve', to: 'live', guard: 'by a reviewer; deadline ahead; accounts are opened' },
  { from: 'in_review', event: 'reject', to: 'draft', guard: 'by a reviewer, with a reason' },
  { from: 'in_review', event: 'cancel', to: 'cancelled' },
  { from: 'live', event: 'suspend', to: 'suspended', guard: 'by a platform operator' },
  { from: 'live', event: 'cancel', to: 'cancelled', guard: 'everything captured is refunded' },
  { from: 'live', event: 'reach_goals', to: 'succeeded', guard: 'captured ≥ cash goal and committed ≥ compute goal' },
  {
    from: 'live',
    event: 'expire_with_support',
    to: 'succeeded',
    guard: 'keep-it-all; deadline passed; something given',
  },
  { from: 'live', event: 'expire_empty', to: 'failed', guard: 'deadline passed; nothing given' },
  { from: 'suspended', event: 'resume', to: 'live', guard: 'by a platform operator' },
  { from: 'suspended', event: 'cancel', to: 'cancelled', guard: 'everything captured is refunded' },
  { from: 'succeeded', event: 'start_training', to: 'training', guard: 'its run exists' },
  { from: 'succeeded', event: 'cancel', to: 'cancelled', guard: 'everything captured is refunded' },
  { from: 'training', event: 'run_failed', to: 'succeeded' },
  { from: 'training', event: 'run_completed', to: 'completed' },
]);

export const FUNDING_MODELS = ['all_or_nothing', 'keep_it_all', 'tranches'] as const;
export type FundingModel = (typeof FUNDING_MODELS)[number];
/**
 * The models that can be kept honestly today: keep-it-all charges at once. All-or-nothing needs saved cards charged at
 * the deadline, and tranches need release by evidence; a campaign must not promise its backers either before they exist.
 */
export const OFFERED_FUNDING_MODELS: readonly FundingModel[] = ['keep_it_all'];

/** Pledges are taken while live, and after the goals are reached until the deadline or the training. */
export const takesPledges = (state: CampaignState, deadline: Date, now: Date): boolean =>
  (state === 'live' || state === 'succeeded') && now < deadline;
