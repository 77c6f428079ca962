import { Injectable } from '@nestjs/common';
import { CampaignFunds, type CampaignRow } from '#campaigns';
import { isRefused } from '#kernel';
import { PaymentMethods, Payments, type SetupStep } from '#payments';
import type { Tx } from '#platform';
import { isOpen } from './domain/cash-pledge.machine.js';
import { retryAt } from './domain/close.rule.js';
import { paymentInputs } from './domain/payment-input.rule.js';
import { capFilled, donorEvent, pledgeEvent } from './domain/pledge-event.rule.js';
import { PledgeBatches, type PledgeBatch } from './pledge.batch.js';
import { type CashPledgeRow, lockCashPledges } from './store/cash-pledge.store.js';
import { chargesOf, openPaymentsOf } from './store/pledge-money.store.js';
import { savePlanMethod } from './store/plan.store.js';

type Saved = Extract<SetupStep, { kind: 'saved' }>;

/** What a batch of saved methods comes to. */
interface Saving {
  readonly batch: PledgeBatch;
  readonly campaigns: ReadonlyMap<string, CampaignRow>;
  readonly toCharge: string[];
  readonly unwanted: string[];
  /** What is left under each hard cap, less what this batch takes. */
  readonly room: Map<string, bigint | null>;
}

/** Cards and accounts that donors save for their pledges, and the charges that follow from them. */
@Injectable()
export class PledgeMethods {
  constructor(
    private readonly batches: PledgeBatches,
    private readonly funds: CampaignFunds,
    private readonly methods: PaymentMethods,
    private readonly payments: Payments,
  ) {}

  /** What payments tell of methods: of pledges, or of plans. */
  async take(tx: Tx, steps: readonly SetupStep[]): Promise<void> {
    const rows = await lockCashPledges(
      tx,
      steps.map((step) => step.reference),
    );
    const batch = this.batches.of(tx, rows);
    const known = new Set(rows.map((row) => row.id));
    const campaigns = await this.funds.hold(tx, [...new Set(rows.map((row) => row.campaignId))]);
    const toCharge: string[] = [];
    const unwanted: string[] = [];
    const room = new Map<string, bigint | null>();
    for (const step of steps) {
      if (!known.has(step.reference)) {
        if (step.kind === 'saved') unwanted.push(...(await savePlanMethod(tx, step.reference, step.savedMethodId)));
      } else if (step.kind === 'failed') batch.change(step.reference, { failureCode: step.code });
      else if (step.kind === 'saved') await this.saved(tx, { batch, step, campaigns, toCharge, unwanted, room });
    }
    if (toCharge.length > 0) await this.charge(tx, batch, toCharge, campaigns);
    if (unwanted.length > 0) await this.methods.release(tx, unwanted);
    await batch.write();
  }

  private async saved(tx: Tx, on: Saving & { step: Saved }): Promise<void> {
    const { batch, step } = on;
    const row = batch.row(step.reference);
    if (!isOpen(row.state)) {
      on.unwanted.push(step.savedMethodId);
      return;
    }
    const method = { savedMethodId: step.savedMethodId, failureCode: null };
    if (row.state === 'method_required') {
      const left = on.room.get(row.campaignId) ?? (await this.room(tx, on.campaigns.get(row.campaignId)));
      if (left !== null && left < row.countedMinor) {
        batch.take(row.id, 'cancel', { failureCode: 'hard_cap' });
        tx.emit(pledgeEvent('pledge.cash.cancelled', row.campaignId, { pledgeId: row.id, why: 'hard_cap' }));
        on.unwanted.push(step.savedMethodId);
        return;
      }
      batch.take(row.id, 'save_method', method);
      on.room.set(row.campaignId, left === null ? null : left - row.countedMinor);
      if (left === row.countedMinor) tx.emit(capFilled(row.campaignId));
      tx.emit(donorEvent('pledge.cash.method_saved', row.campaignId, { pledgeId: row.id }));
      if (!row.isDeferred) begin(on, row.id, tx.now);
      return;
    }
    if (row.savedMethodId !== null && row.savedMethodId !== step.savedMethodId) on.unwanted.push(row.savedMethodId);
    batch.change(row.id, method);
    if (row.state === 'errored') begin(on, row.id, tx.now);
  }

  /** Methods that nothing more is charged to; the processor is told by the sweep. */
  letGo(tx: Tx, savedMethodIds: readonly string[]): Promise<void> {
    return this.methods.release(tx, savedMethodIds);
  }

  /** What is left under the campaign's hard cap; null without one. */
  private async room(tx: Tx, campaign: CampaignRow | undefined): Promise<bigint | null> {
    return campaign && campaign.plan.hardCapMinor !== null ? this.funds.remainingToCapMinor(tx, campaign.id) : null;
  }

  /**
   * Begins the charges of these pledges of the batch: every part that isn't paid, by the saved method. Where a payment by
   * another method is open (its donor is about to pay himself), that is waited for: two payments of one part could both
   * be paid.
   */
  async charge(
    tx: Tx,
    batch: PledgeBatch,
    pledgeIds: readonly string[],
    campaigns: ReadonlyMap<string, CampaignRow>,
  ): Promise<void> {
    const paid = new Map<string, Set<number>>();
    for (const charge of await chargesOf(tx, pledgeIds)) {
      const parts = paid.get(charge.pledgeId) ?? new Set();
      paid.set(charge.pledgeId, parts.add(charge.instalment));
    }
    const paying = new Set(
      (await openPaymentsOf(tx, pledgeIds))
        .filter((open) => open.savedMethodId !== batch.row(open.pledgeId).savedMethodId)
        .map((open) => open.pledgeId),
    );
    for (const id of paying) batch.change(id, { nextAttemptAt: retryAt(tx.now, undefined) });
    const begun = pledgeIds.flatMap((id): CashPledgeRow[] => {
      if (paying.has(id)) return [];
      const row = batch.row(id);
      const next = batch.take(id, 'charge', { attempts: row.attempts + 1, nextAttemptAt: null });
      return next ? [next] : [];
    });
    const inputs = begun.flatMap((row) =>
      paymentInputs(row, campaigns.get(row.campaignId) ?? { title: '' }, paid.get(row.id) ?? new Set()),
    );
    const prepared = await this.payments.preparePayments(tx, inputs);
    if (isRefused(prepared)) throw new Error(`payments refused the charges of pledges: ${prepared.first.code}`);
  }
}

/** Charges the pledge now, or when its campaign goes on. */
function begin({ batch, campaigns, toCharge }: Saving, pledgeId: string, now: Date): void {
  const { campaignId } = batch.row(pledgeId);
  if (campaigns.get(campaignId)?.state === 'suspended') batch.change(pledgeId, { nextAttemptAt: now });
  else toCharge.push(pledgeId);
}
