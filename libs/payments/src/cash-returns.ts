import { Inject, Injectable } from '@nestjs/common';
import { type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { Bookkeeper } from './bookkeeper.js';
import { Customers } from './customers.js';
import { nextCheckMs, nextSubmitMs, SUBMISSION_MS_MAX } from './domain/payment.machine.js';
import { cashReturnPosting } from './domain/postings.rule.js';
import { nextRefundStatus, type RefundObservation } from './domain/refund.machine.js';
import { observeRefund } from './processor/observation.js';
import { readFailure } from './processor/stripe.failure.js';
import { STRIPE } from './processor/stripe.token.js';
import {
  changeCashReturn,
  findCashReturn,
  lockCashReturn,
  postponeCashReturn,
  type CashReturnRow,
} from './store/cash.store.js';

/** Sends unapplied cash back: like a refund, but of a donor's balance at Stripe instead of a payment. */
@Injectable()
export class CashReturns {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly bookkeeper: Bookkeeper,
    private readonly customers: Customers,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  /** Tells Stripe of a return, or asks what became of it. An unknown outcome is repeated with the same key. */
  async advance(row: CashReturnRow, now: Date): Promise<void> {
    try {
      const refund = await this.#atStripe(row, now);
      await this.#observe(row.id, refund.id, observeRefund(refund));
    } catch (error) {
      const failure = readFailure(error);
      if (failure.kind === 'unknown') throw error;
      await this.#observe(row.id, undefined, { status: 'FAILED', failureCode: failure.code });
    }
  }

  /** @returns false when there is no such return. */
  async synchronize(stripeRefundId: string, cashReturnId: string): Promise<boolean> {
    const refund = await this.stripe.refunds.retrieve(stripeRefundId);
    if (refund.metadata?.['cash_return_id'] !== cashReturnId) return false;
    if ((await this.uow.read((tx) => findCashReturn(tx, cashReturnId))) === undefined) return false;
    await this.#observe(cashReturnId, refund.id, observeRefund(refund));
    return true;
  }

  async postpone(row: CashReturnRow): Promise<void> {
    await this.uow.run('cash-return-postpone', (tx) =>
      postponeCashReturn(tx, row.id, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
    );
  }

  async #atStripe(row: CashReturnRow, now: Date): Promise<Stripe.Refund> {
    if (row.stripe_refund_id !== null) return this.stripe.refunds.retrieve(row.stripe_refund_id);
    if (now.getTime() - row.created_at.getTime() >= SUBMISSION_MS_MAX) {
      // The key may be forgotten: what was made is read before it is made again.
      const created = { gte: Math.floor(row.created_at.getTime() / 1000) - 60 };
      for await (const refund of this.stripe.refunds.list({ created, limit: 100 })) {
        if (refund.metadata?.['cash_return_id'] === row.id) return refund;
      }
    }
    return this.stripe.refunds.create(
      {
        customer: await this.customers.idOf(row.contributor_pseudonym),
        origin: 'customer_balance',
        currency: row.currency.toLowerCase(),
        amount: Number(row.amount_minor),
        metadata: { cash_return_id: row.id },
      },
      { idempotencyKey: row.idempotency_key },
    );
  }

  async #observe(id: string, stripeRefundId: string | undefined, observed: RefundObservation): Promise<void> {
    await this.uow.run('cash-return-observed', async (tx) => {
      const row = await lockCashReturn(tx, id);
      if (row === undefined) throw new Error(`cash return ${id} vanished`);
      const next = nextRefundStatus(row.status, observed);
      if (next === undefined) return 'same';
      await changeCashReturn(tx, id, {
        status: next,
        stripeRefundId,
        code: observed.failureCode,
        nextCheckAt: next === 'PENDING' ? new Date(tx.now.getTime() + nextCheckMs(0)) : null,
      });
      await this.#post(tx, row, next);
      return next;
    });
  }

  async #post(tx: Tx, row: CashReturnRow, next: CashReturnRow['status']): Promise<void> {
    const back = {
      id: row.id,
      pseudonym: row.contributor_pseudonym,
      currency: row.currency,
      amountMinor: row.amount_minor,
    };
    if (next === 'SUCCEEDED') await this.bookkeeper.post(tx, [cashReturnPosting('paid', back)]);
    if (next === 'FAILED' || next === 'CANCELED') {
      const step = row.status === 'SUCCEEDED' ? 'bounced' : 'failed';
      await this.bookkeeper.post(tx, [cashReturnPosting(step, back)]);
    }
  }
}
