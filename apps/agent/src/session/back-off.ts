/**
 * Delay before try `failures + 1` when the platform is away, in milliseconds: doubles from `baseMs`, at most `capMs`,
 * then spread evenly over its upper half so that a returning platform is not met by every agent at once.
 * `spread` is a random number in [0, 1).
 */
export function backOffMs(failures: number, baseMs: number, capMs: number, spread: number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(failures, 20));
  return Math.round(full / 2 + (full / 2) * spread);
}
