import { ApiError } from './api.error.js';

/*
 * How many calls the sandbox takes, as Stripe does: a bucket that holds one second's calls and fills at the rate. What
 * finds it empty is turned away before anything is done, and so before its idempotency key is used.
 * Source: Stripe documentation, "Rate limits".
 */
export interface CallLimit {
  /** 0: as many as may come. */
  readonly perSecond: number;
  readonly tokens: number;
  /** Milliseconds of the clock that the bucket fills by. */
  readonly atMs: number;
}

/** A full bucket. */
export const callLimit = (perSecond: number, atMs: number): CallLimit => ({ perSecond, tokens: perSecond, atMs });

/** The bucket after a call, and whether the call is taken. */
export function takeCall(limit: CallLimit, atMs: number): { readonly limit: CallLimit; readonly taken: boolean } {
  if (limit.perSecond === 0) return { limit, taken: true };
  const filled = limit.tokens + (Math.max(0, atMs - limit.atMs) / 1000) * limit.perSecond;
  const tokens = Math.min(Math.max(1, limit.perSecond), filled);
  const taken = tokens >= 1;
  return { limit: { ...limit, tokens: taken ? tokens - 1 : tokens, atMs: Math.max(atMs, limit.atMs) }, taken };
}

export const rateLimited = (): ApiError =>
  new ApiError(
    429,
    {
      type: 'invalid_request_error',
      code: 'rate_limit',
      message:
        'Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.',
    },
    false,
    { 'stripe-rate-limited-reason': 'global-rate' },
  );

/** The object is in use by another call. The client is told to repeat this one by itself. */
export const lockTimeout = (): ApiError =>
  new ApiError(
    429,
    {
      type: 'invalid_request_error',
      code: 'lock_timeout',
      message:
        'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate. For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts.',
    },
    false,
    { 'stripe-should-retry': 'true' },
  );
