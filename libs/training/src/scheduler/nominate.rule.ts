import { type Capacity, type FreeCommitment, compareText, nodesOf, pledgesOf } from './capacity.rule.js';
import type { RunView, SchedulerPolicy } from './snapshot.type.js';

/** A node that may work for a run, with the pledge that pays and the devices it would lend. */
export interface Candidate {
  readonly nodeId: string;
  readonly pledgeId: string;
  readonly devices: readonly number[];
  readonly recentFailures: number;
  /** GPU-milliseconds left in the pledge. */
  readonly remainingMs: bigint;
}

/**
 * Nodes that may work for the run, best first: fewer recent failures, more devices, more promised time, smaller id.
 * A node whose join token named a pledge of this campaign uses that one, else its owner's pledge with the most time.
 * Slots of a pledge (its `count` of devices) are given out in that same order, so a pledge for two devices lends two.
 */
export function nominate(run: RunView, capacity: Capacity, policy: Pick<SchedulerPolicy, 'minReserveMs'>): Candidate[] {
  const pledges = pledgesOf(run, capacity).filter(
    (c) => c.remainingMs >= BigInt(policy.minReserveMs) && c.freeDevices > 0,
  );
  const byOwner = new Map<string, FreeCommitment[]>();
  for (const pledge of pledges) byOwner.set(pledge.owner, [...(byOwner.get(pledge.owner) ?? []), pledge]);
  const wishes = nodesOf(run, new Set(byOwner.keys()), capacity)
    .filter((node) => node.state === 'available' && node.free.length > 0)
    .map((node) => ({ node, own: byOwner.get(node.owner) ?? [] }))
    .sort(
      (a, b) =>
        a.node.recentFailures - b.node.recentFailures ||
        b.node.free.length - a.node.free.length ||
        compareText(a.node.id, b.node.id),
    );
  const slots = new Map(pledges.map((pledge) => [pledge.pledgeId, pledge.freeDevices]));
  const candidates: Candidate[] = [];
  for (const { node, own } of wishes) {
    const pledge = own
      .filter((p) => (slots.get(p.pledgeId) ?? 0) > 0)
      .sort(
        (a, b) =>
          Number(b.pledgeId === node.pledgeId) - Number(a.pledgeId === node.pledgeId) ||
          (a.remainingMs === b.remainingMs
            ? compareText(a.pledgeId, b.pledgeId)
            : a.remainingMs > b.remainingMs
              ? -1
              : 1),
      )[0];
    if (!pledge) continue;
    const left = slots.get(pledge.pledgeId) ?? 0;
    const devices = node.free.slice(0, left);
    slots.set(pledge.pledgeId, left - devices.length);
    candidates.push({
      nodeId: node.id,
      pledgeId: pledge.pledgeId,
      devices,
      recentFailures: node.recentFailures,
      remainingMs: pledge.remainingMs,
    });
  }
  return candidates;
}
