import { type Refused, refuse } from '#kernel';

/** Everything that campaigns refuse, with what would be right. */
const REFUSALS = {
  CAMPAIGN_CLASS_MISMATCH: {
    message: 'The compute goal is for another accelerator class than the recipe.',
    hint: "Leave computeClass out, or give the recipe's class.",
  },
  CAMPAIGN_CURRENCY_UNSUPPORTED: {
    message: 'Campaigns raise US dollars only.',
    hint: 'Give "USD".',
  },
  CAMPAIGN_DEADLINE_INVALID: {
    message: 'The deadline must lie ahead, at most a year away.',
    hint: 'Give a moment between now and twelve months from now.',
  },
  CAMPAIGN_FUNDING_MODEL_UNAVAILABLE: {
    message: 'This funding model is not offered yet.',
    hint: 'Use "keep_it_all". The others wait until cards can be charged at the deadline and tranches released by evidence.',
  },
  CAMPAIGN_GOAL_MISSING: {
    message: 'A campaign needs a goal.',
    hint: 'Give cashGoalMinor, computeGoalMilliseconds or both, above zero.',
  },
  CAMPAIGN_NOT_FOUND: {
    message: 'There is no campaign with this id.',
    hint: 'Take the id from the query campaigns.',
  },
  CAMPAIGN_RECIPE_NOT_FOUND: {
    message: 'There is no recipe with this id.',
    hint: 'Register the recipe first with recipeRegister.',
  },
  CAMPAIGN_REVIEW_FORBIDDEN: {
    message: 'You may not review this campaign.',
    hint: 'A platform operator reviews it, or a reviewer of the project who did not create it.',
  },
  CAMPAIGN_OPERATOR_REQUIRED: {
    message: 'Only a platform operator may do this.',
    hint: 'Ask an operator of the platform.',
  },
  CAMPAIGN_STATE_INVALID: {
    message: 'The campaign is not in a state that allows this.',
    hint: 'Look at its state; the README of campaigns shows which step is possible from where.',
  },
  CAMPAIGN_TEXT_INVALID: {
    message: 'The text is empty or too long.',
    hint: 'A title has 3 to 120 characters on one line, a summary up to 2000, a reason 3 to 500.',
  },
  CAMPAIGN_TRAINING_REQUESTED: {
    message: 'The training of this campaign has been asked for already.',
    hint: 'Wait for its run to appear.',
  },
} as const satisfies Record<string, { message: string; hint: string }>;

export type CampaignRefusal = keyof typeof REFUSALS;
export const CAMPAIGN_REFUSALS = Object.keys(REFUSALS) as readonly CampaignRefusal[];

export const refuseCampaign = (code: CampaignRefusal, path: readonly string[], detail?: string): Refused =>
  refuse({ code, ...REFUSALS[code], path, ...(detail === undefined ? {} : { detail }) });
