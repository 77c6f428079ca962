/**
 * When a node must have stopped working on a lease.
 *  1. Only differences of the platform's own clock are used (expiry minus its time of answering), so that a donor's
 *     wrong or jumping clock can't lengthen a lease.
 *  2. The time left counts from when the request was sent, not from when the answer came: the slowest reading.
 *  3. The node stops a margin before the expiry, as the platform credits nothing and may grant anew after it.
 */
export function localDeadlineMs(input: { sentAtMs: number; serverTime: string; expiresAt: string }): number {
  const leftMs = Date.parse(input.expiresAt) - Date.parse(input.serverTime);
  return input.sentAtMs + leftMs - skewMarginMs(leftMs);
}

/** 15 % of the time left, at least 300 ms and at most 5 s. */
const skewMarginMs = (leftMs: number): number => Math.min(5_000, Math.max(300, leftMs * 0.15));

/** Milliseconds of a clock that never jumps. Counted from an arbitrary point. */
export const monotonicMs = (): number => performance.now();
