import type { Tx } from '#platform';
import type { NodeRef } from '../merkle/tree.js';
import type { Hash } from '../merkle/tree-hash.js';

/** A leaf as it is stored. `index` is its place in the log. */
export interface StoredLeaf {
  readonly index: number;
  readonly eventId: string;
  readonly eventType: string;
  readonly occurredAt: Date;
  readonly subjects: readonly string[];
  readonly data: Uint8Array;
  readonly hash: Hash;
}

export interface StoredCheckpoint {
  readonly size: number;
  readonly rootHash: Hash;
  /** The signed note. */
  readonly note: string;
  readonly issuedAt: Date;
}

interface LeafRow {
  index: bigint;
  event_id: string;
  event_type: string;
  occurred_at: Date;
  subjects: string[];
  data: Buffer;
  hash: Buffer;
}

const LEAF_COLUMNS = 'index, event_id, event_type, occurred_at, subjects, data, hash';

const toLeaf = (row: LeafRow): StoredLeaf => ({
  index: Number(row.index),
  eventId: row.event_id,
  eventType: row.event_type,
  occurredAt: row.occurred_at,
  subjects: row.subjects,
  data: new Uint8Array(row.data),
  hash: new Uint8Array(row.hash),
});

export async function lockLog(tx: Tx): Promise<void> {
  // The relay is alone already; this keeps it so for any other caller. 6962 is the RFC's number.
  await tx.query('SELECT pg_advisory_xact_lock(6962)');
}

export async function logSize(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ size: bigint }>('SELECT size FROM log_checkpoint ORDER BY size DESC LIMIT 1');
  return Number(row?.size ?? 0n);
}

export async function insertLeaves(tx: Tx, leaves: readonly StoredLeaf[]): Promise<void> {
  await tx.query(
    `INSERT INTO log_leaf (${LEAF_COLUMNS})
     SELECT i, e, t, o, ARRAY(SELECT jsonb_array_elements_text(s)), d, h
       FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::bytea[], $7::bytea[]) AS x(i, e, t, o, s, d, h)`,
    [
      leaves.map((leaf) => leaf.index),
      leaves.map((leaf) => leaf.eventId),
      leaves.map((leaf) => leaf.eventType),
      leaves.map((leaf) => leaf.occurredAt),
      leaves.map((leaf) => JSON.stringify(leaf.subjects)),
      leaves.map((leaf) => Buffer.from(leaf.data)),
      leaves.map((leaf) => Buffer.from(leaf.hash)),
    ],
  );
}

export async function insertNodes(tx: Tx, nodes: readonly (NodeRef & { hash: Hash })[]): Promise<void> {
  if (nodes.length === 0) return;
  await tx.query(
    'INSERT INTO log_node (level, index, hash) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])',
    [nodes.map((node) => node.level), nodes.map((node) => node.index), nodes.map((node) => Buffer.from(node.hash))],
  );
}

export async function insertCheckpoint(tx: Tx, checkpoint: StoredCheckpoint): Promise<void> {
  await tx.query('INSERT INTO log_checkpoint (size, root_hash, note, issued_at) VALUES ($1, $2, $3, $4)', [
    checkpoint.size,
    Buffer.from(checkpoint.rootHash),
    checkpoint.note,
    checkpoint.issuedAt,
  ]);
}

/** The hashes of stored nodes, keyed `level/index`; one statement for any number of them. */
export async function readNodes(tx: Tx, refs: readonly NodeRef[]): Promise<Map<string, Hash>> {
  if (refs.length === 0) return new Map();
  const rows = await tx.query<{ level: number; index: bigint; hash: Buffer }>(
    `WITH wanted AS (SELECT DISTINCT * FROM unnest($1::smallint[], $2::bigint[]) AS w(level, index))
     SELECT w.level, w.index, l.hash FROM wanted w JOIN log_leaf l ON w.level = 0 AND l.index = w.index
     UNION ALL
     SELECT w.level, w.index, n.hash FROM wanted w JOIN log_node n ON n.level = w.level AND n.index = w.index`,
    [refs.map((ref) => ref.level), refs.map((ref) => ref.index)],
  );
  return new Map(rows.map((row) => [`${row.level}/${row.index}`, new Uint8Array(row.hash)]));
}

export async function readLeaves(tx: Tx, start: number, count: number): Promise<StoredLeaf[]> {
  const rows = await tx.query<LeafRow>(
    `SELECT ${LEAF_COLUMNS} FROM log_leaf WHERE index >= $1 AND index < $2 ORDER BY index`,
    [start, start + count],
  );
  return rows.map(toLeaf);
}

export async function leafOfEvent(tx: Tx, eventId: string): Promise<StoredLeaf | undefined> {
  const [row] = await tx.query<LeafRow>(`SELECT ${LEAF_COLUMNS} FROM log_leaf WHERE event_id = $1`, [eventId]);
  return row && toLeaf(row);
}

/** The leaves below `size` that name any of the subjects, in order. */
export async function leavesAbout(tx: Tx, subjects: readonly string[], size: number): Promise<StoredLeaf[]> {
  const rows = await tx.query<LeafRow>(
    `SELECT ${LEAF_COLUMNS} FROM log_leaf WHERE subjects && $1::text[] AND index < $2 ORDER BY index`,
    [subjects, size],
  );
  return rows.map(toLeaf);
}

export async function checkpointAt(tx: Tx, size: number | 'latest'): Promise<StoredCheckpoint | undefined> {
  const [row] = await tx.query<{ size: bigint; root_hash: Buffer; note: string; issued_at: Date }>(
    `SELECT size, root_hash, note, issued_at FROM log_checkpoint ${size === 'latest' ? '' : 'WHERE size = $1'} ORDER BY size DESC LIMIT 1`,
    size === 'latest' ? [] : [size],
  );
  return (
    row && { size: Number(row.size), rootHash: new Uint8Array(row.root_hash), note: row.note, issuedAt: row.issued_at }
  );
}

/** Writes whose log this is at the first append, and finds out on every later one whether the key still is that one. */
export async function claimIdentity(tx: Tx, origin: string, verifierKey: string): Promise<string> {
  await tx.query(
    'INSERT INTO log_identity (id, origin, verifier_key, created_at) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO NOTHING',
    [origin, verifierKey, tx.now],
  );
  const [row] = await tx.query<{ verifier_key: string }>('SELECT verifier_key FROM log_identity WHERE id = 1');
  return row?.verifier_key ?? '';
}

/** The key that the log was begun with; undefined while it is empty. */
export async function readVerifierKey(tx: Tx): Promise<string | undefined> {
  return (await tx.query<{ verifier_key: string }>('SELECT verifier_key FROM log_identity WHERE id = 1'))[0]
    ?.verifier_key;
}
