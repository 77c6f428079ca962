// The door of the transparency room on a server. What needs no server is behind `#transparency/pure`.
export { type LeafContent, parseLeaf } from './log/leaf.js';
export { type StoredCheckpoint, type StoredLeaf } from './log/log.store.js';
export { transparencyInvariants } from './log/transparency.invariants.js';
export { SigningKey } from './log/signing-key.js';
export { TransparencyLog } from './log/transparency-log.js';
export { type Problem, sendProblem } from './http/problem.js';
export { TransparencyModule } from './transparency.module.js';
