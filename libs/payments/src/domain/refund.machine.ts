/**
 * A refund. The money is set aside (escrow → refunds payable) when it is asked for, leaves when Stripe says it did,
 * and goes back to escrow when Stripe says it could not. SUCCEEDED is not quite an end: a bank may send it back.
 */
export const REFUND_STATUSES = ['REQUESTED', 'PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type RefundStatus = (typeof REFUND_STATUSES)[number];

export const REFUND_TRANSITIONS: Readonly<Record<RefundStatus, readonly RefundStatus[]>> = {
  REQUESTED: ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED'],
  PENDING: ['SUCCEEDED', 'FAILED', 'CANCELED'],
  SUCCEEDED: ['FAILED'],
  FAILED: [],
  CANCELED: [],
};

export interface RefundObservation {
  readonly status: Exclude<RefundStatus, 'REQUESTED'>;
  readonly failureCode?: string;
}

export function nextRefundStatus(current: RefundStatus, observed: RefundObservation): RefundStatus | undefined {
  return REFUND_TRANSITIONS[current].includes(observed.status) ? observed.status : undefined;
}
