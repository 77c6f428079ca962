/**
 * The part of this room that needs no server: Merkle trees and proofs, tiles, signed notes and checkpoints.
 * It imports nothing but its own files and uses WebCrypto, so a bundler can put it into a page as it is.
 */
export * as bytes from './merkle/bytes.js';
export * as proofs from './merkle/proof.js';
export * as tiles from './merkle/tiles.js';
export * as tree from './merkle/tree.js';
/** @public for verifiers outside this repository */
export { portableSha256, type Sha256 } from './merkle/sha256.js';
export { portableTreeHash, type Hash, type TreeHash } from './merkle/tree-hash.js';
/** @public for verifiers that bring a SHA-256 of their own */
export { treeHash } from './merkle/tree-hash.js';
export * as notes from './notes/index.js';
export { runVectors, type CaseResult } from './vectors/index.js';
/** @public for monitors that make leaves out of events */
export { leafBytes } from './log/leaf.js';
export { type LeafContent, parseLeaf } from './log/leaf.js';
