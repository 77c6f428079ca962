/*
 * How fast Stripe may be called: a bucket of tokens that fills at a rate, one token a call.
 *
 * 1. In no window of t seconds are there more than rate · t + burst calls.
 * 2. A call that Stripe turned away for haste halves the rate and empties the bucket; every second without one gives a
 *    twentieth of the full rate back. Calls that were under way together are one haste: it halves once.
 */
export interface Pace {
  /** Calls a second when all is well, and now. */
  readonly fullPerSecond: number;
  readonly perSecond: number;
  readonly tokens: number;
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  /** When it was slowed down last. */
  readonly slowedAt: number;
}

const RECOVERY_PER_SECOND = 0.05;
/** Of the full rate: slower than this it never gets. */
const LEAST = 0.05;
/** What was sent before the last slowing may be answered for so long. */
const ANSWERS_MS = 500;
/** How much of a second's calls may come at once. */
const BURST_SECONDS = 0.25;

export const startPace = (fullPerSecond: number, at: number): Pace => ({
  fullPerSecond,
  perSecond: fullPerSecond,
  tokens: burstOf(fullPerSecond),
  at,
  slowedAt: Number.NEGATIVE_INFINITY,
});

const burstOf = (perSecond: number): number => Math.max(1, perSecond * BURST_SECONDS);

function advance(pace: Pace, at: number): Pace {
  const seconds = Math.max(0, at - pace.at) / 1000;
  const tokens = Math.min(burstOf(pace.perSecond), pace.tokens + seconds * pace.perSecond);
  const recovered = pace.perSecond + seconds * RECOVERY_PER_SECOND * pace.fullPerSecond;
  return { ...pace, tokens, perSecond: Math.min(pace.fullPerSecond, recovered), at: Math.max(at, pace.at) };
}

/** Takes a token; `waitMs` is how long the call has to wait until it is there. Tokens may be promised ahead. */
export function takeToken(pace: Pace, at: number): { readonly pace: Pace; readonly waitMs: number } {
  const now = advance(pace, at);
  const tokens = now.tokens - 1;
  return { pace: { ...now, tokens }, waitMs: tokens >= 0 ? 0 : (-tokens / now.perSecond) * 1000 };
}

/** Stripe said: too many. */
export function slowDown(pace: Pace, at: number): Pace {
  const now = advance(pace, at);
  if (at - now.slowedAt < ANSWERS_MS) return now;
  const perSecond = Math.max(now.fullPerSecond * LEAST, now.perSecond / 2);
  return { ...now, perSecond, tokens: Math.min(now.tokens, 0), slowedAt: at };
}
