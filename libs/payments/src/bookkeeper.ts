import { Injectable } from '@nestjs/common';
import { isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import type { Tx } from '#platform';
import { disputeSteps, type DisputeObservation, type DisputeStatus } from './domain/dispute.machine.js';
import { hasEnded, nextCheckMs, nextPaymentStatus, type PaymentObservation } from './domain/payment.machine.js';
import * as postings from './domain/postings.rule.js';
import { nextRefundStatus, type RefundObservation } from './domain/refund.machine.js';
import { PaymentListeners, type PaymentStep } from './payment-listener.port.js';
import { findDispute, saveDispute } from './store/dispute.store.js';
import { changePayment, termsOf, toPayment, type PaymentRow } from './store/payment.store.js';
import { changeRefund, insertRefund, type RefundRow } from './store/refund.store.js';

/** The ledger said no to money that has moved already. Nothing is changed; the step is tried again and stays visible. */
class PostingRefused extends Error {}

export interface ObservedDispute extends DisputeObservation {
  readonly stripeDisputeId: string;
  readonly amountMinor: bigint;
  readonly reason: string;
  readonly openedAt: Date;
  readonly respondBy: Date | null;
}

/**
 * Writes what was observed: payment, ledger and the asking room's own state, in the transaction it is given. Callers
 * hold the lock on the payment's row.
 */
@Injectable()
export class Bookkeeper {
  readonly #openedCurrencies = new Set<string>();

  constructor(
    private readonly ledger: Ledger,
    private readonly listeners: PaymentListeners,
  ) {}

  /** @returns the row as it is now; the same row when the observation changes nothing. */
  async recordPayment(
    tx: Tx,
    row: PaymentRow,
    observed: PaymentObservation,
    intentId: string | undefined,
  ): Promise<PaymentRow> {
    const next = nextPaymentStatus(row.status, observed);
    if (next === undefined) return row;
    if (observed.status === 'SUCCEEDED') this.#checkCapture(row, observed);
    const changed = await changePayment(tx, row, {
      status: next,
      intentId,
      nextCheckAt: hasEnded(next) ? null : new Date(tx.now.getTime() + nextCheckMs(0)),
      ...(observed.status === 'SUCCEEDED' ? { chargeId: observed.chargeId, feeMinor: observed.feeMinor } : {}),
      ...('code' in observed ? { failure: { code: observed.code, message: observed.message } } : {}),
    });
    if (observed.status === 'SUCCEEDED') {
      await this.#post(tx, row, postings.capturePostings(termsOf(row), observed.amountMinor, observed.feeMinor));
    }
    await this.#tellPayment(tx, changed, observed);
    tx.emit({
      type: `payment.${next.toLowerCase()}`,
      aggregateType: 'payment',
      aggregateId: row.id,
      payload: {
        paymentId: row.id,
        purpose: row.purpose,
        beneficiaryId: row.beneficiary_id,
        from: row.status,
        to: next,
      },
    });
    return changed;
  }

  /** Sets the money of a new refund aside. The ledger's refusal is the caller's to hand on. */
  async openRefund(
    tx: Tx,
    row: PaymentRow,
    refundId: string,
    amountMinor: bigint,
  ): Promise<Awaited<ReturnType<Ledger['post']>>> {
    return this.ledger.post(tx, postings.refundRequestedPostings(termsOf(row), refundId, amountMinor));
  }

  /** A refund that was made at Stripe without us: it happened, so it is booked like one of ours. */
  async adoptRefund(
    tx: Tx,
    row: PaymentRow,
    refund: { stripeRefundId: string; amountMinor: bigint },
  ): Promise<RefundRow> {
    const adopted = await insertRefund(
      tx,
      {
        id: newId(),
        paymentId: row.id,
        amountMinor: refund.amountMinor,
        reason: 'made at Stripe',
        key: `external:${refund.stripeRefundId}`,
        stripeRefundId: refund.stripeRefundId,
        isExternal: true,
      },
      new Date(tx.now.getTime() + nextCheckMs(0)),
    );
    await this.#postOrOwe(tx, row, postings.refundRequestedPostings(termsOf(row), adopted.id, refund.amountMinor));
    return adopted;
  }

  async recordRefund(
    tx: Tx,
    row: PaymentRow,
    refund: RefundRow,
    observed: RefundObservation,
    stripeRefundId: string | undefined,
  ): Promise<RefundRow> {
    const next = nextRefundStatus(refund.status, observed);
    if (next === undefined) return refund;
    const changed = await changeRefund(tx, refund, {
      status: next,
      ...(stripeRefundId === undefined ? {} : { stripeRefundId }),
      ...(observed.failureCode === undefined ? {} : { failureCode: observed.failureCode }),
      nextCheckAt: next === 'PENDING' ? new Date(tx.now.getTime() + nextCheckMs(0)) : null,
    });
    const terms = termsOf(row);
    const told = { refundId: refund.id, amountMinor: refund.amount_minor };
    if (next === 'SUCCEEDED') {
      await this.#post(tx, row, postings.refundPaidPostings(terms, refund.id, refund.amount_minor));
      await this.#tell(tx, { payment: toPayment(row), kind: 'refunded', ...told });
    }
    if (next === 'FAILED' || next === 'CANCELED') {
      const wasPaid = refund.status === 'SUCCEEDED';
      await this.#post(tx, row, postings.refundFailedPostings(terms, refund.id, refund.amount_minor, wasPaid));
      const code = observed.failureCode ?? 'canceled';
      await this.#tell(tx, { payment: toPayment(row), kind: 'refund_failed', ...told, code });
    }
    return changed;
  }

  async recordDispute(tx: Tx, row: PaymentRow, observed: ObservedDispute): Promise<void> {
    const known = await findDispute(tx, observed.stripeDisputeId);
    const steps = disputeSteps(known?.status, observed);
    if (known !== undefined && steps.length === 0) return;
    const id = known?.id ?? newId();
    for (const step of steps) await this.#takeDisputeStep(tx, row, id, step, observed);
    await saveDispute(tx, {
      id,
      paymentId: row.id,
      stripeDisputeId: observed.stripeDisputeId,
      amountMinor: observed.withdrawn?.amountMinor ?? observed.amountMinor,
      reinstatedMinor: observed.reinstated?.amountMinor ?? 0n,
      feeMinor: (observed.withdrawn?.feeMinor ?? 0n) - (observed.reinstated?.feeReturnedMinor ?? 0n),
      reason: observed.reason,
      stripeStatus: observed.stripeStatus,
      status: steps.at(-1) ?? 'INQUIRY',
      openedAt: observed.openedAt,
      respondBy: observed.respondBy,
    });
  }

  async #takeDisputeStep(
    tx: Tx,
    row: PaymentRow,
    id: string,
    step: DisputeStatus,
    { withdrawn, reinstated }: ObservedDispute,
  ): Promise<void> {
    if (withdrawn === undefined) return;
    const terms = termsOf(row);
    const payment = toPayment(row);
    const { amountMinor, feeMinor } = withdrawn;
    if (step === 'OPEN') {
      await this.#post(tx, row, postings.disputeOpenedPostings(terms, id, amountMinor, feeMinor));
      await this.#tell(tx, { payment, kind: 'dispute_opened', disputeId: id, amountMinor, feeMinor });
    }
    if (step === 'LOST') {
      await this.#postOrOwe(tx, row, postings.disputeLostPostings(terms, id, amountMinor));
      await this.#tell(tx, {
        payment,
        kind: 'dispute_closed',
        disputeId: id,
        won: false,
        amountMinor,
        feeReturnedMinor: 0n,
      });
    }
    if (step === 'WON' && reinstated !== undefined) {
      const back = reinstated.amountMinor;
      await this.#post(tx, row, postings.disputeWonPostings(terms, id, back, reinstated.feeReturnedMinor));
      await this.#tell(tx, {
        payment,
        kind: 'dispute_closed',
        disputeId: id,
        won: true,
        amountMinor: back,
        feeReturnedMinor: reinstated.feeReturnedMinor,
      });
    }
  }

  async #tellPayment(tx: Tx, row: PaymentRow, observed: PaymentObservation): Promise<void> {
    const step = stepOf(row, observed);
    if (step !== undefined) await this.#tell(tx, step);
  }

  async #tell(tx: Tx, step: PaymentStep): Promise<void> {
    await this.listeners.of(step.payment.purpose).onPayments(tx, [step]);
  }

  /** What Stripe took must be what was asked for: anything else is not ours to guess about. */
  #checkCapture(row: PaymentRow, observed: { amountMinor: bigint; currency: string }): void {
    if (observed.amountMinor === row.amount_minor && observed.currency === row.currency) return;
    throw new Error(
      `payment ${row.id} is over ${row.amount_minor} ${row.currency}, but Stripe took ${observed.amountMinor} ${observed.currency}`,
    );
  }

  async #post(tx: Tx, row: PaymentRow, transfers: postings.Posting[]): Promise<void> {
    if (transfers.length === 0) return;
    await this.#openAccounts(tx, row.currency);
    const outcome = await this.ledger.post(tx, transfers);
    if (!isRefused(outcome)) return;
    throw new PostingRefused(`payment ${row.id}: ${outcome.first.code}: ${outcome.first.message}`);
  }

  /** Money that was taken from outside is gone whatever escrow says: what escrow can't bear, the campaign owes. */
  async #postOrOwe(tx: Tx, row: PaymentRow, transfers: postings.Posting[]): Promise<void> {
    const outcome = await this.ledger.post(tx, transfers);
    if (!isRefused(outcome)) return;
    if (outcome.first.code !== 'LEDGER_LIMIT_EXCEEDED')
      throw new PostingRefused(`payment ${row.id}: ${outcome.first.code}`);
    const terms = termsOf(row);
    await this.ledger.openAccounts(tx, [{ code: terms.debtAccount, unit: row.currency, limit: 'none' }]);
    await this.#post(tx, row, postings.owed(terms, transfers));
  }

  async #openAccounts(tx: Tx, currency: string): Promise<void> {
    if (this.#openedCurrencies.has(currency)) return;
    await this.ledger.openAccounts(
      tx,
      postings.processorAccounts(currency).map((code) => ({ code, unit: currency, limit: 'none' as const })),
    );
    tx.afterCommit(() => this.#openedCurrencies.add(currency));
  }
}

function stepOf(row: PaymentRow, observed: PaymentObservation): PaymentStep | undefined {
  const payment = toPayment(row);
  switch (observed.status) {
    case 'PROCESSING':
      return { payment, kind: 'processing' };
    case 'REQUIRES_ACTION':
      return { payment, kind: 'requires_action' };
    case 'SUCCEEDED':
      return { payment, kind: 'captured', feeMinor: observed.feeMinor };
    case 'REQUIRES_PAYMENT_METHOD':
    case 'FAILED': {
      const { code, message } = observed;
      return { payment, kind: 'failed', code, message, final: observed.status === 'FAILED', retryable: false };
    }
    case 'CANCELED':
      return { payment, kind: 'canceled' };
    case 'SUBMITTED':
      return undefined;
  }
}
