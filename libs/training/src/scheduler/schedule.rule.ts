/**
 * The scheduler: snapshot in, decisions out, the same for the same snapshot.
 *
 *  S1  A gang is placed whole (minWorkers to maxWorkers members) or not at all.
 *  S2  No device and no promised device-slot is given twice, within a decision round or beside a live lease.
 *  S3  A node works only for a campaign to which its owner has an open pledge of its class with time left, and never
 *      reserves more than that.
 *  S4  Every open run that is not training gets a reason that says what would unblock it.
 *  S5  The order of the snapshot's arrays changes nothing.
 */
import { type Capacity, collect, compareText, consume, gatherEnds } from './capacity.rule.js';
import { explain } from './explain.rule.js';
import { nominate, type Candidate } from './nominate.rule.js';
import { reserve } from './reserve.rule.js';
import type { AttemptView, Decision, DrainCause, Placement, RunView, Snapshot } from './snapshot.type.js';

export function schedule(snapshot: Snapshot): Decision[] {
  // 1 Collect: what is free, indexed for the rounds below; consumed as gangs are placed.
  const capacity = collect(snapshot);
  // 2 Order: who chooses first.
  const queue = order(snapshot.runs);
  const decisions: Decision[] = [];
  for (const run of queue) {
    if (run.attempt !== null) {
      decisions.push(...tend(run, snapshot, capacity));
      continue;
    }
    // 3 Nominate: nodes that may work for this run, best first.
    const candidates = nominate(run, capacity, snapshot.policy);
    // 4 Place whole or not at all.
    const members =
      snapshot.nowMs >= run.notBeforeMs && !gathering(run, candidates, snapshot) ? gang(run, candidates, snapshot) : [];
    if (members.length > 0) {
      consume(capacity, members);
      decisions.push({ kind: 'place', runId: run.id, members });
    } else {
      // 5 Requeue: it keeps its place, and says why it waits.
      decisions.push(wait(run, candidates, snapshot, capacity));
    }
  }
  return decisions;
}

/** Priority, then who is here longest, then the id: a total order. */
const order = (runs: readonly RunView[]): RunView[] =>
  [...runs].sort((a, b) => b.priority - a.priority || a.createdAtMs - b.createdAtMs || compareText(a.id, b.id));

/** Whether a run that could start should still wait for more workers. */
function gathering(run: RunView, candidates: readonly Candidate[], { nowMs, policy }: Snapshot): boolean {
  if (candidates.length >= run.maxWorkers) return false;
  return nowMs < gatherEnds(run, policy);
}

/** The largest gang for which every member has time to reserve; empty when that is below the minimum. */
function gang(run: RunView, candidates: readonly Candidate[], { policy }: Snapshot): Placement[] {
  let chosen = candidates.slice(0, run.maxWorkers);
  while (chosen.length >= run.minWorkers) {
    const { members, short } = reserve(chosen, policy);
    if (short.size === 0) return members;
    // Members whose pledge can't carry them make room for the next candidates.
    const rest = candidates.filter((c) => !short.has(c.nodeId));
    candidates = rest;
    chosen = rest.slice(0, run.maxWorkers);
  }
  return [];
}

/** What to do about a run whose attempt lives. */
function tend(run: RunView, snapshot: Snapshot, capacity: Capacity): Decision[] {
  const { attempt } = run;
  const { nowMs, policy } = snapshot;
  if (attempt === null) return [];
  if (attempt.state === 'stopping' || attempt.state === 'draining') {
    return [{ kind: 'wait', runId: run.id, starved: false, reason: ATTEMPT_ENDING }];
  }
  if (attempt.state === 'assembling') return [{ kind: 'wait', runId: run.id, starved: false, reason: AGENTS_PREPARE }];
  const drain = (cause: DrainCause): Decision[] => [
    { kind: 'drain', runId: run.id, attemptId: attempt.id, cause, byMs: nowMs + policy.drainMs },
  ];
  const leaving = attempt.nodeIds.some((id) => capacity.nodes.get(id)?.state === 'draining');
  if (leaving) return drain('node_draining');
  if (attempt.reserveEndsMs - nowMs <= policy.drainMs) return drain('reservation_ends');
  return mayGrow(run, attempt, snapshot) && nominate(run, capacity, policy).length > 0 ? drain('grow') : [];
}

/** A restart to grow costs time, so it needs a checkpoint to go on from, and must have time to pay off. */
function mayGrow(run: RunView, attempt: AttemptView, { nowMs, policy }: Snapshot): boolean {
  const hasRun = nowMs - (attempt.startedAtMs ?? nowMs) >= policy.growAfterMs;
  const hasRoom = attempt.nodeIds.length < run.maxWorkers;
  return hasRun && hasRoom && attempt.hasCheckpoint && (attempt.remainingMs ?? 0) >= policy.growAfterMs;
}

function wait(run: RunView, candidates: readonly Candidate[], snapshot: Snapshot, capacity: Capacity): Decision {
  const reason = explain(run, candidates.length, snapshot, capacity);
  return { kind: 'wait', runId: run.id, starved: run.attemptsMade > 0 && candidates.length < run.minWorkers, reason };
}

const ATTEMPT_ENDING = {
  code: 'TRAINING_WAIT_ATTEMPT_ENDING',
  message: 'The attempt before is ending: its members write a last checkpoint and stop.',
  unblock: 'Nothing to do: the next attempt starts when each lease was given back or has run out.',
} as const;

const AGENTS_PREPARE = {
  code: 'TRAINING_WAIT_AGENTS_PREPARE',
  message: 'Leases are offered; the agents choose ports and fetch the checkpoint.',
  unblock: 'Nothing to do: training starts when every member says that it is ready.',
} as const;
