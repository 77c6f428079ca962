import type { Tx } from '#platform';
import type { messages } from '#protocol';
import { liveLeaseSql } from './fence.sql.js';
import { notifyRun } from './run.store.js';

interface Caller {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly token: number;
}

const FENCE = liveLeaseSql({ lease: '$1', node: '$2', token: '$3', now: '$4' });

/**
 * Records steps; the first point of a step stands. The run's row follows in the same statement. Answers false, with nothing written, when the token is stale.
 */
export async function appendMetrics(tx: Tx, caller: Caller, points: readonly messages.MetricPoint[]): Promise<boolean> {
  const [row] = await tx.query<{ live: boolean; runId: string | null }>(
    `WITH live AS (${FENCE}),
     point AS (
       SELECT DISTINCT ON (step) * FROM unnest($5::bigint[], $6::float8[], $7::bigint[], $8::float8[], $9::numeric[], $10::timestamptz[])
         AS p (step, loss, tokens, step_ms, flop, at) ORDER BY step
     ),
     written AS (
       INSERT INTO metric_step (run_id, attempt_id, step, loss, tokens, step_ms, flop_hardware, reported_at, recorded_at)
       SELECT live.run_id, live.attempt_id, p.step, p.loss, p.tokens, p.step_ms, p.flop, p.at, $4 FROM live, point p
       ON CONFLICT DO NOTHING RETURNING step, loss, tokens
     ),
     last AS (SELECT * FROM written ORDER BY step DESC LIMIT 1),
     first AS (SELECT * FROM written ORDER BY step LIMIT 1),
     attempt AS (
       UPDATE run_attempt a SET last_step = greatest(a.last_step, last.step), last_tokens = greatest(a.last_tokens, last.tokens)
         FROM live, last WHERE a.id = live.attempt_id RETURNING a.id
     ),
     -- Joins the attempt's update so that the attempt is locked before the run, as everybody does.
     progress AS (
       UPDATE run r SET step = greatest(r.step, last.step), tokens = greatest(r.tokens, last.tokens),
              first_loss = coalesce(r.first_loss, first.loss),
              last_loss = CASE WHEN last.step >= r.step THEN last.loss ELSE r.last_loss END
         FROM live, last, first, attempt WHERE r.id = live.run_id RETURNING r.id
     )
     SELECT EXISTS (SELECT 1 FROM live) AS live, (SELECT id FROM progress) AS "runId"`,
    [
      caller.leaseId,
      caller.nodeId,
      caller.token,
      tx.now,
      points.map((p) => p.step),
      points.map((p) => p.loss),
      points.map((p) => p.tokens),
      points.map((p) => p.stepMs),
      points.map((p) => p.hardwareFlop ?? null),
      points.map((p) => p.at),
    ],
  );
  if (row?.runId) await notifyRun(tx, row.runId);
  return row?.live === true;
}

/** How much of a lease's log is kept, in bytes; more is refused. */
export const LOG_LIMIT_BYTES = 4 * 1024 * 1024;

/** Appends a piece of a lease's log; a piece that is there already is left alone. `full`: the lease has logged enough. */
export async function appendLog(
  tx: Tx,
  caller: Caller,
  piece: messages.LogAppend,
): Promise<'written' | 'stale' | 'full'> {
  const [row] = await tx.query<{ live: boolean; full: boolean }>(
    `WITH live AS (${FENCE}),
     room AS (SELECT live.lease_id, coalesce((SELECT sum(g.bytes) FROM lease_log g WHERE g.lease_id = live.lease_id), 0) < $9 AS has FROM live),
     written AS (
       INSERT INTO lease_log (lease_id, byte_offset, bytes, dropped_bytes, content, recorded_at)
       SELECT room.lease_id, $5, $6, $7, $8, $4 FROM room WHERE room.has ON CONFLICT DO NOTHING
     )
     SELECT EXISTS (SELECT 1 FROM live) AS live, EXISTS (SELECT 1 FROM room WHERE NOT has) AS full`,
    [
      caller.leaseId,
      caller.nodeId,
      caller.token,
      tx.now,
      piece.offset,
      Buffer.byteLength(piece.text),
      piece.droppedBytes,
      // PostgreSQL text can't hold U+0000.
      piece.text.replaceAll('\u0000', '\ufffd'),
      LOG_LIMIT_BYTES,
    ],
  );
  if (row?.live !== true) return 'stale';
  return row.full ? 'full' : 'written';
}
