/**
 * What the scheduler sees and what it decides. Plain data, JSON-serializable except for bigint, so that a decision can
 * be replayed from its recorded snapshot. Times are milliseconds since the epoch, GPU time is GPU-milliseconds.
 */
export interface Snapshot {
  readonly nowMs: number;
  readonly policy: SchedulerPolicy;
  readonly runs: readonly RunView[];
  readonly nodes: readonly NodeView[];
  readonly commitments: readonly CommitmentView[];
}

export interface SchedulerPolicy {
  /** How long a run that could start waits for more workers before its first attempt. */
  readonly gatherMs: number;
  /** The same before a later attempt: shorter, since time without training is lost. */
  readonly regatherMs: number;
  /** A run below its maximum is grown no sooner than this after its attempt started. */
  readonly growAfterMs: number;
  /** Time given to a workload to checkpoint and leave. */
  readonly drainMs: number;
  /** Smallest reservation worth a start, for each device. */
  readonly minReserveMs: number;
  /** Largest reservation of one lease, for each device: bounds what a lost platform could owe. */
  readonly maxReserveMs: number;
}

export interface RunView {
  readonly id: string;
  readonly campaignId: string;
  readonly gpuClass: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** Larger goes first. */
  readonly priority: number;
  readonly createdAtMs: number;
  /** Since when it waits for this attempt. */
  readonly queuedAtMs: number;
  /** Not placed before this moment (back-off after a failed attempt). */
  readonly notBeforeMs: number;
  readonly attemptsMade: number;
  readonly attempt: AttemptView | null;
}

export interface AttemptView {
  readonly id: string;
  readonly state: 'assembling' | 'running' | 'draining' | 'stopping';
  readonly startedAtMs: number | null;
  readonly nodeIds: readonly string[];
  /** The earliest moment at which a reservation of a member is used up. */
  readonly reserveEndsMs: number;
  /** Whether a checkpoint was promoted in this attempt, so that a restart loses little. */
  readonly hasCheckpoint: boolean;
  /** Time that its last steps would take at its pace so far; null before the first. */
  readonly remainingMs: number | null;
}

export interface NodeView {
  readonly id: string;
  /** Pseudonym of the owner; commitments are found by it. */
  readonly owner: string;
  readonly gpuClass: string;
  readonly state: 'available' | 'draining' | 'away';
  /** Devices of the class that no live lease holds. */
  readonly freeDevices: readonly number[];
  /** The pledge that its join token named, if any. */
  readonly pledgeId: string | null;
  /** Leases of this node that expired or were never answered, lately. Fewer goes first. */
  readonly recentFailures: number;
}

export interface CommitmentView {
  readonly pledgeId: string;
  readonly campaignId: string;
  readonly owner: string;
  readonly gpuClass: string;
  /** Devices promised at once, less those leased now. */
  readonly freeDevices: number;
  /** GPU-milliseconds promised, less delivered and reserved. */
  readonly remainingMs: bigint;
}

export interface Placement {
  readonly nodeId: string;
  readonly pledgeId: string;
  readonly devices: readonly number[];
  /** GPU-milliseconds to reserve; a multiple of the number of devices. */
  readonly reserveMs: bigint;
}

/** Why a run does not train now, for people: `unblock` says what would change it. */
export interface WaitReason {
  readonly code:
    | 'TRAINING_WAIT_GATHERING'
    | 'TRAINING_WAIT_BACKOFF'
    | 'TRAINING_WAIT_NO_PLEDGE'
    | 'TRAINING_WAIT_NO_NODE'
    | 'TRAINING_WAIT_TOO_FEW'
    | 'TRAINING_WAIT_COMMITMENT_SPENT'
    | 'TRAINING_WAIT_ATTEMPT_ENDING'
    | 'TRAINING_WAIT_AGENTS_PREPARE';
  readonly message: string;
  readonly unblock: string;
}

export type DrainCause = 'node_draining' | 'grow' | 'reservation_ends';

export type Decision =
  | { readonly kind: 'place'; readonly runId: string; readonly members: readonly Placement[] }
  | {
      readonly kind: 'drain';
      readonly runId: string;
      readonly attemptId: string;
      readonly cause: DrainCause;
      readonly byMs: number;
    }
  | { readonly kind: 'wait'; readonly runId: string; readonly starved: boolean; readonly reason: WaitReason };
