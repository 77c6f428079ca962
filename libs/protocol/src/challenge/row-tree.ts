import { createHash } from 'node:crypto';

/**
 * Merkle trees over rows of bytes, with RFC 6962's prefixes (0 for a leaf, 1 for a node) so that neither passes for the
 * other. The number of leaves is a power of two.
 */
const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (bytes: Uint8Array): Buffer => sha256(LEAF, bytes);
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(NODE, left, right);

/** All levels, from the leaves' hashes up to the root alone. */
export function treeLevels(leaves: readonly Buffer[]): Buffer[][] {
  const levels = [[...leaves]];
  for (let level = levels[0] as Buffer[]; level.length > 1; levels.push(level)) {
    const below = level;
    level = Array.from({ length: below.length / 2 }, (_, i) =>
      nodeHash(below[2 * i] as Buffer, below[2 * i + 1] as Buffer),
    );
  }
  return levels;
}

export const treeRoot = (levels: readonly Buffer[][]): Buffer => levels.at(-1)?.[0] as Buffer;

/** Hashes of the siblings from a leaf up. */
export const treePath = (levels: readonly Buffer[][], index: number): Buffer[] =>
  levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1] as Buffer);

/** The root to which a leaf's hash leads, or undefined where the path has another length than the tree is high. */
export function rootOf(leaf: Buffer, index: number, count: number, path: readonly Buffer[]): Buffer | undefined {
  if (path.length !== Math.log2(count)) return undefined;
  return path.reduce<Buffer>(
    (hash, sibling, depth) => (((index >> depth) & 1) === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash)),
    leaf,
  );
}
