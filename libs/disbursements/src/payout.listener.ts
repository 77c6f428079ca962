import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Outcome, isRefused } from '#kernel';
import { type PayoutListener, PayoutListeners, type PayoutStep } from '#payments';
import type { Tx } from '#platform';
import { money } from './domain/disbursement-event.rule.js';
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

  #take(tx: Tx, tranche: TrancheRow, step: PayoutStep, payload: object): Promise<Outcome<void>> {
    switch (step.kind) {
      case 'in_transit':
        return this.steps.take(tx, tranche, 'leave', { type: 'in_transit', payload });
      case 'succeeded':
        return this.steps.take(tx, tranche, 'arrive', { type: 'succeeded', payload });
      case 'failed':
        return this.steps.take(tx, tranche, 'fail', { type: 'failed', payload: { ...payload, code: step.code } });
    }
  }
}
