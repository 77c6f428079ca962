import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { isRefused } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { CloseMoney } from './close.money.js';
import { type CashPledgeEvent } from './domain/cash-pledge.machine.js';
import { TRIES_WITHOUT_CLOSE } from './domain/close.rule.js';
import { donorEvent, pledgeEvent, toDonor } from './domain/pledge-event.rule.js';
import { PledgeBatches } from './pledge.batch.js';
import { PledgeMethods } from './pledge.methods.js';
import { type CashPledgeRow, claimCashPledges } from './store/cash-pledge.store.js';

const BATCH = 200;
/** A pledge that nobody pays or gives a card for is given up after a day: it takes room under a hard cap. */
const ABANDONED_MS = 86_400_000;

/** What the clock does for single pledges, outside any close. */
@Injectable()
export class PledgeCharging {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly funds: CampaignFunds,
    private readonly batches: PledgeBatches,
    private readonly methods: PledgeMethods,
    private readonly money: CloseMoney,
  ) {}

  /**
   * Charges of months and of parts that failed, or that a suspension kept from beginning: tried a few times, then the
   * donor must act.
   */
  async chargeAgain(): Promise<void> {
    await this.each(async (tx) => {
      const rows = await claimCashPledges(
        tx,
        `state IN ('errored', 'pledged') AND snapshot_id IS NULL AND saved_method_id IS NOT NULL AND next_attempt_at <= $1
           AND NOT EXISTS (SELECT 1 FROM campaign c WHERE c.id = campaign_id AND c.state = 'suspended')`,
        [tx.now],
        BATCH,
      );
      const campaigns = await this.funds.hold(tx, [...new Set(rows.map((row) => row.campaignId))]);
      const batch = this.batches.of(tx, rows);
      const again = rows.filter(
        (row) =>
          row.attempts < TRIES_WITHOUT_CLOSE &&
          ['live', 'succeeded', 'extended', 'training'].includes(campaigns.get(row.campaignId)?.state ?? ''),
      );
      for (const row of rows) if (!again.includes(row)) batch.change(row.id, { nextAttemptAt: null });
      await this.methods.charge(
        tx,
        batch,
        again.map((row) => row.id),
        campaigns,
      );
      await batch.write();
      return rows.length;
    });
  }

  async abandon(): Promise<void> {
    await this.each((tx) =>
      this.end(tx, 'cancel', `state IN ('created', 'method_required') AND created_at <= $1`, [
        new Date(tx.now.getTime() - ABANDONED_MS),
      ]),
    );
  }

  /** Bank transfers of which nothing came in time; what came in part is kept. Time stands while a campaign is suspended. */
  async expire(): Promise<void> {
    await this.each((tx) =>
      this.end(
        tx,
        'expire',
        `state IN ('instructions_issued', 'partially_funded') AND expires_at <= $1 AND NOT EXISTS (
           SELECT 1 FROM campaign c WHERE c.id = campaign_id AND (c.state = 'suspended' OR
             c.deadline + make_interval(secs => (c.plan->'windows'->>'settlementWindowSeconds')::int) > $1))`,
        [tx.now],
      ),
    );
  }

  private async end(tx: Tx, event: CashPledgeEvent, condition: string, params: unknown[]): Promise<number> {
    const rows = await claimCashPledges(tx, condition, params, BATCH);
    const batch = this.batches.of(tx, rows);
    const given: CashPledgeRow[] = [];
    for (const row of rows) {
      if (row.collectedMinor > 0n) batch.take(row.id, 'collect');
      else if (batch.take(row.id, event)) {
        given.push(row);
        if (event === 'expire') tx.emit(donorEvent('pledge.cash.expired', row.campaignId, toDonor(row)));
        tx.emit(
          pledgeEvent('pledge.cash.cancelled', row.campaignId, { pledgeId: row.id, why: batch.row(row.id).state }),
        );
      }
    }
    await this.money.letGo(tx, given);
    await batch.write();
    return rows.length;
  }

  private async each(step: (tx: Tx) => Promise<number>): Promise<void> {
    for (;;) {
      const done = await this.uow.run('pledges.charging', step);
      if (isRefused(done) || done < BATCH) return;
    }
  }
}
