/**
 * Counter-based randomness: a number depends only on its keys, never on how many were drawn before. So the batch of
 * step n is the same in any process, for any world size, before and after a restore. `tiny-lm-torch` draws the very
 * same numbers; change both or neither.
 */
export function randomStream(...keys: number[]): () => number {
  let state = 0x2545f491;
  for (const key of keys) state = mix(state, key);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

function mix(state: number, key: number): number {
  let h = Math.imul(state ^ ((key + 0x9e3779b9) >>> 0), 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
