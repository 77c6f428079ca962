import { stateMachine } from '#campaigns';

/*
 * 1. A month of a plan is one pledge; months that passed while nothing ran are skipped, never made up for twice.
 * 2. Its donor stops a plan at any time; what was charged stays given.
 */
export const PLEDGE_PLAN_STATES = ['method_required', 'active', 'stopped', 'ended'] as const;
export type PledgePlanState = (typeof PLEDGE_PLAN_STATES)[number];

export const PLEDGE_PLAN_EVENTS = ['save_method', 'stop', 'end'] as const;
export type PledgePlanEvent = (typeof PLEDGE_PLAN_EVENTS)[number];

export const pledgePlanMachine = stateMachine<PledgePlanState, PledgePlanEvent>(PLEDGE_PLAN_STATES, [
  { from: 'method_required', event: 'save_method', to: 'active' },
  { from: 'method_required', event: 'stop', to: 'stopped', guard: 'by its donor, or nothing saved in time' },
  { from: 'active', event: 'stop', to: 'stopped', guard: 'by its donor, or its campaign takes no more' },
  { from: 'active', event: 'end', to: 'ended', guard: 'its end came' },
]);

/** The moment of month `n` (from 1): the same day and hour of the n-th month, or its last day where there is none. */
export function monthOf(start: Date, n: number): Date {
  const at = new Date(start);
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() + n - 1);
  const days = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  at.setUTCDate(Math.min(start.getUTCDate(), days));
  return at;
}

/**
 * The month to be charged now and the one after it. When several fell due while nothing ran, the latest is charged and
 * the others are skipped. Undefined while none is due.
 */
export function dueMonth(
  plan: { readonly startsAt: Date; readonly endsAt: Date; readonly nextMonth: number },
  now: Date,
): { readonly month: number; readonly next: number | null } | undefined {
  let month = plan.nextMonth;
  if (monthOf(plan.startsAt, month) > now) return undefined;
  while (monthOf(plan.startsAt, month + 1) <= now && monthOf(plan.startsAt, month + 1) < plan.endsAt) month += 1;
  return { month, next: monthOf(plan.startsAt, month + 1) < plan.endsAt ? month + 1 : null };
}
