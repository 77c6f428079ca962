import { Inject } from '@nestjs/common';
import { isRefused } from '#kernel';
import { type DomainEvent, type EventSubscriber, LOGGER, type Logger, Subscriber, type Tx } from '#platform';
import { Conductor } from '../conductor.js';
import { Runs } from '../runs.js';
import { Scheduler } from '../scheduler.service.js';

/** Makes the run of a campaign whose training was asked for. */
@Subscriber()
export class TrainingRequestSubscriber implements EventSubscriber {
  readonly name = 'training-request';
  readonly types = ['campaign.training.requested'];
  constructor(
    private readonly runs: Runs,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const { campaignId, recipeId } = event.payload as { campaignId: string; recipeId: string };
    const created = await this.runs.create(tx, { campaignId, recipeId });
    if (isRefused(created)) this.logger.warn({ campaignId, code: created.first.code }, 'no run was made');
  }
}

/** Keeps the list of accepted compute pledges, as their events tell. */
@Subscriber()
export class CommitmentSubscriber implements EventSubscriber {
  readonly name = 'training-commitments';
  readonly types = [
    'pledge.compute.accepted',
    'pledge.compute.fulfilled',
    'pledge.compute.withdrawn',
    'pledge.compute.lapsed',
    'pledge.compute.cancelled',
  ];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const p = event.payload as Partial<CommitmentPayload> & { pledgeId: string };
    if (event.type !== 'pledge.compute.accepted') {
      // May come before the acceptance; then it leaves a closed row that the acceptance doesn't open again.
      await tx.query(
        `INSERT INTO compute_commitment (pledge_id, campaign_id, contributor, gpu_class, device_count, milliseconds, is_open)
         VALUES ($1, $2, $3, $4, $5, $6, false) ON CONFLICT (pledge_id) DO UPDATE SET is_open = false`,
        [p.pledgeId, p.campaignId, p.contributor ?? '', p.class ?? '', p.count ?? 0, p.milliseconds ?? '0'],
      );
      return;
    }
    await tx.query(
      `INSERT INTO compute_commitment (pledge_id, campaign_id, contributor, gpu_class, device_count, milliseconds, is_open)
       VALUES ($1, $2, $3, $4, $5, $6, true) ON CONFLICT (pledge_id) DO NOTHING`,
      [p.pledgeId, p.campaignId, p.contributor, p.class, p.count, p.milliseconds],
    );
  }
}

interface CommitmentPayload {
  readonly pledgeId: string;
  readonly campaignId: string;
  readonly contributor: string;
  readonly class: string;
  readonly count: number;
  readonly milliseconds: string;
}

/** Schedules at once when something happened that may let a run start. */
@Subscriber()
export class SchedulerWakeSubscriber implements EventSubscriber {
  readonly name = 'training-scheduler-wake';
  readonly types = ['run.created', 'node.joined', 'node.draining', 'attempt.ended'];
  constructor(
    private readonly scheduler: Scheduler,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  handle(_event: DomainEvent, tx: Tx): Promise<void> {
    tx.afterCommit(() => {
      this.scheduler.round().catch((error: unknown) => this.logger.error({ err: error }, 'scheduling failed'));
    });
    return Promise.resolve();
  }
}

/** A node that left gives its leases back at once: nobody has to wait until they run out. */
@Subscriber()
export class NodeLeftSubscriber implements EventSubscriber {
  readonly name = 'training-node-left';
  readonly types = ['node.left'];
  constructor(private readonly conductor: Conductor) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const { nodeId } = event.payload as { nodeId: string };
    await this.conductor.nodeLeft(tx, nodeId);
  }
}
