export * from './checkpoint.js';
export * from './ed25519.js';
export * from './signed-note.js';
export * from './tlog-proof.js';
export * from './verifier-key.js';
