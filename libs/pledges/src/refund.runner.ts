import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { type Outcome, isRefused } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { PledgePaying } from './pledge.paying.js';
import { CloseMoney } from './close.money.js';
import { pledgeEvent } from './domain/pledge-event.rule.js';
import { PledgeBatches } from './pledge.batch.js';
import { PledgeRefunds } from './pledge.refunds.js';
import { claimCashPledges } from './store/cash-pledge.store.js';
import {
  type RefundRunRow,
  beginMissingRuns,
  countUnreturned,
  finishRefundRun,
  lockRefundRun,
  openRefundRuns,
} from './store/refund-run.store.js';

/** The last pledge of a batch, undefined when there was none, and the payments to be called off. */
interface Done {
  readonly last: string | undefined;
  readonly payments: readonly string[];
}

const BATCH = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Gives back what a failed or cancelled campaign collected, and lets go of what it did not: each batch a unit of work of
 * its own, the work list the states of the pledges. A refund that fails stays with its case, and the campaign refunding.
 */
@Injectable()
export class RefundRunner {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly funds: CampaignFunds,
    private readonly batches: PledgeBatches,
    private readonly refunds: PledgeRefunds,
    private readonly money: CloseMoney,
    private readonly paying: PledgePaying,
  ) {}

  async run(): Promise<void> {
    const runs = await this.uow.run('pledges.refund-runs', async (tx) => {
      await beginMissingRuns(tx);
      return openRefundRuns(tx);
    });
    if (isRefused(runs)) return;
    for (const run of runs) {
      await this.all(run, (tx, after) => this.release(tx, run, after));
      await this.all(run, (tx, after) => this.recall(tx, run, after));
      await this.all(run, (tx, after) => this.giveBack(tx, run, after));
      await this.finish(run);
    }
  }

  /** Every batch of one step, by id, so that a pledge that can't be moved yet stops nothing. */
  private async all(run: RefundRunRow, step: (tx: Tx, after: string) => Promise<Done>): Promise<void> {
    for (let after: string | undefined = FIRST_ID; after !== undefined;) {
      const from: string = after;
      const done: Outcome<Done> = await this.uow.run('pledges.refund-run', (tx) => step(tx, from));
      if (isRefused(done)) throw new Error(`refunds of ${run.campaignId} were refused: ${done.first.code}`);
      // The processor is told now; if this process dies first, the sweep of payments tells it.
      await this.paying.submitCancels(done.payments);
      after = done.last;
    }
  }

  /** What was never charged is let go; what was charged in part counts as collected and is given back. */
  private async release(tx: Tx, run: RefundRunRow, after: string): Promise<Done> {
    const rows = await claimCashPledges(
      tx,
      `campaign_id = $1 AND id > $2 AND state IN ('created', 'method_required', 'pledged', 'frozen', 'needs_action',
                                                  'errored', 'instructions_issued', 'partially_funded')`,
      [run.campaignId, after],
      BATCH,
    );
    const batch = this.batches.of(tx, rows);
    for (const row of rows) {
      const ended =
        row.collectedMinor > 0n
          ? batch.take(row.id, 'collect', { nextAttemptAt: null })
          : (batch.take(row.id, 'release', { nextAttemptAt: null }) ?? batch.take(row.id, 'cancel'));
      if (ended && ended.state !== 'collected')
        tx.emit(pledgeEvent('pledge.cash.cancelled', row.campaignId, { pledgeId: row.id, why: ended.state }));
    }
    const payments = await this.money.letGo(tx, rows);
    await batch.write();
    return { last: rows.at(-1)?.id, payments };
  }

  /** Charges that were begun and that the processor may not have heard of yet are called off. */
  private async recall(tx: Tx, run: RefundRunRow, after: string): Promise<Done> {
    const rows = await claimCashPledges(
      tx,
      `campaign_id = $1 AND id > $2 AND state = 'charging' AND EXISTS (
         SELECT 1 FROM payment m WHERE m.reference = cash_pledge.id::text AND m.cancel_requested_at IS NULL
            AND m.status IN ('LOCAL_INTENT', 'SUBMITTED'))`,
      [run.campaignId, after],
      BATCH,
    );
    return { last: rows.at(-1)?.id, payments: await this.money.letGo(tx, rows) };
  }

  private async giveBack(tx: Tx, run: RefundRunRow, after: string): Promise<Done> {
    const rows = await claimCashPledges(
      tx,
      `campaign_id = $1 AND id > $2 AND state = 'collected'`,
      [run.campaignId, after],
      BATCH,
    );
    if (rows.length === 0) return { last: undefined, payments: [] };
    const batch = this.batches.of(tx, rows);
    await this.refunds.ask(
      tx,
      batch,
      rows.map((row) => row.id),
      run.reason,
    );
    await batch.write();
    await this.funds.refundsBegun(tx, run.campaignId);
    return { last: rows.at(-1)?.id, payments: [] };
  }

  private async finish(run: RefundRunRow): Promise<void> {
    await this.uow.run('pledges.refund-run-end', async (tx) => {
      await this.funds.lock(tx, run.campaignId);
      const held = await lockRefundRun(tx, run.campaignId);
      if (!held || held.finishedAt !== null || (await countUnreturned(tx, run.campaignId)) > 0) return run.campaignId;
      await finishRefundRun(tx, run.campaignId);
      await this.funds.refundsDone(tx, run.campaignId);
      return run.campaignId;
    });
  }
}
