import {
  type Clockwork,
  ClockworkTask,
  type DomainEvent,
  type EventSubscriber,
  Subscriber,
  type Tx,
  UnitOfWork,
} from '#platform';
import { CampaignLife } from '../campaign-life.js';
import { event } from '../campaign.event.js';
import { campaignMachine } from '../domain/campaign.machine.js';
import { lockCampaign, openRun, recordRun, writeState } from '../store/campaign.store.js';

/** Judges a campaign when money or GPU time came or went. */
@Subscriber()
export class CampaignVerdictSubscriber implements EventSubscriber {
  readonly name = 'campaigns.verdict';
  readonly types = [
    'pledge.cash.captured',
    'pledge.cash.refunded',
    'pledge.cash.disputed',
    'pledge.cash.dispute_closed',
    'pledge.cap.filled',
    'pledge.compute.accepted',
    'campaign.resumed',
  ];
  constructor(private readonly life: CampaignLife) {}

  async handle(occurred: DomainEvent, tx: Tx): Promise<void> {
    const campaignId = String(occurred.payload['campaignId']);
    await this.life.judge(tx, campaignId);
    if (occurred.type === 'campaign.resumed') await beginOpenRun(tx, campaignId);
  }

  /** The verdict is on the present state: one for each campaign, however much money came. */
  async handleAll(events: readonly DomainEvent[], tx: Tx): Promise<void> {
    const judged = new Set<string>();
    for (const occurred of events) {
      const campaignId = String(occurred.payload['campaignId']);
      if (occurred.type !== 'campaign.resumed' && judged.has(campaignId)) continue;
      judged.add(campaignId);
      await this.handle(occurred, tx);
    }
  }
}

/** Freezes the pledges of campaigns whose time is over or whose cap is reached. */
@ClockworkTask()
export class CampaignDeadlineClock implements Clockwork {
  readonly name = 'campaigns.deadline';
  readonly everyMs = 1_000;
  constructor(
    private readonly uow: UnitOfWork,
    private readonly life: CampaignLife,
  ) {}

  async tick(): Promise<void> {
    const due = await this.uow.read((tx) =>
      tx.query<{ id: string }>(
        `(SELECT id FROM campaign WHERE state IN ('live', 'extended') AND deadline <= $1 ORDER BY deadline LIMIT 100)
         UNION
         (SELECT c.id FROM campaign c JOIN campaign_tally t ON t.campaign_id = c.id
           WHERE c.state = 'live' AND c.plan->>'hardCapMinor' IS NOT NULL
             AND t.promised_minor + t.captured_minor - t.refunded_minor - t.disputed_minor >= (c.plan->>'hardCapMinor')::bigint
           LIMIT 100)`,
        [tx.now],
      ),
    );
    for (const { id } of due) await this.uow.run('campaigns.deadline', (tx) => this.life.judge(tx, id));
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
    if (occurred.type === 'run.created') await started(tx, campaignId, runId);
    else await ended(tx, campaignId, runId, occurred.type === 'run.completed');
  }
}

async function started(tx: Tx, campaignId: string, runId: string): Promise<void> {
  // The end of a run may be handled before its beginning; a run that ended starts nothing.
  const [over] = await tx.query('SELECT 1 FROM campaign_run WHERE run_id = $1 AND ended_at IS NOT NULL', [runId]);
  if (!over) await begin(tx, campaignId, runId);
}

/** A run that began while its campaign was suspended is taken up when the campaign goes on. */
async function beginOpenRun(tx: Tx, campaignId: string): Promise<void> {
  const runId = await openRun(tx, campaignId);
  if (runId !== undefined) await begin(tx, campaignId, runId);
}

async function begin(tx: Tx, campaignId: string, runId: string): Promise<void> {
  const campaign = await lockCampaign(tx, campaignId);
  const to = campaign && campaignMachine.next(campaign.state, 'start_training');
  if (!to) return;
  await writeState(tx, campaignId, to);
  tx.emit(event('campaign.training', campaignId, { runId }));
}

async function ended(tx: Tx, campaignId: string, runId: string, completed: boolean): Promise<void> {
  const [first] = await tx.query(
    'UPDATE campaign_run SET ended_at = $2 WHERE run_id = $1 AND ended_at IS NULL RETURNING run_id',
    [runId, tx.now],
  );
  if (!first) return;
  await begin(tx, campaignId, runId);
  const campaign = await lockCampaign(tx, campaignId);
  const to = campaign && campaignMachine.next(campaign.state, completed ? 'run_completed' : 'run_failed');
  if (!to) return;
  await writeState(tx, campaignId, to);
  if (completed) tx.emit(event('campaign.completed', campaignId, { runId }));
  else await tx.query('UPDATE campaign SET training_requested_at = NULL WHERE id = $1', [campaignId]);
}
