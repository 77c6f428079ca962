import { Inject, Injectable } from '@nestjs/common';
import { isRefused, newId, refuse, type Outcome, type Refused } from '#kernel';
import { LOGGER, type Logger, type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { Bookkeeper } from './bookkeeper.js';
import { refusePayment, refuseRefund } from './domain/acceptance.rule.js';
import { hasEnded, nextSubmitMs, type PaymentStatus } from './domain/payment.machine.js';
import type { Payment, PaymentPurpose, Rail } from './payment-listener.port.js';
import { NotSettledYet, PAYMENT_EXPANSION } from './processor/observation.js';
import { readFailure } from './processor/stripe.failure.js';
import { STRIPE } from './processor/stripe.token.js';
import { hasOpenDispute } from './store/dispute.store.js';
import {
  findLivePayment,
  findPayment,
  insertPayments,
  lockPayment,
  markUnwanted,
  postponePayment,
  toPayment,
  type NewPayment,
  type PaymentRow,
} from './store/payment.store.js';
import {
  findRefund,
  findRefundByKey,
  insertRefund,
  postponeRefund,
  refundedMinor,
  type RefundRow,
} from './store/refund.store.js';
import { Synchronizer } from './synchronizer.js';

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
}

/** The sweep leaves the first call to whoever made the row, for this long. */
const FIRST_CALL_MS = 5000;

/**
 * Payments by card. Every row and its idempotency key are committed before Stripe is called; a call whose outcome is
 * unknown is repeated with the same key, so nothing is charged or given back twice.
 */
@Injectable()
export class Payments {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly bookkeeper: Bookkeeper,
    private readonly synchronizer: Synchronizer,
    @Inject(STRIPE) private readonly stripe: Stripe,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * The rows of payments, in the caller's transaction, so that a pledge and its payment begin together. Follow with
   * {@link submitPayment} after the commit; if the process dies in between, the sweep does it.
   * Refusals: PAYMENT_CURRENCY_UNSUPPORTED, PAYMENT_AMOUNT_TOO_SMALL, PAYMENT_AMOUNT_TOO_LARGE,
   * PAYMENT_REFERENCE_CONFLICT.
   * @returns the payments' ids in the order of the inputs.
   */
  async preparePayments(tx: Tx, inputs: readonly PaymentInput[]): Promise<Outcome<string[]>> {
    for (const input of inputs) {
      const refused = refusePayment(input);
      if (refused !== undefined) return refused;
    }
    const rows = inputs.map((input): NewPayment => ({ ...input, id: newId(), instalment: input.instalment ?? 1 }));
    const added = await insertPayments(tx, rows, new Date(tx.now.getTime() + FIRST_CALL_MS));
    const ids: string[] = [];
    for (const row of rows) {
      if (added.has(row.id)) {
        ids.push(row.id);
        continue;
      }
      const known = await findLivePayment(tx, row.reference, row.instalment);
      if (known === undefined || !isSame(known, row)) return conflict(row);
      ids.push(known.id);
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
    const row = await this.uow.read((tx) => findPayment(tx, paymentId));
    if (row === undefined) return notFound(paymentId);
    try {
      const intent =
        row.stripe_payment_intent_id === null
          ? await this.#createIntent(row)
          : await this.stripe.paymentIntents.retrieve(row.stripe_payment_intent_id, { expand: PAYMENT_EXPANSION });
      if (!hasEnded(row.status)) await this.#apply(row, intent);
      return await this.#answer(paymentId, intent);
    } catch (error) {
      return this.#submissionFailed(row, error);
    }
  }

  async #apply(row: PaymentRow, intent: Stripe.PaymentIntent): Promise<void> {
    try {
      if (!(await this.synchronizer.applyIntent(row, intent))) await this.synchronizer.payment(row.id, intent.id);
    } catch (error) {
      // Captured, but its fee is not known: the event, or the sweep, books it when it is.
      if (!(error instanceof NotSettledYet)) throw error;
    }
  }

  /**
   * Gives the payment up before anything is charged. Refusals: PAYMENT_NOT_FOUND; PAYMENT_CAPTURED when it is too late
   * (refund it instead); PAYMENT_UNREACHABLE when Stripe does not answer, in which case nothing has been decided.
   */
  async cancelPayment(paymentId: string): Promise<Outcome<{ paymentId: string }>> {
    const row = await this.uow.read((tx) => findPayment(tx, paymentId));
    if (row === undefined) return notFound(paymentId);
    if (row.status === 'CANCELED' || row.status === 'FAILED') return { paymentId };
    if (row.status === 'SUCCEEDED') return tooLate(paymentId);
    try {
      // What Stripe never heard of is told first: a lost answer may have left an intent that can still be paid.
      const intentId = row.stripe_payment_intent_id ?? (await this.#createIntent(row)).id;
      await this.stripe.paymentIntents.cancel(intentId, {}, { idempotencyKey: `${row.idempotency_key}:cancel` });
      await this.synchronizer.payment(paymentId, intentId);
      return { paymentId };
    } catch (error) {
      const failure = readFailure(error);
      if (failure.kind === 'unknown') {
        return refuse({
          code: 'PAYMENT_UNREACHABLE',
          message: 'The payment processor did not answer, so the payment stands as it was.',
          hint: 'Try again in a moment.',
        });
      }
      await this.synchronizer.payment(paymentId);
      const now = await this.uow.read((tx) => findPayment(tx, paymentId));
      return now?.status === 'CANCELED' ? { paymentId } : tooLate(paymentId);
    }
  }

  /**
   * Writes down, in the caller's transaction, that nothing more shall be paid for the reference. Follow with
   * {@link submitCancels} after the commit; if the process dies in between, the sweep does it.
   * @returns the ids of the payments that were open.
   */
  requestCancel(tx: Tx, reference: string): Promise<string[]> {
    return markUnwanted(tx, reference, new Date(tx.now.getTime() + FIRST_CALL_MS));
  }

  /**
   * Tells Stripe of payments that are not wanted any more. Money that was faster is booked like any other; what Stripe
   * did not hear of the sweep tells it later.
   */
  async submitCancels(paymentIds: readonly string[]): Promise<void> {
    for (const paymentId of paymentIds) {
      try {
        const outcome = await this.cancelPayment(paymentId);
        if (isRefused(outcome)) this.logger.info({ paymentId, code: outcome.first.code }, 'payment not canceled');
      } catch (error) {
        this.logger.warn({ paymentId, err: error }, 'payment not canceled yet; it is tried again');
      }
    }
  }

  /** A payment as it stands. */
  async find(tx: Tx, paymentId: string): Promise<Payment | undefined> {
    const row = await findPayment(tx, paymentId);
    return row === undefined ? undefined : toPayment(row);
  }

  /** Every parameter comes from columns that never change, so a repetition is the same call under the same key. */
  #createIntent(row: PaymentRow): Promise<Stripe.PaymentIntent> {
    return this.stripe.paymentIntents.create(
      {
        amount: Number(row.amount_minor),
        currency: row.currency.toLowerCase(),
        allowed_payment_method_types: ['card'],
        // Not `automatic_async`: the fee is then known in the moment of the capture and booked with it.
        capture_method: 'automatic',
        description: row.description,
        metadata: { payment_id: row.id, reference: row.reference, beneficiary_id: row.beneficiary_id },
        expand: PAYMENT_EXPANSION,
      },
      { idempotencyKey: row.idempotency_key },
    );
  }

  async #answer(paymentId: string, intent: Stripe.PaymentIntent): Promise<CardPayment> {
    const row = await this.uow.read((tx) => findPayment(tx, paymentId));
    return {
      paymentId,
      status: row?.status ?? 'LOCAL_INTENT',
      stripePaymentIntentId: intent.id,
      clientSecret: intent.client_secret ?? undefined,
    };
  }

  async #submissionFailed(row: PaymentRow, error: unknown): Promise<Outcome<CardPayment>> {
    const failure = readFailure(error);
    if (failure.kind === 'unknown') {
      this.logger.warn({ paymentId: row.id, failure: failure.message }, 'payment not submitted yet; it is tried again');
      await this.uow.run('payment-postpone', (tx) =>
        postponePayment(tx, row.id, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
      );
      return { paymentId: row.id, status: row.status, stripePaymentIntentId: undefined, clientSecret: undefined };
    }
    await this.failPayment(row.id, failure.code, failure.message);
    return refuse({
      code: 'PAYMENT_REJECTED',
      message: 'The payment processor did not accept the payment.',
      detail: `${failure.code}: ${failure.message}`,
      hint: 'Correct the payment and begin again; nothing was charged.',
    });
  }

  /** Ends a payment that Stripe never took up. */
  async failPayment(paymentId: string, code: string, message: string): Promise<void> {
    await this.uow.run('payment-failed', async (tx) => {
      const row = await lockPayment(tx, paymentId);
      if (row === undefined || row.status !== 'LOCAL_INTENT') return;
      await this.bookkeeper.recordPayment(tx, row, { status: 'FAILED', code, message }, undefined);
    });
  }

  /**
   * Sets the money aside and asks for its return; the sweep, or `submitRefund`, tells Stripe. With `tx` the request is
   * part of the caller's transaction. Asking twice with one `key` is asking once.
   * Refusals: PAYMENT_NOT_FOUND, REFUND_AMOUNT_INVALID, REFUND_NOT_CAPTURED, REFUND_DISPUTED, REFUND_EXCEEDS_PAYMENT,
   * REFUND_KEY_CONFLICT, and the ledger's own.
   */
  async requestRefund(
    tx: Tx | undefined,
    paymentId: string,
    amountMinor: bigint,
    reason: string,
    key?: string,
  ): Promise<Outcome<{ refundId: string }>> {
    if (tx !== undefined) return this.#requestRefund(tx, { paymentId, amountMinor, reason, key });
    const outcome = await this.uow.run('refund-request', (own) =>
      this.#requestRefund(own, { paymentId, amountMinor, reason, key }),
    );
    if (!isRefused(outcome)) await this.submitRefund(outcome.refundId);
    return outcome;
  }

  async #requestRefund(
    tx: Tx,
    input: { paymentId: string; amountMinor: bigint; reason: string; key: string | undefined },
  ): Promise<Outcome<{ refundId: string }>> {
    const { paymentId, amountMinor, reason } = input;
    const payment = await lockPayment(tx, paymentId);
    if (payment === undefined) return notFound(paymentId);
    const id = newId();
    const key = `refund:${input.key ?? id}`;
    const known = await findRefundByKey(tx, key);
    if (known !== undefined) return repeatedRefund(known, paymentId, amountMinor);
    const refused = refuseRefund({
      amountMinor,
      isCaptured: payment.status === 'SUCCEEDED',
      isDisputed: await hasOpenDispute(tx, paymentId),
      capturedMinor: payment.amount_minor,
      refundedMinor: await refundedMinor(tx, paymentId),
    });
    if (refused !== undefined) return refused;
    const set = await this.bookkeeper.openRefund(tx, payment, id, amountMinor);
    if (isRefused(set)) return set;
    await insertRefund(tx, { id, paymentId, amountMinor, reason, key, isExternal: false }, tx.now);
    return { refundId: id };
  }

  /** Tells Stripe of a requested refund. An unknown outcome is repeated by the sweep with the same key. */
  async submitRefund(refundId: string): Promise<void> {
    const found = await this.uow.read(async (tx) => {
      const refund = await findRefund(tx, refundId);
      return refund === undefined ? undefined : { refund, payment: await findPayment(tx, refund.payment_id) };
    });
    const intentId = found?.payment?.stripe_payment_intent_id;
    if (found?.payment === undefined || intentId == null || found.refund.status !== 'REQUESTED') return;
    const { refund } = found;
    try {
      const made = await this.stripe.refunds.create(
        {
          payment_intent: intentId,
          amount: Number(refund.amount_minor),
          reason: 'requested_by_customer',
          metadata: { refund_id: refund.id },
        },
        { idempotencyKey: refund.idempotency_key },
      );
      await this.synchronizer.applyRefund(made);
    } catch (error) {
      const failure = readFailure(error);
      await this.uow.run('refund-failed', async (tx) => {
        const payment = await lockPayment(tx, refund.payment_id);
        const current = await findRefund(tx, refund.id);
        if (payment === undefined || current?.status !== 'REQUESTED') return;
        if (failure.kind === 'unknown') {
          await postponeRefund(
            tx,
            refund.id,
            current.version,
            new Date(tx.now.getTime() + nextSubmitMs(current.checks)),
          );
        } else {
          const observed = { status: 'FAILED' as const, failureCode: failure.code };
          await this.bookkeeper.recordRefund(tx, payment, current, observed, undefined);
        }
      });
    }
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

function notFound(paymentId: string): Refused {
  return refuse({ code: 'PAYMENT_NOT_FOUND', message: 'There is no such payment.', detail: paymentId });
}

function tooLate(paymentId: string): Refused {
  return refuse({
    code: 'PAYMENT_CAPTURED',
    message: 'The payment was charged already.',
    detail: paymentId,
    hint: 'Ask for a refund instead.',
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

function repeatedRefund(known: RefundRow, paymentId: string, amountMinor: bigint): Outcome<{ refundId: string }> {
  if (known.payment_id === paymentId && known.amount_minor === amountMinor) return { refundId: known.id };
  return refuse({
    code: 'REFUND_KEY_CONFLICT',
    message: 'This key was used for another refund.',
    hint: 'Use a new key for a new refund.',
  });
}
