/**
 * An expected failure: a rule said no. It is a value, not an exception; whoever receives it must look at it.
 * `message` is one short fact, `detail` the figures, `hint` what would be right, `path` the input field.
 */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly path?: readonly string[];
}

/** One or more refusals. A unit of work that returns this rolls everything back. */
export class Refused {
  constructor(readonly refusals: readonly Refusal[]) {}

  get first(): Refusal {
    return this.refusals[0] ?? { code: 'REFUSED', message: 'The request was refused.' };
  }
}

/** Either the value or the refusals. */
export type Outcome<T> = T | Refused;

export const refuse = (refusal: Refusal): Refused => new Refused([refusal]);

export const isRefused = (outcome: unknown): outcome is Refused => outcome instanceof Refused;
