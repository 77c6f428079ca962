import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import type { Config } from './config.js';
import type { Logger } from './logger.js';

/** Where Bull's Redis is, how it came to be there, and how to end it. */
export interface QueueRedis {
  readonly kind: 'configured' | 'private' | 'in-process';
  readonly url: string;
  close(): Promise<void>;
}

/** Thrown at start when the configured Redis would forget acknowledged jobs. */
export class VolatileRedisError extends Error {}

/**
 * One queue engine, three ways to its Redis: `REDIS_URL`; else a `redis-server` found on the PATH, started privately
 * under the data folder with its append-only file on; else `js-redis-server` inside this process, which keeps nothing
 * on disk. Losing any of them loses no work: the outbox in PostgreSQL enqueues again what isn't marked done.
 */
export async function openQueueRedis(config: Config, logger: Logger): Promise<QueueRedis> {
  if (config.redisUrl !== undefined) {
    await refuseVolatile(config.redisUrl, config, logger);
    return { kind: 'configured', url: config.redisUrl, close: () => Promise.resolve() };
  }
  const found = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? startPrivate(config, logger) : startInProcess(logger);
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
  const client = probe(url);
  try {
    await client.connect();
    const [, value] = (await client.config('GET', 'appendonly')) as string[];
    if (value === 'yes') return;
    const message = 'REDIS_URL names a Redis without an append-only file, which forgets acknowledged jobs when it dies';
    if (config.environment === 'production' && !config.redisAllowVolatile) {
      throw new VolatileRedisError(`${message}; turn appendonly on, or set REDIS_ALLOW_VOLATILE=1`);
    }
    logger.warn({ redis: 'volatile' }, message);
  } finally {
    client.disconnect();
  }
}

/**
 * A worker that was killed outright leaves its private Redis running. The next one finds it by the port written down
 * beside its files, makes sure that it serves this very folder, and goes on with it.
 */
async function startPrivate(config: Config, logger: Logger): Promise<QueueRedis> {
  const folder = join(config.home, 'redis');
  mkdirSync(folder, { recursive: true });
  const note = join(folder, 'port');
  const left = existsSync(note) ? `redis://127.0.0.1:${readFileSync(note, 'utf8').trim()}` : undefined;
  if (left !== undefined && (await servesFolder(left, folder))) {
    logger.info({ redis: 'private', url: left }, 'queue goes on with the private redis-server that was left running');
    return { kind: 'private', url: left, close: () => shutDown(left) };
  }
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--appendonly', 'yes'];
  const child = spawn('redis-server', [...args, '--save', '', '--daemonize', 'no', '--logfile', 'redis.log'], {
    stdio: 'ignore',
  });
  const url = `redis://127.0.0.1:${port}`;
  await waitUntilReady(url, child);
  writeFileSync(note, String(port));
  logger.info({ redis: 'private', port }, 'queue uses a private redis-server with its append-only file on');
  return { kind: 'private', url, close: () => shutDown(url) };
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
  return { kind: 'in-process', url: `redis://${address.host}:${address.port}`, close: () => server.close() };
}

const probe = (url: string): Redis => {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => undefined);
  return client;
};

async function servesFolder(url: string, folder: string): Promise<boolean> {
  const client = probe(url);
  try {
    await client.connect();
    const [, dir] = (await client.config('GET', 'dir')) as string[];
    return dir !== undefined && realpathSync(dir) === realpathSync(folder);
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

async function shutDown(url: string): Promise<void> {
  const client = probe(url);
  try {
    await client.connect();
    await client.shutdown('NOSAVE');
  } catch {
    // It answers a shutdown by closing the connection, which is what was asked for.
  } finally {
    client.disconnect();
  }
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const client = probe(url);
    try {
      await client.connect();
      if ((await client.ping()) === 'PONG') return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      client.disconnect();
    }
  }
  throw new Error('The private redis-server did not start; see redis/redis.log in the data folder');
}

/** A TCP port of the loopback interface that is free now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
