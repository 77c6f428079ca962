/** One form, one mutation: its payload, and every way in which it may say no as one list. */
import type { PageContext } from '../http/request.js';
import type { UserError } from './shapes.js';

export interface Mutated<T> {
  payload: (T & { userErrors: UserError[] }) | null;
  /** Empty exactly when it was done. */
  errors: UserError[];
}

/** Sends `input` to the only field of `document`. A refusal and an error of the transport read the same to a form. */
export async function mutate<T = object>(context: PageContext, document: string, input: object): Promise<Mutated<T>> {
  const answer = await context.ask<Record<string, (T & { userErrors: UserError[] }) | null>>(document, { input });
  const payload = answer.data ? (Object.values(answer.data)[0] ?? null) : null;
  if (payload && payload.userErrors.length > 0) return { payload, errors: payload.userErrors };
  return { payload, errors: answer.problems.map((message) => refusal(message)) };
}

/** A refusal that the page itself makes, before it asks the API; `field` names the control. */
export const refusal = (message: string, field?: string, hint: string | null = null): UserError => ({
  code: `${field ?? ''}:${message}`,
  message,
  hint,
  path: field ? ['input', field] : null,
});
