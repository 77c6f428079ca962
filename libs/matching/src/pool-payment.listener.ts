import { Injectable } from '@nestjs/common';
import {
  type CashApplication,
  type CashReceipt,
  type PaymentListener,
  PaymentListeners,
  type PaymentStep,
} from '#payments';
import type { Tx } from '#platform';
import { type DepositEvent, depositMachine } from './domain/deposit.machine.js';
import { poolAccounts } from './domain/pool-postings.rule.js';
import { poolEvent } from './pool.commands.js';
import {
  type DepositRow,
  askBack,
  changeDeposit,
  depositPayments,
  insertDepositPayment,
  lockDeposit,
  waitingTransfers,
} from './store/deposit.store.js';
import { changePool } from './store/pool.store.js';

/**
 * What payments tell of a pool's money, inside the transaction that books it: payment, ledger, deposit and pool change
 * together. A step that the deposit's state doesn't know is passed over, but its money is always tallied.
 */
@Injectable()
export class PoolPaymentListener implements PaymentListener {
  constructor(listeners: PaymentListeners) {
    listeners.register('pool', this);
  }

  async onPayments(tx: Tx, steps: readonly PaymentStep[]): Promise<void> {
    for (const step of steps) {
      const deposit = await lockDeposit(tx, step.payment.reference);
      if (!deposit) throw new Error(`payment ${step.payment.id} is for no deposit`);
      await this.take(tx, deposit, step);
    }
  }

  /**
   * An announced transfer is taken when all of it is there: the one that the receipt fits exactly first, then the oldest
   * that what is unapplied covers. The rest stays its sender's.
   */
  async onCash(tx: Tx, receipts: readonly CashReceipt[]): Promise<CashApplication[]> {
    const applications: CashApplication[] = [];
    for (const receipt of receipts) {
      const waiting = await waitingTransfers(tx, receipt.contributorPseudonym, receipt.currency);
      const exact = waiting.find((deposit) => deposit.amountMinor === receipt.amountMinor);
      let left = receipt.unappliedMinor;
      for (const deposit of exact ? [exact, ...waiting.filter((one) => one !== exact)] : waiting) {
        if (deposit.amountMinor > left) continue;
        left -= deposit.amountMinor;
        await collect(tx, deposit, 0n);
        applications.push(applicationOf(deposit));
      }
    }
    return applications;
  }

  private async take(tx: Tx, deposit: DepositRow, step: PaymentStep): Promise<void> {
    const { poolId } = deposit;
    switch (step.kind) {
      case 'captured': {
        const { id, amountMinor } = step.payment;
        await insertDepositPayment(tx, { id, depositId: deposit.id, amountMinor });
        // A transfer's money was taken when it came; this is the processor moving it.
        if (deposit.rail === 'bank_transfer') return changePool(tx, poolId, { feesMinor: step.feeMinor });
        return collect(tx, deposit, step.feeMinor);
      }
      case 'failed':
        return changeDeposit(tx, deposit.id, { ...next(deposit, 'fail'), failureCode: step.code });
      case 'canceled':
        return changeDeposit(tx, deposit.id, { ...next(deposit, 'fail'), failureCode: 'canceled' });
      case 'refunded': {
        const payments = await depositPayments(tx, [deposit.id]);
        const refundedMinor = deposit.refundedMinor + step.amountMinor;
        const asked = payments.reduce((sum, { askedBackMinor }) => sum + askedBackMinor, 0n);
        // A part that went back leaves the rest where it was; more under way keeps the deposit waiting.
        const event = refundedMinor === deposit.amountMinor ? 'refund_paid' : 'refund_failed';
        const change = asked > refundedMinor ? {} : next(deposit, event);
        await changeDeposit(tx, deposit.id, { ...change, refundedMinor: step.amountMinor });
        await changePool(tx, poolId, { refundedMinor: step.amountMinor });
        tx.emit(
          poolEvent('match.deposit.refunded', poolId, {
            depositId: deposit.id,
            amountMinor: String(step.amountMinor),
            currency: deposit.currency,
          }),
        );
        return;
      }
      case 'refund_failed': {
        // While the refund is pending nothing of it was tallied; later it comes back from the bank.
        await askBack(tx, step.payment.id, -step.amountMinor);
        const paidBefore = deposit.state === 'refund_pending' ? 0n : step.amountMinor;
        await changeDeposit(tx, deposit.id, { ...next(deposit, 'refund_failed'), refundedMinor: -paidBefore });
        return changePool(tx, poolId, { refundedMinor: -paidBefore });
      }
      case 'dispute_opened':
        await changeDeposit(tx, deposit.id, { ...next(deposit, 'dispute'), disputedMinor: step.amountMinor });
        return changePool(tx, poolId, { disputedMinor: step.amountMinor, feesMinor: step.feeMinor });
      case 'dispute_closed': {
        const back = step.won ? step.amountMinor : 0n;
        await changeDeposit(tx, deposit.id, {
          ...next(deposit, step.won ? 'win_dispute' : 'lose_dispute'),
          disputedMinor: -back,
        });
        return changePool(tx, poolId, { disputedMinor: -back, feesMinor: -step.feeReturnedMinor });
      }
      case 'processing':
      case 'requires_action':
      case 'warning':
        return undefined;
    }
  }
}

const next = (deposit: DepositRow, event: DepositEvent) => ({ state: depositMachine.next(deposit.state, event) });

async function collect(tx: Tx, deposit: DepositRow, feeMinor: bigint): Promise<void> {
  await changeDeposit(tx, deposit.id, next(deposit, 'collect'));
  await changePool(tx, deposit.poolId, { depositedMinor: deposit.amountMinor, feesMinor: feeMinor });
  tx.emit(
    poolEvent('match.deposit.collected', deposit.poolId, {
      depositId: deposit.id,
      contributor: deposit.isAnonymous ? 'anonymous' : deposit.pseudonym,
      amountMinor: String(deposit.amountMinor),
      feeMinor: String(feeMinor),
      currency: deposit.currency,
    }),
  );
}

function applicationOf(deposit: DepositRow): CashApplication {
  const accounts = poolAccounts(deposit.poolId, deposit.currency);
  return {
    contributorPseudonym: deposit.pseudonym,
    currency: deposit.currency,
    applicationKey: deposit.id,
    reference: deposit.id,
    purpose: 'pool',
    beneficiaryId: deposit.poolId,
    amountMinor: deposit.amountMinor,
    escrowAccount: accounts.pool,
    refundsPayableAccount: accounts.refundsPayable,
    debtAccount: accounts.debt,
  };
}
