import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { newId, systemClock } from '#kernel';
import { ledgerInvariants } from '#ledger';
import { paymentInvariants } from '#payments';
import { UnitOfWork, createDataSource } from '#platform';
import { pledgeInvariants } from '#pledges';
import {
  type BenchContext,
  type BenchResult,
  type Load,
  ROOT,
  type Served,
  type Variant,
  ask,
  inTurns,
  median,
  medianRatio,
  migrate,
  requests,
  serve,
  serveApi,
} from './bench.stage.ts';
import { seedCampaigns } from './campaign.seed.ts';

const SEED = { campaigns: 1, pledgesEach: 0, backers: 64 };
const ROUNDS = 5;
const WARM_UP_MS = 1_500;
const MANY = 64;

const MUTATION = `mutation Pledge($input: PledgeCashCreateInput!) { pledgeCashCreate(input: $input) {
  pledge { id state amount { amountMinor } } payment { clientSecret status } userErrors { code message } } }`;

interface Backer {
  readonly id: string;
  readonly pseudonym: string;
  readonly token: string;
}

/**
 * Pledges a second to one campaign. Through GraphQL: HTTP, API token, scope, the mutation, the pledge with its payment,
 * promise and event in one shared transaction, the payment at the Stripe sandbox (another process, durable), and its
 * outcome written down. Beside it the same command called without GraphQL, HTTP and token, sandbox included; and the
 * pledge's own write alone, shared transactions beside one BEGIN … COMMIT for each pledge.
 */
export async function run(ctx: BenchContext): Promise<BenchResult[]> {
  await migrate(ctx.databaseUrl);
  const [campaignId = ''] = await seedCampaigns(ctx.databaseUrl, SEED);
  const backers = await makeTokens(ctx.databaseUrl);
  const servers: Served[] = [];
  const start = async (begin: Promise<Served>): Promise<Served> => {
    const server = await begin;
    servers.push(server);
    return server;
  };
  try {
    const sandbox = await start(serveSandbox());
    const stripe = { ...STRIPE, STRIPE_API_BASE: sandbox.url };
    const api = await start(serveApi(ctx.databaseUrl, stripe));
    const direct = await start(
      serve('tests/bench/pledge-direct.process.ts', { DATABASE_URL: ctx.databaseUrl, ...stripe }),
    );
    const load = pledges(`${api.url}/graphql`, campaignId, backers);
    if (!(await ask({ ...load, connections: 1 })).includes(OK)) throw new Error('the mutation was refused');
    const waits = new Map<string, number[]>();
    const throughGraphql = (name: string, connections: number): Variant => ({
      name,
      sample: async (ms) => {
        const { perSecond, p50, p99 } = await requests({ ...load, connections }, ms);
        waits.set(name, [p50, p99]);
        return perSecond;
      },
    });
    const without = (name: string, how: string, inFlight: number): Variant => ({
      name,
      sample: async (ms) => {
        const question = { how, inFlight, ms, campaignId, backers };
        const { done, ms: took } = await direct.ask<{ done: number; ms: number }>(question);
        return (done / took) * 1000;
      },
    });
    const variants = [
      throughGraphql('mutation, 64 in flight', MANY),
      without('command, 64 in flight', 'whole', MANY),
      without('write, 64 in flight', 'write', MANY),
      without('BEGIN … COMMIT each, 64 in flight', 'single', MANY),
      throughGraphql('mutation, 1 in flight', 1),
      without('command, 1 in flight', 'whole', 1),
      without('write, 1 in flight', 'write', 1),
      without('BEGIN … COMMIT each, 1 in flight', 'single', 1),
    ];
    const samples = await inTurns(variants, { seconds: ctx.seconds, rounds: ROUNDS, warmUpMs: WARM_UP_MS });
    for (const [name, rates] of samples) {
      const [p50, p99] = waits.get(name) ?? [];
      const waited =
        p50 === undefined ? '' : `; waited ${p50} ms (median), ${p99} ms (99th percentile) in the last round`;
      ctx.log(`${name}: ${median(rates).toFixed(0)}/s (${rates.map((r) => r.toFixed(0)).join(', ')})${waited}`);
    }
    for (const server of servers.splice(0).reverse()) await server.stop();
    await verifyBooks(ctx);
    return results(samples);
  } finally {
    for (const server of servers.reverse()) await server.stop();
  }
}

function results(samples: ReadonlyMap<string, number[]>): BenchResult[] {
  const row = (name: string, ours: string, peer: string, note: string, limit?: string): BenchResult => {
    const [a = [], b = [], c] = [ours, peer, limit].map((of) => (of === undefined ? undefined : samples.get(of)));
    return {
      name,
      ours: median(a),
      peer: median(b),
      ...(c ? { limit: median(c) } : {}),
      unit: 'pledges/s',
      ratio: medianRatio(a, b),
      note,
    };
  };
  const rows: BenchResult[] = [];
  for (const flight of ['64 in flight', '1 in flight']) {
    rows.push(
      row(
        `pledge mutation through GraphQL, ${flight}`,
        `mutation, ${flight}`,
        `command, ${flight}`,
        'Stripe sandbox included on both sides; peer: the same command without GraphQL, HTTP and token; limit: the pledge’s own write alone',
        `write, ${flight}`,
      ),
      row(
        `pledge write, ${flight}`,
        `write, ${flight}`,
        `BEGIN … COMMIT each, ${flight}`,
        'no GraphQL and no Stripe on either side; peer: the same statements, a transaction for each pledge, 8 connections',
      ),
    );
  }
  return rows;
}

const OK = '"userErrors":[]';
const STRIPE = {
  STRIPE_SECRET_KEY: 'sk_test_bench',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_bench',
  STRIPE_WEBHOOK_SECRET: 'whsec_bench',
  // The sandbox answers at once; what the processor would allow is not what is measured.
  STRIPE_CALLS_PER_SECOND: '10000',
};

const serveSandbox = (): Promise<Served> =>
  serve(
    'dist/libs/payments/src/sandbox/main.js',
    {},
    {
      args: (port, home) => {
        const { STRIPE_SECRET_KEY: secret, STRIPE_PUBLISHABLE_KEY: publishable } = STRIPE;
        return ['--port', `${port}`, '--home', home, '--secret-key', secret, '--publishable-key', publishable];
      },
      isReady: async (url) => (await fetch(`${url}/v1/balance`)).status === 401,
    },
  );

function pledges(url: string, campaignId: string, backers: readonly Backer[]): Load {
  const globalId = Buffer.from(`Campaign:${campaignId}`).toString('base64url');
  let turn = 0;
  return {
    url,
    connections: MANY,
    holds: OK,
    next: () => {
      const backer = backers[(turn += 1) % backers.length];
      const input = { campaignId: globalId, amountMinor: '2500', currency: 'USD', idempotencyKey: newId() };
      return {
        body: JSON.stringify({ query: MUTATION, variables: { input } }),
        headers: { authorization: `Bearer ${backer?.token}` },
      };
    },
  };
}

/** An API token with the scope of pledging for each backer, as the product would have written it. */
async function makeTokens(databaseUrl: string): Promise<Backer[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string; pseudonym: string }>('SELECT id, pseudonym FROM contributor');
  const backers = rows.map((row): Backer => ({ ...row, token: `cwt_${randomBytes(32).toString('base64url')}` }));
  await client.query(
    `INSERT INTO api_token (id, contributor_id, name, secret_sha256, hint, scopes, created_at)
     SELECT gen_random_uuid(), id, 'Bench', decode(digest, 'hex'), 'cwt_bench', '{pledge:write}', now()
       FROM unnest($1::uuid[], $2::text[]) AS u(id, digest)`,
    [backers.map((b) => b.id), backers.map((b) => createHash('sha256').update(b.token).digest('hex'))],
  );
  await client.end();
  return backers;
}

/** A fast wrong answer counts for nothing: every invariant of pledges, payments and ledger holds afterwards. */
async function verifyBooks(ctx: BenchContext): Promise<void> {
  const source = await createDataSource({ url: ctx.databaseUrl, poolSize: 2, packageRoot: ROOT }).initialize();
  const uow = new UnitOfWork(source, systemClock);
  const checks = [...pledgeInvariants, ...paymentInvariants, ...ledgerInvariants];
  for (const check of checks) {
    const { ok, violations } = await uow.read((tx) => check.run(tx));
    if (!ok) throw new Error(`${check.name}: ${violations.slice(0, 3).join('; ')}`);
  }
  const [row] = await source.query<{ n: bigint }[]>('SELECT count(*) AS n FROM cash_pledge');
  await source.destroy();
  ctx.log(`${row?.n} pledges; all ${checks.length} invariants of pledges, payments and ledger hold`);
}
