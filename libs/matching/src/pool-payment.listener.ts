import { Injectable } from '@nestjs/common';
import { type PaymentListener, PaymentListeners, type PaymentStep } from '#payments';
import type { Tx } from '#platform';
import { type DepositEvent, depositMachine } from './domain/deposit.machine.js';
import { poolEvent } from './pool.commands.js';
import { type DepositRow, changeDeposit, changePool, lockDeposit } from './store/pool.store.js';

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

  private async take(tx: Tx, deposit: DepositRow, step: PaymentStep): Promise<void> {
    const { poolId } = deposit;
    switch (step.kind) {
      case 'captured': {
        await changeDeposit(tx, deposit.id, { ...next(deposit, 'collect'), paymentId: step.payment.id });
        await changePool(tx, poolId, { depositedMinor: deposit.amountMinor, feesMinor: step.feeMinor });
        tx.emit(
          poolEvent('match.deposit.collected', poolId, {
            depositId: deposit.id,
            contributor: deposit.isAnonymous ? 'anonymous' : deposit.pseudonym,
            amountMinor: String(deposit.amountMinor),
            feeMinor: String(step.feeMinor),
            currency: deposit.currency,
          }),
        );
        return;
      }
      case 'failed':
        return changeDeposit(tx, deposit.id, { ...next(deposit, 'fail'), failureCode: step.code });
      case 'canceled':
        return changeDeposit(tx, deposit.id, { ...next(deposit, 'fail'), failureCode: 'canceled' });
      case 'refunded': {
        const isAll = deposit.refundedMinor + step.amountMinor === deposit.amountMinor;
        // A part that went back leaves the rest where it was.
        const event = isAll ? 'refund_paid' : 'refund_failed';
        await changeDeposit(tx, deposit.id, { ...next(deposit, event), refundedMinor: step.amountMinor });
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
