/**
 * A refund that did not reach its owner. The money stays in refunds payable and belongs to the donor, so nothing but a
 * named person's decision ends a case.
 *
 * 1. Only who has taken a case resolves it; another person may take it over.
 * 2. A resolved case stays resolved. A retry that fails again is a case of its own.
 */
export const REFUND_CASE_STATES = ['open', 'taken', 'resolved'] as const;
export type RefundCaseState = (typeof REFUND_CASE_STATES)[number];

export const REFUND_CASE_RESOLUTIONS = ['retried', 'paid_otherwise', 'written_off'] as const;
export type RefundCaseResolution = (typeof REFUND_CASE_RESOLUTIONS)[number];

export const REFUND_CASE_TRANSITIONS: Readonly<Record<RefundCaseState, readonly RefundCaseState[]>> = {
  open: ['taken'],
  taken: ['taken', 'resolved'],
  resolved: [],
};
