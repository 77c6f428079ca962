/**
 * The states of a donated machine and the edges between them. The migration holds the same edges as rows; a test
 * compares the two, and the database refuses any other.
 *
 *   registered → attesting → benchmarking → idle ⇄ leased → draining → offline
 *   idle → attesting (challenged again)
 *   any live state → suspect (missed beats) → back, or lost (no lease can be live any more)
 *   lost, offline → idle by the next beat, or attesting where it has yet to pass its challenge
 *   any → quarantined (challenge failed) → attesting by appeal · any → retired, for good
 */
export const NODE_STATES = [
  'registered',
  'attesting',
  'benchmarking',
  'idle',
  'leased',
  'draining',
  'suspect',
  'lost',
  'offline',
  'quarantined',
  'retired',
] as const;
export type NodeState = (typeof NODE_STATES)[number];

const EDGES: Readonly<Record<NodeState, readonly NodeState[]>> = {
  registered: ['attesting', 'idle', 'draining', 'suspect', 'lost', 'offline', 'retired'],
  attesting: ['benchmarking', 'quarantined', 'suspect', 'lost', 'offline', 'retired'],
  benchmarking: ['idle', 'quarantined', 'suspect', 'lost', 'offline', 'retired'],
  idle: ['leased', 'attesting', 'draining', 'suspect', 'lost', 'offline', 'quarantined', 'retired'],
  leased: ['idle', 'draining', 'suspect', 'lost', 'offline', 'quarantined', 'retired'],
  draining: ['idle', 'attesting', 'suspect', 'lost', 'offline', 'quarantined', 'retired'],
  suspect: ['idle', 'attesting', 'leased', 'draining', 'lost', 'offline', 'quarantined', 'retired'],
  lost: ['idle', 'attesting', 'draining', 'offline', 'quarantined', 'retired'],
  offline: ['idle', 'attesting', 'draining', 'quarantined', 'retired'],
  quarantined: ['attesting', 'offline', 'retired'],
  retired: [],
};

export const nodeEdges = (): { from: NodeState; to: NodeState }[] =>
  NODE_STATES.flatMap((from) => EDGES[from].map((to) => ({ from, to })));

export const mayBecome = (from: NodeState, to: NodeState): boolean => EDGES[from].includes(to);

export interface BeatFacts {
  state: 'available' | 'draining';
  desiredState: 'available' | 'draining';
  /** Leases that the node says it works on. */
  leases: number;
  /** Its hardware has been challenged and has passed, or nobody is challenged here. */
  isVerified: boolean;
}

/**
 * State after a heartbeat. A node whose hardware has yet to be proved goes to be challenged. A node under attestation, in quarantine or retired isn't moved by its own beats; a node that
 * comes back from `lost` or `offline` begins as idle, for it holds no lease any more.
 */
export function stateAfterBeat(current: NodeState, beat: BeatFacts): NodeState {
  if (current === 'attesting' || current === 'benchmarking' || current === 'quarantined' || current === 'retired')
    return current;
  if (beat.state === 'draining' || beat.desiredState === 'draining') return 'draining';
  // Work in progress is not cut off; whoever has none shows first what his machine can do.
  if (!beat.isVerified && current !== 'leased') return 'attesting';
  if (beat.leases > 0 && (current === 'idle' || current === 'leased' || current === 'suspect')) return 'leased';
  return 'idle';
}

/** How many beats may be missed before a node is suspect. */
export const MISSED_BEATS = 3;

/**
 * State of a silent node, `silentMs` after its last beat. Suspicion takes three missed beats. Loss waits until every
 * lease that the node could hold has run out: a lease is renewed by beats only, so that is one lease time and a margin
 * after the last one. Then nothing it does can count any more.
 */
export function stateWhenSilent(
  current: NodeState,
  silentMs: number,
  limits: { heartbeatMs: number; leaseTtlMs: number },
): NodeState {
  const canBeLost = mayBecome(current, 'lost') && current !== 'lost';
  if (canBeLost && silentMs > limits.leaseTtlMs + skewMarginMs(limits.leaseTtlMs)) return 'lost';
  if (mayBecome(current, 'suspect') && silentMs > MISSED_BEATS * limits.heartbeatMs) return 'suspect';
  return current;
}

/** Added to a lease's end before somebody else may rely on it: a tenth of the lease time, at most 5 s. */
const skewMarginMs = (leaseTtlMs: number): number => Math.min(5_000, leaseTtlMs / 10);

/** What the scheduler needs to know of a state. */
export const fleetState = (state: NodeState): 'available' | 'draining' | 'away' =>
  state === 'idle' || state === 'leased' ? 'available' : state === 'draining' ? 'draining' : 'away';
