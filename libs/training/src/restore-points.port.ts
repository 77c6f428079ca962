import type { messages } from '#protocol';
import type { Tx } from '#platform';

/** A checkpoint to go on from: what the agents fetch, and how far the run had come. */
export interface PromotedPoint {
  readonly restore: messages.RestorePoint;
  readonly step: bigint;
  readonly tokens: bigint;
  /** Operations counted until then, decimal text. */
  readonly flopHardware: string;
}

/** Implemented by whoever keeps checkpoints. */
export interface RestorePoints {
  /** The run's promoted checkpoint, or undefined when it has none. */
  latestPromoted(tx: Tx, runId: string): Promise<PromotedPoint | undefined>;
}
export const RESTORE_POINTS = Symbol('RESTORE_POINTS');
