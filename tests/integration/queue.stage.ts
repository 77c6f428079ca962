import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import {
  Config,
  type DomainEvent,
  type EventSubscriber,
  PUBLIC_RECORD,
  PlatformModule,
  type QueueRedis,
  Subscriber,
  type Tx,
  createLogger,
  openQueueRedis,
} from '#platform';
import { Deliveries } from '../../apps/worker/src/deliveries.js';
import { RelayLoop } from '../../apps/worker/src/relay-loop.js';
import type { TestDatabase } from '../../libs/testkit/src/index.js';

export const hasRedisServer = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;

export const logger = createLogger({ logLevel: 'silent' }, 'test');

export const configOf = (databaseUrl: string, home: string, extra: Record<string, string> = {}): Config =>
  new Config({
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    COMMONWEIGHTS_HOME: home,
    STRIPE_SECRET_KEY: 'sk_test_unused',
    STRIPE_WEBHOOK_SECRET: 'whsec_unused',
    LOG_LEVEL: 'silent',
    ...extra,
  });

/** What the subscriber of the tests does, told from outside since Nest makes it. */
export const behaviour: { before: (event: DomainEvent) => Promise<void> } = { before: () => Promise.resolve() };

@Subscriber()
class Counting implements EventSubscriber {
  readonly name = 'test.counting';
  readonly types = ['test.counted'];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    await tx.query('INSERT INTO effect (event_id) VALUES ($1)', [event.id]);
    // After the write, so that a failure has something to undo.
    await behaviour.before(event);
  }
}

/** Relay and deliveries of the worker with one subscriber, on the given way to a Redis. */
export class QueueStage {
  private constructor(
    readonly app: INestApplicationContext,
    readonly redis: QueueRedis,
    readonly home: string,
  ) {}

  static async start(db: TestDatabase, extra: Record<string, string> = {}): Promise<QueueStage> {
    const home = mkdtempSync(join(tmpdir(), 'commonweights-queue-'));
    const config = configOf(db.url, home, extra);
    @Module({
      imports: [PlatformModule.forRoot({ processName: 'test', entities: [], config })],
      providers: [
        Deliveries,
        RelayLoop,
        Counting,
        { provide: PUBLIC_RECORD, useValue: { append: () => Promise.resolve() } },
      ],
    })
    class QueueTestModule {}
    const app = await NestFactory.createApplicationContext(QueueTestModule, { logger: false, abortOnError: false });
    const redis = await openQueueRedis(config, logger);
    app.get(Deliveries).start(redis);
    app.get(RelayLoop).start();
    return new QueueStage(app, redis, home);
  }

  async close(): Promise<void> {
    await this.app.get(RelayLoop).stop();
    await this.app.get(Deliveries).close();
    await this.redis.close();
    await this.app.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

export async function emit(db: TestDatabase, count: number, isPublic = false): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      db.uow.run('test', async (tx) => {
        tx.emit({ type: 'test.counted', aggregateType: 'test', aggregateId: String(n), payload: { n }, isPublic });
      }),
    ),
  );
}

/** How many events had no effect, one, or more than one; and how many deliveries are not done. */
export async function tally(db: TestDatabase) {
  const [row] = await db.dataSource.query(
    `SELECT count(*) FILTER (WHERE n = 0)::int AS none, count(*) FILTER (WHERE n = 1)::int AS once,
            count(*) FILTER (WHERE n > 1)::int AS more, count(*) FILTER (WHERE state IS DISTINCT FROM 'done')::int AS waiting
       FROM (SELECT o.id, d.state, (SELECT count(*) FROM effect e WHERE e.event_id = o.id) AS n
               FROM event_outbox o LEFT JOIN event_delivery d ON d.event_id = o.id WHERE o.type = 'test.counted') t`,
  );
  return row as { none: number; once: number; more: number; waiting: number };
}

/** A Redis of the test's own. */
export class OwnRedis {
  private child: ChildProcess | undefined;

  constructor(
    readonly port: number,
    private readonly appendOnly: boolean,
    private readonly folder = mkdtempSync(join(tmpdir(), 'commonweights-redis-')),
  ) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''];
    this.child = spawn('redis-server', [...args, '--appendonly', this.appendOnly ? 'yes' : 'no'], { stdio: 'ignore' });
    const client = new Redis(this.url, { retryStrategy: () => 50 });
    client.on('error', () => undefined);
    await client.ping();
    client.disconnect();
    return this;
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ends the Redis at the address as a power cut would. */
export async function killRedisAt(url: string): Promise<void> {
  const client = new Redis(url);
  client.on('error', () => undefined);
  const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
  client.disconnect();
  process.kill(pid, 'SIGKILL');
}
