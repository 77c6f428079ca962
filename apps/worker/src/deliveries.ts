import { Inject, Injectable } from '@nestjs/common';
import Bull, { type Job, type Queue } from 'bull';
import { isRefused } from '#kernel';
import {
  type Delivery,
  type EventSubscriber,
  Handlers,
  LOGGER,
  type Logger,
  Metrics,
  type QueueRedis,
  UnitOfWork,
  createQueueClient,
  eventById,
  withRequestScope,
} from '#platform';

const QUEUE = 'deliveries';
const CONCURRENCY = 4;

/**
 * Carries events to their subscribers through Bull. The delivery row in PostgreSQL is the truth: it is marked done in
 * the transaction of the subscriber's effects, so a job that comes twice has one effect and a job that Redis lost is
 * enqueued again by the relay.
 */
@Injectable()
export class Deliveries {
  private queue: Queue<Delivery> | undefined;
  private readonly byName = new Map<string, EventSubscriber>();

  constructor(
    private readonly uow: UnitOfWork,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
    handlers: Handlers,
  ) {
    this.register = () => {
      for (const subscriber of handlers.subscribers()) {
        if (this.byName.has(subscriber.name)) throw new Error(`two subscribers are named ${subscriber.name}`);
        this.byName.set(subscriber.name, subscriber);
      }
    };
  }

  private readonly register: () => void;

  /** Names of the subscribers that want events of this type. */
  readonly subscribersOf = (type: string): string[] =>
    [...this.byName.values()].filter((s) => s.types.includes(type)).map((s) => s.name);

  start(redis: QueueRedis): void {
    this.register();
    this.queue = new Bull<Delivery>(QUEUE, {
      prefix: 'commonweights',
      createClient: (type, options) => createQueueClient(redis.url, type, options ?? {}),
      settings: { stalledInterval: 5_000, maxStalledCount: 10, lockDuration: 60_000 },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    });
    this.queue.on('error', (error) => this.logger.warn({ err: error }, 'queue'));
    void this.queue.process(CONCURRENCY, (job: Job<Delivery>) => this.deliver(job.data));
  }

  async enqueue(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0 || !this.queue) return;
    await this.queue.addBulk(deliveries.map((d) => ({ data: d, opts: { jobId: `${d.eventId}:${d.subscriber}` } })));
  }

  async close(): Promise<void> {
    await this.queue?.close();
  }

  /** One delivery. A failure is recorded; the relay enqueues it again when its patience is over. */
  private async deliver({ eventId, subscriber: name }: Delivery): Promise<void> {
    const subscriber = this.byName.get(name);
    if (!subscriber) return;
    const stop = this.metrics.clockSeconds.startTimer({ clock: `deliver:${name}` });
    try {
      const outcome = await withRequestScope({ requestId: eventId }, () =>
        this.uow.run(`deliver.${name}`, async (tx) => {
          const [row] = await tx.query<{ state: string }>(
            'SELECT state FROM event_delivery WHERE event_id = $1 AND subscriber = $2 FOR UPDATE',
            [eventId, name],
          );
          if (row?.state !== 'waiting') return;
          const event = await eventById(tx, eventId);
          if (event) await subscriber.handle(event, tx);
          await tx.query(
            `UPDATE event_delivery SET state = 'done', done_at = $3, attempts = attempts + 1
              WHERE event_id = $1 AND subscriber = $2`,
            [eventId, name, tx.now],
          );
        }),
      );
      if (isRefused(outcome)) throw new Error(`${name} was refused: ${outcome.first.code}`);
      this.metrics.deliveries.inc({ subscriber: name, outcome: 'done' });
      stop({ outcome: 'ok' });
    } catch (error) {
      this.metrics.deliveries.inc({ subscriber: name, outcome: 'failed' });
      stop({ outcome: 'error' });
      this.logger.error({ err: error, eventId, subscriber: name }, 'delivery failed; it will be tried again');
      await this.uow
        .run('deliver.failed', async (tx) => {
          await tx.query(
            `UPDATE event_delivery SET attempts = attempts + 1, last_error = left($3, 500)
              WHERE event_id = $1 AND subscriber = $2 AND state = 'waiting'`,
            [eventId, name, String((error as Error).message)],
          );
        })
        .catch(() => undefined);
    }
  }
}
