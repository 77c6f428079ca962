import 'reflect-metadata';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import pg from 'pg';
import { CampaignCommands, CampaignsModule } from '#campaigns';
import { CatalogCommands, CatalogModule } from '#catalog';
import { IdentityCommands, IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { NodesModule } from '#nodes';
import { PaymentsModule } from '#payments';
import {
  Config,
  PlatformModule,
  type PlatformRole,
  VIEWER_RESOLVER,
  type Viewer,
  type ViewerResolver,
  createDataSource,
  freePort,
} from '#platform';
import { CashPledgeCommands, PledgesModule } from '#pledges';
import { CAMPAIGN, MOBY_DICK, TINY, got, inDays } from '../integration/funding.material.ts';
import { cpuMsOf } from './cpu.ts';
import { PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET } from './processor.ts';

/*
 * What the chaos runs share: databases that are copies of each other, the released processes started and killed, and a
 * campaign made by the product's own commands.
 */

export const ROOT = join(import.meta.dirname, '../..');

export type Person = Viewer & { kind: 'contributor' };

const serverUrl = (): string => process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const urlOf = (name: string): string => {
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url.href;
};

async function ask<T>(url: string, sql: string, values: unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows as T[];
  } finally {
    await client.end();
  }
}

/** A database of a run. */
export class ChaosDatabase {
  readonly name: string;
  readonly url: string;
  constructor(name: string) {
    this.name = name;
    this.url = urlOf(name);
  }

  /** All migrations applied, and empty. */
  static async fresh(name: string): Promise<ChaosDatabase> {
    const made = new ChaosDatabase(name);
    await ask(serverUrl(), `CREATE DATABASE ${name}`);
    const source = await createDataSource({ url: made.url, poolSize: 2, packageRoot: ROOT }).initialize();
    await source.runMigrations();
    await source.destroy();
    return made;
  }

  async copy(name: string): Promise<ChaosDatabase> {
    for (let wait = 0; wait < 100; wait += 1) {
      const rows = await ask(serverUrl(), 'SELECT 1 FROM pg_stat_activity WHERE datname = $1', [this.name]);
      if (rows.length === 0) break;
      await pause(50);
    }
    await ask(serverUrl(), `CREATE DATABASE ${name} TEMPLATE ${this.name}`);
    return new ChaosDatabase(name);
  }

  rows<T = Record<string, string>>(sql: string, values: unknown[] = []): Promise<T[]> {
    return ask<T>(this.url, sql, values);
  }

  async count(sql: string, values: unknown[] = []): Promise<number> {
    const [row] = await this.rows<{ n: string }>(`SELECT count(*) AS n ${sql}`, values);
    return Number(row?.n ?? 0);
  }

  async drop(): Promise<void> {
    await ask(serverUrl(), `DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`);
  }
}

/** A folder of this run, and the names of its databases. */
export interface Place {
  readonly folder: string;
  readonly prefix: string;
}

export function openPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'commonweights-chaos-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  process.once('exit', () => {
    if (process.exitCode === 0) rmSync(folder, { recursive: true, force: true });
  });
  return { folder, prefix: `cw_chaos_${process.pid}` };
}

interface VictimOptions {
  readonly env: Record<string, string>;
  readonly args?: string[];
  readonly log: string;
  /** What it answers below 500 once it serves. */
  readonly ready: string;
}

/** A released program that is started, killed and started again, under one port. */
export class Victim {
  kills = 0;
  /** CPU time of its lives that are over, milliseconds. */
  #spentMs = 0;
  readonly name: string;
  readonly script: string;
  readonly options: VictimOptions;
  #child: ChildProcess | undefined;

  constructor(name: string, script: string, options: VictimOptions) {
    this.name = name;
    this.script = script;
    this.options = options;
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  /** Answers when it serves. */
  async start(): Promise<void> {
    const log = openSync(this.options.log, 'a');
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(ROOT, 'dist', this.script), ...(this.options.args ?? [])],
      { env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', ...this.options.env }, stdio: ['ignore', log, log] },
    );
    this.#child = child;
    for (let wait = 0; wait < 1200 && child.exitCode === null && child.signalCode === null; wait += 1) {
      const up = await fetch(this.options.ready)
        .then((answer) => answer.status < 500)
        .catch(() => false);
      if (up) return;
      await pause(50);
    }
    if (child.signalCode === null) throw new Error(`${this.name} did not start; see ${this.options.log}`);
  }

  /** CPU time of all its lives, milliseconds. */
  get cpuMs(): number {
    return this.#spentMs + cpuMsOf(this.#child?.pid);
  }

  /** SIGKILL, and up again. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
    this.kills += 1;
    await this.start();
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    this.#spentMs += cpuMsOf(child.pid);
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 8_000);
    await ended;
    clearTimeout(late);
    this.#child = undefined;
  }
}

export interface Installation {
  readonly sandboxUrl: string;
  readonly sandbox: Victim;
  readonly api: Victim;
  readonly worker: Victim;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Sandbox, API and worker on a database and a sandbox folder. */
export async function install(home: string, databaseUrl: string): Promise<Installation> {
  mkdirSync(home, { recursive: true });
  const [sandboxPort, apiPort, workerPort] = [await freePort(), await freePort(), await freePort()];
  const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  const env = {
    ...settings(databaseUrl, sandboxUrl, home),
    PORT: String(apiPort),
    WORKER_PORT: String(workerPort),
  };
  const sandbox = new Victim('sandbox', 'libs/payments/src/sandbox/main.js', {
    env: {},
    args: [
      `--port=${sandboxPort}`,
      `--home=${home}`,
      `--secret-key=${SECRET_KEY}`,
      `--publishable-key=${PUBLISHABLE_KEY}`,
      `--webhook-url=http://127.0.0.1:${apiPort}/stripe/webhook`,
      `--webhook-secret=${WEBHOOK_SECRET}`,
      '--dispute-delay-ms=0',
      '--outcome-delay-ms=0',
      // Deliveries that are under way together share a commit of the receiver.
      '--concurrency=64',
    ],
    log: join(home, 'sandbox.log'),
    ready: `${sandboxUrl}/_sandbox/health`,
  });
  const api = new Victim('api', 'apps/api/src/main.js', {
    env,
    log: join(home, 'api.log'),
    ready: `http://127.0.0.1:${apiPort}/health`,
  });
  const worker = new Victim('worker', 'apps/worker/src/main.js', {
    env,
    log: join(home, 'worker.log'),
    ready: `http://127.0.0.1:${workerPort}/health`,
  });
  return {
    sandboxUrl,
    sandbox,
    api,
    worker,
    start: async () => {
      await sandbox.start();
      await Promise.all([api.start(), worker.start()]);
    },
    stop: async () => {
      await Promise.all([api.stop('SIGKILL'), worker.stop('SIGKILL')]);
      await sandbox.stop();
    },
  };
}

const settings = (databaseUrl: string, sandboxUrl: string, home: string): Record<string, string> => ({
  NODE_ENV: 'test',
  LOG_LEVEL: 'warn',
  DATABASE_URL: databaseUrl,
  COMMONWEIGHTS_HOME: home,
  STRIPE_SECRET_KEY: SECRET_KEY,
  STRIPE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  STRIPE_API_BASE: sandboxUrl,
  // The sandbox has no limit of its own to keep to.
  STRIPE_CALLS_PER_SECOND: '5000',
  STRIPE_CALLS_AT_ONCE: '64',
  REDIS_ALLOW_VOLATILE: '1',
});

/** The product's commands without HTTP, to prepare what the runs start from. */
export class Hands {
  readonly app: INestApplicationContext;
  private constructor(app: INestApplicationContext) {
    this.app = app;
  }

  static async open(databaseUrl: string, sandboxUrl: string, home: string): Promise<Hands> {
    class Root {}
    // Called, not written as a decorator: this file runs by type stripping alone.
    const config = new Config({ ...settings(databaseUrl, sandboxUrl, home), DEVELOPER_SIGN_IN: '1' });
    Module({
      imports: [
        PlatformModule.forRoot({ processName: 'chaos', entities: [], config }),
        IdentityModule,
        LedgerModule,
        PaymentsModule,
        CatalogModule,
        CampaignsModule,
        NodesModule,
        PledgesModule,
      ],
    })(Root);
    return new Hands(await NestFactory.createApplicationContext(Root as Type, { logger: false, abortOnError: false }));
  }

  get cash(): CashPledgeCommands {
    return this.app.get(CashPledgeCommands, { strict: false });
  }
  get campaigns(): CampaignCommands {
    return this.app.get(CampaignCommands, { strict: false });
  }

  async person(name: string, platformRole?: PlatformRole): Promise<Person> {
    const signIn = { name, ...(platformRole ? { platformRole } : {}) };
    const { secret } = got(await this.app.get(IdentityCommands, { strict: false }).developerSignIn(signIn));
    const viewers = this.app.get<ViewerResolver>(VIEWER_RESOLVER, { strict: false });
    const viewer = await viewers.resolve({ authorization: `Bearer ${secret}` });
    if (viewer.kind === 'anonymous') throw new Error('nobody is signed in');
    return viewer;
  }

  async people(count: number): Promise<Person[]> {
    const all: Person[] = [];
    await inParallel(count, 8, async (n) => void all.push(await this.person(`Donor ${n}`)));
    return all;
  }

  /** A live campaign of a new project. */
  async liveCampaign(owner: Person, more: { fundingModel: string; cashGoalMinor: bigint; windows?: object }) {
    const catalog = this.app.get(CatalogCommands, { strict: false });
    const identity = this.app.get(IdentityCommands, { strict: false });
    const projectId = got(await identity.createProject(owner, { name: 'Whale works' }));
    const dataset = got(await catalog.registerDataset(owner, MOBY_DICK));
    const recipe = got(await catalog.registerRecipe(owner, { ...TINY, projectId, datasetId: dataset.id }));
    const deadline = inDays(30);
    const campaign = { ...CAMPAIGN, computeGoalMilliseconds: null, deadline, projectId, recipeId: recipe.id, ...more };
    const id = got(await this.campaigns.create(owner, campaign));
    got(await this.campaigns.submit(owner, id));
    got(await this.campaigns.approve(await this.person('Olga Operator', 'operator'), id));
    return id;
  }

  async pledge(who: Person, campaignId: string, amountMinor: bigint): Promise<string> {
    const made = got(
      await this.cash.create(who, { campaignId, amountMinor, currency: 'USD', idempotencyKey: randomUUID() }),
    );
    const secret = made.payment?.clientSecret;
    if (secret === undefined) throw new Error('the processor gave no secret');
    return secret;
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}

/** The audit of every room, as the command line runs it. @returns its lines when it fails, else nothing. */
export async function audit(databaseUrl: string): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'dist/apps/cli/src/main.js'), 'audit', '--database', databaseUrl], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => (text += part.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return code === 0 ? '' : text;
}

export async function inParallel(count: number, lanes: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let n = (next += 1) - 1; n < count; n = (next += 1) - 1) await work(n);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const secondsSince = (startedMs: number): string => ((Date.now() - startedMs) / 1000).toFixed(1);
