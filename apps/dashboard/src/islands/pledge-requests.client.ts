/** What the pledge form asks the API for: one pledge, one each month, or what a pledge made before needs now. */
import {
  pledgeCashCreate,
  pledgeMethodChange,
  pledgePayNow,
  pledgePlanCreate,
  pledgePlanMethodChange,
} from '../api/documents.js';
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

/** Where the books have a pledge. */
export interface PledgeState {
  state: string;
  failureCode: string | null;
  rail: Rail;
  amount: { amountMinor: string; currency: string };
}

/** A pledge made before is paid now, or given another card; `plan` gives a monthly pledge another one. */
export type How = 'pay' | 'method' | 'plan';

/** What a pledge made before needs from its donor now. */
export async function resume(pledgeId: string, how: How): Promise<Resumed | null> {
  if (how === 'plan') {
    const answer = await askApi<{
      pledgePlanMethodChange: (Omit<Resumed, 'pledge'> & { plan: Resumed['pledge'] }) | null;
    }>(pledgePlanMethodChange, { input: { planId: pledgeId } });
    const changed = answer.pledgePlanMethodChange;
    return changed && { ...changed, pledge: changed.plan };
  }
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
