import type { DomainEvent, PublicRecord, Tx } from '#platform';
import {
  completedBy,
  completeNodes,
  consistencyRanges,
  foldNodes,
  inclusionRanges,
  type LeafRange,
  type NodeRef,
} from '../merkle/tree.js';
import type { Hash } from '../merkle/tree-hash.js';
import { tileExists, type TileRef, tileSpan } from '../merkle/tiles.js';
import { formatCheckpoint, parseVerifierKey, type VerifierKey } from '../notes/index.js';
import { leafBytes, subjectsOf } from './leaf.js';
import {
  checkpointAt,
  claimIdentity,
  insertCheckpoint,
  insertLeaves,
  insertNodes,
  leafOfEvent,
  leavesAbout,
  lockLog,
  logSize,
  readLeaves,
  readNodes,
  readVerifierKey,
  type StoredCheckpoint,
  type StoredLeaf,
} from './log.store.js';
import { nodeTreeHash } from './node-hash.js';
import type { SigningKey } from './signing-key.js';

/**
 * The log in PostgreSQL.
 *
 * 1. Leaf indices run from 0 without a gap, in the order of event positions.
 * 2. Leaves, the nodes they complete and the checkpoint commit with the event's position, or not at all.
 * 3. At most one checkpoint is ever signed for a size, so no two signed ones contradict each other.
 * 4. An append reads the log2(n) nodes at the right edge and writes on average one node for each leaf; a proof is a look-up.
 */
export class TransparencyLog implements PublicRecord {
  constructor(private readonly key: () => Promise<SigningKey>) {}

  /** Takes a batch of public events into the log and signs a checkpoint over it. Called by the relay. */
  async append(tx: Tx, events: readonly DomainEvent[]): Promise<void> {
    if (events.length === 0) return;
    const key = await this.key();
    await lockLog(tx);
    const owner = await claimIdentity(tx, key.origin, key.verifierKeyText);
    if (owner !== key.verifierKeyText) {
      throw new Error(
        `This database holds the log of the key ${owner}, but the key file holds ${key.verifierKeyText}. Put the right file back in the folder "keys".`,
      );
    }
    const start = await logSize(tx);
    const edge = completeNodes({ start: 0, end: start });
    const known = await readNodes(tx, edge);
    const leaves = events.map((event, i) => toLeaf(event, start + i));
    const nodes = newNodes(leaves, known);
    await insertLeaves(tx, leaves);
    await insertNodes(tx, nodes);
    const size = start + leaves.length;
    const rootHash = foldNodes(
      completeNodes({ start: 0, end: size }).map((ref) => need(known, ref)),
      nodeTreeHash,
    );
    const note = key.signNote(formatCheckpoint({ origin: key.origin, size, root: rootHash }));
    await insertCheckpoint(tx, { size, rootHash, note, issuedAt: tx.now });
  }

  size(tx: Tx): Promise<number> {
    return logSize(tx);
  }

  /** The newest checkpoint; for an empty log one of size 0, signed on the spot. */
  async latestCheckpoint(tx: Tx): Promise<StoredCheckpoint> {
    const stored = await checkpointAt(tx, 'latest');
    if (stored) return stored;
    const key = await this.key();
    const rootHash = nodeTreeHash.empty();
    return {
      size: 0,
      rootHash,
      note: key.signNote(formatCheckpoint({ origin: key.origin, size: 0, root: rootHash })),
      issuedAt: tx.now,
    };
  }

  /** The checkpoint of exactly this size, when one was signed. */
  checkpoint(tx: Tx, size: number): Promise<StoredCheckpoint | undefined> {
    return checkpointAt(tx, size);
  }

  leaves(tx: Tx, start: number, count: number): Promise<StoredLeaf[]> {
    return readLeaves(tx, start, count);
  }

  leafOf(tx: Tx, eventId: string): Promise<StoredLeaf | undefined> {
    return leafOfEvent(tx, eventId);
  }

  leavesAbout(tx: Tx, subjects: readonly string[], size: number): Promise<StoredLeaf[]> {
    return leavesAbout(tx, subjects, size);
  }

  /** Proofs that each of the leaves is in the tree of `size`; one read for all of them. */
  async inclusionProofs(tx: Tx, indices: readonly number[], size: number): Promise<Hash[][]> {
    const plans = indices.map((index) => inclusionRanges(index, size));
    const known = await readNodes(tx, plans.flat().flatMap(completeNodes));
    return plans.map((ranges) => ranges.map((range) => rangeHash(range, known)));
  }

  /** The proof that the tree of `to` extends the tree of `from`. */
  async consistencyProof(tx: Tx, from: number, to: number): Promise<Hash[]> {
    const ranges = consistencyRanges(from, to);
    const known = await readNodes(tx, ranges.flatMap(completeNodes));
    return ranges.map((range) => rangeHash(range, known));
  }

  /** The hashes of a tile, or undefined when the log hasn't all of them yet. */
  async tile(tx: Tx, ref: TileRef): Promise<Hash[] | undefined> {
    if (ref.level === 'entries' || !tileExists(ref, await logSize(tx))) return undefined;
    const level = 8 * ref.level;
    const { start, end } = tileSpan(ref);
    const refs = Array.from({ length: end - start }, (_, i) => ({ level, index: start + i }));
    const known = await readNodes(tx, refs);
    return refs.map((node) => need(known, node));
  }

  signingKey(): Promise<SigningKey> {
    return this.key();
  }

  /**
   * The key to check the log with. It is what the log was begun with, wherever this process runs; a process on a
   * machine without the key file would otherwise make up another one.
   */
  async verifierKey(tx: Tx): Promise<VerifierKey> {
    const stored = await readVerifierKey(tx);
    const parsed = stored === undefined ? undefined : parseVerifierKey(stored);
    return parsed ?? (await this.key()).verifierKey;
  }
}

function toLeaf(event: DomainEvent, index: number): StoredLeaf {
  const data = leafBytes(event);
  return {
    index,
    eventId: event.id,
    eventType: event.type,
    occurredAt: event.occurredAt,
    subjects: subjectsOf(event.payload),
    data,
    hash: nodeTreeHash.leaf(data),
  };
}

/** The nodes that the leaves complete, added to `known` on the way. */
function newNodes(leaves: readonly StoredLeaf[], known: Map<string, Hash>): (NodeRef & { hash: Hash })[] {
  const nodes: (NodeRef & { hash: Hash })[] = [];
  for (const leaf of leaves) {
    known.set(`0/${leaf.index}`, leaf.hash);
    for (const { level, index } of completedBy(leaf.index)) {
      const left = need(known, { level: level - 1, index: 2 * index });
      const right = need(known, { level: level - 1, index: 2 * index + 1 });
      const hash = nodeTreeHash.node(left, right);
      known.set(`${level}/${index}`, hash);
      nodes.push({ level, index, hash });
    }
  }
  return nodes;
}

function rangeHash(range: LeafRange, known: ReadonlyMap<string, Hash>): Hash {
  return foldNodes(
    completeNodes(range).map((ref) => need(known, ref)),
    nodeTreeHash,
  );
}

function need(known: ReadonlyMap<string, Hash>, ref: NodeRef): Hash {
  const hash = known.get(`${ref.level}/${ref.index}`);
  if (!hash) throw new Error(`The log has lost its node ${ref.level}/${ref.index}.`);
  return hash;
}
