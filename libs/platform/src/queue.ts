import { spawnSync } from 'node:child_process';
import { Redis, type RedisOptions } from 'ioredis';
import { type Config, ConfigError } from './config.js';
import type { Logger } from './logger.js';
import { PrivateRedis, probe } from './private-redis.js';

const CLOSE_MS = 500;

/** Where Bull's Redis is, how it came to be there, and how to end it. */
export interface QueueRedis {
  readonly kind: 'configured' | 'private' | 'in-process';
  readonly url: string;
  close(): Promise<void>;
}

/**
 * One queue engine, three ways to its Redis: `REDIS_URL`; else a `redis-server` found on the PATH, started privately
 * under the data folder with its append-only file on; else `js-redis-server` inside this process, which keeps nothing
 * on disk. Losing any of them loses no work: the outbox in PostgreSQL enqueues again what isn't marked done.
 * Throws `ConfigError` for a `REDIS_URL` that can't be used.
 */
export async function openQueueRedis(config: Config, logger: Logger): Promise<QueueRedis> {
  if (config.redisUrl !== undefined) {
    await refuseVolatile(config.redisUrl, config, logger);
    return { kind: 'configured', url: config.redisUrl, close: () => Promise.resolve() };
  }
  const found = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  if (found.status !== 0) return startInProcess(logger);
  const redis = await PrivateRedis.open(config.home, logger);
  return { kind: 'private', url: redis.url, close: () => redis.close() };
}

/**
 * A client for Bull. `brpoplpush` goes by its successor `blmove`, the same on Redis 6.2 and later and the only form
 * that js-redis-server knows.
 */
export function createQueueClient(
  url: string,
  type: 'client' | 'subscriber' | 'bclient',
  base: RedisOptions = {},
): Redis {
  const client = new Redis(url, {
    ...base,
    ...(type === 'client' ? {} : { enableReadyCheck: false }),
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(times * 50, 1_000),
  });
  client.on('error', () => undefined);
  const blocking = client as unknown as {
    brpoplpush: (source: string, destination: string, seconds: number) => Promise<string | null>;
  };
  blocking.brpoplpush = (source, destination, seconds) => client.blmove(source, destination, 'RIGHT', 'LEFT', seconds);
  return client;
}

async function refuseVolatile(url: string, config: Config, logger: Logger): Promise<void> {
  const appendOnly = await readAppendOnly(url);
  if (appendOnly === 'yes') return;
  const message =
    appendOnly === undefined
      ? 'REDIS_URL names a Redis that does not say whether it keeps an append-only file'
      : 'REDIS_URL names a Redis without an append-only file, which forgets acknowledged jobs when it dies';
  if (config.environment === 'production' && !config.redisAllowVolatile) {
    throw new ConfigError(`${message}; turn appendonly on, or set REDIS_ALLOW_VOLATILE=1`);
  }
  logger.warn({ redis: 'volatile' }, message);
}

/** The server's `appendonly` setting; undefined where it keeps its settings to itself, as managed ones do. */
async function readAppendOnly(url: string): Promise<string | undefined> {
  const client = probe(url);
  try {
    await client.connect();
  } catch (error) {
    throw new ConfigError(`REDIS_URL is not reachable: ${(error as Error).message}`);
  }
  try {
    const [, value] = (await client.config('GET', 'appendonly')) as string[];
    return value;
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}

async function startInProcess(logger: Logger): Promise<QueueRedis> {
  const { createRedisMock } = await import('js-redis-server');
  const server = await createRedisMock();
  const [address] = server.addresses();
  logger.info(
    { redis: 'in-process' },
    'queue runs in this process and keeps nothing on disk; the outbox makes up for it',
  );
  if (!address) throw new Error('js-redis-server gave no address');
  return {
    kind: 'in-process',
    url: `redis://${address.host}:${address.port}`,
    // Its `close` waits for ever for clients that were blocked when they left; it ends with the process anyway.
    close: () => Promise.race([server.close(), new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref())]),
  };
}
