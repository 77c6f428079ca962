/** What the pledge form asks the API for: one pledge, one each month, or what a pledge made before needs now. */
import { pledgeCashCreate, pledgeMethodChange, pledgePayNow, pledgePlanCreate } from '../api/documents.js';
import type { UserError } from '../api/shapes.js';
import type { Money } from '../format/amount.js';
import type { Payment } from './confirm.client.js';
import { askApi } from './live.client.js';
import type { Transfer } from './pledge-outcome.js';
import type { Rail } from './rail-choice.js';

interface Made {
  pledge: { id: string } | null;
  payment: (Omit<Payment, 'clientSecret'> & { clientSecret: string | null }) | null;
  transfer?: Transfer | null;
  userErrors: UserError[];
}

type Resumed = Omit<Made, 'pledge'> & { pledge: { id: string; rail: Rail; amount: Money } | null };

/** What a pledge made before needs from its donor now. */
export async function resume(pledgeId: string, how: 'pay' | 'method'): Promise<Resumed | null> {
  const input = { pledgeId };
  if (how === 'pay') return (await askApi<{ pledgePayNow: Resumed | null }>(pledgePayNow, { input })).pledgePayNow;
  return (await askApi<{ pledgeMethodChange: Resumed | null }>(pledgeMethodChange, { input })).pledgeMethodChange;
}

export const pledgeOnce = async (input: object): Promise<Made | null> =>
  (await askApi<{ pledgeCashCreate: Made | null }>(pledgeCashCreate, { input })).pledgeCashCreate;

/** The same amount each month; the last month begins before the end. */
export async function plan(input: object, months: number): Promise<Made | null> {
  const endsAt = new Date();
  endsAt.setUTCHours(12, 0, 0, 0);
  endsAt.setUTCDate(endsAt.getUTCDate() + 1);
  endsAt.setUTCMonth(endsAt.getUTCMonth() + months);
  const answer = await askApi<{ pledgePlanCreate: (Omit<Made, 'pledge'> & { plan: { id: string } | null }) | null }>(
    pledgePlanCreate,
    { input: { ...input, endsAt: endsAt.toISOString() } },
  );
  const made = answer.pledgePlanCreate;
  return made && { ...made, pledge: made.plan };
}
