import { newId } from '#kernel';
import { splitLoss } from '../domain/loss.rule.js';
import { nextCheckMs } from '../domain/payment.machine.js';
import { refundPaidPostings, refundReturnedPostings, takingPostings } from '../domain/postings.rule.js';
import { nextRefundStatus } from '../domain/refund.machine.js';
import { termsOf, type PaymentRow } from '../store/payment.store.js';
import type { RefundRow } from '../store/refund.store.js';
import type { BookingDraft } from './booking.draft.js';
import type { Booked, ObservedRefund } from './observed.type.js';

/** The next step of a refund; one that was made at Stripe without us happened, so it is booked like one of ours. */
export function bookRefund(draft: BookingDraft, row: PaymentRow, observed: ObservedRefund): Booked {
  const known = draft.refundAt(row.id, observed);
  if (known === undefined && observed.stripeRefundId === undefined) return 'missing';
  // Stripe did not take our call, but in the meantime the refund was made in another way.
  if (observed.stripeRefundId === undefined && known?.status !== 'REQUESTED') return 'booked';
  const refund = known ?? adopt(draft, row, observed, observed.stripeRefundId ?? '');
  const next = nextRefundStatus(refund.status, observed);
  if (next === undefined) return 'booked';
  const after: RefundRow = {
    ...refund,
    status: next,
    version: refund.version + 1,
    stripe_refund_id: refund.stripe_refund_id ?? observed.stripeRefundId ?? null,
    failure_code: observed.failureCode ?? refund.failure_code,
  };
  const nextCheckAt = next === 'PENDING' ? new Date(draft.now.getTime() + nextCheckMs(0)) : null;
  draft.refundMoves.set(refund.id, { after, nextCheckAt });
  const terms = termsOf(row);
  const told = { refundId: refund.id, amountMinor: refund.amount_minor };
  if (next === 'SUCCEEDED') {
    draft.postings.push(...refundPaidPostings(terms, refund.id, refund.amount_minor));
    draft.tell(row, { kind: 'refunded', ...told });
  }
  if (next === 'FAILED' || next === 'CANCELED') {
    const code = observed.failureCode ?? 'canceled';
    if (refund.status === 'SUCCEEDED') {
      draft.postings.push(...refundReturnedPostings(terms, refund.id, refund.amount_minor));
    }
    draft.refundCases.push({
      id: newId(),
      refundId: refund.id,
      paymentId: row.id,
      beneficiaryId: row.beneficiary_id,
      amountMinor: refund.amount_minor,
      currency: row.currency,
      failureCode: code,
    });
    draft.tell(row, { kind: 'refund_failed', ...told, code });
  }
  return 'booked';
}

function adopt(draft: BookingDraft, row: PaymentRow, observed: ObservedRefund, stripeRefundId: string): RefundRow {
  const id = newId();
  const free = { reserve: 0n, escrow: draft.free(row.escrow_account) };
  const parts = splitLoss(observed.amountMinor, free, draft.heldOf(row));
  const terms = termsOf(row);
  const taking = {
    key: `refund:${id}:requested`,
    credit: terms.refundsPayableAccount,
    reason: 'refund made at Stripe',
    refs: { refund: id },
  };
  draft.postings.push(...takingPostings(terms, taking, parts));
  draft.spend(row, parts);
  const key = `external:${stripeRefundId}`;
  const adopted: RefundRow = {
    id,
    payment_id: row.id,
    amount_minor: observed.amountMinor,
    reason: 'made at Stripe',
    status: 'REQUESTED',
    version: 0,
    idempotency_key: key,
    stripe_refund_id: stripeRefundId,
    owed_minor: parts.debt,
    case_id: null,
    failure_code: null,
    created_at: draft.now,
    checks: 0,
  };
  draft.addRefund(
    {
      id,
      paymentId: row.id,
      amountMinor: observed.amountMinor,
      reason: adopted.reason,
      key,
      stripeRefundId,
      isExternal: true,
      owedMinor: parts.debt,
    },
    adopted,
  );
  return adopted;
}
