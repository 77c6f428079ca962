import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CampaignFunds, type CampaignRow } from '#campaigns';
import { isRefused } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { CloseMoney } from './close.money.js';
import { nextPhase } from './domain/close.rule.js';
import { donorEvent, pledgeEvent, toDonor } from './domain/pledge-event.rule.js';
import { PledgeBatches } from './pledge.batch.js';
import { PledgeMethods } from './pledge.methods.js';
import { PledgeRefunds } from './pledge.refunds.js';
import { type CashPledgeRow, claimCashPledges } from './store/cash-pledge.store.js';
import { type CloseRow, countOpen, lockClose, openCloses, savePhase, underWayOf } from './store/close.store.js';

const BATCH = 500;
/** A charge whose outcome is not known so long after the window is waited for no more. */
const PATIENCE_MS = 14 * 86_400_000;

type Step = (tx: Tx, campaign: CampaignRow) => Promise<number>;

/**
 * Closes campaigns: freezes the list of pledges, charges it, repeats what failed, and drops what stays unpaid. Each step
 * takes one batch in a unit of work of its own, and the work list is the states of the pledges: after a crash it goes on
 * where it was, and nothing is done twice.
 */
@Injectable()
export class CloseRunner implements OnModuleInit {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly funds: CampaignFunds,
    private readonly batches: PledgeBatches,
    private readonly pledgeMethods: PledgeMethods,
    private readonly refunds: PledgeRefunds,
    private readonly money: CloseMoney,
  ) {}

  onModuleInit(): void {
    this.funds.onPending(underWayOf);
  }

  /** All that can be done now of every close. */
  async run(): Promise<void> {
    const closes = await this.uow.read((tx) => openCloses(tx));
    for (const close of closes) await this.advance(close);
  }

  private async advance(close: CloseRow): Promise<void> {
    const chargeAgain: Step = (tx, campaign) => this.chargeAgain(tx, campaign);
    const steps: Record<CloseRow['phase'], readonly Step[]> = {
      freezing: [
        (tx, campaign) => this.releaseUnconsented(tx, campaign),
        (tx, campaign) => this.freeze(tx, campaign, close),
      ],
      charging: [(tx, campaign) => this.chargeFrozen(tx, campaign), chargeAgain],
      last_try: [chargeAgain],
      dropping: [(tx, campaign) => this.drop(tx, campaign)],
      finished: [],
    };
    for (let phase = close.phase; phase !== 'finished';) {
      for (const step of steps[phase]) while ((await this.batch(close, step)) === BATCH);
      const next = await this.turn(close);
      if (next === undefined || next === phase) return;
      phase = next;
    }
  }

  /** One batch of one step; 0 when the campaign settles no more (it was suspended, or cancelled). */
  private async batch(close: CloseRow, step: Step): Promise<number> {
    const done = await this.uow.run('pledges.close', async (tx) => {
      const campaign = (await this.funds.hold(tx, [close.campaignId])).get(close.campaignId);
      if (campaign?.state !== 'settling' || campaign.snapshotId !== close.snapshotId) return 0;
      return step(tx, campaign);
    });
    if (isRefused(done)) throw new Error(`a step of the close of ${close.campaignId} was refused: ${done.first.code}`);
    return done;
  }

  /** Goes to the next phase when this one is done. With the last one the campaign is judged, in the same transaction. */
  private async turn(close: CloseRow): Promise<CloseRow['phase'] | undefined> {
    const phase = await this.uow.run('pledges.close-phase', async (tx) => {
      const campaign = await this.funds.lock(tx, close.campaignId);
      const now = await lockClose(tx, close.snapshotId);
      if (campaign?.state !== 'settling' || !now || now.phase === 'finished') return now?.phase ?? 'finished';
      const endsAtMs = campaign.settlementEndsAt?.getTime() ?? 0;
      const open = await countOpen(tx, close.campaignId);
      const isLost = tx.now.getTime() > endsAtMs + PATIENCE_MS;
      const next = nextPhase({
        ...open,
        underWay: isLost ? 0 : open.underWay,
        phase: now.phase,
        isOver: tx.now.getTime() >= endsAtMs,
      });
      if (next === now.phase) return next;
      await savePhase(tx, close.snapshotId, next);
      if (next === 'last_try') await dueNow(tx, close.campaignId);
      if (next === 'finished') await this.funds.settled(tx, close.campaignId);
      return next;
    });
    return isRefused(phase) ? undefined : phase;
  }

  /** After an extension: whoever did not agree to it is let go, with what he paid. */
  private async releaseUnconsented(tx: Tx, campaign: CampaignRow): Promise<number> {
    if (campaign.extendedAt === null) return 0;
    const rows = await claimCashPledges(
      tx,
      `campaign_id = $1 AND created_at < $2 AND state IN ('pledged', 'collected') AND NOT EXISTS (
         SELECT 1 FROM pledge_consent_seen s WHERE s.pledge_id = cash_pledge.id)`,
      [campaign.id, campaign.extendedAt],
      BATCH,
    );
    const consented = await this.funds.consented(tx, campaign.id, [...new Set(rows.map((row) => row.contributorId))]);
    const left = rows.filter((row) => !consented.has(row.contributorId));
    const batch = this.batches.of(tx, rows);
    await tx.query('INSERT INTO pledge_consent_seen (pledge_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING', [
      rows.map((row) => row.id),
    ]);
    for (const row of left.filter((pledge) => pledge.state === 'pledged')) {
      batch.take(row.id, 'release');
      tx.emit(pledgeEvent('pledge.cash.cancelled', row.campaignId, { pledgeId: row.id, why: 'released' }));
    }
    const paid = left.filter((row) => row.state === 'collected').map((row) => row.id);
    if (paid.length > 0) await this.refunds.ask(tx, batch, paid, 'no consent to the extension');
    await this.money.letGo(
      tx,
      left.filter((row) => row.state === 'pledged'),
    );
    await batch.write();
    return rows.length;
  }

  /** The list becomes final: what has a method is frozen under the snapshot, what never got one is given up. */
  private async freeze(tx: Tx, campaign: CampaignRow, close: CloseRow): Promise<number> {
    const rows = await claimCashPledges(
      tx,
      `campaign_id = $1 AND state IN ('created', 'method_required', 'pledged')`,
      [campaign.id],
      BATCH,
    );
    const batch = this.batches.of(tx, rows);
    const given: CashPledgeRow[] = [];
    for (const row of rows) {
      if (batch.take(row.id, 'freeze', { snapshotId: close.snapshotId })) continue;
      batch.take(row.id, 'cancel');
      given.push(row);
      tx.emit(pledgeEvent('pledge.cash.cancelled', row.campaignId, { pledgeId: row.id, why: 'unpaid' }));
    }
    await this.money.letGo(tx, given);
    await batch.write();
    return rows.length;
  }

  private async chargeFrozen(tx: Tx, campaign: CampaignRow): Promise<number> {
    return this.charge(tx, campaign, `campaign_id = $1 AND state = 'frozen'`, [campaign.id]);
  }

  private async chargeAgain(tx: Tx, campaign: CampaignRow): Promise<number> {
    return this.charge(
      tx,
      campaign,
      `campaign_id = $1 AND state = 'errored' AND next_attempt_at <= $2 AND saved_method_id IS NOT NULL`,
      [campaign.id, tx.now],
    );
  }

  private async charge(tx: Tx, campaign: CampaignRow, condition: string, params: unknown[]): Promise<number> {
    const rows = await claimCashPledges(tx, condition, params, BATCH);
    if (rows.length === 0) return 0;
    const batch = this.batches.of(tx, rows);
    await this.pledgeMethods.charge(
      tx,
      batch,
      rows.map((row) => row.id),
      new Map([[campaign.id, campaign]]),
    );
    await batch.write();
    return rows.length;
  }

  /** The window is over: what was paid in part is kept, the rest is dropped. */
  private async drop(tx: Tx, campaign: CampaignRow): Promise<number> {
    const rows = await claimCashPledges(
      tx,
      `campaign_id = $1 AND state IN ('needs_action', 'errored', 'instructions_issued', 'partially_funded')`,
      [campaign.id],
      BATCH,
    );
    const batch = this.batches.of(tx, rows);
    for (const row of rows) {
      const ended =
        row.collectedMinor > 0n
          ? batch.take(row.id, 'collect', { nextAttemptAt: null })
          : (batch.take(row.id, 'drop', { nextAttemptAt: null }) ?? batch.take(row.id, 'expire'));
      if (!ended || ended.state === 'collected') continue;
      tx.emit(donorEvent(`pledge.cash.${ended.state}`, row.campaignId, toDonor(row)));
      tx.emit(pledgeEvent('pledge.cash.cancelled', row.campaignId, { pledgeId: row.id, why: ended.state }));
    }
    await this.money.letGo(tx, rows);
    await batch.write();
    return rows.length;
  }
}

/** Everything that failed gets its last try now. */
async function dueNow(tx: Tx, campaignId: string): Promise<void> {
  await tx.query(`UPDATE cash_pledge SET next_attempt_at = $2 WHERE campaign_id = $1 AND state = 'errored'`, [
    campaignId,
    tx.now,
  ]);
}
