import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, freePort, openQueueRedis } from '#platform';
import { Deliveries } from '../../apps/worker/src/deliveries.js';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';
import {
  OwnRedis,
  QueueStage,
  behaviour,
  configOf,
  emit,
  hasRedisServer,
  killRedisAt,
  logger,
  tally,
} from './queue.stage.js';

let db: TestDatabase;
const path = process.env['PATH'];
beforeEach(async () => {
  db = await createTestDatabase();
  await db.dataSource.query('CREATE TABLE effect (event_id uuid NOT NULL)');
  behaviour.before = () => Promise.resolve();
});
afterEach(async () => {
  process.env['PATH'] = path;
  await db.close();
});

const allOnce = (count: number) =>
  eventually(
    `${count} effects, each once`,
    async () => {
      const now = await tally(db);
      expect(now.more).toBe(0);
      return now.once === count && now.waiting === 0;
    },
    30_000,
  );

/** The three ways to a Redis. */
const ways: [
  kind: 'configured' | 'private' | 'in-process',
  open: () => Promise<{ stage: QueueStage; after?: () => Promise<void> }>,
][] = [
  [
    'in-process',
    async () => {
      // No redis-server on the path: the queue's engine runs in this process.
      process.env['PATH'] = '/nonexistent';
      const stage = await QueueStage.start(db);
      process.env['PATH'] = path;
      return { stage };
    },
  ],
  ['private', async () => ({ stage: await QueueStage.start(db) })],
  [
    'configured',
    async () => {
      const redis = await new OwnRedis(await freePort(), true).start();
      return { stage: await QueueStage.start(db, { REDIS_URL: redis.url }), after: () => redis.close() };
    },
  ],
];

describe.each(ways)('deliveries over the %s Redis', (kind, open) => {
  const runs = kind === 'in-process' || hasRedisServer ? it : it.skip;

  runs('carry each event to its subscriber, with one effect, though jobs come twice and fail', async () => {
    const { stage, after } = await open();
    expect(stage.redis.kind).toBe(kind);
    // Among others or alone, it fails until that is written down.
    behaviour.before = async (event) => {
      if (event.payload['n'] !== 7) return;
      const [row] = await db.dataSource.query('SELECT last_error FROM event_delivery WHERE event_id = $1', [event.id]);
      if (row.last_error === null) throw new Error('the first attempt fails\0');
    };
    await emit(db, 60);
    await eventually('most are done', async () => (await tally(db)).once >= 59);
    const rows = await db.dataSource.query('SELECT event_id AS "eventId", subscriber FROM event_delivery');
    for (let i = 0; i < 3; i += 1) await stage.app.get(Deliveries).enqueue(rows);
    await allOnce(60);
    const [failed] = await db.dataSource.query(
      'SELECT attempts, last_error FROM event_delivery WHERE last_error IS NOT NULL',
    );
    expect(failed).toEqual({ attempts: 2, last_error: 'the first attempt fails' });
    await stage.close();
    await after?.();
  });
});

describe.skipIf(!hasRedisServer)('a Redis that is killed', () => {
  it('between enqueueing and processing loses nothing, even with its files', async () => {
    const stage = await QueueStage.start(db);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    behaviour.before = () => gate;
    await emit(db, 40);
    await eventually('all are enqueued', async () => {
      const [row] = await db.dataSource.query('SELECT count(*)::int AS n FROM event_delivery');
      return row.n === 40;
    });
    await killRedisAt(stage.redis.url);
    rmSync(join(stage.home, 'redis', 'appendonlydir'), { recursive: true, force: true });
    release();
    await allOnce(40);
    await emit(db, 5);
    await allOnce(45);
    await stage.close();
  });

  it('holds up neither the positions of events nor, once it is back, their deliveries', async () => {
    const redis = await new OwnRedis(await freePort(), true).start();
    const stage = await QueueStage.start(db, { REDIS_URL: redis.url });
    await emit(db, 3);
    await allOnce(3);
    await redis.kill();
    for (let i = 0; i < 3; i += 1) await emit(db, 10, true);
    await eventually('all have positions', async () => {
      const [row] = await db.dataSource.query('SELECT count(*)::int AS n FROM event_outbox WHERE position IS NULL');
      return row.n === 0;
    });
    expect((await tally(db)).once).toBe(3);
    await redis.start();
    await allOnce(33);
    await stage.close();
    await redis.close();
  });
});

describe.skipIf(!hasRedisServer)('which Redis is taken', () => {
  const home = () => mkdtempSync(join(tmpdir(), 'commonweights-redis-home-'));
  const production = { NODE_ENV: 'production' };
  let redis: OwnRedis | undefined;
  afterEach(async () => {
    await redis?.close();
    redis = undefined;
  });

  it('refuses one that forgets in production, by the name of the variable, unless allowed', async () => {
    redis = await new OwnRedis(await freePort(), false).start();
    const REDIS_URL = redis.url;
    const refused = openQueueRedis(configOf(db.url, home(), { ...production, REDIS_URL }), logger);
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
    await expect(refused).rejects.toThrow(/^REDIS_URL .*append-only.*REDIS_ALLOW_VOLATILE=1$/);
    const allowed = configOf(db.url, home(), { ...production, REDIS_URL, REDIS_ALLOW_VOLATILE: '1' });
    expect((await openQueueRedis(allowed, logger)).kind).toBe('configured');
    expect((await openQueueRedis(configOf(db.url, home(), { REDIS_URL }), logger)).kind).toBe('configured');
  });

  it('takes one with an append-only file in production', async () => {
    redis = await new OwnRedis(await freePort(), true).start();
    const config = configOf(db.url, home(), { ...production, REDIS_URL: redis.url });
    expect((await openQueueRedis(config, logger)).kind).toBe('configured');
  });

  it('goes on with the private one that a killed worker left, and only with that of its own folder', async () => {
    const mine = home();
    const left = await openQueueRedis(configOf(db.url, mine), logger);
    const again = await openQueueRedis(configOf(db.url, mine), logger);
    expect(again.url).toBe(left.url);
    const other = await openQueueRedis(configOf(db.url, home()), logger);
    expect(other.url).not.toBe(left.url);
    await other.close();
    await left.close();
    const client = new Redis(again.url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    await expect(client.connect()).rejects.toThrow();
    await again.close();
  });
});
