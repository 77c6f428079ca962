import type { Tx } from './unit-of-work.js';

/** What one check found. `figures` are printed beside the verdict so that a person can follow it. */
export interface InvariantResult {
  readonly ok: boolean;
  /** One line for each thing that is wrong, naming the row. Empty when `ok`. */
  readonly violations: readonly string[];
  readonly figures?: Readonly<Record<string, string>>;
}

/**
 * A promise of DESIGN.md section 5 as a check on live data. Tests, chaos runs, `commonweights audit` and the status
 * page all run the same ones.
 */
export interface InvariantCheck {
  readonly name: string;
  /** The number of the invariant in `docs/architecture.md`. */
  readonly invariant: number;
  readonly description: string;
  run(tx: Tx): Promise<InvariantResult>;
}
