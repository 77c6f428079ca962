import { Injectable } from '@nestjs/common';
import { Ledger } from '#ledger';
import {
  type Clockwork,
  ClockworkTask,
  type DomainEvent,
  type EventSubscriber,
  Subscriber,
  type Tx,
  UnitOfWork,
} from '#platform';
import { event } from '../campaign.commands.js';
import { campaignMachine } from '../domain/campaign.machine.js';
import { campaignAccounts } from '../domain/campaign-accounts.rule.js';
import { netCashMinor, verdict } from '../domain/verdict.rule.js';
import { lockCampaign, readTally, recordRun, writeState } from '../store/campaign.store.js';

/** Judges a live campaign on what its books say now. Level-triggered: judging once more changes nothing. */
@Injectable()
export class CampaignVerdict {
  constructor(private readonly ledger: Ledger) {}

  async judge(tx: Tx, campaignId: string): Promise<void> {
    const campaign = await lockCampaign(tx, campaignId);
    if (campaign?.state !== 'live') return;
    const tally = await readTally(tx, campaignId);
    const committed = await this.ledger.balance(tx, campaignAccounts(campaignId, campaign.gpuClass).computeCommitted);
    const committedMs = committed.creditsPosted - committed.debitsPosted;
    const step = verdict({ ...campaign, ...tally, committedMs }, campaign.deadline, tx.now);
    const to = step && campaignMachine.next(campaign.state, step);
    if (!to) return;
    await writeState(tx, campaignId, to);
    const figures = {
      campaignId,
      cash: { amountMinor: String(netCashMinor(tally)), currency: campaign.currency },
      compute: { milliseconds: String(committedMs), class: campaign.gpuClass },
    };
    if (to === 'failed') tx.emit(event('campaign.failed', campaignId, figures));
    else tx.emit(event('campaign.funded', campaignId, { ...figures, goalsReached: step === 'reach_goals' }));
  }
}

@Subscriber()
export class CampaignVerdictSubscriber implements EventSubscriber {
  readonly name = 'campaigns.verdict';
  readonly types = ['pledge.cash.captured', 'pledge.compute.accepted', 'campaign.resumed'];
  constructor(private readonly verdict: CampaignVerdict) {}

  async handle(occurred: DomainEvent, tx: Tx): Promise<void> {
    await this.verdict.judge(tx, String(occurred.payload['campaignId']));
  }
}

@ClockworkTask()
export class CampaignDeadlineClock implements Clockwork {
  readonly name = 'campaigns.deadline';
  readonly everyMs = 1_000;
  constructor(
    private readonly uow: UnitOfWork,
    private readonly verdict: CampaignVerdict,
  ) {}

  async tick(): Promise<void> {
    const due = await this.uow.read((tx) =>
      tx.query<{ id: string }>(
        `SELECT id FROM campaign WHERE state = 'live' AND deadline <= $1 ORDER BY deadline LIMIT 100`,
        [tx.now],
      ),
    );
    for (const { id } of due) await this.uow.run('campaigns.deadline', (tx) => this.verdict.judge(tx, id));
  }
}

/** Follows the run that trains for a campaign. Runs come by event: their room stands above this one. */
@Subscriber()
export class CampaignRunSubscriber implements EventSubscriber {
  readonly name = 'campaigns.run';
  readonly types = ['run.created', 'run.completed', 'run.failed', 'run.cancelled'];

  async handle(occurred: DomainEvent, tx: Tx): Promise<void> {
    const { campaignId, runId } = occurred.payload as { campaignId?: string; runId?: string };
    if (!campaignId || !runId) return;
    const campaign = await lockCampaign(tx, campaignId);
    if (!campaign) return;
    await recordRun(tx, campaignId, runId);
    if (occurred.type === 'run.created') await this.started(tx, campaignId, runId);
    else await this.ended(tx, campaignId, runId, occurred.type === 'run.completed');
  }

  private async started(tx: Tx, campaignId: string, runId: string): Promise<void> {
    // The end of a run may be handled before its beginning; a run that ended starts nothing.
    const [ended] = await tx.query('SELECT 1 FROM campaign_run WHERE run_id = $1 AND ended_at IS NOT NULL', [runId]);
    if (ended) return;
    await this.begin(tx, campaignId, runId);
  }

  private async begin(tx: Tx, campaignId: string, runId: string): Promise<void> {
    const campaign = await lockCampaign(tx, campaignId);
    const to = campaign && campaignMachine.next(campaign.state, 'start_training');
    if (!to) return;
    await writeState(tx, campaignId, to);
    tx.emit(event('campaign.training', campaignId, { campaignId, runId }));
  }

  private async ended(tx: Tx, campaignId: string, runId: string, completed: boolean): Promise<void> {
    const [first] = await tx.query(
      'UPDATE campaign_run SET ended_at = $2 WHERE run_id = $1 AND ended_at IS NULL RETURNING run_id',
      [runId, tx.now],
    );
    if (!first) return;
    await this.begin(tx, campaignId, runId);
    const campaign = await lockCampaign(tx, campaignId);
    const to = campaign && campaignMachine.next(campaign.state, completed ? 'run_completed' : 'run_failed');
    if (!to) return;
    await writeState(tx, campaignId, to);
    if (completed) tx.emit(event('campaign.completed', campaignId, { campaignId, runId }));
    else await tx.query('UPDATE campaign SET training_requested_at = NULL WHERE id = $1', [campaignId]);
  }
}
