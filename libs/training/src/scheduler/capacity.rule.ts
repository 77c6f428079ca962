import type { CommitmentView, NodeView, Placement, RunView, Snapshot } from './snapshot.type.js';

/** Free nodes and promises, as they stand after the placements made so far. Indexed, so that a run looks at its own only. */
export interface Capacity {
  readonly nodes: ReadonlyMap<string, FreeNode>;
  readonly commitments: ReadonlyMap<string, FreeCommitment>;
  readonly nodesByOwner: ReadonlyMap<string, readonly FreeNode[]>;
  readonly commitmentsByCampaign: ReadonlyMap<string, readonly FreeCommitment[]>;
}
export type FreeNode = NodeView & { free: number[] };
export type FreeCommitment = { -readonly [K in keyof CommitmentView]: CommitmentView[K] };

export function collect(snapshot: Snapshot): Capacity {
  const nodes = [...snapshot.nodes]
    .sort((a, b) => compareText(a.id, b.id))
    .map((node) => ({ ...node, free: [...node.freeDevices].sort((a, b) => a - b) }));
  const commitments = [...snapshot.commitments]
    .sort((a, b) => compareText(a.pledgeId, b.pledgeId))
    .map((commitment) => ({ ...commitment }));
  return {
    nodes: new Map(nodes.map((node) => [node.id, node])),
    commitments: new Map(commitments.map((commitment) => [commitment.pledgeId, commitment])),
    nodesByOwner: groupBy(nodes, (node) => keyOf(node.gpuClass, node.owner)),
    commitmentsByCampaign: groupBy(commitments, (c) => keyOf(c.gpuClass, c.campaignId)),
  };
}

const keyOf = (gpuClass: string, id: string): string => `${gpuClass}/${id}`;

/** Pledges of the run's campaign in its class, spent ones among them. */
export const pledgesOf = (run: RunView, capacity: Capacity): readonly FreeCommitment[] =>
  capacity.commitmentsByCampaign.get(keyOf(run.gpuClass, run.campaignId)) ?? [];

/** Nodes of the run's class that the pledges' owners have, whatever their state. */
export const nodesOf = (run: RunView, owners: ReadonlySet<string>, capacity: Capacity): FreeNode[] =>
  [...owners].flatMap((owner) => capacity.nodesByOwner.get(keyOf(run.gpuClass, owner)) ?? []);

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
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
