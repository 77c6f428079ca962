import type { Candidate } from './nominate.rule.js';
import type { Placement, SchedulerPolicy } from './snapshot.type.js';

/**
 * Shares each pledge's remaining time among its members, equally for each device, at most `maxReserveMs` a device.
 * `short` names members whose share is below `minReserveMs` a device: with them the gang can't start. Where a pledge
 * can carry some of its members but not all, only as many as needed are named, the last nominated first.
 */
export function reserve(
  chosen: readonly Candidate[],
  policy: Pick<SchedulerPolicy, 'minReserveMs' | 'maxReserveMs'>,
): { members: Placement[]; short: ReadonlySet<string> } {
  const short = new Set<string>();
  const perDevice = new Map<string, bigint>();
  for (const pledgeId of new Set(chosen.map((c) => c.pledgeId))) {
    const members = chosen.filter((c) => c.pledgeId === pledgeId);
    const share = () => members[0]!.remainingMs / BigInt(members.reduce((n, c) => n + c.devices.length, 0));
    while (members.length > 0 && share() < BigInt(policy.minReserveMs)) short.add(members.pop()!.nodeId);
    if (members.length === 0) continue;
    const most = BigInt(policy.maxReserveMs);
    perDevice.set(pledgeId, share() < most ? share() : most);
  }
  const members = chosen
    .filter((c) => !short.has(c.nodeId))
    .map((c) => ({
      nodeId: c.nodeId,
      pledgeId: c.pledgeId,
      devices: c.devices,
      reserveMs: (perDevice.get(c.pledgeId) ?? 0n) * BigInt(c.devices.length),
    }));
  return { members, short };
}
