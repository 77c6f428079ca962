/**
 * One try to bring one part of a payout to its account. The row and its key are committed first; from SUBMITTING on the processor may
 * have heard of it. TRANSFERRED: the money has left our balance for the project's. IN_TRANSIT: it is on its way from there
 * to the bank. RETURNING: the bank would not have it, and the transfer is being taken back. SUCCEEDED is no end: a bank may
 * send the money back days later.
 */
export const PAYOUT_ATTEMPT_STATUSES = [
  'LOCAL',
  'SUBMITTING',
  'TRANSFERRED',
  'IN_TRANSIT',
  'RETURNING',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const;
export type PayoutAttemptStatus = (typeof PAYOUT_ATTEMPT_STATUSES)[number];

export const PAYOUT_STATUSES = ['PREPARED', 'IN_TRANSIT', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type PayoutStatus = (typeof PAYOUT_STATUSES)[number];

export const PAYOUT_ATTEMPT_TRANSITIONS: Readonly<Record<PayoutAttemptStatus, readonly PayoutAttemptStatus[]>> = {
  LOCAL: ['SUBMITTING', 'CANCELED'],
  SUBMITTING: ['TRANSFERRED', 'FAILED'],
  TRANSFERRED: ['IN_TRANSIT', 'RETURNING', 'FAILED'],
  IN_TRANSIT: ['SUCCEEDED', 'RETURNING', 'FAILED'],
  RETURNING: ['FAILED'],
  SUCCEEDED: ['RETURNING', 'FAILED'],
  FAILED: [],
  CANCELED: [],
};

/** The processor takes amounts of at most eight digits: what is more is brought in parts, each a transfer of its own. */
export const PAYOUT_PART_MINOR_MAX = 99_999_999n;
/** No part is smaller than what banks are paid, where the whole isn't. */
export const PAYOUT_PART_MINOR_MIN = 100n;

const OPEN: readonly PayoutAttemptStatus[] = ['LOCAL', 'SUBMITTING', 'TRANSFERRED', 'IN_TRANSIT', 'RETURNING'];
/** Whether something is under way, or may begin. */
export const isOpen = (status: PayoutAttemptStatus): boolean => OPEN.includes(status);

/** A bank may send a payout back within about a week; for so long it is asked about once a day. */
export const RETURN_CHECKS = 8;
export const RETURN_CHECK_MS = 86_400_000;
