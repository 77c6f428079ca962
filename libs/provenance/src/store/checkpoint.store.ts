import type { Tx } from '#platform';
import type { messages } from '#protocol';
import { liveLeaseSql } from '#training';
import type { CheckpointState } from '../domain/checkpoint.machine.js';

export interface CheckpointRow {
  readonly id: string;
  readonly runId: string;
  readonly attemptId: string;
  readonly leaseId: string;
  readonly parentId: string | null;
  readonly step: bigint;
  readonly tokens: bigint;
  readonly loss: number;
  /** Decimal text: `numeric` arrives so. */
  readonly flop: string;
  readonly state: CheckpointState;
  readonly manifestSha256: string;
  readonly declaredAt: Date;
  readonly promotedAt: Date | null;
}

export interface FileRow {
  readonly path: string;
  readonly bytes: bigint;
  readonly sha256: string;
  readonly receivedAt: Date | null;
}

export const CHECKPOINT_COLUMNS = `c.id, c.run_id AS "runId", c.attempt_id AS "attemptId", c.lease_id AS "leaseId",
  c.parent_id AS "parentId", c.step, c.tokens, c.loss, c.flop::text AS flop, c.state,
  c.manifest_sha256 AS "manifestSha256", c.declared_at AS "declaredAt", c.promoted_at AS "promotedAt"`;
const FILE_COLUMNS = 'f.path, f.bytes, f.sha256, f.received_at AS "receivedAt"';

/** Who writes: the lease, the node that signed, the fencing token that it sent. */
export interface Writer {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly token: number;
}
/** The fence with the writer in the first four parameters. */
const FENCE = liveLeaseSql({ lease: '$1', node: '$2', token: '$3', now: '$4' });
const writerParams = (tx: Tx, w: Writer) => [w.leaseId, w.nodeId, w.token, tx.now];

export interface Declaration {
  readonly id: string;
  readonly parentId: string | null;
  readonly flop: bigint;
  readonly manifest: string;
  readonly manifestSha256: string;
  readonly message: messages.CheckpointDeclare;
}

/** Inserts a declared checkpoint with its files, fenced. `stale`: the lease isn't live. `taken`: the step was declared. */
export async function insertCheckpoint(
  tx: Tx,
  writer: Writer,
  d: Declaration,
): Promise<'inserted' | 'taken' | 'stale'> {
  const { message } = d;
  const [row] = await tx.query<{ live: boolean; inserted: boolean }>(
    `WITH live AS (${FENCE}),
     added AS (
       INSERT INTO checkpoint (id, run_id, attempt_id, lease_id, parent_id, step, tokens, loss, flop, state, manifest, manifest_sha256, declared_at)
       SELECT $5, live.run_id, live.attempt_id, live.lease_id, $6, $7, $8, $9, $10, 'declared', $11, $12, $4 FROM live
       ON CONFLICT (attempt_id, step) WHERE state <> 'rejected' DO NOTHING RETURNING id
     ),
     files AS (
       INSERT INTO checkpoint_file (checkpoint_id, path, bytes, sha256)
       SELECT added.id, f.path, f.bytes, f.sha256 FROM added, unnest($13::text[], $14::bigint[], $15::text[]) AS f (path, bytes, sha256)
     )
     SELECT EXISTS (SELECT 1 FROM live) AS live, EXISTS (SELECT 1 FROM added) AS inserted`,
    [
      ...writerParams(tx, writer),
      d.id,
      d.parentId,
      message.step,
      message.tokens,
      message.loss,
      String(d.flop),
      d.manifest,
      d.manifestSha256,
      message.files.map((f) => f.path),
      message.files.map((f) => f.bytes),
      message.files.map((f) => f.sha256),
    ],
  );
  if (row?.live !== true) return 'stale';
  return row.inserted ? 'inserted' : 'taken';
}

/** Marks a file as received, fenced. False when the lease isn't live or the checkpoint takes no more files. */
export async function markReceived(tx: Tx, writer: Writer, checkpointId: string, path: string): Promise<boolean> {
  const rows = await tx.query(
    `WITH live AS (${FENCE}),
     open AS (
       UPDATE checkpoint c SET state = 'uploading' FROM live
        WHERE c.id = $5 AND c.lease_id = live.lease_id AND c.state IN ('declared', 'uploading') RETURNING c.id
     )
     UPDATE checkpoint_file f SET received_at = coalesce(f.received_at, $4) FROM open
      WHERE f.checkpoint_id = open.id AND f.path = $6 RETURNING f.path`,
    [...writerParams(tx, writer), checkpointId, path],
  );
  return rows.length > 0;
}

/** Takes a checkpoint whose files are all here to `hashed`, fenced. */
export async function markHashed(tx: Tx, writer: Writer, checkpointId: string): Promise<boolean> {
  const rows = await tx.query(
    `WITH live AS (${FENCE})
     UPDATE checkpoint c SET state = 'hashed', hashed_at = $4 FROM live
      WHERE c.id = $5 AND c.lease_id = live.lease_id AND c.state = 'uploading'
        AND NOT EXISTS (SELECT 1 FROM checkpoint_file f WHERE f.checkpoint_id = c.id AND f.received_at IS NULL)
     RETURNING c.id`,
    [...writerParams(tx, writer), checkpointId],
  );
  return rows.length > 0;
}

const MOMENT = {
  verified: 'verified_at',
  promoted: 'promoted_at',
  superseded: 'closed_at',
  rejected: 'closed_at',
} as const;

/** Takes one edge; the caller knows the state that it comes from. */
export async function moveCheckpoint(
  tx: Tx,
  id: string,
  to: keyof typeof MOMENT,
  rejection: string | null = null,
): Promise<void> {
  await tx.query(`UPDATE checkpoint SET state = $2, ${MOMENT[to]} = $3, rejection = $4 WHERE id = $1`, [
    id,
    to,
    tx.now,
    rejection,
  ]);
}

export async function findCheckpoint(tx: Tx, id: string): Promise<CheckpointRow | undefined> {
  return (await tx.query<CheckpointRow>(`SELECT ${CHECKPOINT_COLUMNS} FROM checkpoint c WHERE c.id = $1`, [id]))[0];
}

export async function findDeclared(tx: Tx, attemptId: string, step: number): Promise<CheckpointRow | undefined> {
  return (
    await tx.query<CheckpointRow>(
      `SELECT ${CHECKPOINT_COLUMNS} FROM checkpoint c WHERE c.attempt_id = $1 AND c.step = $2 AND c.state <> 'rejected'`,
      [attemptId, step],
    )
  )[0];
}

export async function filesOf(tx: Tx, checkpointIds: readonly string[]): Promise<Map<string, FileRow[]>> {
  const rows = await tx.query<FileRow & { checkpointId: string }>(
    `SELECT f.checkpoint_id AS "checkpointId", ${FILE_COLUMNS} FROM checkpoint_file f
      WHERE f.checkpoint_id = ANY ($1::uuid[]) ORDER BY f.checkpoint_id, f.path COLLATE "C"`,
    [checkpointIds],
  );
  const files = new Map<string, FileRow[]>(checkpointIds.map((id) => [id, []]));
  for (const { checkpointId, ...file } of rows) files.get(checkpointId)?.push(file);
  return files;
}
