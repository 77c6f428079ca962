import { newId } from '#kernel';
import { refundRequestedPostings } from '../domain/postings.rule.js';
import { warningRefundMinor, type WarningPolicy } from '../domain/warning.rule.js';
import { termsOf, type PaymentRow } from '../store/payment.store.js';
import type { BookingDraft } from './booking.draft.js';
import type { Booked, ObservedWarning } from './observed.type.js';

/** A bank's suspicion is told once; where the policy says so, the payment is given back before it becomes a dispute. */
export function bookWarning(
  draft: BookingDraft,
  row: PaymentRow,
  observed: ObservedWarning,
  policy: WarningPolicy,
): Booked {
  const known = draft.warningAt(observed.stripeWarningId);
  if (known !== undefined && known.is_actionable === observed.isActionable) return 'booked';
  const left = draft.heldOf(row);
  const free = draft.free(row.escrow_account);
  const amountMinor =
    known === undefined && observed.isActionable && !draft.isDisputed(row.id)
      ? warningRefundMinor(policy, { leftMinor: left < free ? left : free, leftOfPaymentMinor: left })
      : 0n;
  const refundId = amountMinor === 0n ? undefined : newId();
  const id = known?.id ?? newId();
  draft.warnings.set(observed.stripeWarningId, {
    id,
    paymentId: row.id,
    stripeWarningId: observed.stripeWarningId,
    fraudType: observed.fraudType,
    isActionable: observed.isActionable,
    refundId: refundId ?? known?.refund_id ?? null,
    issuedAt: observed.issuedAt,
  });
  if (known !== undefined) return 'booked';
  if (refundId !== undefined) {
    draft.postings.push(...refundRequestedPostings(termsOf(row), refundId, amountMinor));
    draft.spend(row, { reserve: 0n, escrow: amountMinor, debt: 0n });
    const key = `refund:warning:${id}`;
    const reason = 'early fraud warning';
    draft.addRefund(
      { id: refundId, paymentId: row.id, amountMinor, reason, key, isExternal: false },
      {
        id: refundId,
        payment_id: row.id,
        amount_minor: amountMinor,
        reason,
        status: 'REQUESTED',
        version: 0,
        idempotency_key: key,
        stripe_refund_id: null,
        owed_minor: 0n,
        case_id: null,
        failure_code: null,
        created_at: draft.now,
        checks: 0,
      },
    );
  }
  draft.tell(row, {
    kind: 'warning',
    warningId: id,
    amountMinor: row.amount_minor,
    reason: observed.fraudType,
    refundId,
  });
  return 'booked';
}
