import { Inject } from '@nestjs/common';
import {
  type Clockwork,
  ClockworkTask,
  type DomainEvent,
  type EventSubscriber,
  LOGGER,
  type Logger,
  Subscriber,
  type Tx,
  UnitOfWork,
} from '#platform';
import { Disbursements } from '../disbursements.js';
import { scheduleSizing } from '../store/disbursement.store.js';

/** Makes the plan when a campaign has succeeded, closes what waited for its training, holds what its suspension caught, and gives the plan up when it fails or is cancelled after all. */
@Subscriber()
export class CampaignEndSubscriber implements EventSubscriber {
  readonly name = 'disbursements.campaign';
  readonly types = ['succeeded', 'completed', 'suspended', 'resumed', 'failed', 'cancelled'].map(
    (end) => `campaign.${end}`,
  );
  constructor(private readonly disbursements: Disbursements) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const campaignId = String(event.payload['campaignId']);
    const end = event.type.slice('campaign.'.length);
    switch (end) {
      case 'succeeded':
        return this.disbursements.plan(tx, campaignId);
      case 'completed':
        return this.disbursements.trained(tx, campaignId);
      case 'suspended':
        return this.disbursements.suspend(tx, campaignId);
      case 'resumed':
        return this.disbursements.resume(tx, campaignId);
      default:
        return this.disbursements.giveUp(tx, campaignId, `the campaign was ${end}`);
    }
  }
}

/** Sizes the dispute reserve again when what is open has changed. */
@Subscriber()
export class ExposureSubscriber implements EventSubscriber {
  readonly name = 'disbursements.exposure';
  readonly types = [
    'pledge.cash.captured',
    'pledge.cash.refunded',
    'pledge.cash.disputed',
    'pledge.cash.dispute_closed',
  ];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    await scheduleSizing(tx, String(event.payload['campaignId']), tx.now);
  }

  async handleAll(events: readonly DomainEvent[], tx: Tx): Promise<void> {
    const campaigns = new Set(events.map((event) => String(event.payload['campaignId'])));
    for (const campaignId of [...campaigns].sort()) await scheduleSizing(tx, campaignId, tx.now);
  }
}

/** Remembers which checkpoints were promoted: the public record says so, and their room stands beside this one. */
@Subscriber()
export class CheckpointSubscriber implements EventSubscriber {
  readonly name = 'disbursements.checkpoint';
  readonly types = ['checkpoint.promoted'];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const { checkpointId, runId, step, tokens, manifestSha256 } = event.payload as Record<string, string>;
    await tx.query(
      `INSERT INTO disbursement_checkpoint (checkpoint_id, run_id, step, tokens, manifest_sha256, promoted_at)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (checkpoint_id) DO NOTHING`,
      [checkpointId, runId, step, tokens, manifestSha256, event.occurredAt],
    );
  }
}

const BATCH = 200;

/** Carries every open plan on: votes, windows, reserves, payouts, the end. */
@ClockworkTask()
export class DisbursementClock implements Clockwork {
  readonly name = 'disbursements.advance';
  readonly everyMs = 2_000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly disbursements: Disbursements,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const open = await this.uow.read((tx) =>
        tx.query<{ id: string }>(
          `SELECT campaign_id AS id FROM disbursement WHERE state = 'open' AND campaign_id > $1
            ORDER BY campaign_id LIMIT ${BATCH}`,
          [after],
        ),
      );
      for (const { id } of open) await this.#advance(id);
      if (open.length < BATCH) return;
      after = open.at(-1)?.id ?? after;
    }
  }

  async #advance(campaignId: string): Promise<void> {
    try {
      await this.disbursements.advance(campaignId);
    } catch (error) {
      this.logger.error({ err: error, campaignId }, 'a disbursement could not be carried on; it is tried again');
    }
  }
}
