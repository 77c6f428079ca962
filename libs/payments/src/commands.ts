import { Injectable } from '@nestjs/common';
import { isRefused, newId, refuse, type Outcome, type Refused } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import type Stripe from 'stripe';
import { Charger, notFound } from './charger.js';
import { refusePayment } from './domain/acceptance.rule.js';
import { type PaymentStatus } from './domain/payment.machine.js';
import type { Payment, PaymentPurpose, Rail } from './payment-listener.port.js';
import { FreshPayments, PaymentRows } from './payment.rows.js';
import {
  findLivePayments,
  findPayment,
  insertPayments,
  instalmentKey,
  markUnwanted,
  pausePayments,
  toPayment,
  type NewPayment,
  type PaymentRow,
} from './store/payment.store.js';
import { type RefundInput, type RefundOutcome, Refunds } from './refunds.js';
import { findSavedMethods, type SavedMethodRow } from './store/saved-method.store.js';

export interface PaymentInput {
  /** What is paid for; with `instalment` the key under which asking twice is asking once. */
  readonly reference: string;
  /** 1 unless the reference is paid in several parts. */
  readonly instalment?: number | undefined;
  /** Which room hears of it. */
  readonly purpose: PaymentPurpose;
  /** The campaign or the pool that the money is for. */
  readonly beneficiaryId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly rail: Rail;
  /** Charges this method without its payer; without one the payer confirms in his browser. */
  readonly savedMethodId?: string | undefined;
  readonly escrowAccount: string;
  readonly refundsPayableAccount: string;
  readonly debtAccount: string;
  /** What is held back for disputes; a loss is taken from it first. */
  readonly reserveAccount?: string | undefined;
  readonly description: string;
  readonly contributorPseudonym: string;
}

export interface CardPayment {
  readonly paymentId: string;
  readonly status: PaymentStatus;
  /** Both undefined while Stripe has not been reached yet: the sweep goes on trying. */
  readonly stripePaymentIntentId: string | undefined;
  readonly clientSecret: string | undefined;
  /** The saved method with which a payer who is asked for goes on with his charge; undefined on session. */
  readonly stripePaymentMethodId?: string | undefined;
}

/** The sweep leaves the first call to whoever made the row, for this long. */
const FIRST_CALL_MS = 5000;

/**
 * Payments on every rail. Every row and its idempotency key are committed before Stripe is called; a call whose outcome is
 * unknown is repeated with the same key, so nothing is charged or given back twice.
 */
@Injectable()
export class Payments {
  readonly #rows: PaymentRows;
  readonly #fresh = new FreshPayments();

  constructor(
    private readonly uow: UnitOfWork,
    private readonly charger: Charger,
    private readonly refunds: Refunds,
  ) {
    this.#rows = new PaymentRows(uow);
  }

  /**
   * The rows of payments, in the caller's transaction, so that a pledge and its payment begin together. Follow with
   * {@link submitPayment} after the commit; if the process dies in between, the sweep does it.
   * Refusals: PAYMENT_CURRENCY_UNSUPPORTED, PAYMENT_AMOUNT_TOO_SMALL, PAYMENT_AMOUNT_TOO_LARGE,
   * PAYMENT_REFERENCE_CONFLICT, PAYMENT_RAIL_UNSAVED, PAYMENT_METHOD_UNUSABLE.
   * @returns the payments' ids in the order of the inputs.
   */
  async preparePayments(tx: Tx, inputs: readonly PaymentInput[]): Promise<Outcome<string[]>> {
    for (const input of inputs) {
      const refused = refusePayment(input);
      if (refused !== undefined) return refused;
    }
    const rows = inputs.map((input): NewPayment => ({ ...input, id: newId(), instalment: input.instalment ?? 1 }));
    const methods = await findSavedMethods(tx, [...new Set(rows.flatMap((row) => row.savedMethodId ?? []))]);
    for (const row of rows) {
      const refused = row.savedMethodId === undefined ? undefined : refuseMethod(methods.get(row.savedMethodId), row);
      if (refused !== undefined) return refused;
    }
    // Whoever makes a payment that its payer confirms goes on at once; what is charged without him is the clock's.
    const onSession = new Date(tx.now.getTime() + FIRST_CALL_MS);
    const made = await insertPayments(tx, rows, onSession, tx.now);
    const added = new Set(made.map((row) => row.id));
    // Committed, and about to be told to Stripe: it need not be read again for that.
    tx.afterCommit(() => this.#fresh.keep(made.filter((row) => row.saved_method_id === null)));
    const known = await findLivePayments(
      tx,
      rows.filter((row) => !added.has(row.id)),
    );
    const ids: string[] = [];
    for (const row of rows) {
      const standing = known.get(instalmentKey(row));
      if (added.has(row.id)) ids.push(row.id);
      else if (standing !== undefined && isSame(standing, row)) ids.push(standing.id);
      else return conflict(row);
    }
    return ids;
  }

  /** Row, commit, Stripe call. Refusals: those of {@link preparePayments} and {@link submitPayment}. */
  async createCardPayment(input: PaymentInput): Promise<Outcome<CardPayment>> {
    const prepared = await this.uow.run('payment-prepare', (tx) => this.preparePayments(tx, [input]));
    if (isRefused(prepared)) return prepared;
    return this.submitPayment(prepared[0] ?? '');
  }

  /**
   * Tells Stripe of a prepared payment, or reads it again where that was done: either way the answer holds the client
   * secret with which the payer's browser confirms.
   * Refusals: PAYMENT_NOT_FOUND; PAYMENT_REJECTED when Stripe will not have it (the payment is FAILED then).
   */
  async submitPayment(paymentId: string): Promise<Outcome<CardPayment>> {
    const row = this.#fresh.take(paymentId) ?? (await this.#rows.byId(paymentId));
    if (row === undefined) return notFound(paymentId);
    try {
      const { intent, booked } = await this.charger.submit(row);
      return await this.#answer(row, intent, await booked);
    } catch (error) {
      const failure = await this.charger.failed(row, error);
      if (failure.kind === 'rejected') return rejected(failure);
      return { paymentId, status: row.status, stripePaymentIntentId: undefined, clientSecret: undefined };
    }
  }

  /** Gives the payment up before anything is charged. Refusals: those of {@link Charger.cancel}. */
  cancelPayment(paymentId: string): Promise<Outcome<{ paymentId: string }>> {
    return this.charger.cancel(paymentId);
  }

  /**
   * Writes down, in the caller's transaction, that nothing more shall be paid for the reference. Follow with
   * {@link submitCancels} after the commit; if the process dies in between, the sweep does it.
   * @returns the ids of the payments that were open.
   */
  requestCancel(tx: Tx, reference: string): Promise<string[]> {
    return this.requestCancels(tx, [reference]);
  }

  /** {@link requestCancel} of many references by one statement. */
  requestCancels(tx: Tx, references: readonly string[]): Promise<string[]> {
    return markUnwanted(tx, references, new Date(tx.now.getTime() + FIRST_CALL_MS));
  }

  /** Charges without their payers that Stripe was not told of wait until they are resumed, in the caller's transaction. */
  pause(tx: Tx, references: readonly string[]): Promise<void> {
    return pausePayments(tx, references, null);
  }
  resume(tx: Tx, references: readonly string[]): Promise<void> {
    return pausePayments(tx, references, tx.now);
  }

  /**
   * Tells Stripe of payments that are not wanted any more. Money that was faster is booked like any other; what Stripe
   * did not hear of the sweep tells it later.
   */
  submitCancels(paymentIds: readonly string[]): Promise<void> {
    return this.charger.cancelAll(paymentIds);
  }

  /** A payment as it stands. */
  async find(tx: Tx, paymentId: string): Promise<Payment | undefined> {
    const row = await findPayment(tx, paymentId);
    return row === undefined ? undefined : toPayment(row);
  }

  async #answer(row: PaymentRow, intent: Stripe.PaymentIntent, known: PaymentStatus | undefined): Promise<CardPayment> {
    const method = row.saved_method_id === null ? undefined : await this.charger.methodOf(row);
    return {
      paymentId: row.id,
      status: known ?? (await this.#rows.byId(row.id))?.status ?? 'LOCAL_INTENT',
      stripePaymentIntentId: intent.id,
      clientSecret: intent.client_secret ?? undefined,
      stripePaymentMethodId: method?.paymentMethodId,
    };
  }

  /**
   * Sets the money aside and asks for its return; the sweep, or `submitRefund`, tells Stripe. With `tx` the request is
   * part of the caller's transaction. Asking twice with one `key` is asking once. Refusals: {@link Refunds.request}.
   */
  async requestRefund(
    tx: Tx | undefined,
    paymentId: string,
    amountMinor: bigint,
    reason: string,
    key?: string,
  ): Promise<RefundOutcome> {
    const input = { paymentId, amountMinor, reason, key };
    const one = async (own: Tx): Promise<RefundOutcome> =>
      (await this.refunds.request(own, [input]))[0] ?? notFound(paymentId);
    if (tx !== undefined) return one(tx);
    const outcome = await this.uow.run('refund-request', one);
    if (!isRefused(outcome)) await this.refunds.submit(outcome.refundId);
    return outcome;
  }

  /** Many at once, in the caller's transaction; the sweep tells Stripe. An answer for each: {@link Refunds.request}. */
  requestRefunds(tx: Tx, inputs: readonly RefundInput[]): Promise<RefundOutcome[]> {
    return this.refunds.request(tx, inputs);
  }

  /** Tells Stripe of a requested refund at once; the sweep would a second later. */
  submitRefund(refundId: string): Promise<void> {
    return this.refunds.submit(refundId);
  }
}

function isSame(known: PaymentRow, asked: NewPayment): boolean {
  return (
    known.amount_minor === asked.amountMinor &&
    known.currency === asked.currency &&
    known.purpose === asked.purpose &&
    known.beneficiary_id === asked.beneficiaryId &&
    known.rail === asked.rail &&
    known.saved_method_id === (asked.savedMethodId ?? null) &&
    known.escrow_account === asked.escrowAccount &&
    known.refunds_payable_account === asked.refundsPayableAccount
  );
}

function refuseMethod(method: SavedMethodRow | undefined, row: NewPayment): Refused | undefined {
  const usable =
    method?.state === 'kept' && method.rail === row.rail && method.contributor_pseudonym === row.contributorPseudonym;
  if (usable) return undefined;
  return refuse({
    code: 'PAYMENT_METHOD_UNUSABLE',
    message: 'There is no saved method of this person and kind that may be charged.',
    detail: row.savedMethodId ?? '',
    hint: 'Save a method first, or let the payer pay in his browser.',
    path: ['savedMethodId'],
  });
}

function rejected(failure: { readonly code: string; readonly message: string }): Refused {
  return refuse({
    code: 'PAYMENT_REJECTED',
    message: 'The payment processor did not accept the payment.',
    detail: `${failure.code}: ${failure.message}`,
    hint: 'Correct the payment and begin again; nothing was charged.',
  });
}

function conflict(row: NewPayment): Refused {
  return refuse({
    code: 'PAYMENT_REFERENCE_CONFLICT',
    message: 'This instalment has a payment already, on other terms.',
    detail: `${row.reference}, instalment ${row.instalment}`,
    hint: 'Cancel the payment that stands, or ask with the same amount and accounts.',
  });
}
