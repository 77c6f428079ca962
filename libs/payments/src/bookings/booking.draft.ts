import { Ledger } from '#ledger';
import type { Tx } from '#platform';
import type { Parts, Posting } from '../domain/postings.rule.js';
import type { Payment, PaymentStep } from '../payment-listener.port.js';
import { disputesOfPayments, type DisputeRow, type DisputeState } from '../store/dispute.store.js';
import {
  lockPayments,
  termsOf,
  toPayment,
  type PaymentMove,
  type PaymentRow,
  type Postponement,
} from '../store/payment.store.js';
import type { NewRefundCase } from '../store/refund-case.store.js';
import { refundsOfPayments, type NewRefund, type RefundMove, type RefundRow } from '../store/refund.store.js';
import { warningsOfPayments, type WarningRow, type WarningState } from '../store/warning.store.js';
import type { Observed, ObservedRefund } from './observed.type.js';

type Kind = PaymentStep['kind'];
type StepBody = PaymentStep extends infer S ? (S extends { kind: Kind } ? Omit<S, 'payment'> : never) : never;

/**
 * What a batch of observations makes of its payments: decided on the locked rows, in the order in which the
 * observations came, and written by one statement a table afterwards.
 */
export class BookingDraft {
  readonly moves: PaymentMove[] = [];
  readonly postponed: Postponement[] = [];
  readonly newRefunds: NewRefund[] = [];
  readonly refundMoves = new Map<string, RefundMove>();
  readonly refundCases: NewRefundCase[] = [];
  readonly disputes = new Map<string, DisputeState>();
  readonly warnings = new Map<string, WarningState>();
  readonly postings: Posting[] = [];
  readonly steps: PaymentStep[] = [];
  readonly #free = new Map<string, bigint>();

  private constructor(
    readonly now: Date,
    private readonly payments: Map<string, PaymentRow>,
    private readonly refunds: RefundRow[],
    private readonly disputeRows: DisputeRow[],
    private readonly warningRows: WarningRow[],
  ) {}

  /** Locks the payments of the observations, in the order of their ids, and reads what belongs to them. */
  static async open(tx: Tx, ledger: Ledger, all: readonly Observed[]): Promise<BookingDraft> {
    const payments = await lockPayments(tx, [...new Set(all.map((each) => each.paymentId))]);
    const after = [...new Set(all.filter((each) => each.kind !== 'payment').map((each) => each.paymentId))];
    if (after.length === 0) return new BookingDraft(tx.now, payments, [], [], []);
    const draft = new BookingDraft(
      tx.now,
      payments,
      await refundsOfPayments(tx, after),
      await disputesOfPayments(tx, after),
      await warningsOfPayments(tx, after),
    );
    await draft.#readBalances(tx, ledger, after);
    return draft;
  }

  payment(id: string): PaymentRow | undefined {
    return this.payments.get(id);
  }

  move(move: PaymentMove): void {
    this.payments.set(move.after.id, move.after);
    this.moves.push(move);
  }

  /**
   * The refund that an observation is about. One that somebody else made at Stripe while ours of the same amount was not
   * told yet is ours: its owner has the money, and Stripe would refuse to give it a second time.
   */
  refundAt(paymentId: string, observed: ObservedRefund): RefundRow | undefined {
    const { stripeRefundId, refundId, amountMinor } = observed;
    const rows = this.refunds.map((row) => this.refundMoves.get(row.id)?.after ?? row);
    if (stripeRefundId === undefined) return rows.find((row) => row.id === refundId);
    return (
      rows.find((row) => row.stripe_refund_id === stripeRefundId) ??
      rows.find((row) => row.id === refundId && row.stripe_refund_id === null) ??
      rows.find(
        (row) =>
          refundId === undefined &&
          row.payment_id === paymentId &&
          row.amount_minor === amountMinor &&
          row.stripe_refund_id === null &&
          row.status === 'REQUESTED',
      )
    );
  }

  addRefund(refund: NewRefund, row: RefundRow): void {
    this.newRefunds.push(refund);
    this.refunds.push(row);
  }

  disputeAt(stripeDisputeId: string): DisputeRow | undefined {
    return this.disputeRows.find((row) => row.stripe_dispute_id === stripeDisputeId);
  }

  saveDispute(state: DisputeState): void {
    this.disputes.set(state.stripeDisputeId, state);
    const at = this.disputeRows.findIndex((row) => row.stripe_dispute_id === state.stripeDisputeId);
    const row: DisputeRow = {
      id: state.id,
      payment_id: state.paymentId,
      stripe_dispute_id: state.stripeDisputeId,
      amount_minor: state.amountMinor,
      fee_minor: state.feeMinor,
      reinstated_minor: state.reinstatedMinor,
      lost_reserve_minor: state.lost.reserve,
      lost_escrow_minor: state.lost.escrow,
      lost_debt_minor: state.lost.debt,
      status: state.status,
    };
    if (at === -1) this.disputeRows.push(row);
    else this.disputeRows[at] = row;
  }

  warningAt(stripeWarningId: string): WarningRow | undefined {
    return this.warningRows.find((row) => row.stripe_warning_id === stripeWarningId);
  }

  isDisputed(paymentId: string): boolean {
    return this.disputeRows.some(
      (row) => row.payment_id === paymentId && (row.status === 'OPEN' || row.status === 'LOST'),
    );
  }

  /** What of a payment has left escrow for refunds, minor units. A refund that failed is set aside still. */
  givenBack(paymentId: string): bigint {
    return this.refunds
      .filter((row) => row.payment_id === paymentId && row.case_id === null)
      .reduce((sum, row) => sum + row.amount_minor - row.owed_minor, 0n);
  }

  /** What escrow still has of this very payment, minor units. */
  heldOf(row: PaymentRow): bigint {
    const lost = this.disputeRows
      .filter((dispute) => dispute.payment_id === row.id)
      .reduce((sum, dispute) => sum + dispute.lost_escrow_minor, 0n);
    return row.amount_minor - this.givenBack(row.id) - lost;
  }

  /** What an account has free, less what this batch takes from it. */
  free(account: string | undefined): bigint {
    return account === undefined ? 0n : (this.#free.get(account) ?? 0n);
  }

  /** Notes that the parts leave (or, negative, come back to) reserve and escrow. */
  spend(row: PaymentRow, parts: Parts): void {
    const { escrowAccount, reserveAccount } = termsOf(row);
    this.#free.set(escrowAccount, this.free(escrowAccount) - parts.escrow);
    if (reserveAccount !== undefined) this.#free.set(reserveAccount, this.free(reserveAccount) - parts.reserve);
  }

  tell(row: PaymentRow, step: StepBody): void {
    const payment: Payment = toPayment(row);
    this.steps.push({ payment, ...step } as PaymentStep);
  }

  async #readBalances(tx: Tx, ledger: Ledger, paymentIds: readonly string[]): Promise<void> {
    const codes = paymentIds.flatMap((id) => {
      const row = this.payments.get(id);
      return row === undefined
        ? []
        : [row.escrow_account, ...(row.reserve_account === null ? [] : [row.reserve_account])];
    });
    for (const [code, balance] of await ledger.balances(tx, [...new Set(codes)])) {
      this.#free.set(code, balance.creditsPosted - balance.debitsPosted - balance.debitsPending);
    }
  }
}
