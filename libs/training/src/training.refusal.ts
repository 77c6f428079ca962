import { type Refused, refuse } from '#kernel';

/** Everything that this room refuses, with what would be right, and the HTTP status that an agent gets. */
const REFUSALS = {
  LEASE_TOKEN_STALE: {
    status: 409,
    message: 'The fencing token is not the current one of a live lease of this node.',
    hint: 'Stop this work and write nothing more: it belongs to somebody else. Take leases from the next heartbeat.',
  },
  LEASE_LOG_TOO_MUCH: {
    status: 413,
    message: 'The lease has logged as much as is kept.',
    hint: 'Log less; training goes on.',
  },
  RUN_NOT_FOUND: { status: 404, message: 'There is no such run.', hint: 'Take the id from the field "id" of a Run.' },
  RUN_EXISTS: {
    status: 409,
    message: 'The campaign has a run of this recipe already.',
    hint: 'Follow that run, or cancel it first.',
  },
  RUN_ENDED: {
    status: 409,
    message: 'The run has ended.',
    hint: 'Only a run that is not done, failed or cancelled can be cancelled.',
  },
  RUN_CAMPAIGN_NOT_FOUND: {
    status: 404,
    message: 'There is no such campaign.',
    hint: 'Take the id from the field "id" of a Campaign.',
  },
  RUN_CAMPAIGN_NOT_FUNDED: {
    status: 409,
    message: 'The campaign has not reached its goals.',
    hint: 'A run starts when its campaign has succeeded.',
  },
  RUN_RECIPE_UNKNOWN: { status: 422, message: 'There is no such recipe.', hint: "Name the campaign's recipe." },
  RUN_RECIPE_WITHOUT_STEPS: {
    status: 422,
    message: 'The recipe does not say how many steps the training takes.',
    hint: 'Register a recipe whose hyperparameters have "steps", a whole number above zero.',
  },
} as const satisfies Record<string, { status: number; message: string; hint: string }>;
export type TrainingCode = keyof typeof REFUSALS;

export const refuseTraining = (code: TrainingCode, detail?: string, path?: readonly string[]): Refused => {
  const { message, hint } = REFUSALS[code];
  return refuse({ code, message, hint, ...(detail ? { detail } : {}), ...(path ? { path } : {}) });
};

export const trainingStatus = (code: TrainingCode): number => REFUSALS[code].status;
