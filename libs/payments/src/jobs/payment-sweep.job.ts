import { Inject } from '@nestjs/common';
import { isRefused } from '#kernel';
import { type Clockwork, ClockworkTask, LOGGER, type Logger, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { Payments } from '../commands.js';
import { nextSubmitMs, SUBMISSION_MS_MAX } from '../domain/payment.machine.js';
import { STRIPE } from '../processor/stripe.token.js';
import { claimDuePayments, findPayment, postponePayment, type PaymentRow } from '../store/payment.store.js';
import { claimDueRefunds, postponeRefund, type RefundRow } from '../store/refund.store.js';
import { Synchronizer } from '../synchronizer.js';

const BATCH = 20;
const LEASE_MS = 20_000;

/**
 * Finishes what a crash, a lost answer or a lost webhook left open: submits rows that Stripe has not confirmed, with
 * their old key, cancels those that nobody wants any more, and asks Stripe about payments and refunds that have been quiet for long.
 */
@ClockworkTask()
export class PaymentSweepJob implements Clockwork {
  readonly name = 'payment-sweep';
  readonly everyMs = 1000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly payments: Payments,
    private readonly synchronizer: Synchronizer,
    @Inject(STRIPE) private readonly stripe: Stripe,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    const due = await this.uow.run('sweep-claim', async (tx) => {
      const leaseUntil = new Date(tx.now.getTime() + LEASE_MS);
      return {
        now: tx.now,
        payments: await claimDuePayments(tx, BATCH, leaseUntil),
        refunds: await claimDueRefunds(tx, BATCH, leaseUntil),
      };
    });
    if (isRefused(due)) return;
    for (const row of due.payments) {
      await this.#guarded(
        row.id,
        () => this.#payment(row, due.now),
        () => this.#postponePayment(row),
      );
    }
    for (const row of due.refunds) {
      await this.#guarded(
        row.id,
        () => this.#refund(row, due.now),
        () => this.#postponeRefund(row),
      );
    }
  }

  async #payment(row: PaymentRow, now: Date): Promise<void> {
    const isForgotten = now.getTime() - row.created_at.getTime() >= SUBMISSION_MS_MAX;
    if (row.cancel_requested_at !== null && (row.stripe_payment_intent_id !== null || !isForgotten)) {
      const outcome = await this.payments.cancelPayment(row.id);
      if (isRefused(outcome)) await this.#postponePayment(row);
      return;
    }
    if (row.status !== 'LOCAL_INTENT') {
      await this.synchronizer.payment(row.id);
      return;
    }
    if (!isForgotten) {
      await this.payments.submitPayment(row.id);
      return;
    }
    // Stripe may have forgotten the key, and nobody ever held the client secret: no money can come of it.
    await this.payments.failPayment(row.id, 'submission_expired', 'Stripe could not be reached for a day.');
  }

  async #refund(row: RefundRow, now: Date): Promise<void> {
    if (row.stripe_refund_id !== null) {
      await this.synchronizer.refund(row.stripe_refund_id);
    } else {
      // The same call under a forgotten key would be a second refund: read before repeating.
      if (now.getTime() - row.created_at.getTime() >= SUBMISSION_MS_MAX) await this.#readRefunds(row);
      await this.payments.submitRefund(row.id);
    }
    await this.#postponeRefund(row);
  }

  async #readRefunds(row: RefundRow): Promise<void> {
    const payment = await this.uow.read((tx) => findPayment(tx, row.payment_id));
    if (payment?.stripe_payment_intent_id == null) return;
    for await (const refund of this.stripe.refunds.list({
      payment_intent: payment.stripe_payment_intent_id,
      limit: 100,
    })) {
      if (refund.metadata?.['refund_id'] === row.id) await this.synchronizer.applyRefund(refund);
    }
  }

  async #guarded(id: string, work: () => Promise<void>, postpone: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.warn({ id, note: error instanceof Error ? error.message : String(error) }, 'sweep will try again');
      await postpone();
    }
  }

  async #postponePayment(row: PaymentRow): Promise<void> {
    await this.uow.run('sweep-postpone', (tx) =>
      postponePayment(tx, row.id, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
    );
  }

  async #postponeRefund(row: RefundRow): Promise<void> {
    await this.uow.run('sweep-postpone', (tx) =>
      postponeRefund(tx, row.id, row.version, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
    );
  }
}
