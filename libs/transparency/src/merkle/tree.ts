/**
 * The shape of an RFC 6962 tree, apart from where its hashes are kept.
 *
 * 1. A complete subtree `(level, index)` covers the leaves [index·2^level, (index+1)·2^level) and never changes
 *    once those leaves exist; so it can be stored, and a proof is a look-up.
 * 2. Any range whose start fits its size (see `isSubtree`) is a right-leaning fold of at most log2(n)+1 such nodes.
 * 3. A proof is a list of ranges; who has the stored nodes can answer it in one read.
 *
 * Sizes are numbers: a log may hold 2^53 − 1 leaves. Bitwise operators are avoided because they cut at 32 bits.
 */
import type { Hash, TreeHash } from './tree-hash.js';

export interface NodeRef {
  readonly level: number;
  readonly index: number;
}

/** Leaves [start, end). */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

export function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** The largest power of two strictly below n, for n of at least 2: where RFC 6962 splits. */
export function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** True if [start, end) is a subtree: start is a multiple of the smallest power of two that is not below its size. */
export function isSubtree(start: number, end: number): boolean {
  if (!isSize(start) || !isSize(end) || start >= end) return false;
  let span = 1;
  while (span < end - start) span *= 2;
  return start % span === 0;
}

/** The stored nodes whose fold is the hash of [start, end), left to right. */
export function completeNodes({ start, end }: LeafRange): NodeRef[] {
  const nodes: NodeRef[] = [];
  let at = start;
  while (at < end) {
    let level = 0;
    let span = 1;
    while (at % (span * 2) === 0 && at + span * 2 <= end) {
      span *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / span });
    at += span;
  }
  return nodes;
}

/** Folds the hashes of `completeNodes` of a subtree into its hash. */
export function foldNodes(hashes: readonly Hash[], hash: TreeHash): Hash {
  const last = hashes.at(-1);
  if (last === undefined) return hash.empty();
  return hashes.slice(0, -1).reduceRight((right, left) => hash.node(left, right), last);
}

/** The ranges whose hashes are the inclusion proof of leaf `index` in the tree of `size` (RFC 9162, 2.1.3.1). */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  if (!isSize(index) || !isSize(size) || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  return pathRanges(index, { start: 0, end: size });
}

function pathRanges(index: number, { start, end }: LeafRange): LeafRange[] {
  if (end - start === 1) return [];
  const middle = start + splitPoint(end - start);
  return index < middle
    ? [...pathRanges(index, { start, end: middle }), { start: middle, end }]
    : [...pathRanges(index, { start: middle, end }), { start, end: middle }];
}

/** The ranges whose hashes prove that the tree of `to` extends the tree of `from` (RFC 9162, 2.1.4.1). */
export function consistencyRanges(from: number, to: number): LeafRange[] {
  if (!isSize(from) || !isSize(to) || from < 1 || from > to) throw new RangeError(`no proof from ${from} to ${to}`);
  return subproofRanges(from, { start: 0, end: to }, true);
}

function subproofRanges(from: number, { start, end }: LeafRange, known: boolean): LeafRange[] {
  if (from === end) return known ? [] : [{ start, end }];
  const middle = start + splitPoint(end - start);
  return from <= middle
    ? [...subproofRanges(from, { start, end: middle }, known), { start: middle, end }]
    : [...subproofRanges(from, { start: middle, end }, false), { start, end: middle }];
}

/**
 * The complete subtrees that a leaf at position `index` finishes, from its parent upwards: what has to be
 * stored beside it. On average one for each leaf, so appending is amortised O(1) in writes and O(log n) in reads.
 */
export function completedBy(index: number): NodeRef[] {
  const nodes: NodeRef[] = [];
  let span = 2;
  for (let level = 1; (index + 1) % span === 0; level += 1) {
    nodes.push({ level, index: (index + 1) / span - 1 });
    span *= 2;
  }
  return nodes;
}

/** A tree held in memory: what tests, the verifier and small tools use. */
export class MemoryTree {
  private readonly levels: Hash[][] = [[]];

  constructor(private readonly hash: TreeHash) {}

  get size(): number {
    return this.levels[0]?.length ?? 0;
  }

  append(leafHash: Hash): void {
    const index = this.size;
    this.level(0).push(leafHash);
    for (const { level, index: at } of completedBy(index)) {
      this.level(level).push(
        this.hash.node(
          this.node({ level: level - 1, index: 2 * at }),
          this.node({ level: level - 1, index: 2 * at + 1 }),
        ),
      );
    }
  }

  root(size = this.size): Hash {
    return this.range({ start: 0, end: size });
  }

  inclusionProof(index: number, size = this.size): Hash[] {
    return inclusionRanges(index, size).map((range) => this.range(range));
  }

  consistencyProof(from: number, to = this.size): Hash[] {
    return consistencyRanges(from, to).map((range) => this.range(range));
  }

  /** The hash of a range that is a subtree of some tree. */
  range(range: LeafRange): Hash {
    return foldNodes(
      completeNodes(range).map((ref) => this.node(ref)),
      this.hash,
    );
  }

  private node({ level, index }: NodeRef): Hash {
    const found = this.levels[level]?.[index];
    if (found === undefined) throw new RangeError(`node ${level}/${index} is not in a tree of ${this.size} leaves`);
    return found;
  }

  private level(level: number): Hash[] {
    return (this.levels[level] ??= []);
  }
}
