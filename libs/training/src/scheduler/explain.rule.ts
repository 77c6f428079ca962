import { type Capacity, gatherEnds, nodesOf, pledgesOf } from './capacity.rule.js';
import type { RunView, Snapshot, WaitReason } from './snapshot.type.js';

const plural = (n: number, thing: string) => `${n} ${thing}${n === 1 ? '' : 's'}`;
const at = (ms: number) => new Date(ms).toISOString();

/** Why a run without an attempt was not placed, and what would change that. `eligible` nodes could work for it now. */
export function explain(run: RunView, eligible: number, snapshot: Snapshot, capacity: Capacity): WaitReason {
  const pledges = pledgesOf(run, capacity);
  if (snapshot.nowMs < run.notBeforeMs) {
    return {
      code: 'TRAINING_WAIT_BACKOFF',
      message: 'The attempt before ended without progress.',
      unblock: `The next attempt may start at ${at(run.notBeforeMs)}.`,
    };
  }
  if (pledges.length === 0) {
    return {
      code: 'TRAINING_WAIT_NO_PLEDGE',
      message: `The campaign has no accepted pledge of ${run.gpuClass} time.`,
      unblock: `Accept compute pledges of class ${run.gpuClass} whose owners run ${plural(run.minWorkers, 'node')} or more.`,
    };
  }
  const owners = new Set(pledges.map((c) => c.owner));
  const online = nodesOf(run, owners, capacity).filter((node) => node.state === 'available');
  const busy = online.filter((node) => node.free.length === 0).length;
  if (eligible >= run.minWorkers) {
    if (snapshot.nowMs < gatherEnds(run, snapshot.policy)) {
      return {
        code: 'TRAINING_WAIT_GATHERING',
        message: `${plural(eligible, 'worker')} of at most ${run.maxWorkers} could start.`,
        unblock: `Starts when ${run.maxWorkers} are here, or at ${at(gatherEnds(run, snapshot.policy))} with those that are.`,
      };
    }
    return spent(run, pledges.length);
  }
  // Machines enough, so it is the pledges that don't carry them.
  if (online.length - busy >= run.minWorkers) return spent(run, pledges.length);
  if (online.length === 0) {
    return {
      code: 'TRAINING_WAIT_NO_NODE',
      message: `No node of the ${plural(owners.size, 'compute donor')} of this campaign is online.`,
      unblock: `Needs ${plural(run.minWorkers, 'node')} of class ${run.gpuClass}: their owners start the agent.`,
    };
  }
  const missing = run.minWorkers - eligible;
  return {
    code: 'TRAINING_WAIT_TOO_FEW',
    message: `${plural(eligible, 'node')} could work, ${run.minWorkers} are needed; ${busy} of the donors' nodes are on other leases.`,
    unblock: `${plural(missing, 'more node')} of class ${run.gpuClass}: one that comes online, is given back, or is pledged.`,
  };
}

const spent = (run: RunView, pledges: number): WaitReason => ({
  code: 'TRAINING_WAIT_COMMITMENT_SPENT',
  message: `The ${plural(pledges, 'pledge')} of ${run.gpuClass} time for this campaign ${pledges === 1 ? 'has' : 'have'} too little time, or promise too few devices.`,
  unblock: `A new or larger compute pledge of class ${run.gpuClass}.`,
});
