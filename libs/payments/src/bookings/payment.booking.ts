import { isRetryableDecline } from '../domain/decline.table.js';
import { hasEnded, nextCheckMs, nextPaymentStatus, type PaymentObservation } from '../domain/payment.machine.js';
import { capturePostings } from '../domain/postings.rule.js';
import { termsOf, type PaymentRow } from '../store/payment.store.js';
import type { BookingDraft } from './booking.draft.js';
import type { Booked, Observed } from './observed.type.js';

/** What Stripe took must be what was asked for: anything else is not ours to guess about. */
export class CaptureDiffers extends Error {}

/** The next step of a payment, where the observation is one. */
export function bookPayment(draft: BookingDraft, asked: Extract<Observed, { kind: 'payment' }>): Booked {
  const before = draft.payment(asked.paymentId);
  if (before === undefined) return 'missing';
  if (before.version !== asked.version) return 'stale';
  const { observed } = asked;
  const next = nextPaymentStatus(before.status, observed);
  const intentId = before.stripe_payment_intent_id ?? asked.intentId ?? null;
  if (next === undefined) {
    if (!hasEnded(before.status)) {
      const nextCheckAt = new Date(draft.now.getTime() + nextCheckMs(before.checks));
      draft.postponed.push({ id: before.id, nextCheckAt, intentId: asked.intentId });
    }
    return 'booked';
  }
  if (observed.status === 'SUCCEEDED') checkCapture(before, observed);
  const after: PaymentRow = {
    ...before,
    status: next,
    version: before.version + 1,
    checks: 0,
    stripe_payment_intent_id: intentId,
    failure_code: 'code' in observed ? observed.code : null,
    ...(observed.status === 'SUCCEEDED' ? { stripe_charge_id: observed.chargeId, fee_minor: observed.feeMinor } : {}),
  };
  draft.move({
    before,
    after,
    failureMessage: 'code' in observed ? observed.message : undefined,
    nextCheckAt: hasEnded(next) ? null : new Date(draft.now.getTime() + nextCheckMs(0)),
  });
  if (observed.status === 'SUCCEEDED') {
    draft.postings.push(...capturePostings(termsOf(after), observed.amountMinor, observed.feeMinor));
    // What follows in the same batch, a refund or a loss, finds this money in escrow.
    if (after.rail !== 'bank_transfer') draft.spend(after, { reserve: 0n, escrow: -observed.amountMinor, debt: 0n });
  }
  tell(draft, after, observed);
  return 'booked';
}

function tell(draft: BookingDraft, row: PaymentRow, observed: PaymentObservation): void {
  // Cash counted when it was applied; how it is moved at Stripe concerns nobody until its fee is known.
  if (row.rail === 'bank_transfer' && observed.status !== 'SUCCEEDED') return;
  switch (observed.status) {
    case 'PROCESSING':
      return draft.tell(row, { kind: 'processing' });
    case 'REQUIRES_ACTION':
      return draft.tell(row, { kind: 'requires_action' });
    case 'SUCCEEDED':
      return draft.tell(row, { kind: 'captured', feeMinor: observed.feeMinor });
    case 'REQUIRES_PAYMENT_METHOD':
      // A charge without its payer is canceled now; what is told is how it ended.
      if (row.saved_method_id !== null) return undefined;
      return draft.tell(row, {
        kind: 'failed',
        code: observed.code,
        message: observed.message,
        final: false,
        retryable: isRetryableDecline(observed.code),
      });
    case 'FAILED': {
      const retryable = observed.retryable ?? isRetryableDecline(observed.code);
      return draft.tell(row, {
        kind: 'failed',
        code: observed.code,
        message: observed.message,
        final: true,
        retryable,
      });
    }
    case 'CANCELED':
      return draft.tell(row, { kind: 'canceled' });
    case 'SUBMITTED':
      return undefined;
  }
}

function checkCapture(row: PaymentRow, observed: { amountMinor: bigint; currency: string }): void {
  if (observed.amountMinor === row.amount_minor && observed.currency === row.currency) return;
  throw new CaptureDiffers(
    `payment ${row.id} is over ${row.amount_minor} ${row.currency}, but Stripe took ${observed.amountMinor} ${observed.currency}`,
  );
}
