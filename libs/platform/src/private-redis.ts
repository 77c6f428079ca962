import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import type { Logger } from './logger.js';

const WATCH_MS = 1_000;
const START_MS = 10_000;

/**
 * A `redis-server` of our own under the data folder, with its append-only file on.
 *
 * A worker that was killed outright leaves its Redis running. The next one finds it by the port written down beside its
 * files, makes sure that it serves this very folder, and goes on with it. A Redis that dies is started again on the same
 * port, so that clients find it where it was.
 */
export class PrivateRedis {
  private timer: NodeJS.Timeout | undefined;
  private starting: Promise<void> | undefined;
  private closed = false;

  private constructor(
    private readonly folder: string,
    private readonly logger: Logger,
    private port: number,
  ) {}

  static async open(home: string, logger: Logger): Promise<PrivateRedis> {
    const folder = join(home, 'redis');
    mkdirSync(folder, { recursive: true });
    // Workers that start together agree on one server: whoever comes second finds what the first has noted.
    const release = await holdFolder(folder);
    try {
      return await PrivateRedis.openHeld(folder, logger);
    } finally {
      release();
    }
  }

  private static async openHeld(folder: string, logger: Logger): Promise<PrivateRedis> {
    const note = join(folder, 'port');
    const left = existsSync(note) ? Number(readFileSync(note, 'utf8').trim()) : 0;
    const redis = new PrivateRedis(folder, logger, left);
    if (left > 0 && (await redis.serves())) {
      logger.info(
        { redis: 'private', port: left },
        'queue goes on with the private redis-server that was left running',
      );
    } else {
      redis.port = await freePort();
      await redis.start();
      writeFileSync(note, String(redis.port));
      logger.info({ redis: 'private', port: redis.port }, 'queue uses a private redis-server, append-only file on');
    }
    redis.watch();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.starting?.catch(() => undefined);
    const client = probe(this.url);
    try {
      await client.connect();
      await client.shutdown('NOSAVE');
    } catch {
      // It answers a shutdown by closing the connection, which is what was asked for.
    } finally {
      client.disconnect();
    }
  }

  private watch(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => void this.look().finally(() => this.watch()), WATCH_MS);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    if (await this.serves()) return;
    if (this.closed) return;
    this.logger.warn({ redis: 'private' }, 'the private redis-server is gone; starting it again');
    try {
      await (this.starting = this.start());
    } catch (error) {
      this.logger.error({ err: error }, 'the private redis-server did not start; it will be tried again');
    }
  }

  private async start(): Promise<void> {
    const args = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder, '--appendonly', 'yes'];
    const child = spawn('redis-server', [...args, '--save', '', '--daemonize', 'no', '--logfile', 'redis.log'], {
      stdio: 'ignore',
    });
    child.on('error', () => undefined);
    await this.untilReady(child);
  }

  private async untilReady(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
      if (await this.serves()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (await this.serves()) return;
    child.kill('SIGKILL');
    throw new Error('The private redis-server did not start; see redis/redis.log in the data folder');
  }

  /** Whether a Redis answers on the port and keeps its files in our folder. */
  private async serves(): Promise<boolean> {
    const client = probe(this.url);
    try {
      await client.connect();
      const [, dir] = (await client.config('GET', 'dir')) as string[];
      return dir !== undefined && realpathSync(dir) === realpathSync(this.folder);
    } catch {
      return false;
    } finally {
      client.disconnect();
    }
  }
}

/** Takes the folder for one starting process. One that died while it held the folder holds it no longer. */
async function holdFolder(folder: string): Promise<() => void> {
  const lock = join(folder, 'starting');
  const deadline = Date.now() + 2 * START_MS;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      if (!isHeld(lock) || Date.now() > deadline) rmSync(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function isHeld(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/** A client that asks once and does not insist. */
export const probe = (url: string): Redis => {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  return client;
};
