import { Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { type AccountSpec, Ledger } from '#ledger';
import type { Tx } from '#platform';
import { BookingDraft } from './bookings/booking.draft.js';
import { bookDispute } from './bookings/dispute.booking.js';
import type { Booked, Observed } from './bookings/observed.type.js';
import { bookPayment } from './bookings/payment.booking.js';
import { bookRefund } from './bookings/refund.booking.js';
import { bookWarning } from './bookings/warning.booking.js';
import { processorAccounts, type Posting } from './domain/postings.rule.js';
import type { WarningPolicy } from './domain/warning.rule.js';
import { nextCheckMs } from './domain/payment.machine.js';
import { PAYMENT_PURPOSES, PaymentListeners } from './payment-listener.port.js';
import { saveDispute } from './store/dispute.store.js';
import { postponePayments, savePayments } from './store/payment.store.js';
import { openRefundCase } from './store/refund-case.store.js';
import { insertRefunds, saveRefunds } from './store/refund.store.js';
import { saveWarning } from './store/warning.store.js';

/** The ledger said no to money that has moved already. Nothing is changed; the step is tried again and stays visible. */
class PostingRefused extends Error {}

/**
 * Writes what was observed of many payments: their rows, one posting of all their transfers, one call of each listener
 * and the events, in the transaction it is given. All of it or, by a throw, nothing.
 */
@Injectable()
export class Bookkeeper {
  readonly #opened = new Set<string>();

  constructor(
    private readonly ledger: Ledger,
    private readonly listeners: PaymentListeners,
    private readonly policy: WarningPolicy = { refundUpToMinor: 0n },
  ) {}

  /** @returns what became of each observation, in their order. */
  async book(tx: Tx, all: readonly Observed[]): Promise<Booked[]> {
    const draft = await BookingDraft.open(tx, this.ledger, all);
    const outcomes = all.map((each) => this.#decide(draft, each));
    await this.#save(tx, draft);
    await this.post(tx, draft.postings);
    for (const purpose of PAYMENT_PURPOSES) {
      const steps = draft.steps.filter((step) => step.payment.purpose === purpose);
      if (steps.length > 0) await this.listeners.of(purpose).onPayments(tx, steps);
    }
    for (const opened of draft.refundCases) {
      const campaign =
        draft.payment(opened.paymentId)?.purpose === 'pledge' ? { campaignId: opened.beneficiaryId } : {};
      tx.emit({
        type: 'refund_case.opened',
        aggregateType: 'refund_case',
        aggregateId: opened.id,
        payload: {
          caseId: opened.id,
          ...campaign,
          beneficiaryId: opened.beneficiaryId,
          amountMinor: String(opened.amountMinor),
          currency: opened.currency,
          code: opened.failureCode,
        },
      });
    }
    for (const { before, after } of draft.moves) {
      tx.emit({
        type: `payment.${after.status.toLowerCase()}`,
        aggregateType: 'payment',
        aggregateId: after.id,
        payload: {
          paymentId: after.id,
          purpose: after.purpose,
          beneficiaryId: after.beneficiary_id,
          from: before.status,
          to: after.status,
        },
      });
    }
    return outcomes;
  }

  /** Posts what has happened outside already. @throws when the ledger says no. */
  async post(tx: Tx, transfers: readonly Posting[]): Promise<void> {
    if (transfers.length === 0) return;
    await this.#openAccounts(tx, transfers);
    const outcome = await this.ledger.post(tx, transfers);
    if (!isRefused(outcome)) return;
    throw new PostingRefused(`${outcome.first.code}: ${outcome.first.message} ${outcome.first.detail ?? ''}`);
  }

  #decide(draft: BookingDraft, each: Observed): Booked {
    if (each.kind === 'payment') return bookPayment(draft, each);
    const row = draft.payment(each.paymentId);
    if (row?.status !== 'SUCCEEDED') return 'missing';
    switch (each.kind) {
      case 'refund':
        return bookRefund(draft, row, each.observed);
      case 'dispute':
        return bookDispute(draft, row, each.observed);
      case 'warning':
        return bookWarning(draft, row, each.observed, this.policy);
    }
  }

  async #save(tx: Tx, draft: BookingDraft): Promise<void> {
    await savePayments(tx, draft.moves);
    await postponePayments(tx, draft.postponed);
    await insertRefunds(tx, draft.newRefunds, new Date(tx.now.getTime() + nextCheckMs(0)));
    await saveRefunds(tx, [...draft.refundMoves.values()]);
    for (const opened of draft.refundCases) await openRefundCase(tx, opened);
    for (const state of draft.disputes.values()) await saveDispute(tx, state);
    for (const state of draft.warnings.values()) await saveWarning(tx, state);
  }

  /** Opens what this room keeps by itself: the processor's accounts of a currency, donors' cash, and debts. */
  async #openAccounts(tx: Tx, transfers: readonly Posting[]): Promise<void> {
    const codes = new Set(transfers.flatMap(({ debit, credit }) => [debit, credit]));
    const fresh = [...codes].filter((code) => !this.#opened.has(code));
    if (fresh.length === 0) return;
    const own = new Set(fresh.flatMap((code) => processorAccounts(currencyOf(code))));
    const specs = fresh.flatMap((code): AccountSpec[] => {
      const unit = currencyOf(code);
      if (own.has(code) || code.includes(':debt:')) return [{ code, unit, limit: 'none' }];
      if (!code.startsWith('donor:')) return [];
      return [{ code, unit, limit: 'debits_must_not_exceed_credits' }];
    });
    if (specs.length > 0) await this.ledger.openAccounts(tx, specs);
    tx.afterCommit(() => {
      for (const { code } of specs) if (own.has(code)) this.#opened.add(code);
    });
  }
}

const currencyOf = (code: string): string => code.slice(code.lastIndexOf(':') + 1);
