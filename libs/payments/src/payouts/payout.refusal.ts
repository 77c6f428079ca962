import { type Refused, refuse } from '#kernel';

const REFUSALS = {
  PAYOUT_ACCOUNT_COUNTRY_INVALID: {
    message: 'The country is not an ISO 3166 code of two letters.',
    hint: 'Give the country in which the receiving bank account is, for example "US" or "DE".',
  },
  PAYOUT_ACCOUNT_EXISTS: {
    message: 'The project has a payout account of another country already.',
    hint: 'Go on with the account that it has; an operator can help to replace it.',
  },
  PAYOUT_ACCOUNT_MISSING: {
    message: 'The project has no payout account.',
    hint: 'Connect one first: a treasurer or owner of the project does so.',
  },
  PAYOUT_ACCOUNT_NOT_READY: {
    message: 'The payout account cannot receive money yet.',
    hint: 'Finish what the payment processor asks for, by the link of the payout account.',
  },
  PAYOUT_ACCOUNT_REJECTED: {
    message: 'The payment processor did not accept the account.',
    hint: 'Look at the detail, correct it and connect again.',
  },
  PAYOUT_UNREACHABLE: {
    message: 'The payment processor did not answer.',
    hint: 'Try again in a moment.',
  },
  PAYOUT_NOT_FOUND: {
    message: 'There is no such payout.',
    hint: 'Take the id from a tranche.',
  },
  PAYOUT_TOO_LATE: {
    message: 'The payment processor has been told of the payout already.',
    hint: 'Wait until it has arrived or failed.',
  },
  PAYOUT_REFERENCE_CONFLICT: {
    message: 'There is another payout for this already.',
    hint: 'Ask for a new one under a reference of its own.',
  },
} as const satisfies Record<string, { message: string; hint: string }>;
export type PayoutRefusal = keyof typeof REFUSALS;
export const PAYOUT_REFUSALS = Object.keys(REFUSALS) as readonly PayoutRefusal[];

export const refusePayout = (code: PayoutRefusal, detail?: string, path?: readonly string[]): Refused =>
  refuse({
    code,
    ...REFUSALS[code],
    ...(detail === undefined ? {} : { detail }),
    ...(path === undefined ? {} : { path }),
  });
