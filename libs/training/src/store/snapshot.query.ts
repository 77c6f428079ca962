import { acceleratorClass } from '#catalog';
import type { FleetNode } from '#nodes';
import type { Ledger } from '#ledger';
import type { Tx } from '#platform';
import type {
  AttemptView,
  CommitmentView,
  NodeView,
  RunView,
  SchedulerPolicy,
  Snapshot,
} from '../scheduler/snapshot.type.js';
import { commitmentAccount } from '../settlement.js';

interface RunPart {
  readonly id: string;
  readonly campaignId: string;
  readonly gpuClass: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly priority: number;
  readonly createdAt: Date;
  readonly queuedAt: Date;
  readonly notBefore: Date | null;
  readonly attemptsMade: number;
  readonly attemptId: string | null;
  readonly attemptState: AttemptView['state'] | null;
  readonly attemptStartedAt: Date | null;
  readonly hasCheckpoint: boolean | null;
  readonly stepsMade: bigint | null;
  readonly stepsLeft: bigint;
  readonly nodeIds: string[] | null;
  readonly reserveEndsAt: Date | null;
}

/** Everything the scheduler decides on. Nothing is locked: whoever applies a decision looks again at what it rests on. */
export async function readSnapshot(
  tx: Tx,
  ledger: Ledger,
  fleet: readonly FleetNode[],
  policy: SchedulerPolicy,
): Promise<Snapshot> {
  const runs = await tx.query<RunPart>(
    `SELECT r.id, r.campaign_id AS "campaignId", r.gpu_class AS "gpuClass", r.min_workers AS "minWorkers",
            r.max_workers AS "maxWorkers", r.priority, r.created_at AS "createdAt", r.queued_at AS "queuedAt",
            r.not_before AS "notBefore", (SELECT count(*)::int FROM run_attempt b WHERE b.run_id = r.id) AS "attemptsMade",
            a.id AS "attemptId", a.state AS "attemptState", a.started_at AS "attemptStartedAt",
            a.verified_step IS NOT NULL AS "hasCheckpoint",
            a.last_step - a.restored_step AS "stepsMade",
            r.target_steps - coalesce(a.last_step, a.restored_step, 0) AS "stepsLeft", m.nodes AS "nodeIds", m.reserve_ends AS "reserveEndsAt"
       FROM run r
       LEFT JOIN run_attempt a ON a.run_id = r.id AND a.state <> 'ended'
       LEFT JOIN LATERAL (SELECT array_agg(l.node_id::text ORDER BY l.rank) AS nodes, min(l.max_expires_at) AS reserve_ends
                            FROM lease l WHERE l.attempt_id = a.id) m ON true
      WHERE r.ended_at IS NULL AND r.cancel_requested_at IS NULL`,
  );
  return {
    nowMs: tx.now.getTime(),
    policy,
    runs: runs.map((row) => runView(row, tx.now.getTime())),
    nodes: await nodeViews(tx, fleet),
    commitments: await commitmentViews(tx, ledger),
  };
}

const runView = (row: RunPart, nowMs: number): RunView => ({
  id: row.id,
  campaignId: row.campaignId,
  gpuClass: row.gpuClass,
  minWorkers: row.minWorkers,
  maxWorkers: row.maxWorkers,
  priority: row.priority,
  createdAtMs: row.createdAt.getTime(),
  queuedAtMs: row.queuedAt.getTime(),
  notBeforeMs: row.notBefore?.getTime() ?? 0,
  attemptsMade: row.attemptsMade,
  attempt:
    row.attemptId !== null && row.attemptState !== null
      ? {
          id: row.attemptId,
          state: row.attemptState,
          startedAtMs: row.attemptStartedAt?.getTime() ?? null,
          nodeIds: row.nodeIds ?? [],
          reserveEndsMs: row.reserveEndsAt?.getTime() ?? 0,
          hasCheckpoint: row.hasCheckpoint === true,
          remainingMs: remainingMs(row, nowMs),
        }
      : null,
});

/** Steps left at the attempt's pace so far. */
function remainingMs({ attemptStartedAt, stepsMade, stepsLeft }: RunPart, nowMs: number): number | null {
  if (attemptStartedAt === null || stepsMade === null || stepsMade <= 0n) return null;
  return Math.round(((nowMs - attemptStartedAt.getTime()) / Number(stepsMade)) * Number(stepsLeft));
}

async function nodeViews(tx: Tx, fleet: readonly FleetNode[]): Promise<NodeView[]> {
  const ids = fleet.map((node) => node.nodeId);
  const taken = await tx.query<{ nodeId: string; devices: number[] }>(
    `SELECT node_id AS "nodeId", array_agg(device_index) AS devices FROM lease_device
      WHERE is_live AND node_id = ANY ($1::uuid[]) GROUP BY node_id`,
    [ids],
  );
  const failures = await tx.query<{ nodeId: string; failures: number }>(
    `SELECT node_id AS "nodeId", count(*)::int AS failures FROM lease
      WHERE node_id = ANY ($1::uuid[]) AND granted_at > $2::timestamptz - interval '10 minutes'
        AND (state = 'expired' OR (state = 'revoked' AND phase = 'offered' AND end_reason = 'offer_timeout'))
      GROUP BY node_id`,
    [ids, tx.now],
  );
  const takenBy = new Map(taken.map((row) => [row.nodeId, new Set(row.devices)]));
  const failuresOf = new Map(failures.map((row) => [row.nodeId, row.failures]));
  return fleet.map((node) => ({
    id: node.nodeId,
    owner: node.owner,
    // A node names its device as the driver does; runs and pledges speak of the catalog's classes.
    gpuClass: acceleratorClass(node.class)?.class ?? node.class,
    state: node.state,
    freeDevices: Array.from({ length: node.count }, (_, index) => index).filter(
      (index) => !takenBy.get(node.nodeId)?.has(index),
    ),
    pledgeId: node.computePledgeId,
    recentFailures: failuresOf.get(node.nodeId) ?? 0,
  }));
}

async function commitmentViews(tx: Tx, ledger: Ledger): Promise<CommitmentView[]> {
  const rows = await tx.query<{
    pledgeId: string;
    campaignId: string;
    owner: string;
    gpuClass: string;
    freeDevices: number;
  }>(
    `SELECT c.pledge_id AS "pledgeId", c.campaign_id AS "campaignId", c.contributor AS owner, c.gpu_class AS "gpuClass",
            greatest(0, c.device_count - coalesce((SELECT sum(l.device_count)::int FROM lease l
              WHERE l.pledge_id = c.pledge_id AND l.state IN ('offered', 'active')), 0)) AS "freeDevices"
       FROM compute_commitment c
      WHERE c.is_open AND c.campaign_id IN (SELECT r.campaign_id FROM run r WHERE r.ended_at IS NULL)`,
  );
  const balances = await ledger.balances(
    tx,
    rows.map((row) => commitmentAccount(row.pledgeId, row.gpuClass)),
  );
  return rows.map((row) => {
    const balance = balances.get(commitmentAccount(row.pledgeId, row.gpuClass));
    const left = balance ? balance.creditsPosted - balance.debitsPosted - balance.debitsPending : 0n;
    return { ...row, remainingMs: left > 0n ? left : 0n };
  });
}
