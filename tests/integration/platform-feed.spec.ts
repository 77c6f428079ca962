import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Config, type DomainEvent, EventFeed, OutboxRelay, PlatformModule, announce, follow } from '#platform';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
let app: INestApplicationContext;
let feed: EventFeed;
let relay: OutboxRelay;
beforeAll(async () => {
  db = await createTestDatabase();
  const config = new Config({
    NODE_ENV: 'test',
    DATABASE_URL: db.url,
    STRIPE_SECRET_KEY: 'sk_test_unused',
    STRIPE_WEBHOOK_SECRET: 'whsec_unused',
    LOG_LEVEL: 'silent',
  });
  @Module({ imports: [PlatformModule.forRoot({ processName: 'test', entities: [], config })] })
  class FeedTestModule {}
  app = await NestFactory.createApplicationContext(FeedTestModule, { logger: false, abortOnError: false });
  feed = app.get(EventFeed);
  relay = new OutboxRelay(db.uow, { append: () => Promise.resolve() }, () => []);
  await feed.ready();
});
afterAll(async () => {
  await app.close();
  await db.close();
});

async function emit(count: number, type = 'feed.tested'): Promise<void> {
  await db.uow.run('test', async (tx) => {
    for (let n = 0; n < count; n += 1) {
      tx.emit({ type, aggregateType: 'thing', aggregateId: 'one', payload: { n } });
    }
  });
  while ((await relay.pass()).relayed > 0);
}

/** Reads in the background what an iterator gives. */
function gather<T>(iterator: AsyncIterableIterator<T>): T[] {
  const values: T[] = [];
  void (async () => {
    for await (const value of iterator) values.push(value);
  })();
  return values;
}

const cut = () =>
  db.dataSource.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'commonweights-feed'",
  );

describe('event feed', () => {
  it('gives every relayed event once, in the order of positions', async () => {
    const iterator = feed.subscribe((event) => event.type === 'feed.tested');
    const seen: DomainEvent[] = gather(iterator);
    for (let i = 0; i < 20; i += 1) await emit(10);
    await eventually('all 200', async () => seen.length >= 200);
    expect(seen).toHaveLength(200);
    for (const [i, event] of seen.entries()) {
      if (i > 0) expect(event.position).toBe((seen[i - 1]?.position ?? 0n) + 1n);
    }
    await iterator.return?.();
  });

  it('catches up, without gap or doubling, after its connection was ended again and again', async () => {
    const iterator = feed.subscribe((event) => event.type === 'feed.tested');
    const seen: DomainEvent[] = gather(iterator);
    for (let i = 0; i < 10; i += 1) {
      if (i % 3 === 1) await cut();
      await emit(5);
    }
    await eventually('all 50', async () => seen.length >= 50, 5_000);
    expect(new Set(seen.map((event) => event.position)).size).toBe(50);
    expect(seen).toHaveLength(50);
    await iterator.return?.();
  });

  it('wakes the readers of every topic after a lost connection, since it may have missed an announcement', async () => {
    const iterator = feed.topic('run:1');
    const seen = gather(iterator);
    await db.uow.run('test', (tx) => announce(tx, 'run:1'));
    await eventually('the announcement', async () => seen.length === 1);
    await db.uow.run('test', (tx) => announce(tx, 'run:2'));
    await cut();
    await eventually('the wake-up', async () => seen.length === 2);
    await iterator.return?.();
  });

  it('merges announcements for a reader that is busy', async () => {
    const iterator = feed.topic('busy');
    for (let i = 0; i < 50; i += 1) await db.uow.run('test', (tx) => announce(tx, 'busy'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await iterator.next()).value).toBe('busy');
    const waits = await Promise.race([iterator.next(), new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]);
    expect(waits).toBe('waits');
    await iterator.return?.();
  });

  it('drops the oldest for a reader that falls behind, and keeps the newest', async () => {
    const iterator = feed.subscribe((event) => event.type === 'feed.flood');
    for (let i = 0; i < 15; i += 1) await emit(100, 'feed.flood');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const first = (await iterator.next()).value as DomainEvent;
    let last = first;
    for (let i = 1; i < 1_000; i += 1) last = (await iterator.next()).value as DomainEvent;
    expect(last.position - first.position).toBe(999n);
    expect(last.payload['n']).toBe(99);
    await iterator.return?.();
  });
});

describe('follow', () => {
  it('can be ended while it waits, and reads again after each change', async () => {
    let value: string | undefined = 'a';
    const iterator = follow(feed.topic('followed'), () => Promise.resolve(value));
    expect((await iterator.next()).value).toBe('a');
    value = 'b';
    const next = iterator.next();
    await db.uow.run('test', (tx) => announce(tx, 'followed'));
    expect((await next).value).toBe('b');
    const waiting = iterator.next();
    await iterator.return?.();
    expect((await waiting).done).toBe(true);
  });

  it('ends when there is nothing to read, and when reading throws', async () => {
    const gone = follow(feed.topic('gone'), () => Promise.resolve(undefined));
    expect((await gone.next()).done).toBe(true);
    const broken = follow(feed.topic('broken'), () => Promise.reject(new Error('away')));
    await expect(broken.next()).rejects.toThrow('away');
    expect((await broken.next()).done).toBe(true);
  });
});
