import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Outcome, isRefused } from '#kernel';
import { type PayoutListener, PayoutListeners, type PayoutStep } from '#payments';
import type { Tx } from '#platform';
import { money } from './domain/disbursement-event.rule.js';
import { trancheMachine } from './domain/tranche.machine.js';
import { type TrancheRow, findPlan, trancheOfPayout } from './store/disbursement.store.js';
import { TrancheSteps } from './tranche.steps.js';

/** Moves tranches with their payouts, inside the transaction that books them. */
@Injectable()
export class TranchePayoutListener implements PayoutListener, OnModuleInit {
  constructor(
    private readonly listeners: PayoutListeners,
    private readonly steps: TrancheSteps,
  ) {}

  onModuleInit(): void {
    this.listeners.register(this);
  }

  async onPayout(tx: Tx, step: PayoutStep): Promise<void> {
    const tranche = await trancheOfPayout(tx, step.payout.id);
    const plan = tranche && (await findPlan(tx, tranche.campaignId));
    if (tranche === undefined || plan === undefined) throw new Error(`payout ${step.payout.id} has no tranche`);
    const payload = { amount: money(step.payout.amountMinor, step.payout.currency), payoutId: step.payout.id };
    const taken = await this.#take(tx, tranche, step, payload);
    if (isRefused(taken)) throw new Error(`tranche ${tranche.id} is ${tranche.state}, its payout ${step.kind}`);
  }

  async #take(tx: Tx, tranche: TrancheRow, step: PayoutStep, payload: object): Promise<Outcome<void>> {
    switch (step.kind) {
      case 'in_transit':
        return this.steps.take(tx, tranche, 'leave', { type: 'in_transit', payload });
      case 'succeeded':
        return this.steps.take(tx, tranche, 'arrive', { type: 'succeeded', payload });
      case 'failed': {
        const arrived = money(step.arrivedMinor, step.payout.currency);
        const told = { type: 'failed', payload: { ...payload, code: step.code, arrived } };
        // A part that came back after the tranche was held, failed or given up: it is in escrow, and the tranche stays.
        if (trancheMachine.next(tranche.state, 'fail') === undefined) return this.steps.tell(tx, tranche, told);
        return this.steps.take(tx, tranche, 'fail', told);
      }
    }
  }
}
