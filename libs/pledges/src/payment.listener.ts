import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { isRefused } from '#kernel';
import { type Payment, type PaymentListener, PaymentListeners, type PaymentStep, Payments } from '#payments';
import type { Tx } from '#platform';
import { CashPledgeSteps } from './cash-pledge.steps.js';
import { pledgeEvent, publicFailure } from './domain/pledge-event.rule.js';
import {
  type CashPledgeRow,
  changeCashPledge,
  closeDispute,
  findDispute,
  lockCashPledge,
  openDispute,
  recordRefund,
} from './store/cash-pledge.store.js';

/**
 * What payments tell of a pledge's money, each inside the transaction that books it: payment, ledger, pledge and
 * campaign change together. Every message is told once; a step that the pledge's state doesn't know is passed over,
 * but its money is always tallied.
 */
@Injectable()
export class PledgePaymentListener implements PaymentListener {
  constructor(
    private readonly steps: CashPledgeSteps,
    private readonly funds: CampaignFunds,
    private readonly payments: Payments,
    listeners: PaymentListeners,
  ) {
    listeners.register('pledge', this);
  }

  async onPayments(tx: Tx, steps: readonly PaymentStep[]): Promise<void> {
    for (const step of steps) await this.take(tx, step);
  }

  private async take(tx: Tx, step: PaymentStep): Promise<void> {
    switch (step.kind) {
      case 'requires_action':
        return this.onRequiresAction(tx, step.payment);
      case 'captured':
        return this.onCaptured(tx, step.payment, step);
      case 'failed':
        return this.onFailed(tx, step.payment, step);
      case 'canceled':
        return this.onFailed(tx, step.payment, { code: 'canceled' });
      case 'refunded':
        return this.onRefunded(tx, step.payment, { refundId: step.refundId, amountMinor: step.amountMinor });
      case 'refund_failed':
        return this.onRefundFailed(tx, step.payment, {
          refundId: step.refundId,
          amountMinor: step.amountMinor,
          code: step.code,
        });
      case 'dispute_opened':
        return this.onDisputeOpened(tx, step.payment, step);
      case 'dispute_closed':
        return this.onDisputeClosed(tx, step.payment, step);
      case 'processing':
      case 'warning':
        return undefined;
    }
  }

  private async onRequiresAction(tx: Tx, payment: Payment): Promise<void> {
    await this.steps.take(tx, await pledgeOf(tx, payment), 'ask_action');
  }

  private async onCaptured(tx: Tx, payment: Payment, { feeMinor }: { feeMinor: bigint }): Promise<void> {
    const pledge = await pledgeOf(tx, payment);
    const captured = await this.steps.take(tx, pledge, 'capture', {
      paymentId: payment.id,
      capturedAt: tx.now,
      failureCode: null,
      feeMinor,
    });
    if (!captured) throw new Error(`pledge ${pledge.id} is ${pledge.state} and can't be charged (again)`);
    await this.funds.book(tx, pledge.campaignId, { capturedMinor: payment.amountMinor, feesMinor: feeMinor });
    tx.emit(
      pledgeEvent('pledge.cash.captured', pledge.campaignId, {
        pledgeId: pledge.id,
        paymentId: payment.id,
        amountMinor: String(payment.amountMinor),
        feeMinor: String(feeMinor),
        currency: payment.currency,
      }),
    );
    if (pledge.state === 'cancelled') await this.sendBack(tx, captured, 'paid after it was cancelled');
  }

  private async onFailed(tx: Tx, payment: Payment, failure: { code: string }): Promise<void> {
    const pledge = await pledgeOf(tx, payment);
    const failed = await this.steps.take(tx, pledge, 'fail', { failureCode: failure.code });
    if (!failed) return;
    tx.emit(
      pledgeEvent('pledge.cash.failed', pledge.campaignId, {
        pledgeId: pledge.id,
        code: publicFailure(failure.code),
      }),
    );
  }

  private async onRefunded(tx: Tx, payment: Payment, refund: { refundId: string; amountMinor: bigint }): Promise<void> {
    const pledge = await pledgeOf(tx, payment);
    await recordRefund(tx, {
      ...refund,
      pledgeId: pledge.id,
      state: 'paid',
      reason: "made in the processor's dashboard",
    });
    const refundedMinor = pledge.refundedMinor + refund.amountMinor;
    const whole = refundedMinor >= pledge.amountMinor;
    const stepped = whole ? await this.steps.take(tx, pledge, 'refund_paid', { refundedMinor }) : undefined;
    if (!stepped) await changeCashPledge(tx, pledge, { refundedMinor });
    await this.funds.book(tx, pledge.campaignId, { refundedMinor: refund.amountMinor });
    tx.emit(
      pledgeEvent('pledge.cash.refunded', pledge.campaignId, {
        pledgeId: pledge.id,
        amountMinor: String(refund.amountMinor),
        currency: payment.currency,
      }),
    );
  }

  private async onRefundFailed(
    tx: Tx,
    payment: Payment,
    refund: { refundId: string; amountMinor: bigint; code: string },
  ): Promise<void> {
    const pledge = await pledgeOf(tx, payment);
    const before = await recordRefund(tx, {
      ...refund,
      pledgeId: pledge.id,
      state: 'failed',
      reason: "made in the processor's dashboard",
      failureCode: refund.code,
    });
    // A refund that was paid and came back from the bank was counted; one that never left was not.
    const back = before === 'paid' ? refund.amountMinor : 0n;
    const refundedMinor = pledge.refundedMinor - back;
    const stepped = await this.steps.take(tx, pledge, 'refund_failed', { refundedMinor });
    if (!stepped) await changeCashPledge(tx, pledge, { refundedMinor });
    if (back > 0n) await this.funds.book(tx, pledge.campaignId, { refundedMinor: -back });
    tx.emit(
      pledgeEvent('pledge.cash.refund_failed', pledge.campaignId, {
        pledgeId: pledge.id,
        amountMinor: String(refund.amountMinor),
        currency: payment.currency,
        wasPaid: before === 'paid',
      }),
    );
  }

  private async onDisputeOpened(
    tx: Tx,
    payment: Payment,
    dispute: { disputeId: string; amountMinor: bigint; feeMinor: bigint },
  ): Promise<void> {
    const pledge = await pledgeOf(tx, payment);
    await openDispute(tx, { ...dispute, pledgeId: pledge.id });
    const change = {
      disputedMinor: pledge.disputedMinor + dispute.amountMinor,
      feeMinor: pledge.feeMinor + dispute.feeMinor,
    };
    if (!(await this.steps.take(tx, pledge, 'open_dispute', change))) await changeCashPledge(tx, pledge, change);
    await this.funds.book(tx, pledge.campaignId, { disputedMinor: dispute.amountMinor, feesMinor: dispute.feeMinor });
    tx.emit(
      pledgeEvent('pledge.cash.disputed', pledge.campaignId, {
        pledgeId: pledge.id,
        amountMinor: String(dispute.amountMinor),
        feeMinor: String(dispute.feeMinor),
        currency: payment.currency,
      }),
    );
  }

  private async onDisputeClosed(
    tx: Tx,
    payment: Payment,
    dispute: { disputeId: string; won: boolean; amountMinor: bigint; feeReturnedMinor: bigint },
  ): Promise<void> {
    const pledge = await pledgeOf(tx, payment);
    if (!(await findDispute(tx, dispute.disputeId))) throw new Error(`dispute ${dispute.disputeId} was never opened`);
    await closeDispute(tx, dispute.disputeId, dispute.won ? 'won' : 'lost');
    const backMinor = dispute.won ? dispute.amountMinor : 0n;
    const feeBackMinor = dispute.won ? dispute.feeReturnedMinor : 0n;
    const change = { disputedMinor: pledge.disputedMinor - backMinor, feeMinor: pledge.feeMinor - feeBackMinor };
    const event = dispute.won ? 'win_dispute' : 'lose_dispute';
    if (!(await this.steps.take(tx, pledge, event, change))) await changeCashPledge(tx, pledge, change);
    await this.funds.book(tx, pledge.campaignId, { disputedMinor: -backMinor, feesMinor: -feeBackMinor });
    tx.emit(
      pledgeEvent('pledge.cash.dispute_closed', pledge.campaignId, {
        pledgeId: pledge.id,
        won: dispute.won,
        amountMinor: String(dispute.amountMinor),
        feeReturnedMinor: String(feeBackMinor),
        currency: payment.currency,
      }),
    );
  }

  private async sendBack(tx: Tx, pledge: CashPledgeRow, reason: string): Promise<void> {
    const refund = await this.payments.requestRefund(tx, pledge.paymentId ?? '', pledge.amountMinor, reason, pledge.id);
    if (isRefused(refund)) throw new Error(`pledge ${pledge.id} could not be sent back: ${refund.first.code}`);
    await recordRefund(tx, {
      refundId: refund.refundId,
      pledgeId: pledge.id,
      amountMinor: pledge.amountMinor,
      state: 'requested',
      reason,
    });
    await this.steps.take(tx, pledge, 'request_refund');
  }
}

async function pledgeOf(tx: Tx, payment: Payment): Promise<CashPledgeRow> {
  const row = await lockCashPledge(tx, payment.reference);
  if (!row) throw new Error(`payment ${payment.id} is for a pledge that does not exist: ${payment.reference}`);
  return row;
}
