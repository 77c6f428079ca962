import 'reflect-metadata';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRefused } from '#kernel';
import { Ledger, type TransferSpec } from '#ledger';
import { Config, Handlers, type DomainEvent, OutboxRelay, PlatformModule, UnitOfWork } from '#platform';
import { ReportCommands, reportInvariants, ReportsModule } from '#reports';
import { TransparencyLog, transparencyInvariants } from '#transparency';
import { registerVerifyCommands } from '../../apps/cli/src/verify/verify.command.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testkit/src/index.js';
import { asInputs, CAMPAIGN, mainRunEvents, RUN } from './main-run.js';

let db: TestDatabase;
let home: string;
let app: INestApplication;
let base: string;
let uow: UnitOfWork;
let relay: OutboxRelay;
const delivered: { event: DomainEvent; subscriber: string }[] = [];

beforeAll(async () => {
  db = await createTestDatabase();
  home = await mkdtemp(join(tmpdir(), 'cw-reports-'));
  const config = new Config({
    NODE_ENV: 'test',
    DATABASE_URL: db.url,
    STRIPE_SECRET_KEY: 'sk_test_x',
    STRIPE_WEBHOOK_SECRET: 'whsec_x',
    COMMONWEIGHTS_HOME: home,
    LOG_LEVEL: 'silent',
  });
  class AppModule {}
  app = await NestFactory.create(
    {
      module: AppModule,
      imports: [PlatformModule.forRoot({ processName: 'test', entities: [], config }), ReportsModule],
    },
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
  uow = app.get(UnitOfWork);
  relay = new OutboxRelay(uow, app.get(TransparencyLog), (type) =>
    app
      .get(Handlers)
      .subscribers()
      .filter((s) => s.name.startsWith('reports.') && s.types.includes(type))
      .map((s) => s.name),
  );
});
afterAll(async () => {
  await app.close();
  await db.close();
  await rm(home, { recursive: true, force: true });
});

async function emit(events: ReturnType<typeof mainRunEvents>): Promise<void> {
  // One unit of work each, as it is in life.
  for (const event of asInputs(events)) {
    await uow.run('test.emit', async (tx) => {
      tx.emit(event);
      return undefined;
    });
  }
}

/** Relays and delivers until nothing is left, like the worker; `twice` delivers everything again. */
async function work(times = 1): Promise<void> {
  for (;;) {
    const { deliveries, relayed } = await relay.pass();
    for (const { eventId, subscriber } of deliveries) {
      const [row] = await db.dataSource.query<
        { id: string; type: string; position: bigint; payload: Record<string, unknown>; occurred_at: Date }[]
      >('SELECT * FROM event_outbox WHERE id = $1', [eventId]);
      const handler = app
        .get(Handlers)
        .subscribers()
        .find((one) => one.name === subscriber);
      const event: DomainEvent = {
        id: row!.id,
        type: row!.type,
        position: row!.position,
        aggregateType: 'x',
        aggregateId: 'x',
        payload: row!.payload,
        isPublic: true,
        occurredAt: row!.occurred_at,
      };
      delivered.push({ event, subscriber });
      for (let i = 0; i < times; i += 1) {
        await uow.run('test.deliver', async (tx) => {
          await handler!.handle(event, tx);
          return undefined;
        });
      }
    }
    if (relayed === 0) return;
  }
}

/** The bookings that payments and training would have made with those events. */
async function book(): Promise<void> {
  const ledger = new Ledger();
  const escrow = `campaign:${CAMPAIGN}:escrow:USD`;
  const refs = { campaign: CAMPAIGN, payment: 'x' };
  const post = (key: string, debit: string, credit: string, amount: number): TransferSpec => ({
    key,
    kind: 'posted',
    debit,
    credit,
    amount: BigInt(amount),
    reason: 'test',
    refs,
  });
  const outcome = await uow.run('test.book', async (tx) => {
    await ledger.openAccounts(
      tx,
      [
        'processor:available:USD',
        'processor:fees:USD',
        'disputes_receivable:USD',
        'processor:dispute_fees:USD',
        escrow,
      ].map((code) => ({ code, unit: 'USD', limit: 'none' as const })),
    );
    await ledger.openAccounts(
      tx,
      [`run:${RUN}:delivered:cpu`, `run:${RUN}:accepted:cpu`].map((code) => ({
        code,
        unit: 'gpu_second:cpu',
        limit: 'none' as const,
      })),
    );
    return ledger.post(tx, [
      ...[1, 3, 4, 5].flatMap((n) => [
        post(`payment:p${n}:capture`, 'processor:available:USD', escrow, n * 1000),
        post(`payment:p${n}:fee`, 'processor:fees:USD', 'processor:available:USD', n * 10 + 30),
      ]),
      post('refund:r3:paid', escrow, 'processor:available:USD', 500),
      post('dispute:d4:withdrawn', 'disputes_receivable:USD', 'processor:available:USD', 4000),
      post('dispute:d4:fee', 'processor:dispute_fees:USD', 'processor:available:USD', 1500),
      post('dispute:d1:withdrawn', 'disputes_receivable:USD', 'processor:available:USD', 1000),
      post('dispute:d1:fee', 'processor:dispute_fees:USD', 'processor:available:USD', 1500),
      post('dispute:d1:reinstated', 'processor:available:USD', 'disputes_receivable:USD', 1000),
      {
        ...post('lease:all:accept', `run:${RUN}:delivered:cpu`, `run:${RUN}:accepted:cpu`, 270_000),
        refs: { run: RUN },
      },
    ]);
  });
  expect(isRefused(outcome)).toBe(false);
  const runner = db.dataSource.createQueryRunner();
  await runner.startTransaction();
  await runner.query('SET LOCAL session_replication_role = replica');
  await runner.query(
    `INSERT INTO usage_record (lease_id, run_id, campaign_id, attempt_id, node_id, pledge_id, contributor, gpu_class, delivered_ms, accepted_ms, tokens, flop_model, flop_hardware, energy_micro_wh, delivered_at, settled_at)
     SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x', 'cpu', (e.payload->>'deliveredMs')::bigint, (e.payload->>'acceptedMs')::bigint, 0,
            (e.payload->>'flopModel')::numeric, (e.payload->>'flopHardware')::numeric, (e.payload->>'energyMicroWh')::bigint, now(), now()
       FROM event_outbox e WHERE type = 'usage.settled'`,
    [RUN, CAMPAIGN],
  );
  await runner.commitTransaction();
  await runner.release();
}

async function violations(): Promise<string[]> {
  const found: string[] = [];
  for (const check of [...transparencyInvariants, ...reportInvariants])
    found.push(...(await uow.read((tx) => check.run(tx))).violations);
  return found;
}

const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(base + path, { headers, method });
const PLACE = '/reports/whale-run-transparency';

describe('publishing', () => {
  it('waits until every lease is settled, then happens once, however often events are delivered', async () => {
    const events = mainRunEvents();
    const open = events.findLastIndex(([type]) => type === 'usage.settled');
    await emit(events.slice(0, open));
    await work(2);
    expect((await get(PLACE)).status).toBe(404);
    await emit(events.slice(open));
    await work(3);
    const { rows } = {
      rows: await db.dataSource.query<{ version: number; log_size: bigint; cause: string }[]>(
        'SELECT version, log_size, cause FROM report_publication',
      ),
    };
    expect(rows).toEqual([{ version: 1, log_size: BigInt(events.length), cause: `run-ended:${RUN}` }]);
    await book();
    expect(await violations()).toEqual([]);
  });

  it('by hand refuses what it can not do, and changes nothing', async () => {
    const commands = app.get(ReportCommands);
    const codeOf = async (
      input: Parameters<typeof commands.publish>[0],
      viewer?: Parameters<typeof commands.publish>[1],
    ) => {
      const outcome = await commands.publish(input, viewer);
      return isRefused(outcome) ? outcome.first.code : outcome;
    };
    const definition = 'run-transparency';
    expect(await codeOf({ definition: 'gossip', runId: RUN })).toBe('REPORT_DEFINITION_UNKNOWN');
    expect(await codeOf({ definition })).toBe('REPORT_SUBJECT_MISSING');
    expect(await codeOf({ definition, runId: RUN, campaignId: CAMPAIGN })).toBe('REPORT_SUBJECT_MISSING');
    expect(await codeOf({ definition, runId: CAMPAIGN })).toBe('REPORT_RUN_NOT_FOUND');
    expect(await codeOf({ definition, campaignId: RUN })).toBe('REPORT_RUN_NOT_FOUND');
    expect(await codeOf({ definition, campaignId: CAMPAIGN })).toBe('REPORT_UNCHANGED');
    expect(await codeOf({ definition, runId: RUN }, { kind: 'anonymous' })).toBe('PROJECT_ROLE_REQUIRED');
    expect(await db.dataSource.query('SELECT 1 FROM report_publication')).toHaveLength(1);
  });

  it('makes a correction a new version, and leaves the first as it was', async () => {
    const before = await (await get(`${PLACE}/v/1.json`)).text();
    await emit([
      ['pledge.cash.refunded', { pledgeId: 'pl5', campaignId: CAMPAIGN, amountMinor: '5000', currency: 'USD' }],
    ]);
    expect((await violations()).filter((v) => v.includes('refunded'))).toHaveLength(1);
    await uow.run('test.book', async (tx) =>
      new Ledger().post(tx, [
        {
          key: 'refund:r5:paid',
          kind: 'posted',
          debit: `campaign:${CAMPAIGN}:escrow:USD`,
          credit: 'processor:available:USD',
          amount: 5000n,
          reason: 'test',
          refs: { campaign: CAMPAIGN },
        },
      ]),
    );
    // Version 1 doesn't know the refund; the books do, and the check allows for what came later.
    expect(await violations()).toEqual([]);
    await work();
    const published = await app.get(ReportCommands).publish({ definition: 'run-transparency', campaignId: CAMPAIGN });
    expect(published).toMatchObject({ version: 2 });
    await work();
    expect(await (await get(`${PLACE}/v/1.json`)).text()).toBe(before);
    const second = (await (await get(`${PLACE}.json`)).json()) as {
      report: {
        version: number;
        corrects: { version: number; sha256: string };
        facts: { money: { refundedMinor: string } };
      };
    };
    expect(second.report).toMatchObject({
      version: 2,
      corrects: { version: 1 },
      facts: { money: { refundedMinor: '5500' } },
    });
    expect(await violations()).toEqual([]);
  });

  it('is for ever', async () => {
    for (const sql of [
      "UPDATE report_publication SET sha256 = ''",
      'DELETE FROM report_file',
      "UPDATE report SET slug = 'x'",
    ]) {
      await expect(db.dataSource.query(sql), sql).rejects.toThrow('never changes');
    }
  });

  it('the audit finds a report that says something else than the log', async () => {
    const runner = db.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SET LOCAL session_replication_role = replica');
    await runner.query(`UPDATE report_publication SET sha256 = repeat('0', 64) WHERE version = 1`);
    const tx = {
      query: async (text: string, params: unknown[] = []) => (await runner.query(text, params, true)).records,
    } as never;
    const found: string[] = [];
    for (const check of reportInvariants) found.push(...(await check.run(tx)).violations);
    await runner.rollbackTransaction();
    await runner.release();
    expect(found.some((v) => v.includes('version 1: the log gives'))).toBe(true);
    expect(found.some((v) => v.includes('is not announced'))).toBe(true);
  });
});

describe('downloads', () => {
  it.each(['html', 'json', 'csv', 'pdf'])('%s has a strong tag, its digest, links and a name', async (format) => {
    const response = await get(`${PLACE}/v/1.${format}`);
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(200);
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', body));
    expect(response.headers.get('etag')).toBe(`"${digest.toString('hex')}"`);
    expect(response.headers.get('repr-digest')).toBe(`sha-256=:${digest.toString('base64')}:`);
    expect(response.headers.get('content-length')).toBe(String(body.length));
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(response.headers.get('content-disposition')).toContain(`filename="whale-run-transparency.v1.${format}"`);
    expect(response.headers.get('link')).toContain(`</reports/whale-run-transparency/v/1.${format}>; rel="canonical"`);
    const again = await get(`${PLACE}/v/1.${format}`, { 'If-None-Match': `W/"x", ${response.headers.get('etag')}` });
    expect([again.status, (await again.arrayBuffer()).byteLength, again.headers.get('etag')]).toEqual([
      304,
      0,
      response.headers.get('etag'),
    ]);
  });

  it('negotiates, and says so', async () => {
    const typeOf = async (accept: string) => {
      const response = await get(PLACE, { Accept: accept });
      return [response.status, response.headers.get('content-type')?.split(';')[0], response.headers.get('vary')];
    };
    expect(await typeOf('application/json')).toEqual([200, 'application/json', 'Accept']);
    expect(await typeOf('text/html,application/xhtml+xml,*/*;q=0.8')).toEqual([200, 'text/html', 'Accept']);
    expect(await typeOf('application/pdf')).toEqual([200, 'application/pdf', 'Accept']);
    expect(await typeOf('text/csv;q=0.9, application/pdf;q=0.1')).toEqual([200, 'text/csv', 'Accept']);
    expect(await typeOf('image/png')).toEqual([406, 'application/problem+json', 'Accept']);
    expect((await get(`${PLACE}/latest.json`)).headers.get('content-location')).toBe(`${PLACE}/v/2.json`);
    expect((await get(`${PLACE}.json`)).headers.get('cache-control')).not.toContain('immutable');
  });

  it('serves parts, heads and nothing outside', async () => {
    const whole = Buffer.from(await (await get(`${PLACE}/v/1.json`)).arrayBuffer());
    const part = await get(`${PLACE}/v/1.json`, { Range: 'bytes=10-19' });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      `bytes 10-19/${whole.length}`,
      whole.subarray(10, 20).toString(),
    ]);
    expect(await (await get(`${PLACE}/v/1.json`, { Range: 'bytes=-5' })).text()).toBe(whole.subarray(-5).toString());
    expect((await get(`${PLACE}/v/1.json`, { Range: `bytes=${whole.length}-` })).status).toBe(416);
    expect((await get(`${PLACE}/v/1.json`, { Range: 'bytes=0-1', 'If-Range': '"other"' })).status).toBe(200);
    const head = await get(`${PLACE}/v/1.json`, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      String(whole.length),
      '',
    ]);
  });

  it.each([
    '/reports/nothing',
    '/reports/nothing.json',
    `${PLACE}/v/3.json`,
    `${PLACE}/v/0`,
    `${PLACE}/v/1e0`,
    `${PLACE}/v/-1`,
    `${PLACE}/newest`,
    `${PLACE}/v/1.exe`,
    '/reports/..%2f..%2fetc%2fpasswd',
    '/reports/%00.json',
  ])('answers %s with a typed 404', async (path) => {
    const response = await get(path);
    expect([response.status, response.headers.get('content-type'), await response.json()]).toMatchObject([
      404,
      'application/problem+json; charset=utf-8',
      { code: 'REPORT_NOT_FOUND' },
    ]);
  });
});

describe('the log over HTTP', () => {
  it('serves checkpoint, key, tiles, proofs and leaves, and refuses the rest', async () => {
    const size = Number((await (await get('/log/checkpoint')).text()).split('\n')[1]);
    expect(await (await get('/log/key')).text()).toMatch(/^localhost:4000\/log\+[0-9a-f]{8}\+/);
    const tile = await get(`/log/tile/0/000.p/${size}`);
    expect([tile.status, (await tile.arrayBuffer()).byteLength, tile.headers.get('cache-control')]).toEqual([
      200,
      size * 32,
      'public, max-age=31536000, immutable',
    ]);
    expect((await get(`/log/tile/entries/000.p/${size}`)).status).toBe(200);
    expect((await get('/log/tile/0/000')).status).toBe(404);
    expect((await get('/log/tile/0/0')).status).toBe(400);
    expect(await (await get('/log/proof/inclusion?index=0&format=tlog-proof')).text()).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nindex 0\n/,
    );
    expect(await (await get('/log/proof/consistency?from=1')).json()).toMatchObject({ from: 1, to: size });
    for (const bad of [
      '/log/proof/inclusion?index=999',
      '/log/proof/inclusion?index=-1',
      '/log/proof/consistency?from=0',
      '/log/leaves?count=1001',
      '/log/leaves?start=x',
    ])
      expect((await get(bad)).status, bad).toBe(400);
    expect(((await (await get('/log/leaves?start=2&count=3')).json()) as { leaves: unknown[] }).leaves).toHaveLength(3);
  });
});

describe('commonweights verify', () => {
  async function verify(...args: string[]): Promise<{ code: number; output: string }> {
    let output = '';
    const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (output += String(text)) !== '');
    const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => (output += String(text)) !== '');
    const before = process.exitCode;
    try {
      const program = new Command('commonweights');
      registerVerifyCommands(program);
      await program.parseAsync(['node', 'commonweights', 'verify', ...args]);
      return { code: Number(process.exitCode), output };
    } finally {
      process.exitCode = before;
      out.mockRestore();
      err.mockRestore();
    }
  }

  it('accepts every form as it was downloaded, and none with a byte changed', async () => {
    const key = join(home, 'downloaded.key');
    await writeFile(key, await (await get('/log/key')).text());
    for (const format of ['json', 'html', 'pdf', 'csv']) {
      const file = join(home, `whale.${format}`);
      await writeFile(file, Buffer.from(await (await get(`${PLACE}/v/2.${format}`)).arrayBuffer()));
      const good = await verify(file, '--key', key);
      expect(good.output).toContain('Verified.');
      expect(good.code).toBe(0);
      const data = await readFile(file);
      const at = data.indexOf('5500') >= 0 ? data.indexOf('5500') : Math.floor(data.length / 2);
      data[at] = data[at] === 0x36 ? 0x37 : 0x36;
      const changed = join(home, `changed.${format}`);
      await writeFile(changed, data);
      const bad = await verify(changed, '--key', key, '--report', join(home, 'whale.json'));
      expect([format, bad.code]).toEqual([format, 1]);
    }
  });

  it('proves completeness with the saved leaves of the log', async () => {
    const saved = join(home, 'leaves.json');
    await writeFile(saved, await (await get('/log/leaves?count=1000')).text());
    expect((await verify(join(home, 'whale.json'), '--leaves', saved)).output).toContain('ok    completeness');
    const part = join(home, 'part.json');
    await writeFile(part, await (await get('/log/leaves?start=5&count=1000')).text());
    expect((await verify(join(home, 'whale.json'), '--leaves', part)).code).toBe(2);
    expect((await verify(join(home, 'whale.json'), '--leaves', join(home, 'whale.html'))).code).toBe(2);
  });

  it('compares with a checkpoint from elsewhere, and says what it can not read', async () => {
    const checkpoint = join(home, 'checkpoint');
    await writeFile(checkpoint, await (await get('/log/checkpoint')).text());
    expect((await verify(join(home, 'whale.json'), '--checkpoint', checkpoint)).output).toContain('known checkpoint');
    expect((await verify(join(home, 'absent.json'))).code).toBe(2);
    await writeFile(join(home, 'lonely.csv'), await readFile(join(home, 'whale.csv')));
    expect(await verify(join(home, 'lonely.csv'))).toMatchObject({
      code: 2,
      output: expect.stringContaining('--report'),
    });
    await writeFile(join(home, 'other.txt'), 'hello');
    expect((await verify(join(home, 'other.txt'))).code).toBe(2);
  });
});
