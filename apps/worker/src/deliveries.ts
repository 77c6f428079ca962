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
  eventsByIds,
  withRequestScope,
} from '#platform';

const QUEUE = 'deliveries';
const CONCURRENCY = 4;
const ENQUEUE_MS = 3_000;
/** Deliveries of one job: they share a transaction. */
const BATCH_MAX = 100;
/** With so many jobs before it, a delivery that is late is not lost. */
const BUSY_JOBS = 50;

/** What one job carries. */
interface Batch {
  readonly subscriber: string;
  readonly eventIds: readonly string[];
}

/**
 * Carries events to their subscribers through Bull, those that come together for one subscriber in one job. The delivery
 * row in PostgreSQL is the truth: it is marked done in the transaction of the subscriber's effects, so a job that comes
 * twice has one effect and a job that Redis lost is enqueued again by the relay.
 */
@Injectable()
export class Deliveries {
  private queue: Queue<Batch> | undefined;
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
    const queue = new Bull<Batch>(QUEUE, {
      prefix: 'commonweights',
      createClient: (type, options) => createQueueClient(redis.url, type, options ?? {}),
      // A worker that was killed holds its jobs until their locks run out, and what it holds can't be enqueued again.
      // Short locks are safe: a job that runs twice waits for the row of its delivery and finds it done.
      settings: { stalledInterval: 3_000, maxStalledCount: 10, lockDuration: 6_000 },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    });
    const warn = (error: unknown) => this.logger.warn({ err: error }, 'queue');
    queue.on('error', warn);
    queue.process(CONCURRENCY, (job: Job<Batch>) => this.deliver(job.data)).catch(warn);
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
      queue.addBulk(batchesOf(deliveries).map((data) => ({ data, opts: { jobId: idOf(data) } }))),
    );
  }

  /** Whether so much waits in the queue that what is not done yet is most likely there. False where nobody knows. */
  async isBusy(): Promise<boolean> {
    const { queue } = this;
    if (queue?.client.status !== 'ready') return false;
    return within(ENQUEUE_MS, queue.getWaitingCount()).then(
      (waiting) => waiting > BUSY_JOBS,
      () => false,
    );
  }

  async close(): Promise<void> {
    await this.queue?.close();
  }

  private becomesReady(queue: Queue<Batch>): Promise<boolean> {
    return within(ENQUEUE_MS, queue.isReady()).then(
      () => queue.client.status === 'ready',
      () => false,
    );
  }

  /** All of a job in one transaction; where that fails, each delivery in its own, so that one fails alone. */
  private async deliver(batch: Batch): Promise<void> {
    const { subscriber: name, eventIds } = batch;
    if (eventIds.length > 1 && (await this.measured(batch, () => undefined))) return;
    for (const eventId of eventIds) {
      await this.measured({ subscriber: name, eventIds: [eventId] }, async (error) => {
        this.metrics.deliveries.inc({ subscriber: name, outcome: 'failed' });
        this.logger.error({ err: error, eventId, subscriber: name }, 'delivery failed; it will be tried again');
        await this.recordFailure(eventId, name, error);
      });
    }
  }

  /** False when it failed. */
  private async measured(batch: Batch, failed: (error: unknown) => Promise<void> | void): Promise<boolean> {
    const { subscriber: name, eventIds } = batch;
    const stop = this.metrics.deliverySeconds.startTimer({ subscriber: name });
    try {
      const done = await withRequestScope({ requestId: eventIds[0] ?? '' }, () => this.attempt(batch));
      if (done > 0) this.metrics.deliveries.inc({ subscriber: name, outcome: 'done' }, done);
      const repeated = eventIds.length - done;
      if (repeated > 0) this.metrics.deliveries.inc({ subscriber: name, outcome: 'repeated' }, repeated);
      stop({ outcome: 'ok' });
      return true;
    } catch (error) {
      stop({ outcome: 'error' });
      await failed(error);
      return false;
    }
  }

  /** @returns how many were not done before. */
  private async attempt({ subscriber: name, eventIds }: Batch): Promise<number> {
    const subscriber = this.byName.get(name);
    if (!subscriber) throw new Error(`there is no subscriber named ${name} in this release`);
    const outcome = await this.uow.run(`deliver.${name}`, async (tx) => {
      const rows = await tx.query<{ event_id: string }>(
        `SELECT event_id FROM event_delivery WHERE event_id = ANY($1::uuid[]) AND subscriber = $2 AND state = 'waiting'
          ORDER BY event_id FOR UPDATE`,
        [eventIds, name],
      );
      if (rows.length === 0) return 0;
      const ids = rows.map((row) => row.event_id);
      const events = await eventsByIds(tx, ids);
      if (events.length < ids.length) throw new Error('an event of a delivery has no position');
      if (events.length > 1 && subscriber.handleAll) await subscriber.handleAll(events, tx);
      else for (const event of events) await subscriber.handle(event, tx);
      await tx.query(
        `UPDATE event_delivery SET state = 'done', done_at = $3, attempts = attempts + 1
          WHERE event_id = ANY($1::uuid[]) AND subscriber = $2`,
        [ids, name, tx.now],
      );
      return ids.length;
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

/** Those of one subscriber that follow each other in the record, up to so many a job. */
function batchesOf(deliveries: readonly Delivery[]): Batch[] {
  return [...Map.groupBy(deliveries, (delivery) => delivery.subscriber)].flatMap(([subscriber, all]) => {
    const batches: Batch[] = [];
    for (let from = 0; from < all.length; from += BATCH_MAX)
      batches.push({ subscriber, eventIds: all.slice(from, from + BATCH_MAX).map(({ eventId }) => eventId) });
    return batches;
  });
}

/** The same batch is in the queue once. */
const idOf = ({ subscriber, eventIds }: Batch): string => `${eventIds[0]}:${eventIds.length}:${subscriber}`;

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
