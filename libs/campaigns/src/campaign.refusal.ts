import { type Refused, refuse } from '#kernel';

/** Everything that campaigns refuse, with what would be right. */
const REFUSALS = {
  CAMPAIGN_APPROVALS_INVALID: {
    message: 'Who approves payouts is not set out right.',
    hint: 'Name approvers by pseudonym, each once, and ask for at least one approval and at most as many as there are approvers.',
  },
  CAMPAIGN_BACKER_REQUIRED: {
    message: 'Only a backer whose pledge holds may do this.',
    hint: 'Sign in as the person who pledged money to this campaign.',
  },
  CAMPAIGN_BELOW_GOAL: {
    message: 'Refunds and disputes brought the campaign below its goals; no money leaves it.',
    hint: 'It fails by collapse, and everything is refunded.',
  },
  CAMPAIGN_BUDGET_INVALID: {
    message: 'The budget lines are not right.',
    hint: 'One line per kind (compute, storage, evaluation, people, reserve); together they are the cash goal. The amount of the compute line may stay out: it follows from the recipe.',
  },
  CAMPAIGN_CLASS_MISMATCH: {
    message: 'The compute goal is for another accelerator class than the recipe.',
    hint: "Leave computeClass out, or give the recipe's class.",
  },
  CAMPAIGN_CURRENCY_UNSUPPORTED: {
    message: 'Campaigns do not raise this currency.',
    hint: 'Give the ISO 4217 code of a supported currency, like "USD".',
  },
  CAMPAIGN_DEADLINE_INVALID: {
    message: 'The deadline must lie ahead, at most a year away.',
    hint: 'Give a moment between now and twelve months from now.',
  },
  CAMPAIGN_DISBURSED: {
    message: 'Money has left this campaign already.',
    hint: 'Suspend it to stop further payouts; what left cannot be refunded by cancelling.',
  },
  CAMPAIGN_EXTENSION_INVALID: {
    message: 'The extension is not set out right.',
    hint: 'Give both the tolerance (1 to 2000 basis points) and the days (1 to 30), or neither; a keep-it-all campaign has none.',
  },
  CAMPAIGN_EXTENSION_NOT_OPEN: {
    message: 'The campaign is not being extended.',
    hint: 'Consent is asked for only while the campaign is EXTENDED.',
  },
  CAMPAIGN_FUNDING_MODEL_UNKNOWN: {
    message: 'There is no such funding model.',
    hint: 'Use "all_or_nothing", "keep_it_all" or "tranches".',
  },
  CAMPAIGN_GOALS_INVALID: {
    message: 'The goals do not stand in their order.',
    hint: 'The optimum lies above the minimum, and the hard cap is not below either.',
  },
  CAMPAIGN_GOAL_MISSING: {
    message: 'A campaign needs a goal.',
    hint: 'Give cashGoalMinor, computeGoalMilliseconds or both, above zero.',
  },
  CAMPAIGN_NOT_FOUND: {
    message: 'There is no campaign with this id.',
    hint: 'Take the id from the query campaigns.',
  },
  CAMPAIGN_OPERATOR_REQUIRED: {
    message: 'Only a platform operator may do this.',
    hint: 'Ask an operator of the platform.',
  },
  CAMPAIGN_RECIPE_NOT_FOUND: {
    message: 'There is no recipe with this id.',
    hint: 'Register the recipe first with recipeRegister.',
  },
  CAMPAIGN_REVIEW_FORBIDDEN: {
    message: 'You may not review this campaign.',
    hint: 'A platform operator reviews it, or a reviewer of the project who did not create it.',
  },
  CAMPAIGN_SAFETY_WINDOW_OPEN: {
    message: 'No money leaves a campaign before its safety window is over.',
    hint: 'Wait until the moment named in the detail.',
  },
  CAMPAIGN_SHORTFALL_RULE_INVALID: {
    message: 'The rule for missing GPU time is not right.',
    hint: 'Give coverPricePerGpuHourMinor only with a compute goal: the price at which surplus money may cover GPU time that is missing.',
  },
  CAMPAIGN_STATE_INVALID: {
    message: 'The campaign is not in a state that allows this.',
    hint: 'Look at its state; the README of campaigns shows which step is possible from where.',
  },
  CAMPAIGN_STRETCH_INVALID: {
    message: 'The stretch goals are not right.',
    hint: 'Up to 12, each above the goal of its unit and above the stretch goal before it; a live campaign only adds some at the end.',
  },
  CAMPAIGN_SURPLUS_RULE_INVALID: {
    message: 'The rule for surplus money is not right.',
    hint: 'Use "reserve", or "optimum" together with an optimum.',
  },
  CAMPAIGN_TERMS_FROZEN: {
    message: 'This part of the terms cannot change any more.',
    hint: 'Goals, model, budget, tranches and windows change in a draft only; a live campaign may change title, summary and add stretch goals.',
  },
  CAMPAIGN_TEXT_INVALID: {
    message: 'The text is empty or too long.',
    hint: 'A title has 3 to 120 characters on one line, a summary up to 2000, a reason 3 to 500.',
  },
  CAMPAIGN_TRAINING_REQUESTED: {
    message: 'The training of this campaign has been asked for already.',
    hint: 'Wait for its run to appear.',
  },
  CAMPAIGN_TRANCHES_INVALID: {
    message: 'The tranche plan is not right.',
    hint: 'Shares are basis points that add up to 10000; each tranche names a budget kind and its evidence (checkpoint, evaluation, milestone_report or vote) with what that needs.',
  },
  CAMPAIGN_UPDATE_INVALID: {
    message: 'The update is empty or too long.',
    hint: 'A title has 3 to 120 characters on one line, the text 1 to 20000, the reason of a correction 3 to 300.',
  },
  CAMPAIGN_UPDATE_NOT_FOUND: {
    message: 'There is no update with this id.',
    hint: 'Take the id from the updates of the campaign.',
  },
  CAMPAIGN_WINDOW_INVALID: {
    message: 'A window is too short or too long.',
    hint: 'Windows are whole seconds up to 90 days, at least a day where real money moves; tries fit into the window in which pledges are charged; reserves take 0 to 365 days.',
  },
} as const satisfies Record<string, { message: string; hint: string }>;

export type CampaignRefusal = keyof typeof REFUSALS;
export const CAMPAIGN_REFUSALS = Object.keys(REFUSALS) as readonly CampaignRefusal[];

export const refuseCampaign = (code: CampaignRefusal, path: readonly string[], detail?: string): Refused =>
  refuse({ code, ...REFUSALS[code], path, ...(detail === undefined ? {} : { detail }) });
