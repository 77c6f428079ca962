import { concatBytes } from './bytes.js';
import { portableSha256, type Sha256 } from './sha256.js';

/** A SHA-256 value: 32 bytes. */
export type Hash = Uint8Array;
export const HASH_BYTES = 32;

/** The three hashes of RFC 6962 section 2.1, over whatever SHA-256 the caller has. */
export interface TreeHash {
  empty(): Hash;
  /** SHA-256(0x00 ‖ data). The prefix keeps a leaf from passing for a node. */
  leaf(data: Uint8Array): Hash;
  /** SHA-256(0x01 ‖ left ‖ right). */
  node(left: Hash, right: Hash): Hash;
}

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

export function treeHash(sha256: Sha256): TreeHash {
  return {
    empty: () => sha256(new Uint8Array(0)),
    leaf: (data) => sha256(concatBytes(LEAF_PREFIX, data)),
    node: (left, right) => sha256(concatBytes(NODE_PREFIX, left, right)),
  };
}

export const portableTreeHash: TreeHash = treeHash(portableSha256);
