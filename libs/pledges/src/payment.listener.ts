import { Injectable } from '@nestjs/common';
import type { CashApplication, CashReceipt, Payment, PaymentListener, PaymentStep, SetupStep } from '#payments';
import { PaymentListeners } from '#payments';
import type { Tx } from '#platform';
import { retryAt } from './domain/close.rule.js';
import { countedShare } from './domain/counted.rule.js';
import { donorEvent, pledgeEvent, publicFailure, toDonor } from './domain/pledge-event.rule.js';
import { PledgeBatches, type PledgeBatch } from './pledge.batch.js';
import { PledgeMethods } from './pledge.methods.js';
import { PledgeRefunds } from './pledge.refunds.js';
import { PledgeWires } from './pledge.wires.js';
import { closesOf, type CloseRow } from './store/close.store.js';
import { methodsOfEndedPlans } from './store/plan.store.js';
import {
  type ChargeRow,
  type RefundRow,
  type RefundState,
  closeDispute,
  insertCharges,
  openDispute,
  pledgesOfEnded,
  recordRefunds,
  refundStates,
} from './store/pledge-money.store.js';

type Of<Kind extends PaymentStep['kind']> = Extract<PaymentStep, { kind: Kind }>;

/** What one batch of steps comes to, next to the steps of the pledges themselves. */
interface Told {
  readonly tx: Tx;
  readonly batch: PledgeBatch;
  readonly closes: ReadonlyMap<string, CloseRow>;
  readonly charges: ChargeRow[];
  readonly refunds: Map<string, RefundRow>;
  /** Refunds by what they were before, kept up to date within the batch. */
  readonly before: Map<string, RefundState>;
  readonly sendBack: Set<string>;
  /** Paid in the moment in which they were dropped. */
  readonly late: string[];
  /** Methods whose pledge is paid whole: nothing more is charged to them. */
  readonly spent: string[];
  /** Plans of which a month was paid. */
  readonly plans: string[];
}

/** Pledges whose donor, or whose campaign, gave them up: money that comes all the same goes back at once. */
const GIVEN_UP: readonly string[] = ['cancelled', 'released', 'refund_pending', 'refunded', 'refund_stuck'];

/**
 * What payments tell of a pledge's money, each inside the transaction that books it: payment, ledger, pledge and
 * campaign change together. Every message is told once; a step that the pledge's state doesn't know is passed over,
 * but its money is always tallied.
 */
@Injectable()
export class PledgePaymentListener implements PaymentListener {
  constructor(
    private readonly batches: PledgeBatches,
    private readonly refunds: PledgeRefunds,
    private readonly methods: PledgeMethods,
    private readonly wires: PledgeWires,
    listeners: PaymentListeners,
  ) {
    listeners.register('pledge', this);
  }

  async onPayments(tx: Tx, steps: readonly PaymentStep[]): Promise<void> {
    const batch = await this.batches.hold(
      tx,
      steps.map((step) => step.payment.reference),
    );
    const snapshots = steps.flatMap((step) => batch.row(step.payment.reference).snapshotId ?? []);
    const told: Told = {
      tx,
      batch,
      closes: await closesOf(tx, snapshots),
      charges: [],
      refunds: new Map(),
      before: await refundStates(
        tx,
        steps.flatMap((step) => ('refundId' in step && step.refundId !== undefined ? step.refundId : [])),
      ),
      sendBack: new Set(),
      late: [],
      spent: [],
      plans: [],
    };
    for (const step of steps) await this.take(told, step);
    await insertCharges(tx, told.charges);
    await recordRefunds(tx, [...told.refunds.values()]);
    // A campaign that goes on is glad of it; one that ended without its goal keeps nobody's money.
    for (const id of await pledgesOfEnded(tx, told.late)) told.sendBack.add(id);
    told.spent.push(...(await methodsOfEndedPlans(tx, told.plans)));
    if (told.spent.length > 0) await this.methods.letGo(tx, told.spent);
    if (told.sendBack.size > 0) await this.refunds.ask(tx, batch, [...told.sendBack], 'paid after it was given up');
    await batch.write();
  }

  /** Campaigns of projects whose owner or treasurer he is: he decides about refunds that got stuck. */
  async treasuredBy(tx: Tx, contributorId: string): Promise<readonly string[]> {
    const rows = await tx.query<{ id: string }>(
      `SELECT DISTINCT c.id FROM project_member m JOIN campaign c ON c.project_id = m.project_id
        WHERE m.contributor_id = $1 AND m.role IN ('owner', 'treasurer')`,
      [contributorId],
    );
    return rows.map(({ id }) => id);
  }

  onSetups(tx: Tx, steps: readonly SetupStep[]): Promise<void> {
    return this.methods.take(tx, steps);
  }

  onCash(tx: Tx, receipts: readonly CashReceipt[]): Promise<readonly CashApplication[]> {
    return this.wires.apply(tx, receipts);
  }

  private take(told: Told, step: PaymentStep): Promise<void> | void {
    switch (step.kind) {
      case 'processing':
        return void told.batch.take(step.payment.reference, 'charge');
      case 'requires_action':
        return this.wantsAction(told, step.payment);
      case 'captured':
        return this.captured(told, step);
      case 'failed':
        return this.failed(told, step.payment, step.code);
      case 'canceled':
        return this.failed(told, step.payment, 'canceled');
      case 'refunded':
        return this.refunded(told, step);
      case 'refund_failed':
        return this.refundFailed(told, step);
      case 'dispute_opened':
        return this.disputeOpened(told, step);
      case 'dispute_closed':
        return this.disputeClosed(told, step);
      case 'warning':
        return undefined;
    }
  }

  private wantsAction(told: Told, payment: Payment): void {
    const { tx, batch } = told;
    const row = batch.row(payment.reference);
    const close = told.closes.get(row.snapshotId ?? '');
    const asked = batch.take(row.id, 'ask_action', { nextAttemptAt: close ? retryAt(tx.now, close) : null });
    if (!asked || payment.savedMethodId === undefined) return;
    tx.emit(donorEvent('pledge.cash.needs_action', row.campaignId, toDonor(row)));
  }

  private captured(told: Told, { payment, feeMinor }: Of<'captured'>): void {
    const { tx, batch } = told;
    const row = batch.row(payment.reference);
    told.charges.push({
      paymentId: payment.id,
      pledgeId: row.id,
      rail: payment.rail,
      instalment: payment.instalment,
      amountMinor: payment.amountMinor,
    });
    const fees = { feeMinor: row.feeMinor + feeMinor };
    // A transfer's money was counted when it came; this is the processor moving it.
    if (payment.rail === 'bank_transfer') {
      batch.change(row.id, fees);
      tx.emit(
        pledgeEvent('pledge.cash.fee_charged', row.campaignId, {
          pledgeId: row.id,
          paymentId: payment.id,
          feeMinor: String(feeMinor),
          currency: payment.currency,
        }),
      );
      return;
    }
    const collectedMinor = row.collectedMinor + payment.amountMinor;
    if (collectedMinor > row.amountMinor) throw new Error(`pledge ${row.id} would be charged twice`);
    const change = { ...fees, collectedMinor, collectedAt: row.collectedAt ?? tx.now, failureCode: null };
    const wholeOrLate = collectedMinor === row.amountMinor || GIVEN_UP.includes(row.state) || row.state === 'dropped';
    const collected = wholeOrLate ? batch.take(row.id, 'collect', { ...change, nextAttemptAt: null }) : undefined;
    if (!collected) batch.change(row.id, change);
    if (GIVEN_UP.includes(row.state)) told.sendBack.add(row.id);
    if (row.state === 'dropped') told.late.push(row.id);
    if (collected?.savedMethodId != null && row.planId === null) told.spent.push(collected.savedMethodId);
    // A plan's method serves its other months.
    if (collected && row.planId !== null) told.plans.push(row.planId);
    tx.emit(
      pledgeEvent('pledge.cash.captured', row.campaignId, {
        pledgeId: row.id,
        paymentId: payment.id,
        amountMinor: String(payment.amountMinor),
        feeMinor: String(feeMinor),
        currency: payment.currency,
        countedMinor: String(countedShare(row, collectedMinor) - countedShare(row, row.collectedMinor)),
      }),
    );
  }

  private failed(told: Told, payment: Payment, code: string): void {
    const { tx, batch } = told;
    const row = batch.row(payment.reference);
    const close = told.closes.get(row.snapshotId ?? '');
    const offSession = payment.savedMethodId !== undefined;
    const declined = batch.take(row.id, 'decline', {
      failureCode: code,
      nextAttemptAt: offSession ? retryAt(tx.now, close) : null,
    });
    if (!declined) return;
    tx.emit(pledgeEvent('pledge.cash.failed', row.campaignId, { pledgeId: row.id, code: publicFailure(code) }));
    if (!offSession || code === 'canceled') return;
    tx.emit(donorEvent('pledge.cash.reminder_due', row.campaignId, toDonor(row)));
  }

  private refunded(told: Told, { payment, refundId, amountMinor }: Of<'refunded'>): void {
    const { tx, batch } = told;
    const row = batch.row(payment.reference);
    record(told, payment, { refundId, amountMinor, state: 'paid' });
    const refundedMinor = row.refundedMinor + amountMinor;
    const stepped =
      refundedMinor >= row.collectedMinor ? batch.take(row.id, 'refund_paid', { refundedMinor }) : undefined;
    if (!stepped) batch.change(row.id, { refundedMinor });
    tx.emit(
      pledgeEvent('pledge.cash.refunded', row.campaignId, {
        pledgeId: row.id,
        amountMinor: String(amountMinor),
        currency: payment.currency,
        countedMinor: String(countedShare(row, refundedMinor) - countedShare(row, row.refundedMinor)),
      }),
    );
  }

  private refundFailed(told: Told, { payment, refundId, amountMinor, code }: Of<'refund_failed'>): void {
    const { tx, batch } = told;
    const row = batch.row(payment.reference);
    const wasPaid = told.before.get(refundId) === 'paid';
    record(told, payment, { refundId, amountMinor, state: 'failed', failureCode: code });
    // A refund that was paid and came back from the bank was counted; one that never left was not.
    const refundedMinor = row.refundedMinor - (wasPaid ? amountMinor : 0n);
    if (!batch.take(row.id, 'refund_failed', { refundedMinor })) batch.change(row.id, { refundedMinor });
    tx.emit(
      pledgeEvent('pledge.cash.refund_failed', row.campaignId, {
        pledgeId: row.id,
        amountMinor: String(amountMinor),
        currency: payment.currency,
        wasPaid,
      }),
    );
  }

  private async disputeOpened(told: Told, step: Of<'dispute_opened'>): Promise<void> {
    const { tx, batch } = told;
    const row = batch.row(step.payment.reference);
    const { disputeId, amountMinor, feeMinor } = step;
    await openDispute(tx, { disputeId, amountMinor, feeMinor, pledgeId: row.id });
    const change = { disputedMinor: row.disputedMinor + amountMinor, feeMinor: row.feeMinor + feeMinor };
    if (!batch.take(row.id, 'open_dispute', change)) batch.change(row.id, change);
    tx.emit(
      pledgeEvent('pledge.cash.disputed', row.campaignId, {
        pledgeId: row.id,
        amountMinor: String(amountMinor),
        feeMinor: String(feeMinor),
        currency: step.payment.currency,
      }),
    );
  }

  private async disputeClosed(told: Told, step: Of<'dispute_closed'>): Promise<void> {
    const { tx, batch } = told;
    const row = batch.row(step.payment.reference);
    await closeDispute(tx, step.disputeId, step.won ? 'won' : 'lost');
    const backMinor = step.won ? step.amountMinor : 0n;
    const feeBackMinor = step.won ? step.feeReturnedMinor : 0n;
    const change = { disputedMinor: row.disputedMinor - backMinor, feeMinor: row.feeMinor - feeBackMinor };
    const event = step.won ? 'win_dispute' : 'lose_dispute';
    if (!batch.take(row.id, event, change)) batch.change(row.id, change);
    tx.emit(
      pledgeEvent('pledge.cash.dispute_closed', row.campaignId, {
        pledgeId: row.id,
        won: step.won,
        amountMinor: String(step.amountMinor),
        feeReturnedMinor: String(feeBackMinor),
        currency: step.payment.currency,
      }),
    );
  }
}

function record(
  told: Told,
  payment: Payment,
  refund: { refundId: string; amountMinor: bigint; state: RefundState; failureCode?: string },
): void {
  told.before.set(refund.refundId, refund.state);
  told.refunds.set(refund.refundId, {
    ...refund,
    pledgeId: payment.reference,
    paymentId: payment.id,
    reason: "made in the processor's dashboard",
  });
}
