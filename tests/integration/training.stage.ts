/** A fleet, a funded recipe and a clock of its own, driven through the ports as agents would drive it over HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CatalogQueries } from '#catalog';
import { isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import { Fleet } from '#nodes';
import { Config, FileStore, type InvariantCheck, type Tx, UnitOfWork } from '#platform';
import { Checkpoints } from '../../libs/provenance/src/checkpoints.js';
import { InFlightSubscriber } from '../../libs/provenance/src/jobs/in-flight.subscriber.js';
import { Conductor } from '../../libs/training/src/conductor.js';
import { LeaseClock } from '../../libs/training/src/jobs/training.clock.js';
import { CommitmentSubscriber, NodeLeftSubscriber } from '../../libs/training/src/jobs/training.subscriber.js';
import { TrainingDirectives } from '../../libs/training/src/lease-directives.js';
import { Runs } from '../../libs/training/src/runs.js';
import { Scheduler } from '../../libs/training/src/scheduler.service.js';
import { Settlement } from '../../libs/training/src/settlement.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { FakeAgent, type Loose, sha256 } from './training.agent.js';

export const HEARTBEAT_MS = 1_000;
export const TTL_MS = 6_000;

export const testConfig = (url: string): Config =>
  new Config({
    NODE_ENV: 'test',
    DATABASE_URL: url,
    STRIPE_SECRET_KEY: 'sk_test_unused',
    STRIPE_WEBHOOK_SECRET: 'whsec_unused',
    AGENT_HEARTBEAT_MS: String(HEARTBEAT_MS),
    AGENT_LEASE_TTL_MS: String(TTL_MS),
    NODE_CHALLENGE: 'off',
    LOG_LEVEL: 'silent',
  });

export class TrainingStage {
  nowMs = Date.UTC(2026, 10, 24, 12, 0, 0);
  /** Follows the real clock instead of `nowMs`: for tests beside a running API. */
  isRealTime = false;
  /** Units of work that had to be run again: deadlocks. */
  retries = 0;
  readonly ledger = new Ledger();
  readonly uow: UnitOfWork;
  readonly conductor: Conductor;
  readonly runs: Runs;
  readonly scheduler: Scheduler;
  readonly directives: TrainingDirectives;
  readonly leaseClock: LeaseClock;
  readonly checkpoints: Checkpoints;
  readonly files: FileStore;
  private readonly commitments = new CommitmentSubscriber();
  private readonly inFlight = new InFlightSubscriber();
  private readonly nodeLeft: NodeLeftSubscriber;
  private readonly folder = mkdtempSync(join(tmpdir(), 'cw-training-'));
  private handled = new Set<string>();

  private constructor(readonly db: TestDatabase) {
    const config = testConfig(db.url);
    this.uow = new UnitOfWork(db.dataSource, { now: () => this.now() }, () => (this.retries += 1));
    const settlement = new Settlement(this.ledger);
    const fleet = new Fleet(config);
    this.files = new FileStore(this.folder);
    this.conductor = new Conductor(settlement, config);
    this.runs = new Runs(this.uow, new CatalogQueries(this.uow), settlement, this.conductor);
    this.checkpoints = new Checkpoints(this.uow, this.files, this.runs);
    const modules = { get: () => this.checkpoints } as never;
    this.scheduler = new Scheduler(this.uow, this.ledger, fleet, settlement, this.conductor, config, modules);
    this.directives = new TrainingDirectives(this.uow, this.conductor, config);
    this.nodeLeft = new NodeLeftSubscriber(this.conductor);
    const logger = {
      error: ({ err }: { err: unknown }) => {
        throw err;
      },
    } as never;
    this.leaseClock = new LeaseClock(this.uow, this.conductor, fleet, config, logger);
  }

  static async open(): Promise<TrainingStage> {
    return new TrainingStage(await createTestDatabase());
  }

  /** The worker's part beside an API that runs on the same database. */
  static beside(db: TestDatabase): TrainingStage {
    const stage = new TrainingStage(db);
    stage.isRealTime = true;
    return stage;
  }

  now(): Date {
    return new Date(this.isRealTime ? Date.now() : this.nowMs);
  }

  async close(): Promise<void> {
    await this.db.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  sql<T = Loose>(text: string, params: unknown[] = []): Promise<T[]> {
    return this.db.dataSource.query(text, params);
  }

  /** A recipe of a tiny model: 1000 parameters, 100 steps. */
  async recipe(
    over: {
      minWorkers?: number;
      maxWorkers?: number;
      hyperparameters?: Record<string, number>;
      every?: number;
      gpuClass?: string;
    } = {},
  ): Promise<string> {
    const [org, project, person, dataset, recipe] = [newId(), newId(), newId(), newId(), newId()];
    await this.sql(`INSERT INTO contributor (id, pseudonym, created_at) VALUES ($1::uuid, $2, now())`, [
      person,
      newId(),
    ]);
    await this.sql(
      `INSERT INTO organisation (id, slug, name, created_at) VALUES ($1::uuid, $1::uuid::text, 'Org', now())`,
      [org],
    );
    await this.sql(
      `INSERT INTO project (id, organisation_id, slug, name, created_at) VALUES ($1::uuid, $2, $1::uuid::text, 'P', now())`,
      [project, org],
    );
    await this.sql(
      `INSERT INTO dataset (id, name, licence, source, sha256, bytes, tokens, registered_by, created_at)
       VALUES ($1::uuid, 'Text', 'CC0-1.0', 'npm:text', $2, 10, 10, $3, now())`,
      [dataset, sha256(Buffer.from(dataset)), person],
    );
    await this.sql(
      `INSERT INTO recipe (id, digest, content, project_id, dataset_id, name, workload, driver, gpu_class, parameters, tokens,
                           min_workers, max_workers, checkpoint_every_steps, hyperparameters, registered_by, created_at)
       VALUES ($1::uuid, encode(sha256(convert_to($1::uuid::text, 'UTF8')), 'hex'), $1::uuid::text, $2, $3, 'Tiny', 'tiny-lm', 'process', $9,
               1000, 1000, $4, $5, $8, $6, $7, now())`,
      [
        recipe,
        project,
        dataset,
        over.minWorkers ?? 2,
        over.maxWorkers ?? 3,
        { steps: 100, layers: 1, dModel: 8, context: 16, ...over.hyperparameters },
        person,
        over.every ?? 10,
        over.gpuClass ?? 'cpu',
      ],
    );
    return recipe;
  }

  /**
   * A donor with an accepted pledge for the campaign, and a node that is there. The pledge is of a class of the
   * catalog; the node names its device as the driver does.
   */
  async donor(
    campaignId: string,
    milliseconds = 600_000n,
    publicKey?: string,
    device: { pledged: string; reported: string } = { pledged: 'cpu', reported: 'cpu' },
  ): Promise<FakeAgent> {
    const [person, pseudonym, token, nodeId] = [newId(), newId(), newId(), newId()];
    await this.sql('INSERT INTO contributor (id, pseudonym, created_at) VALUES ($1::uuid, $2, now())', [
      person,
      pseudonym,
    ]);
    await this.sql(
      `INSERT INTO node_join_token (id, secret_sha256, owner_id, created_at, expires_at, used_at)
       VALUES ($1::uuid, sha256($2), $3, now(), now() + interval '1 day', now())`,
      [token, Buffer.from(token), person],
    );
    await this.sql(
      `INSERT INTO node (id, owner_id, join_token_id, name, gpu_class, device_count, region, public_key, key_thumbprint,
                         agent_version, inventory, state, state_actor, state_cause, state_since, joined_at)
       VALUES ($1::uuid, $2, $3, 'node', $6, 1, 'eu-west', $5, $5, '0.1.0', '{"devices":[]}', 'idle', 'agent', 'joined', $4, $4)`,
      [nodeId, person, token, this.now(), publicKey ?? nodeId, device.reported],
    );
    await this.sql('INSERT INTO node_liveness (node_id, address, last_seen_at) VALUES ($1::uuid, $2, $3)', [
      nodeId,
      '127.0.0.1',
      this.now(),
    ]);
    const pledgeId = await this.pledge(campaignId, pseudonym, milliseconds, device.pledged);
    return new FakeAgent(this, nodeId, pledgeId, pseudonym);
  }

  /** An accepted pledge, of CPU time unless told otherwise, with its commitment in the ledger. */
  async pledge(campaignId: string, pseudonym: string, milliseconds = 600_000n, gpuClass = 'cpu'): Promise<string> {
    const pledgeId = newId();
    const [donors, commitment] = [`compute:donors:${gpuClass}`, `pledge:${pledgeId}:commitment:${gpuClass}`];
    const unit = `gpu_second:${gpuClass}`;
    await this.run(async (tx) => {
      await this.ledger.openAccounts(tx, [
        { code: donors, unit, limit: 'none' },
        { code: commitment, unit, limit: 'debits_must_not_exceed_credits' },
      ]);
      const posted = await this.ledger.post(tx, [
        {
          key: `pledge:${pledgeId}:commit`,
          kind: 'posted',
          debit: donors,
          credit: commitment,
          amount: milliseconds,
          reason: 'Committed',
        },
      ]);
      if (isRefused(posted)) throw new Error(posted.first.code);
      const payload = {
        pledgeId,
        campaignId,
        contributor: pseudonym,
        class: gpuClass,
        milliseconds: String(milliseconds),
        count: 1,
      };
      await this.commitments.handle({ type: 'pledge.compute.accepted', payload } as never, tx);
    });
    return pledgeId;
  }

  async createRun(campaignId: string, recipeId: string): Promise<string> {
    const created = await this.uow.run('test', (tx) => this.runs.create(tx, { campaignId, recipeId }));
    if (isRefused(created)) throw new Error(created.first.code);
    return created;
  }

  run(body: (tx: Tx) => Promise<void>): Promise<unknown> {
    return this.uow.run('test', body);
  }

  async runRow(id: string): Promise<Loose> {
    return (await this.sql('SELECT * FROM run WHERE id = $1', [id]))[0];
  }

  /** Events of a run in the order in which they were written. */
  async events(runId: string, type?: string): Promise<{ type: string; payload: Loose }[]> {
    return this.sql(
      `SELECT type, payload FROM event_outbox WHERE aggregate_id = $1 AND ($2::text IS NULL OR type = $2) ORDER BY seq`,
      [runId, type ?? null],
    );
  }

  /** Lets the events that this room listens to take effect. */
  async relay(): Promise<void> {
    const rows = await this.sql(
      `SELECT id, type, payload FROM event_outbox WHERE type IN ('lease.ended', 'node.left') ORDER BY seq`,
    );
    for (const row of rows) {
      if (this.handled.has(row.id)) continue;
      this.handled.add(row.id);
      const subscriber = row.type === 'node.left' ? this.nodeLeft : this.inFlight;
      await this.run((tx) => subscriber.handle(row, tx));
    }
  }

  /** The clocks of the worker, once. */
  async tick(): Promise<void> {
    await this.leaseClock.tick();
    await this.scheduler.round();
    await this.relay();
  }

  async figures(account: string): Promise<{ pending: bigint; debits: bigint; credits: bigint }> {
    const b = await this.uow.read((tx) => this.ledger.balance(tx, account));
    return { pending: b.debitsPending, debits: b.debitsPosted, credits: b.creditsPosted };
  }

  async violations(checks: readonly InvariantCheck[]): Promise<string[]> {
    const found: string[] = [];
    for (const check of checks) {
      const result = await this.uow.read((tx) => check.run(tx));
      found.push(...result.violations.map((v) => `${check.name}: ${v}`));
    }
    return found;
  }
}
