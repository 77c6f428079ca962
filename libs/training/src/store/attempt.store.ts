import { newId } from '#kernel';
import type { messages } from '#protocol';
import type { Tx } from '#platform';
import type { AttemptState, LeasePhase, LeaseState, StopCause } from '../domain/attempt.machine.js';
import type { Placement } from '../scheduler/snapshot.type.js';

export interface LeaseRow {
  readonly id: string;
  readonly runId: string;
  readonly attemptId: string;
  readonly nodeId: string;
  readonly pledgeId: string;
  readonly contributor: string;
  readonly region: string | null;
  readonly gpuClass: string;
  readonly rank: number;
  readonly deviceCount: number;
  readonly token: bigint;
  readonly state: LeaseState;
  readonly phase: LeasePhase;
  readonly exitCode: number | null;
  readonly isDraining: boolean;
  readonly busyMs: bigint;
  readonly energyMicroWh: bigint;
  readonly energyMethod: string | null;
  readonly reservedMs: bigint;
  readonly grantedAt: Date;
  readonly expiresAt: Date;
  readonly startedAt: Date | null;
  readonly lastBeatAt: Date | null;
  readonly endedAt: Date | null;
  readonly endReason: string | null;
  readonly deliveredMs: bigint | null;
}

export const LEASE_COLUMNS = `l.id, l.run_id AS "runId", l.attempt_id AS "attemptId", l.node_id AS "nodeId",
  l.pledge_id AS "pledgeId", l.contributor, l.region, l.gpu_class AS "gpuClass", l.rank, l.device_count AS "deviceCount",
  l.token, l.state, l.phase, l.exit_code AS "exitCode", l.is_draining AS "isDraining", l.busy_ms AS "busyMs",
  l.energy_micro_wh AS "energyMicroWh", l.energy_method AS "energyMethod", l.reserved_ms AS "reservedMs",
  l.granted_at AS "grantedAt", l.expires_at AS "expiresAt", l.started_at AS "startedAt", l.last_beat_at AS "lastBeatAt",
  l.ended_at AS "endedAt", l.end_reason AS "endReason", l.delivered_ms AS "deliveredMs"`;

export interface AttemptRow {
  readonly id: string;
  readonly runId: string;
  readonly number: number;
  readonly state: AttemptState;
  readonly endReason: string | null;
  readonly size: number;
  readonly restore: messages.RestorePoint | null;
  readonly restoredStep: bigint;
  readonly restoredTokens: bigint;
  readonly restoredFlopHardware: string;
  readonly lastStep: bigint | null;
  readonly lastTokens: bigint | null;
  readonly verifiedStep: bigint | null;
  readonly verifiedTokens: bigint | null;
  readonly verifiedAt: Date | null;
  readonly assembleBy: Date;
  readonly drainBy: Date | null;
  readonly stopCause: StopCause | null;
  readonly firstExitAt: Date | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

export const ATTEMPT_COLUMNS = `a.id, a.run_id AS "runId", a.number, a.state, a.end_reason AS "endReason", a.size, a.restore,
  a.restored_step AS "restoredStep", a.restored_tokens AS "restoredTokens",
  a.restored_flop_hardware::text AS "restoredFlopHardware", a.last_step AS "lastStep", a.last_tokens AS "lastTokens",
  a.verified_step AS "verifiedStep", a.verified_tokens AS "verifiedTokens",
  a.verified_at AS "verifiedAt", a.assemble_by AS "assembleBy",
  a.drain_by AS "drainBy", a.stop_cause AS "stopCause", a.first_exit_at AS "firstExitAt", a.started_at AS "startedAt",
  a.ended_at AS "endedAt"`;

/**
 * Locks an attempt for its next step: leases in id order, then the attempt. Every writer locks in this order (leases,
 * attempt, run, ledger accounts), so that they wait for one another instead of deadlocking.
 */
export async function lockAttempt(
  tx: Tx,
  attemptId: string,
): Promise<{ attempt: AttemptRow; leases: LeaseRow[] } | undefined> {
  const leases = await tx.query<LeaseRow>(
    `SELECT ${LEASE_COLUMNS} FROM lease l WHERE l.attempt_id = $1 ORDER BY l.id FOR UPDATE`,
    [attemptId],
  );
  const [attempt] = await tx.query<AttemptRow>(
    `SELECT ${ATTEMPT_COLUMNS} FROM run_attempt a WHERE a.id = $1 FOR UPDATE`,
    [attemptId],
  );
  return attempt ? { attempt, leases } : undefined;
}

/**
 * Attempts that may have a step to take, and their nodes whose leases ran out. Wider than the machine, which decides: it
 * only leaves out those that rest, so that a thousand quiet gangs cost one statement and no transaction.
 */
export async function findRestless(tx: Tx, skewMs: number): Promise<{ id: string; lostNodes: string[] | null }[]> {
  return tx.query<{ id: string; lostNodes: string[] | null }>(
    `SELECT a.id, array_agg(l.node_id::text) FILTER (WHERE l.ended_at IS NULL
              AND l.expires_at + $2::bigint * interval '1 millisecond' <= $1) AS "lostNodes"
       FROM run_attempt a JOIN lease l ON l.attempt_id = a.id JOIN run r ON r.id = a.run_id
      WHERE a.state <> 'ended'
      GROUP BY a.id, r.cancel_requested_at
     HAVING NOT (
              r.cancel_requested_at IS NULL
              AND bool_and(l.ended_at IS NULL AND l.expires_at + $2::bigint * interval '1 millisecond' > $1)
              AND CASE a.state
                WHEN 'assembling' THEN a.assemble_by > $1 AND bool_or(l.phase = 'offered') AND bool_and(l.phase IN ('offered', 'ready'))
                WHEN 'running' THEN bool_and(l.phase IN ('ready', 'running') AND NOT l.is_draining)
                WHEN 'draining' THEN a.drain_by > $1 AND bool_and(l.phase IN ('ready', 'running'))
                WHEN 'stopping' THEN a.started_at IS NOT NULL AND bool_and(l.phase IN ('ready', 'running'))
              END)
      ORDER BY a.id`,
    [tx.now, skewMs],
  );
}

/** What an attempt starts from. */
export interface Restored {
  readonly restore: messages.RestorePoint | null;
  readonly step: bigint;
  readonly tokens: bigint;
  readonly flopHardware: string;
}

export async function insertAttempt(
  tx: Tx,
  input: { runId: string; size: number; assembleBy: Date; restored: Restored },
): Promise<{ id: string; number: number }> {
  const { restored } = input;
  const [row] = await tx.query<{ id: string; number: number }>(
    `INSERT INTO run_attempt (id, run_id, number, state, size, restore, restored_step, restored_tokens,
                              restored_flop_hardware, assemble_by, created_at)
     SELECT $1, $2, coalesce(max(number), 0) + 1, 'assembling', $3, $4, $5, $6, $7, $8, $9
       FROM run_attempt WHERE run_id = $2
     RETURNING id, number`,
    [
      newId(),
      input.runId,
      input.size,
      restored.restore ? JSON.stringify(restored.restore) : null,
      restored.step,
      restored.tokens,
      restored.flopHardware,
      input.assembleBy,
      tx.now,
    ],
  );
  if (!row) throw new Error('the attempt was not inserted');
  return row;
}

export interface Grant extends Placement {
  readonly contributor: string;
  readonly region: string | null;
}

/** Inserts the leases of a gang, ranks in order, and takes their devices. A device that is taken makes this throw. */
export async function insertLeases(
  tx: Tx,
  input: { runId: string; attemptId: string; gpuClass: string; expiresAt: Date; members: readonly Grant[] },
): Promise<{ id: string; nodeId: string; pledgeId: string; reservedMs: bigint }[]> {
  const { members } = input;
  const ids = members.map(() => newId());
  await tx.query(
    `INSERT INTO lease (id, run_id, attempt_id, node_id, pledge_id, contributor, region, gpu_class, rank, device_count,
                        state, reserved_ms, granted_at, expires_at, max_expires_at)
     SELECT m.id, $1, $2, m.node_id, m.pledge_id, m.contributor, m.region, $3, m.rank, m.devices, 'offered', m.reserved,
            $4, $5, $5
       FROM unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::int[], $12::int[], $13::bigint[])
            AS m (id, node_id, pledge_id, contributor, region, rank, devices, reserved)
      ORDER BY m.rank`,
    [
      input.runId,
      input.attemptId,
      input.gpuClass,
      tx.now,
      input.expiresAt,
      ids,
      members.map((m) => m.nodeId),
      members.map((m) => m.pledgeId),
      members.map((m) => m.contributor),
      members.map((m) => m.region),
      members.map((_, rank) => rank),
      members.map((m) => m.devices.length),
      members.map((m) => String(m.reserveMs)),
    ],
  );
  const devices = members.flatMap((m, index) =>
    m.devices.map((device) => ({ lease: ids[index], node: m.nodeId, device })),
  );
  await tx.query(
    `INSERT INTO lease_device (lease_id, node_id, device_index, is_live)
     SELECT d.lease_id, d.node_id, d.device, true FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS d (lease_id, node_id, device)`,
    [devices.map((d) => d.lease), devices.map((d) => d.node), devices.map((d) => d.device)],
  );
  return members.map((m, index) => ({
    id: ids[index] as string,
    nodeId: m.nodeId,
    pledgeId: m.pledgeId,
    reservedMs: m.reserveMs,
  }));
}
