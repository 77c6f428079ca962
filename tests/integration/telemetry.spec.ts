import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '#platform';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';
import { apiEnv } from '../contract/api.stage.js';
import { Collector, Product, Wire } from './telemetry.stage.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const launch = async (name: 'api' | 'worker', env: Record<string, string> = {}) => {
  const port = await freePort();
  const process = Product.launch(name, (home) => ({ ...apiEnv(db.url, home, port), ...env }));
  return { process, port, url: `http://127.0.0.1:${port}` };
};

const ask = (url: string, query: string) =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });

describe('traces', () => {
  it('go to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names: the request and the statements under it', async () => {
    const collector = await Collector.start();
    const api = await launch('api', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await api.process.ready();
    expect((await ask(api.url, '{ ledgerTrialBalance { unit } }')).status).toBe(200);
    // What is held back is sent at the end.
    expect(await api.process.stop()).toBe(0);

    expect(collector.services).toContain('commonweights-api');
    const request = collector.spans.find(
      (span) => span.kind === 2 && JSON.stringify(span.attributes).includes('/graphql'),
    );
    expect(request, 'a span of the HTTP request').toBeDefined();
    const below = collector.spans.filter((span) => span.traceId === request?.traceId && span.name.startsWith('pg'));
    expect(below.map((span) => span.name)).toContainEqual(expect.stringMatching(/^pg\.query/));
    await collector.close();
  });

  it('of the worker come too', async () => {
    const collector = await Collector.start();
    const worker = await launch('worker', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await worker.process.ready();
    expect(await worker.process.stop()).toBe(0);
    expect(collector.services).toContain('commonweights-worker');
    expect(collector.spans.some((span) => span.name.startsWith('pg.query'))).toBe(true);
    await collector.close();
  });

  it('are not made without it, and a collector that is away harms nothing', async () => {
    const collector = await Collector.start();
    const api = await launch('api');
    await api.process.ready();
    await ask(api.url, '{ __typename }');
    expect(await api.process.stop()).toBe(0);
    expect(collector.requests).toEqual([]);
    await collector.close();

    const blind = await launch('api', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await blind.process.ready();
    expect((await ask(blind.url, '{ __typename }')).status).toBe(200);
    expect(await blind.process.stop()).toBe(0);
  });
});

describe('logs', () => {
  it('are JSON lines with the id of the request, and hold no secret; a masked error is found by its id', async () => {
    const api = await launch('api', { LOG_LEVEL: 'info' });
    await api.process.ready();
    const secret = `cwt_${'s'.repeat(43)}`;
    const requestId = '019a0000-0000-7000-8000-000000000001';
    const post = (query: string) =>
      fetch(`${api.url}/graphql?token=${secret}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${secret}`,
          cookie: `cw_session=${secret}`,
          'x-request-id': requestId,
        },
        body: JSON.stringify({ query }),
      });
    const response = await post('{ __typename }');
    expect(response.headers.get('x-request-id')).toBe(requestId);
    await db.dataSource.query('ALTER TABLE ledger_account RENAME TO ledger_account_away');
    const failed = await (await post('{ ledgerTrialBalance { unit } }')).text();
    await db.dataSource.query('ALTER TABLE ledger_account_away RENAME TO ledger_account');
    const errorId = /"errorId":"([0-9a-f-]{36})"/.exec(failed)?.[1];
    expect(errorId).toBeDefined();
    await api.process.stop();
    const lines = api.process.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'request', requestId, status: 200, path: '/graphql' }));
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'unexpected error',
        requestId,
        errorId,
        err: expect.objectContaining({ code: '42P01' }),
      }),
    );
    expect(api.process.stdout).not.toContain(secret);
  });
});

describe('measures', () => {
  it('are Prometheus text with our names, and paths of strangers make no series', async () => {
    const api = await launch('api');
    await api.process.ready();
    await ask(api.url, '{ __typename }');
    await ask(api.url, '{ nope }');
    for (let i = 0; i < 20; i += 1) {
      await fetch(`${api.url}/agent/${i}/x`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      });
      await fetch(`${api.url}/nowhere/${i}`);
    }
    const response = await fetch(`${api.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const line of text.split('\n').filter((l) => l && !l.startsWith('#'))) {
      expect(line).toMatch(/^commonweights_[a-z0-9_]+(\{.*\})? (-?[\d.e+-]+|NaN|\+Inf)$/);
    }
    for (const pattern of [
      /^commonweights_http_request_seconds_count\{method="POST",route="\/graphql",status="200"\} 2$/m,
      /^commonweights_graphql_operation_seconds_count\{kind="query",outcome="ok"\} 1$/m,
      /^commonweights_graphql_operation_seconds_count\{kind="none",outcome="error"\} 1$/m,
      /^commonweights_outbox_waiting_events 0$/m,
      /^commonweights_event_deliveries_waiting 0$/m,
      /^commonweights_process_resident_memory_bytes \d+$/m,
    ]) {
      expect(text).toMatch(pattern);
    }
    const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map((m) => m[1]));
    expect(routes.size).toBeLessThan(8);
    await api.process.stop();
  });

  it('of the worker are served where WORKER_PORT says, and count what waits as the API does', async () => {
    const port = await freePort();
    await db.dataSource.query(
      `INSERT INTO event_outbox (id, type, aggregate_type, aggregate_id, payload, occurred_at, is_public)
       VALUES (gen_random_uuid(), 'test.waits', 'test', gen_random_uuid(), '{}', now(), false)`,
    );
    // An event that is locked is committed and can't be relayed yet.
    const holder = db.dataSource.createQueryRunner();
    await holder.connect();
    await holder.startTransaction();
    await holder.query('LOCK TABLE event_outbox IN SHARE MODE');
    const worker = await launch('worker', { WORKER_PORT: String(port) });
    await worker.process.ready();
    const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await at('/health/live')).status).toBe(200);
    expect((await at('/health/ready')).status).toBe(200);
    expect((await at('/')).status).toBe(404);
    expect(await (await at('/metrics')).text()).toMatch(/^commonweights_outbox_waiting_events 1$/m);
    await holder.rollbackTransaction();
    await holder.release();
    await eventually('nothing waits', async () =>
      /^commonweights_outbox_waiting_events 0$/m.test(await (await at('/metrics')).text()),
    );
    await eventually('clock ticks', async () =>
      /^commonweights_clock_tick_seconds_count\{.*outcome="ok".*\} [1-9]/m.test(await (await at('/metrics')).text()),
    );
    expect(await worker.process.stop()).toBe(0);
  });
});

describe('health', () => {
  it('is "not ready" while PostgreSQL is away, and ready again when it is back', async () => {
    const { port } = new URL(db.url);
    const wire = await Wire.to(Number(port || 5432));
    const url = new URL(db.url);
    url.port = String(wire.port);
    const api = await launch('api', { DATABASE_URL: url.href });
    await api.process.ready();
    const ready = async () => {
      const response = await fetch(`${api.url}/health/ready`);
      return { status: response.status, checks: ((await response.json()) as { checks: object }).checks };
    };
    expect(await ready()).toEqual({ status: 200, checks: { database: 'ok', draining: 'no' } });
    wire.cut();
    expect(await ready()).toEqual({ status: 503, checks: { database: 'unreachable', draining: 'no' } });
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${api.url}/metrics`)).status).toBe(200);
    const failed = await ask(api.url, '{ ledgerTrialBalance { unit } }');
    expect(await failed.text()).not.toMatch(/ECONN|Connection terminated|127\.0\.0\.1/);
    wire.mend();
    await eventually('ready again', async () => (await ready()).status === 200);
    expect(await (await ask(api.url, '{ ledgerTrialBalance { unit } }')).json()).not.toHaveProperty('errors');
    expect(await api.process.stop()).toBe(0);
    await wire.close();
  });

  it('of the worker is told in time when PostgreSQL answers nothing at all', async () => {
    const url = new URL(db.url);
    const wire = await Wire.to(Number(url.port || 5432));
    url.port = String(wire.port);
    const port = await freePort();
    const worker = await launch('worker', { WORKER_PORT: String(port), DATABASE_URL: url.href });
    await worker.process.ready();
    const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(6_000) });
    expect((await at('/health/ready')).status).toBe(200);
    wire.freeze();
    const ready = await at('/health/ready');
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'unavailable', checks: { database: 'unreachable', draining: 'no' } },
    ]);
    expect(await (await at('/metrics')).text()).toMatch(/^commonweights_outbox_waiting_events NaN$/im);
    wire.cut();
    wire.mend();
    await eventually('ready again', async () => (await at('/health/ready')).status === 200);
    expect(await worker.process.stop()).toBe(0);
    await wire.close();
  });

  it('is "not ready" while draining; the request under way is answered; then exit 0', async () => {
    const api = await launch('api', { DRAIN_NOTICE_MS: '700' });
    await api.process.ready();
    // The lock makes a request that takes as long as we like.
    const holder = db.dataSource.createQueryRunner();
    await holder.connect();
    await holder.startTransaction();
    await holder.query('LOCK TABLE ledger_account IN ACCESS EXCLUSIVE MODE');
    const slow = ask(api.url, '{ ledgerTrialBalance { unit } }');
    await eventually('the request waits', async () => {
      const rows = await db.dataSource.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      return rows.length > 0;
    });
    const ended = api.process.exit();
    const asked = Date.now();
    api.process.child.kill('SIGTERM');
    await eventually('not ready', async () => (await fetch(`${api.url}/health/ready`)).status === 503, 650);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await expect(fetch(`${api.url}/health/live`)).rejects.toThrow();
    await holder.rollbackTransaction();
    await holder.release();
    const response = await slow;
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ data: { ledgerTrialBalance: expect.any(Array) } });
    expect(await ended).toBe(0);
    expect(Date.now() - asked).toBeLessThan(6_000);
  });
});

describe('a start that fails is one line that says what to do', () => {
  const failing = async (name: 'api' | 'worker', env: Record<string, string>) => {
    const { process, port } = await launch(name, env);
    const code = await process.exit();
    return { code, line: process.stderr.trim(), port };
  };

  it.each<['api' | 'worker', Record<string, string>, RegExp]>([
    ['api', { NODE_ENV: 'production' }, /^api: DEVELOPER_SIGN_IN can't be on when NODE_ENV is production$/],
    ['worker', { NODE_ENV: 'production' }, /^worker: DEVELOPER_SIGN_IN can't be on/],
    ['api', { PORT: '70000' }, /^api: PORT /],
    ['api', { DATABASE_URL: 'mysql://x' }, /^api: DATABASE_URL must start with postgres/],
    ['api', { DATABASE_URL: '' }, /^api: DATABASE_URL is not set/],
    ['worker', { REDIS_URL: 'redis://127.0.0.1:1' }, /^worker: REDIS_URL is not reachable/],
  ])('%s with %j: exit 78', async (name, env, line) => {
    const failed = await failing(name, env);
    expect(failed.line).toMatch(line);
    expect(failed.line.split('\n')).toHaveLength(1);
    expect(failed.code).toBe(78);
  });

  it('an unreachable database, an unknown one, a port in use: exit 1', async () => {
    const away = await failing('api', { DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/x' });
    expect(away.line).toMatch(/^api: PostgreSQL at 127\.0\.0\.1:1\/x is not reachable: nothing listens there/);
    expect(away.line).not.toMatch(/secret/);
    const url = new URL(db.url);
    url.pathname = '/no_such_database';
    const unknown = await failing('worker', { DATABASE_URL: url.href });
    expect(unknown.line).toMatch(/^worker: PostgreSQL .* that database does not exist/);
    const first = await launch('api');
    await first.process.ready();
    const second = await failing('api', { PORT: String(first.port) });
    expect(second.line).toBe(`api: port ${first.port} is in use; stop what listens there or set PORT to another`);
    await first.process.stop();
    expect([away.code, unknown.code, second.code]).toEqual([1, 1, 1]);
  });

  it('a parent that dies takes its children with it', async () => {
    const api = await launch('api');
    await api.process.ready();
    const ended = api.process.exit();
    api.process.child.disconnect();
    expect(await ended).toBe(0);
  });
});
