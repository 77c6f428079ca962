/**
 * The part of this room that needs no server: Merkle trees and proofs, tiles, signed notes and checkpoints.
 * It imports nothing but its own files and uses WebCrypto, so a bundler can put it into a page as it is.
 */
export * as bytes from './merkle/bytes.js';
export * as proofs from './merkle/proof.js';
export * as tiles from './merkle/tiles.js';
export * as tree from './merkle/tree.js';
export { portableSha256, type Sha256 } from './merkle/sha256.js';
export { portableTreeHash, treeHash, type Hash, type TreeHash } from './merkle/tree-hash.js';
export * as notes from './notes/index.js';
export { runVectors, type CaseResult } from './vectors/index.js';
export { leafBytes, type LeafContent, parseLeaf } from './log/leaf.js';
