/**
 * What an attempt does next, from what its leases say. Pure; asked again after every change and on every tick, so a
 * lost wake-up is made up for.
 *
 *     assembling ── all ready ──▶ running ── drain ──▶ draining
 *         │ a member gone, late      │ a member gone, failed   │ late
 *         └──────────▶ stopping ◀────┴─────────────────────────┘
 *                         │ every lease given back or run out     all exited 0: running, draining ──▶ ended
 *                         ▼
 *                       ended
 *
 *  A1  Nobody is told to start before every member is ready.
 *  A2  An attempt ends only when each of its leases has ended, so two attempts of a run never overlap.
 *  A3  A member told to stop keeps its lease until it says so or the lease runs out.
 */
export type AttemptState = 'assembling' | 'running' | 'draining' | 'stopping' | 'ended';
export type LeaseState = 'offered' | 'active' | 'released' | 'expired' | 'revoked';
export type LeasePhase = 'offered' | 'ready' | 'running' | 'exited' | 'stopped';

export type StopCause =
  | 'node_lost'
  | 'node_left'
  | 'workload_failed'
  | 'offer_timeout'
  | 'offer_declined'
  | 'drain_deadline'
  | 'stalled'
  | 'cancelled';
export type EndReason = StopCause | 'completed' | 'drained' | 'ended_early';

export interface AttemptFacts {
  readonly state: AttemptState;
  readonly assembleByMs: number;
  readonly drainByMs: number | null;
  readonly firstExitAtMs: number | null;
  readonly stopCause: StopCause | null;
  /** Whether the last step of the run has been recorded. */
  readonly targetReached: boolean;
  readonly cancelRequested: boolean;
  readonly leases: readonly {
    readonly state: LeaseState;
    readonly phase: LeasePhase;
    readonly exitCode: number | null;
    /** The node said that it wants to leave. */
    readonly isDraining: boolean;
  }[];
}

export type AttemptStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'start' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'stop'; readonly cause: StopCause }
  | { readonly kind: 'end'; readonly reason: EndReason };

/** Members of a gang that finished may lag behind one another by this much. */
const EXIT_SPREAD_MS = 30_000;
/** A drained member gets this much beyond its deadline before it is stopped. */
const DRAIN_GRACE_MS = 2_000;

const NONE: AttemptStep = { kind: 'none' };
export const hasEnded = (lease: { state: LeaseState }): boolean =>
  lease.state !== 'offered' && lease.state !== 'active';
const hasQuit = (lease: { phase: LeasePhase }): boolean => lease.phase === 'exited' || lease.phase === 'stopped';

export function nextAttemptStep(attempt: AttemptFacts, nowMs: number): AttemptStep {
  const { leases } = attempt;
  switch (attempt.state) {
    case 'ended':
      return NONE;
    case 'stopping':
      if (!leases.every(hasEnded)) return NONE;
      return { kind: 'end', reason: blame(attempt) };
    case 'assembling':
      if (attempt.cancelRequested) return { kind: 'stop', cause: 'cancelled' };
      if (leases.some(hasEnded)) return { kind: 'stop', cause: gone(leases) };
      if (leases.some(hasQuit)) return { kind: 'stop', cause: 'offer_declined' };
      if (leases.every((lease) => lease.phase === 'ready')) return { kind: 'start' };
      return nowMs >= attempt.assembleByMs ? { kind: 'stop', cause: 'offer_timeout' } : NONE;
    case 'running':
    case 'draining':
      return tend(attempt, nowMs);
  }
}

function tend(attempt: AttemptFacts, nowMs: number): AttemptStep {
  const { leases } = attempt;
  if (leases.every((lease) => lease.phase === 'exited' && lease.exitCode === 0)) {
    if (attempt.targetReached) return { kind: 'end', reason: 'completed' };
    const asked = attempt.state === 'draining' || leases.some((lease) => lease.isDraining);
    return { kind: 'end', reason: asked ? 'drained' : 'ended_early' };
  }
  if (attempt.cancelRequested) return { kind: 'stop', cause: 'cancelled' };
  if (leases.some(hasEnded)) return { kind: 'stop', cause: gone(leases) };
  if (leases.some((lease) => lease.phase === 'stopped')) return { kind: 'stop', cause: 'node_left' };
  if (leases.some((lease) => lease.phase === 'exited' && lease.exitCode !== 0)) {
    return { kind: 'stop', cause: 'workload_failed' };
  }
  if (attempt.firstExitAtMs !== null && nowMs - attempt.firstExitAtMs >= EXIT_SPREAD_MS) {
    return { kind: 'stop', cause: 'stalled' };
  }
  if (attempt.drainByMs !== null && nowMs >= attempt.drainByMs + DRAIN_GRACE_MS) {
    return { kind: 'stop', cause: 'drain_deadline' };
  }
  if (attempt.state === 'running' && leases.some((lease) => lease.isDraining)) return { kind: 'drain' };
  return NONE;
}

const gone = (leases: AttemptFacts['leases']): StopCause =>
  leases.some((lease) => lease.state === 'expired') ? 'node_lost' : 'node_left';

/**
 * Why a stopped attempt ended. Survivors of a lost node fail within seconds, before its lease runs out; so a failure
 * beside an expired lease is the loss, not the workload's fault.
 */
function blame(attempt: AttemptFacts): EndReason {
  const cause = attempt.stopCause ?? 'node_lost';
  return cause === 'workload_failed' && attempt.leases.some((lease) => lease.state === 'expired') ? 'node_lost' : cause;
}

/** Ends that are the workload's own doing; too many of them without progress fail the run. */
export const isFruitless = (reason: EndReason): boolean =>
  reason === 'workload_failed' || reason === 'ended_early' || reason === 'stalled';

/** How long to wait after the n-th fruitless attempt in a row: 2 s doubling to 60 s. */
export const backoffMs = (fruitless: number): number =>
  fruitless === 0 ? 0 : Math.min(1_000 * 2 ** fruitless, 60_000);
export const MAX_FRUITLESS_ATTEMPTS = 5;
