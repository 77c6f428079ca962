import type { messages } from '#protocol';
import type { Tx } from '#platform';
import type { AttemptState, LeasePhase } from '../domain/attempt.machine.js';
import type { RunSpec } from './run.store.js';

/** One node's beat, as far as leases go. */
export interface LeaseBeat {
  readonly nodeId: string;
  readonly address: string;
  readonly isDraining: boolean;
  readonly reports: readonly messages.LeaseReport[];
}

/**
 * Takes in the reports of a batch of beats by one statement: token and expiry are checked where the row is written.
 * An active lease is renewed to now + ttl, unless its attempt is stopping; phases only go forward; a lease that its node
 * once reported and now leaves out has been lost on the node's side and counts as stopped.
 * Answers the attempts for which something changed that moves them.
 */
export async function takeReports(tx: Tx, beats: readonly LeaseBeat[], ttlMs: number): Promise<string[]> {
  const flat = beats.flatMap((beat) => beat.reports.map((report) => ({ beat, report })));
  const rows = await tx.query<{ attemptId: string }>(
    `WITH report AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::int[], $6::bigint[], $7::int[], $8::text[],
                            $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::boolean[])
         AS r (node_id, lease_id, token, phase, port, step, exit_code, exit_reason, busy_ms, energy, energy_method, address, draining)
     ), held AS (
       SELECT l.id, l.phase AS old_phase, l.is_draining AS was_draining, a.state AS attempt_state
         FROM lease l JOIN report r ON r.lease_id = l.id AND r.node_id = l.node_id AND r.token = l.token
         JOIN run_attempt a ON a.id = l.attempt_id
        WHERE l.state IN ('offered', 'active') AND l.expires_at > $14
        ORDER BY l.id FOR UPDATE OF l
     ), renewed AS (
       UPDATE lease l
          SET phase = CASE WHEN array_position($17::text[], r.phase) > array_position($17::text[], l.phase) THEN r.phase ELSE l.phase END,
              address = r.address,
              rendezvous_port = coalesce(r.port, l.rendezvous_port),
              step = greatest(l.step, r.step),
              exit_code = coalesce(l.exit_code, r.exit_code),
              exit_reason = coalesce(l.exit_reason, r.exit_reason),
              is_draining = l.is_draining OR r.draining,
              busy_ms = greatest(l.busy_ms, r.busy_ms),
              energy_micro_wh = greatest(l.energy_micro_wh, r.energy),
              energy_method = r.energy_method,
              last_beat_at = $14,
              expires_at = CASE WHEN l.state = 'active' AND h.attempt_state IN ('running', 'draining')
                THEN greatest(l.expires_at, least(l.max_expires_at, $14::timestamptz + $15::bigint * interval '1 millisecond'))
                ELSE l.expires_at END
         FROM held h JOIN report r ON r.lease_id = h.id
        WHERE l.id = h.id
       RETURNING l.attempt_id, (l.phase <> h.old_phase OR (l.is_draining AND NOT h.was_draining)) AS changed
     ), forgotten AS (
       UPDATE lease l SET phase = 'stopped', exit_reason = 'The agent no longer knows this lease.'
        WHERE l.node_id = ANY ($16::uuid[]) AND l.state IN ('offered', 'active') AND l.phase IN ('ready', 'running')
          AND NOT EXISTS (SELECT 1 FROM report r WHERE r.lease_id = l.id)
       RETURNING l.attempt_id, true AS changed
     )
     SELECT DISTINCT attempt_id AS "attemptId" FROM (TABLE renewed UNION ALL TABLE forgotten) x WHERE changed`,
    [
      flat.map(({ beat }) => beat.nodeId),
      flat.map(({ report }) => report.leaseId),
      flat.map(({ report }) => report.token),
      flat.map(({ report }) => report.phase),
      flat.map(({ report }) => report.rendezvousPort ?? null),
      flat.map(({ report }) => report.step ?? null),
      flat.map(({ report }) => report.exitCode ?? null),
      flat.map(({ report }) =>
        report.reason ? `${report.reason.code}: ${report.reason.message}`.slice(0, 500) : null,
      ),
      flat.map(({ report }) => report.busyMs),
      flat.map(({ report }) => report.energyMicroWh),
      flat.map(({ report }) => report.energyMethod),
      flat.map(({ beat }) => beat.address),
      flat.map(({ beat }) => beat.isDraining),
      tx.now,
      ttlMs,
      beats.map((beat) => beat.nodeId),
      PHASES,
    ],
  );
  return rows.map((row) => row.attemptId);
}
const PHASES: readonly LeasePhase[] = ['offered', 'ready', 'running', 'exited', 'stopped'];

interface DirectiveRow {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly token: bigint;
  readonly expiresAt: Date;
  readonly phase: LeasePhase;
  readonly rank: number;
  readonly deviceCount: number;
  readonly attemptId: string;
  readonly attemptState: AttemptState;
  readonly size: number;
  readonly drainBy: Date | null;
  readonly restore: messages.RestorePoint | null;
  readonly runId: string;
  readonly spec: RunSpec;
  readonly masterAddr: string | null;
  readonly masterPort: number | null;
}

/** What the platform wants of each live lease of the nodes, by node. Level-triggered: said again until it is so. */
export async function readDirectives(
  tx: Tx,
  nodeIds: readonly string[],
): Promise<Map<string, messages.LeaseDirective[]>> {
  const rows = await tx.query<DirectiveRow>(
    `SELECT l.id AS "leaseId", l.node_id AS "nodeId", l.token, l.expires_at AS "expiresAt", l.phase, l.rank,
            l.device_count AS "deviceCount", a.id AS "attemptId", a.state AS "attemptState", a.size, a.drain_by AS "drainBy",
            a.restore, r.id AS "runId", r.spec, m.address AS "masterAddr", m.rendezvous_port AS "masterPort"
       FROM lease l JOIN run_attempt a ON a.id = l.attempt_id JOIN run r ON r.id = l.run_id
       LEFT JOIN lease m ON m.attempt_id = l.attempt_id AND m.rank = 0
      WHERE l.node_id = ANY ($1::uuid[]) AND l.state IN ('offered', 'active') AND l.expires_at > $2
      ORDER BY l.id`,
    [nodeIds, tx.now],
  );
  const byNode = new Map<string, messages.LeaseDirective[]>();
  for (const row of rows) byNode.set(row.nodeId, [...(byNode.get(row.nodeId) ?? []), directiveOf(row)]);
  return byNode;
}

function directiveOf(row: DirectiveRow): messages.LeaseDirective {
  const base = { leaseId: row.leaseId, token: Number(row.token), expiresAt: row.expiresAt.toISOString() };
  switch (row.attemptState) {
    case 'assembling':
      return { ...base, directive: 'prepare' };
    case 'running':
      return row.phase === 'ready'
        ? { ...base, directive: 'start', launch: launchOf(row) }
        : { ...base, directive: 'start' };
    case 'draining':
      return { ...base, directive: 'drain', ...(row.drainBy ? { drainBy: row.drainBy.toISOString() } : {}) };
    case 'stopping':
    case 'ended':
      return { ...base, directive: 'stop' };
  }
}

function launchOf(row: DirectiveRow): messages.LaunchSpec {
  if (row.masterAddr === null || row.masterPort === null) {
    throw new Error(`attempt ${row.attemptId} started without a rendezvous of rank 0`);
  }
  const { spec } = row;
  return {
    runId: row.runId,
    attemptId: row.attemptId,
    rank: row.rank,
    worldSize: row.size,
    localWorldSize: row.deviceCount,
    masterAddr: row.masterAddr,
    masterPort: row.masterPort,
    workload: spec.workload,
    driver: spec.driver,
    config: { ...spec.hyperparameters, steps: spec.steps },
    restore: row.restore,
    checkpointEverySteps: spec.checkpointEverySteps,
    env: {},
  };
}
