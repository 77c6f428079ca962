import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { eventually } from '../../libs/testkit/src/index.js';
import {
  ageEvents,
  commitPayments,
  forgetComparison,
  generator,
  ledgerRoot,
  planDeliveries,
  type Query,
  quietSweep,
  withholdPayments,
} from '../chaos/webhook.plan.js';
import { CARD, FundingStage, got } from './funding.stage.js';

/*
 * The small form of `npm run chaos -- --webhooks`: one process, whose connections to the database are cut at random
 * moments instead of the process being killed.
 */

const PAYMENTS = 12;
const folder = mkdtempSync(join(tmpdir(), 'webhook-chaos-'));
const server = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const made: string[] = [];

async function ask(url: string, sql: string, values: unknown[] = []): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'chaos' });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows as Record<string, string>[];
  } finally {
    await client.end();
  }
}

async function copyOf(name: string): Promise<string> {
  const copy = `cw_webhook_chaos_${randomUUID().slice(0, 8)}`;
  await ask(server, `CREATE DATABASE ${copy} TEMPLATE ${name}`);
  made.push(copy);
  const url = new URL(server);
  url.pathname = `/${copy}`;
  return url.href;
}

afterAll(async () => {
  for (const name of made) await ask(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  rmSync(folder, { recursive: true, force: true });
});

async function stripe(
  stage: FundingStage,
  path: string,
  form?: Record<string, string>,
): Promise<{ data: { id: string }[] }> {
  const response = await fetch(`${stage.sandbox.url}/v1/${path}`, {
    method: form ? 'POST' : 'GET',
    headers: { authorization: 'Bearer sk_test_funding', 'content-type': 'application/x-www-form-urlencoded' },
    ...(form ? { body: new URLSearchParams(form) } : {}),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { data: { id: string }[] };
}

/** Captures, refunds, and disputes won and lost at the processor, of which nobody was told. @returns the database */
async function prepare(file: string): Promise<string> {
  const stage = await FundingStage.open({
    path: file,
    chaos: { paused: true },
    timing: { disputeDelayMs: 0, outcomeDelayMs: 0 },
  });
  const donor = await stage.person('Ada');
  const campaignId = await stage.liveCampaign(await stage.person('Ishmael'));
  for (let n = 0; n < PAYMENTS; n += 1) {
    const pledge = { campaignId, amountMinor: BigInt(2_000 + n), currency: 'USD', idempotencyKey: randomUUID() };
    const secret = got(await stage.cash.create(donor, pledge)).payment?.clientSecret ?? '';
    await stage.pay(secret, n % 6 === 1 ? CARD.dispute : CARD.good);
    const intent = secret.split('_secret_')[0] ?? '';
    if (n % 6 === 3) await stripe(stage, 'refunds', { payment_intent: intent });
    if (n % 6 === 4) await stripe(stage, 'refunds', { payment_intent: intent, amount: '700' });
  }
  const disputes = await eventually('every dispute is open', async () => {
    const { data } = await stripe(stage, 'disputes?limit=100');
    return data.length === PAYMENTS / 6 && data;
  });
  for (const [n, { id }] of disputes.entries()) await stage.closeDispute(id, n % 2 === 0 ? 'won' : 'lost');
  await eventually('every dispute is decided', async () => {
    const { data } = await stripe(stage, 'events?type=charge.dispute.closed&limit=100');
    return data.length === disputes.length;
  });
  const query: Query = (sql, values) => stage.rows(sql, values);
  await quietSweep(query);
  await stage.app.close();
  await stage.sandbox.stop();
  ageEvents(file);
  const name = new URL(stage.db.url).pathname.slice(1);
  await stage.db.dataSource.destroy();
  made.push(name);
  return name;
}

interface Ran {
  readonly root: string;
  readonly transfers: number;
  readonly cuts: number;
}

async function run(prepared: { name: string; file: string }, seed?: number): Promise<Ran> {
  const file = join(folder, `${seed ?? 'calm'}.sqlite`);
  cpSync(prepared.file, file);
  const url = await copyOf(prepared.name);
  const query: Query = (sql, values) => ask(url, sql, values);
  const chance = seed === undefined ? undefined : generator(seed);
  const planned = planDeliveries(file, chance);
  if (seed !== undefined) await withholdPayments(query, seed);
  const stage = await FundingStage.open({ path: file }, { env: { DATABASE_URL: url } });
  let cuts = 0;
  const isOpen = async (): Promise<boolean> => {
    const rows = await query("SELECT 1 FROM stripe_event WHERE state IN ('waiting', 'parked')");
    const answer = await fetch(`${stage.sandbox.url}/_sandbox/status`, {
      headers: { authorization: 'Bearer sk_test_funding' },
    });
    const { deliveries } = (await answer.json()) as { deliveries: { pending: number } };
    return rows.length > 0 || deliveries.pending > 0;
  };
  const cut = async (): Promise<void> => {
    const rows = await query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name <> 'chaos' ORDER BY random() LIMIT 2`,
    );
    cuts += rows.length;
  };
  const work = (): Promise<unknown> => stage.tick('stripe-inbox').catch(() => undefined);
  try {
    for (let round = 0; chance !== undefined && round < 8; round += 1) {
      const working = work();
      await new Promise((resolve) => setTimeout(resolve, chance() * 60));
      await cut();
      await working;
      if (round === 4) await commitPayments(query);
    }
    const settle = (): Promise<unknown> =>
      eventually(
        'everything has come',
        async () => {
          // What waits for a payment that is here by now need not wait for its turn.
          await query("UPDATE stripe_event SET next_attempt_at = now() WHERE state IN ('waiting', 'parked')");
          await work();
          return !(await isOpen());
        },
        30_000,
      );
    await settle();
    await forgetComparison(query);
    await stage.tick('stripe-backfill');
    await settle();
    const [row] = await query('SELECT count(*) AS n FROM stripe_event');
    expect(Number(row?.['n'])).toBe(planned.events);
    expect(planned.lost > 0).toBe(seed !== undefined);
    return { ...(await ledgerRoot(query)), cuts };
  } finally {
    await stage.close();
  }
}

it('webhooks in any number and order, lost and early, over cut connections, leave the ledger of the calm run', async () => {
  const file = join(folder, 'prepared.sqlite');
  const prepared = { name: await prepare(file), file };
  const calm = await run(prepared);
  expect(calm.transfers).toBeGreaterThan(PAYMENTS * 3);
  for (const seed of [1, 2]) {
    const disturbed = await run(prepared, seed);
    expect(disturbed.root, `seed ${seed}, ${disturbed.cuts} cuts`).toBe(calm.root);
    expect(disturbed.cuts).toBeGreaterThan(4);
  }
}, 90_000);
