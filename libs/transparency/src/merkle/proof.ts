/**
 * Checking proofs, by the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2, and the subtree forms of
 * draft-ietf-plants-merkle-tree-certs. Every function answers false for anything malformed; none throws.
 * A consistency proof from size 0 is refused: an empty tree proves nothing about a later one.
 */
import { equalBytes } from './bytes.js';
import { isSize, isSubtree } from './tree.js';
import { HASH_BYTES, type Hash, type TreeHash } from './tree-hash.js';

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}

export interface ConsistencyClaim {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Hash;
  readonly toRoot: Hash;
  readonly proof: readonly Hash[];
}

export function verifyInclusion(claim: InclusionClaim, hash: TreeHash): boolean {
  const { index, size, leafHash, root, proof } = claim;
  if (!isSize(index) || !isSize(size) || index >= size || !allHashes([leafHash, root, ...proof])) return false;
  let at = index;
  let last = size - 1;
  let running = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      running = hash.node(sibling, running);
      while (!isOdd(at) && at > 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      running = hash.node(running, sibling);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && equalBytes(running, root);
}

export function verifyConsistency(claim: ConsistencyClaim, hash: TreeHash): boolean {
  const { from, to, fromRoot, toRoot, proof } = claim;
  if (from < 1) return false;
  return verifySubtreeConsistency({ start: 0, end: from, size: to, subtreeRoot: fromRoot, root: toRoot, proof }, hash);
}

export interface SubtreeInclusionClaim {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly leafHash: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}

/** A leaf of the subtree [start, end): the same walk, counted from the subtree's start. */
export function verifySubtreeInclusion(claim: SubtreeInclusionClaim, hash: TreeHash): boolean {
  const { index, start, end, leafHash, root, proof } = claim;
  if (!isSubtree(start, end) || !isSize(index) || index < start) return false;
  return verifyInclusion({ index: index - start, size: end - start, leafHash, root, proof }, hash);
}

export interface SubtreeConsistencyClaim {
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly subtreeRoot: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}

/**
 * That the subtree [start, end) is part of the tree of `size`. With start 0 it is RFC 9162's consistency.
 * An empty subtree is part of every tree that reaches it, by its hash alone. The roots' lengths need no check of
 * their own: each is either compared with the other, or hashed beside siblings of 32 bytes.
 */
export function verifySubtreeConsistency(claim: SubtreeConsistencyClaim, hash: TreeHash): boolean {
  const { start, end, size, subtreeRoot, root, proof } = claim;
  if (!isSize(start) || !isSize(size) || end > size || !allHashes(proof)) return false;
  if (start === end) return proof.length === 0 && equalBytes(subtreeRoot, hash.empty());
  if (!isSubtree(start, end)) return false;
  let first = start;
  let last = end - 1;
  let top = size - 1;
  // Climb to the highest node that both trees share at the right edge of the subtree.
  while (first !== last && (last === top || isOdd(last))) [first, last, top] = [half(first), half(last), half(top)];
  const rest = [...proof];
  const seed = first === last ? subtreeRoot : rest.shift();
  if (seed === undefined) return false;
  let inSubtree = seed;
  let inTree = seed;
  for (const sibling of rest) {
    if (top === 0) return false;
    if (isOdd(last) || last === top) {
      if (first < last) inSubtree = hash.node(sibling, inSubtree);
      inTree = hash.node(sibling, inTree);
      while (!isOdd(last) && last > 0) [first, last, top] = [half(first), half(last), half(top)];
    } else {
      inTree = hash.node(inTree, sibling);
    }
    [first, last, top] = [half(first), half(last), half(top)];
  }
  return top === 0 && equalBytes(inSubtree, subtreeRoot) && equalBytes(inTree, root);
}

function allHashes(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === HASH_BYTES);
}

function isOdd(n: number): boolean {
  return n % 2 === 1;
}

function half(n: number): number {
  return Math.floor(n / 2);
}
