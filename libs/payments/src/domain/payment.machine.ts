/**
 * One payment, from the row to the money.
 *
 * 1. The row and its idempotency key are committed before Stripe hears of the payment (LOCAL_INTENT).
 * 2. SUCCEEDED, FAILED and CANCELED are ends: nothing that arrives later, in whatever order, leads out of them.
 * 3. Between the ends any order of observations is possible (a declined card may be followed by a better one), so
 *    an observation made before the last change is discarded and made again, never applied.
 * 4. A charge without its payer that the bank declined is canceled at Stripe before it counts as FAILED: nobody can pay
 *    it later, so the next try is a payment of its own.
 */
export const PAYMENT_STATUSES = [
  'LOCAL_INTENT',
  'SUBMITTED',
  'REQUIRES_ACTION',
  'PROCESSING',
  'REQUIRES_PAYMENT_METHOD',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

const OPEN: readonly PaymentStatus[] = ['SUBMITTED', 'REQUIRES_ACTION', 'PROCESSING', 'REQUIRES_PAYMENT_METHOD'];

/** From → to. The database check, the tests and the diagram in the README are compared with this. */
export const PAYMENT_TRANSITIONS: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  // A webhook may be faster than the answer to our own call, so every observation is possible from here.
  LOCAL_INTENT: [...OPEN, 'SUCCEEDED', 'FAILED', 'CANCELED'],
  SUBMITTED: ['REQUIRES_ACTION', 'PROCESSING', 'REQUIRES_PAYMENT_METHOD', 'SUCCEEDED', 'FAILED', 'CANCELED'],
  REQUIRES_ACTION: ['SUBMITTED', 'PROCESSING', 'REQUIRES_PAYMENT_METHOD', 'SUCCEEDED', 'FAILED', 'CANCELED'],
  PROCESSING: ['SUBMITTED', 'REQUIRES_ACTION', 'REQUIRES_PAYMENT_METHOD', 'SUCCEEDED', 'FAILED', 'CANCELED'],
  REQUIRES_PAYMENT_METHOD: ['SUBMITTED', 'REQUIRES_ACTION', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELED: [],
};

export const hasEnded = (status: PaymentStatus): boolean => PAYMENT_TRANSITIONS[status].length === 0;

/** What was read of the payment at the processor. Amounts in minor units. */
export type PaymentObservation =
  | { readonly status: 'SUBMITTED' | 'REQUIRES_ACTION' | 'PROCESSING' | 'CANCELED' }
  | { readonly status: 'REQUIRES_PAYMENT_METHOD'; readonly code: string; readonly message: string }
  | { readonly status: 'FAILED'; readonly code: string; readonly message: string; readonly retryable?: boolean }
  | {
      readonly status: 'SUCCEEDED';
      readonly chargeId: string;
      readonly amountMinor: bigint;
      readonly currency: string;
      readonly feeMinor: bigint;
    };

/** Where the observation leads from `current`; undefined when it changes nothing. */
export function nextPaymentStatus(current: PaymentStatus, observed: PaymentObservation): PaymentStatus | undefined {
  return PAYMENT_TRANSITIONS[current].includes(observed.status) ? observed.status : undefined;
}

const FIRST_CHECK_MS = 60_000;
const CHECK_MS_MAX = 6 * 3_600_000;
/** After this a client that never came back is not expected any more, and an idempotency key may be forgotten. */
export const SUBMISSION_MS_MAX = 23 * 3_600_000;

/** How long to wait for a webhook before asking Stripe oneself, doubling from a minute to six hours. */
export function nextCheckMs(checks: number): number {
  return Math.min(CHECK_MS_MAX, FIRST_CHECK_MS * 2 ** Math.min(checks, 16));
}

/** How long to wait before a call whose outcome is unknown is repeated with the same key: 1 s to 5 min. */
export function nextSubmitMs(attempts: number): number {
  return Math.min(300_000, 1000 * 2 ** Math.min(attempts, 16));
}
