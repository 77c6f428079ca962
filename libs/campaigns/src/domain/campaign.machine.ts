import { stateMachine } from './state-machine.rule.js';

/*
 * 1. Nobody can pledge to a campaign that no reviewer has seen.
 * 2. The terms (goals, recipe, budget, funding model, windows) are frozen from review on; what may change later is a
 *    new version that says so.
 * 3. The verdict looks at money really collected and GPU time really committed, each against its own goal; a dollar
 *    value of GPU time is never added to money, except by the price that the terms fixed before the campaign went live.
 * 4. A campaign is extended at most once, and fails by collapse only while no money has left it.
 * 5. A suspended campaign goes back to where it was; its timers stand meanwhile.
 * 6. A campaign that ended takes no pledge. Late payment events (a dispute, a refund) reach its books and nothing else.
 */

export const CAMPAIGN_STATES = [
  'draft',
  'in_review',
  'rejected',
  'live',
  'settling',
  'extended',
  'suspended',
  'succeeded',
  'failed',
  'training',
  'completed',
  'closed',
  'cancelled',
  'refunding',
  'refunded',
] as const;
export type CampaignState = (typeof CAMPAIGN_STATES)[number];

export const CAMPAIGN_EVENTS = [
  'submit',
  'approve',
  'reject',
  'revise',
  'cancel',
  'suspend',
  'resume_live',
  'resume_settling',
  'resume_extended',
  'resume_succeeded',
  'deadline',
  'hard_cap',
  'reach_goals',
  'fund',
  'fall_short',
  'extend',
  'extension_over',
  'collapse',
  'start_training',
  'run_failed',
  'run_completed',
  'close',
  'begin_refunds',
  'finish_refunds',
] as const;
export type CampaignEvent = (typeof CAMPAIGN_EVENTS)[number];

const OPERATOR = 'by a platform operator';
const REFUNDS = 'everything collected is refunded; no money has left yet';
const BACK = 'by a platform operator; it was suspended there; timers move by the time it stood';

export const campaignMachine = stateMachine<CampaignState, CampaignEvent>(CAMPAIGN_STATES, [
  { from: 'draft', event: 'submit', to: 'in_review', guard: 'deadline ahead' },
  { from: 'draft', event: 'cancel', to: 'cancelled' },
  {
    from: 'in_review',
    event: 'approve',
    to: 'live',
    guard: 'by a reviewer; deadline ahead; version 1 of the terms and the accounts are made',
  },
  { from: 'in_review', event: 'reject', to: 'rejected', guard: 'by a reviewer, with a reason' },
  { from: 'in_review', event: 'cancel', to: 'cancelled' },
  { from: 'rejected', event: 'revise', to: 'draft', guard: 'by a maintainer' },
  { from: 'rejected', event: 'cancel', to: 'cancelled' },
  { from: 'live', event: 'deadline', to: 'settling', guard: 'deadline passed; the pledges are frozen' },
  {
    from: 'live',
    event: 'hard_cap',
    to: 'settling',
    guard: 'pledged and collected reach the cap, committed ≥ compute goal; the pledges are frozen',
  },
  {
    from: 'live',
    event: 'reach_goals',
    to: 'succeeded',
    guard: 'keep-it-all and tranches: collected ≥ cash goal and committed ≥ compute goal',
  },
  { from: 'live', event: 'suspend', to: 'suspended', guard: OPERATOR },
  { from: 'live', event: 'cancel', to: 'cancelled', guard: REFUNDS },
  {
    from: 'settling',
    event: 'fund',
    to: 'succeeded',
    guard: 'nothing is pending: collected ≥ cash goal and committed ≥ compute goal; keep-it-all: something was given',
  },
  {
    from: 'settling',
    event: 'fall_short',
    to: 'failed',
    guard: 'nothing is pending, or the promises cannot reach the goal: a mandatory goal was missed',
  },
  {
    from: 'settling',
    event: 'extend',
    to: 'extended',
    guard: 'nothing is pending: not extended before, and the terms tolerate the shortfall',
  },
  { from: 'settling', event: 'suspend', to: 'suspended', guard: OPERATOR },
  {
    from: 'extended',
    event: 'extension_over',
    to: 'settling',
    guard: 'the second deadline passed; pledges without consent are released',
  },
  { from: 'extended', event: 'suspend', to: 'suspended', guard: OPERATOR },
  { from: 'suspended', event: 'resume_live', to: 'live', guard: BACK },
  { from: 'suspended', event: 'resume_settling', to: 'settling', guard: BACK },
  { from: 'suspended', event: 'resume_extended', to: 'extended', guard: BACK },
  { from: 'suspended', event: 'resume_succeeded', to: 'succeeded', guard: BACK },
  { from: 'suspended', event: 'cancel', to: 'cancelled', guard: REFUNDS },
  { from: 'succeeded', event: 'start_training', to: 'training', guard: 'its run exists' },
  {
    from: 'succeeded',
    event: 'collapse',
    to: 'failed',
    guard: 'all-or-nothing and tranches: refunds and disputes push it below a goal before the first money left',
  },
  { from: 'succeeded', event: 'suspend', to: 'suspended', guard: OPERATOR },
  { from: 'succeeded', event: 'cancel', to: 'cancelled', guard: REFUNDS },
  { from: 'succeeded', event: 'close', to: 'closed', guard: 'the last payout and the reserve windows are over' },
  { from: 'training', event: 'run_failed', to: 'succeeded' },
  { from: 'training', event: 'run_completed', to: 'completed' },
  { from: 'completed', event: 'close', to: 'closed', guard: 'the last payout and the reserve windows are over' },
  { from: 'failed', event: 'begin_refunds', to: 'refunding' },
  { from: 'failed', event: 'finish_refunds', to: 'refunded', guard: 'nothing was collected' },
  { from: 'cancelled', event: 'begin_refunds', to: 'refunding', guard: 'it was live' },
  { from: 'cancelled', event: 'finish_refunds', to: 'refunded', guard: 'it was live; nothing was collected' },
  { from: 'refunding', event: 'finish_refunds', to: 'refunded', guard: 'every pledge is terminal' },
]);

/** States that a campaign can be suspended in, and the event that leads back. */
export const RESUME: Partial<Record<CampaignState, CampaignEvent>> = {
  live: 'resume_live',
  settling: 'resume_settling',
  extended: 'resume_extended',
  succeeded: 'resume_succeeded',
};

export const FUNDING_MODELS = ['all_or_nothing', 'keep_it_all', 'tranches'] as const;
/**
 * all_or_nothing: methods are saved and charged when the pledges are frozen, and kept only if the goals are reached.
 * keep_it_all: charged at once and kept. tranches: charged at once, refunded below the goals, released by evidence.
 */
export type FundingModel = (typeof FUNDING_MODELS)[number];

/** Whether pledges are charged when they are made. */
export const chargesAtOnce = (model: FundingModel): boolean => model !== 'all_or_nothing';
/** Whether money goes back when a goal is missed. */
export const goalsAreMandatory = (model: FundingModel): boolean => model !== 'keep_it_all';

const OPEN: ReadonlySet<CampaignState> = new Set(['live', 'extended', 'succeeded']);

/**
 * Pledges are taken while live or extended, and after the goals are reached until the deadline or the training. The
 * deadline of a campaign that was frozen is the moment at which it was.
 */
export const takesPledges = (state: CampaignState, deadline: Date, now: Date): boolean =>
  OPEN.has(state) && now < deadline;
