/** Invariant 5: every public event is in the log exactly once; the log only grows; checkpoints agree with one another. */
import type { InvariantCheck, InvariantResult, Tx } from '#platform';
import { equalBytes, toBase64 } from '../merkle/bytes.js';
import { completedBy, completeNodes, foldNodes } from '../merkle/tree.js';
import type { Hash } from '../merkle/tree-hash.js';
import { openCheckpoint, parseVerifierKey } from '../notes/index.js';
import { leafBytes } from './leaf.js';
import { readLeaves, readNodes, type StoredCheckpoint } from './log.store.js';
import { nodeTreeHash } from './node-hash.js';

const BATCH = 2_000;
const SHOWN = 20;

const eventsOnce: InvariantCheck = {
  name: 'log.events-once',
  invariant: 5,
  description: 'Every public event that has a position is in the log exactly once, and nothing else is.',
  async run(tx) {
    const rows = await tx.query<{ id: string; fault: string }>(
      `SELECT coalesce(e.id, l.event_id)::text AS id,
              CASE WHEN l.event_id IS NULL THEN 'is public but not in the log' ELSE 'is in the log but is no public event' END AS fault
         FROM (SELECT id FROM event_outbox WHERE is_public AND position IS NOT NULL) e
         FULL JOIN log_leaf l ON l.event_id = e.id
        WHERE e.id IS NULL OR l.event_id IS NULL LIMIT ${SHOWN}`,
    );
    const [count] = await tx.query<{ leaves: bigint; waiting: bigint }>(
      `SELECT (SELECT count(*) FROM log_leaf) AS leaves,
              (SELECT count(*) FROM event_outbox WHERE is_public AND position IS NULL) AS waiting`,
    );
    return result(
      rows.map((row) => `event ${row.id} ${row.fault}`),
      { leaves: String(count?.leaves ?? 0n), 'events waiting for the relay': String(count?.waiting ?? 0n) },
    );
  },
};

const inOrder: InvariantCheck = {
  name: 'log.in-order',
  invariant: 5,
  description: 'Leaves are numbered from 0 without a gap, in the order of event positions.',
  async run(tx) {
    const rows = await tx.query<{ index: bigint }>(
      `SELECT index FROM (
         SELECT l.index, row_number() OVER (ORDER BY l.index) - 1 AS expected,
                e.position <= lag(e.position) OVER (ORDER BY l.index) AS backwards
           FROM log_leaf l JOIN event_outbox e ON e.id = l.event_id) x
        WHERE index <> expected OR backwards ORDER BY index LIMIT ${SHOWN}`,
    );
    return result(rows.map((row) => `leaf ${row.index} is out of order`));
  },
};

const rederived: InvariantCheck = {
  name: 'log.rederived',
  invariant: 5,
  description: 'Every leaf, subtree hash and checkpoint is the one that the events give when the log is built again.',
  async run(tx) {
    const violations: string[] = [];
    const checkpoints = await readCheckpoints(tx);
    const builder = new Rebuild(violations);
    for (let start = 0; ; start += BATCH) {
      const more = await rebuildBatch(tx, builder, start);
      for (const checkpoint of checkpoints.filter(({ size }) => size > start && size <= start + BATCH))
        builder.check(checkpoint);
      if (!more || violations.length >= SHOWN) break;
    }
    for (const { size } of checkpoints.filter((checkpoint) => checkpoint.size > builder.size)) {
      violations.push(`checkpoint ${size} speaks of more leaves than there are (${builder.size})`);
    }
    return result(violations.slice(0, SHOWN), {
      leaves: String(builder.size),
      checkpoints: String(checkpoints.length),
    });
  },
};

const signed: InvariantCheck = {
  name: 'log.signed',
  invariant: 5,
  description:
    "Every checkpoint carries the log's own signature over its size and root, and the newest covers the whole log.",
  async run(tx) {
    const [identity] = await tx.query<{ verifier_key: string }>('SELECT verifier_key FROM log_identity WHERE id = 1');
    const key = identity && parseVerifierKey(identity.verifier_key);
    const checkpoints = await readCheckpoints(tx);
    const violations: string[] = [];
    if (checkpoints.length > 0 && !key) violations.push('the log has checkpoints but no key');
    for (const checkpoint of key ? checkpoints : []) {
      const opened = await openCheckpoint(checkpoint.note, key as NonNullable<typeof key>);
      const same =
        opened?.checkpoint.size === checkpoint.size && equalBytes(opened.checkpoint.root, checkpoint.rootHash);
      if (!same) violations.push(`checkpoint ${checkpoint.size} is not what the log signed`);
    }
    const [count] = await tx.query<{ leaves: bigint }>('SELECT count(*) AS leaves FROM log_leaf');
    const newest = checkpoints.at(-1)?.size ?? 0;
    if (newest !== Number(count?.leaves ?? 0n))
      violations.push(`the newest checkpoint covers ${newest} of ${count?.leaves} leaves`);
    return result(violations, { checkpoints: String(checkpoints.length), key: identity?.verifier_key ?? 'none yet' });
  },
};

export const transparencyInvariants: readonly InvariantCheck[] = [eventsOnce, inOrder, rederived, signed];

/** Builds the tree again leaf by leaf, keeping only its right edge and the nodes of the present batch. */
class Rebuild {
  size = 0;
  private nodes = new Map<string, Hash>();

  constructor(private readonly violations: string[]) {}

  /** Adds a leaf and answers the nodes that it completes. */
  add(hash: Hash): string[] {
    this.nodes.set(`0/${this.size}`, hash);
    const made = completedBy(this.size).map(({ level, index }) => {
      const left = this.nodes.get(`${level - 1}/${2 * index}`) as Hash;
      const right = this.nodes.get(`${level - 1}/${2 * index + 1}`) as Hash;
      this.nodes.set(`${level}/${index}`, nodeTreeHash.node(left, right));
      return `${level}/${index}`;
    });
    this.size += 1;
    return made;
  }

  get(key: string): Hash {
    return this.nodes.get(key) as Hash;
  }

  /** A size inside the present batch: its nodes are still held. */
  check(checkpoint: StoredCheckpoint): void {
    const parts = completeNodes({ start: 0, end: checkpoint.size }).map(({ level, index }) =>
      this.nodes.get(`${level}/${index}`),
    );
    const complete = parts.every((part) => part !== undefined);
    if (!complete || !equalBytes(foldNodes(parts, nodeTreeHash), checkpoint.rootHash)) {
      this.violations.push(
        `checkpoint ${checkpoint.size} has the root ${toBase64(checkpoint.rootHash)}, which its leaves don't give`,
      );
    }
  }

  /** Drops what only the leaves before `size` need. */
  forget(): void {
    const kept = new Map<string, Hash>();
    for (const { level, index } of completeNodes({ start: 0, end: this.size })) {
      const key = `${level}/${index}`;
      const hash = this.nodes.get(key);
      if (hash) kept.set(key, hash);
    }
    this.nodes = kept;
  }

  fail(violation: string): void {
    this.violations.push(violation);
  }
}

async function rebuildBatch(tx: Tx, builder: Rebuild, start: number): Promise<boolean> {
  builder.forget();
  const leaves = await readLeaves(tx, start, BATCH);
  const events = await tx.query<{
    id: string;
    type: string;
    position: bigint;
    occurred_at: Date;
    payload: Record<string, unknown>;
  }>('SELECT id, type, position, occurred_at, payload FROM event_outbox WHERE id = ANY($1::uuid[])', [
    leaves.map((leaf) => leaf.eventId),
  ]);
  const byId = new Map(events.map((event) => [event.id, event]));
  const made: string[] = [];
  for (const leaf of leaves) {
    const event = byId.get(leaf.eventId);
    const data = event && leafBytes({ ...event, occurredAt: event.occurred_at });
    if (!data || !equalBytes(data, leaf.data)) builder.fail(`leaf ${leaf.index} is not its event ${leaf.eventId}`);
    const hash = nodeTreeHash.leaf(leaf.data);
    if (!equalBytes(hash, leaf.hash)) builder.fail(`leaf ${leaf.index} has a hash that is not its own`);
    made.push(...builder.add(hash));
  }
  const refs = made.map((key) => ({ level: Number(key.split('/')[0]), index: Number(key.split('/')[1]) }));
  const stored = await readNodes(tx, refs);
  for (const key of made) {
    const hash = stored.get(key);
    if (!hash || !equalBytes(hash, builder.get(key))) builder.fail(`node ${key} is not the hash of its leaves`);
  }
  return leaves.length === BATCH;
}

async function readCheckpoints(tx: Tx): Promise<StoredCheckpoint[]> {
  const rows = await tx.query<{ size: bigint; root_hash: Buffer; note: string; issued_at: Date }>(
    'SELECT size, root_hash, note, issued_at FROM log_checkpoint ORDER BY size',
  );
  return rows.map((row) => ({
    size: Number(row.size),
    rootHash: new Uint8Array(row.root_hash),
    note: row.note,
    issuedAt: row.issued_at,
  }));
}

function result(violations: readonly string[], figures?: Record<string, string>): InvariantResult {
  return { ok: violations.length === 0, violations, ...(figures ? { figures } : {}) };
}
