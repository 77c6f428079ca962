import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { Config, ConfigError, DigestMismatch, FileStore, GroupCommitter, OutboxRelay } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const settings = {
  DATABASE_URL: 'postgres://postgres@127.0.0.1/x',
  STRIPE_SECRET_KEY: 'sk_test_unused',
  STRIPE_WEBHOOK_SECRET: 'whsec_unused',
};

describe('settings', () => {
  it.each([
    [{ PORT: '0' }, 'PORT'],
    [{ PORT: 'http' }, 'PORT'],
    [{ NODE_ENV: 'prod' }, 'NODE_ENV'],
    [{ DATABASE_URL: 'localhost' }, 'DATABASE_URL'],
    [{ DATABASE_URL: '' }, 'DATABASE_URL'],
    [{ REDIS_URL: 'http://x' }, 'REDIS_URL'],
    [{ STRIPE_WEBHOOK_SECRET: '' }, 'STRIPE_WEBHOOK_SECRET'],
    [{ STRIPE_SECRET_KEY: '' }, 'STRIPE_SECRET_KEY'],
    [{ DEVELOPER_SIGN_IN: 'yes' }, 'DEVELOPER_SIGN_IN'],
    [{ AGENT_LEASE_TTL_MS: '1' }, 'AGENT_LEASE_TTL_MS'],
    [{ PUBLIC_URL: 'here' }, 'PUBLIC_URL'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
  ])('refuses %j by the name of the variable', (change, name) => {
    const make = () => new Config({ ...settings, ...change });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(new RegExp(`^${name} `));
  });

  it('takes an empty variable for none, and nothing for production', () => {
    const config = new Config({ ...settings, PORT: '', REDIS_URL: '', NODE_ENV: '', LOG_LEVEL: '' });
    expect(config).toMatchObject({ port: 4000, redisUrl: undefined, environment: 'production', logLevel: 'info' });
  });
});

describe('unit of work', () => {
  it('does not report a commit as failed when a wake-up after it throws', async () => {
    await db.dataSource.query('CREATE TABLE hooked (n int)');
    const ran: string[] = [];
    const outcome = await db.uow.run('hooks', async (tx) => {
      await tx.query('INSERT INTO hooked VALUES (1)');
      tx.afterCommit(() => {
        throw new Error('a hook of the test throws; the warning is expected');
      });
      tx.afterCommit(() => ran.push('second'));
      return 'done';
    });
    expect(outcome).toBe('done');
    expect(ran).toEqual(['second']);
    expect(await db.dataSource.query('SELECT n FROM hooked')).toEqual([{ n: 1 }]);
  });

  it('gives up on a conflict that lasts, after a bounded number of attempts', async () => {
    let attempts = 0;
    const conflict = db.uow.run('conflict', async (tx) => {
      attempts += 1;
      await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`);
    });
    await expect(conflict).rejects.toThrow('again');
    expect(attempts).toBe(6);
  });

  it('gives connections back whatever happens', async () => {
    const fail = () => db.uow.run('fail', (tx) => tx.query('SELECT 1/0').then(() => undefined));
    for (let i = 0; i < 30; i += 1) await expect(fail()).rejects.toThrow(/division/);
    expect(isRefused(await db.uow.run('fine', () => Promise.resolve('ok')))).toBe(false);
  });
});

describe('overdue deliveries', () => {
  it('come later after each failure', async () => {
    await db.uow.run('t', async (tx) => {
      tx.emit({ type: 'overdue', aggregateType: 't', aggregateId: '1', payload: {} });
    });
    const relay = new OutboxRelay(db.uow, { append: () => Promise.resolve() }, () => ['slow']);
    await relay.pass();
    const due = async (attempts: number, waitedMs: number) => {
      await db.dataSource.query(
        `UPDATE event_delivery SET attempts = $1, enqueued_at = now() - make_interval(secs => $2 / 1000.0)`,
        [attempts, waitedMs],
      );
      return (await relay.overdue(4_000)).length;
    };
    expect(await due(0, 3_000)).toBe(0);
    expect(await due(0, 4_500)).toBe(1);
    expect(await due(1, 7_000)).toBe(0);
    expect(await due(1, 8_500)).toBe(1);
    expect(await due(6, 250_000)).toBe(0);
    expect(await due(50, 257_000)).toBe(1);
    // Enqueued again just now, so not overdue.
    expect((await relay.overdue(4_000)).length).toBe(0);
  });
});

describe('group committer', () => {
  it('tells every caller of a lost connection, and tries nothing twice: it may have been committed', async () => {
    let flushes = 0;
    const committer = new GroupCommitter<number, number>(() => {
      flushes += 1;
      return Promise.reject(Object.assign(new Error('terminating connection'), { code: '57P01' }));
    });
    const results = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => committer.submit(n)));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(flushes).toBe(1);
  });

  it('lets a flush that answers too little fail, not hang', async () => {
    const committer = new GroupCommitter<number, number>((batch) => Promise.resolve(batch.slice(1)));
    const results = await Promise.allSettled([committer.submit(1), committer.submit(2)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  });
});

describe('file store', () => {
  it('keeps bytes by their hash, refuses others, and leaves nothing of a refused or broken upload', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'commonweights-files-'));
    const files = new FileStore(folder);
    const stored = await files.put(Buffer.from('weights'));
    expect(stored).toEqual({ sha256: createHash('sha256').update('weights').digest('hex'), bytes: 7 });
    expect(await files.put(Readable.from([Buffer.from('wei'), Buffer.from('ghts')]), stored)).toEqual(stored);
    await expect(files.put(Buffer.from('other'), { sha256: stored.sha256 })).rejects.toBeInstanceOf(DigestMismatch);
    const broken = new Readable({ read: () => undefined });
    setImmediate(() => broken.destroy(new Error('the line broke')));
    await expect(files.put(broken)).rejects.toThrow('the line broke');
    expect(readdirSync(join(folder, 'incoming'))).toEqual([]);

    const opened = await files.open(stored.sha256, { start: 2, end: 4 });
    const chunks: Buffer[] = [];
    for await (const chunk of opened?.stream ?? []) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('igh');
    expect(await files.open('f'.repeat(64))).toBeUndefined();
    expect(await files.open('../../etc/passwd')).toBeUndefined();
    rmSync(folder, { recursive: true, force: true });
  });
});
