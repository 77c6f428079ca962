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
const ENQUEUE_MS = 3_000;

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
    private readonly handlers: Handlers,
  ) {}

  /** Names of the subscribers that want events of this type. */
  readonly subscribersOf = (type: string): string[] =>
    [...this.byName.values()].filter((s) => s.types.includes(type)).map((s) => s.name);

  start(redis: QueueRedis): void {
    for (const subscriber of this.handlers.subscribers()) {
      if (this.byName.has(subscriber.name)) throw new Error(`two subscribers are named ${subscriber.name}`);
      this.byName.set(subscriber.name, subscriber);
    }
    const queue = new Bull<Delivery>(QUEUE, {
      prefix: 'commonweights',
      createClient: (type, options) => createQueueClient(redis.url, type, options ?? {}),
      // A worker that was killed holds its jobs until their locks run out, and what it holds can't be enqueued again.
      // Short locks are safe: a job that runs twice waits for the row of its delivery and finds it done.
      settings: { stalledInterval: 3_000, maxStalledCount: 10, lockDuration: 6_000 },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    });
    const warn = (error: unknown) => this.logger.warn({ err: error }, 'queue');
    queue.on('error', warn);
    queue.process(CONCURRENCY, (job: Job<Delivery>) => this.deliver(job.data)).catch(warn);
    this.queue = queue;
  }

  /**
   * Hands deliveries to the queue. While Redis is away it does nothing and says so to the log: the relay finds them
   * overdue later. The relay must not wait for Redis, because the public record and live updates go through it too.
   */
  async enqueue(deliveries: readonly Delivery[]): Promise<void> {
    const { queue } = this;
    if (deliveries.length === 0 || !queue) return;
    if (queue.client.status !== 'ready' && !(await this.becomesReady(queue))) {
      this.logger.warn({ deliveries: deliveries.length }, 'the queue is away; deliveries wait in the database');
      return;
    }
    await within(
      ENQUEUE_MS,
      queue.addBulk(deliveries.map((d) => ({ data: d, opts: { jobId: `${d.eventId}:${d.subscriber}` } }))),
    );
  }

  async close(): Promise<void> {
    await this.queue?.close();
  }

  private becomesReady(queue: Queue<Delivery>): Promise<boolean> {
    return within(ENQUEUE_MS, queue.isReady()).then(
      () => queue.client.status === 'ready',
      () => false,
    );
  }

  /** One delivery. A failure is recorded; the relay enqueues it again when its patience is over. */
  private async deliver({ eventId, subscriber: name }: Delivery): Promise<void> {
    const stop = this.metrics.deliverySeconds.startTimer({ subscriber: name });
    try {
      const done = await withRequestScope({ requestId: eventId }, () => this.attempt(eventId, name));
      this.metrics.deliveries.inc({ subscriber: name, outcome: done ? 'done' : 'repeated' });
      stop({ outcome: 'ok' });
    } catch (error) {
      this.metrics.deliveries.inc({ subscriber: name, outcome: 'failed' });
      stop({ outcome: 'error' });
      this.logger.error({ err: error, eventId, subscriber: name }, 'delivery failed; it will be tried again');
      await this.recordFailure(eventId, name, error);
    }
  }

  /** False when the delivery was done before. */
  private async attempt(eventId: string, name: string): Promise<boolean> {
    const subscriber = this.byName.get(name);
    if (!subscriber) throw new Error(`there is no subscriber named ${name} in this release`);
    const outcome = await this.uow.run(`deliver.${name}`, async (tx) => {
      const [row] = await tx.query<{ state: string }>(
        'SELECT state FROM event_delivery WHERE event_id = $1 AND subscriber = $2 FOR UPDATE',
        [eventId, name],
      );
      if (row?.state !== 'waiting') return false;
      const event = await eventById(tx, eventId);
      if (!event) throw new Error('the event of this delivery has no position');
      await subscriber.handle(event, tx);
      await tx.query(
        `UPDATE event_delivery SET state = 'done', done_at = $3, attempts = attempts + 1
          WHERE event_id = $1 AND subscriber = $2`,
        [eventId, name, tx.now],
      );
      return true;
    });
    if (isRefused(outcome)) throw new Error(`${name} was refused: ${outcome.first.code}`);
    return outcome;
  }

  private async recordFailure(eventId: string, name: string, error: unknown): Promise<void> {
    const message = String((error as Error).message).replaceAll('\0', '');
    await this.uow
      .run('deliver.failed', async (tx) => {
        await tx.query(
          `UPDATE event_delivery SET attempts = attempts + 1, last_error = left($3, 500)
            WHERE event_id = $1 AND subscriber = $2 AND state = 'waiting'`,
          [eventId, name, message],
        );
      })
      .catch((failure: unknown) => this.logger.warn({ err: failure }, 'a failed delivery could not be recorded'));
  }
}

/** The answer, or a throw when it takes longer. */
async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => undefined);
  }
}
