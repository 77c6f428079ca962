import type { CommitmentView, NodeView, Placement, RunView, Snapshot } from './snapshot.type.js';

/** Free nodes and promises, as they stand after the placements made so far. */
export interface Capacity {
  readonly nodes: Map<string, NodeView & { free: number[] }>;
  readonly commitments: Map<string, Mutable<CommitmentView>>;
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function collect(snapshot: Snapshot): Capacity {
  const byId = <T extends { id: string }>(a: T, b: T) => compareText(a.id, b.id);
  return {
    nodes: new Map(
      [...snapshot.nodes]
        .sort(byId)
        .map((node) => [node.id, { ...node, free: [...node.freeDevices].sort((a, b) => a - b) }]),
    ),
    commitments: new Map(
      [...snapshot.commitments].sort((a, b) => compareText(a.pledgeId, b.pledgeId)).map((c) => [c.pledgeId, { ...c }]),
    ),
  };
}

export function consume(capacity: Capacity, members: readonly Placement[]): void {
  for (const member of members) {
    const node = capacity.nodes.get(member.nodeId);
    const promise = capacity.commitments.get(member.pledgeId);
    if (!node || !promise) throw new Error('placed on a node or pledge outside the snapshot');
    node.free = node.free.filter((device) => !member.devices.includes(device));
    promise.freeDevices -= member.devices.length;
    promise.remainingMs -= member.reserveMs;
  }
}

/** When a run stops waiting for more workers than it needs. */
export const gatherEnds = (run: RunView, policy: Snapshot['policy']): number =>
  run.queuedAtMs + (run.attemptsMade === 0 ? policy.gatherMs : policy.regatherMs);

/** By code unit, so that no machine's language setting changes an order. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
