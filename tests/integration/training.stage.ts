/** A fleet, a funded recipe and a clock of its own, driven through the ports as agents would drive it over HTTP. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CatalogQueries } from '#catalog';
import { isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import { Fleet } from '#nodes';
import { Config, FileStore, type InvariantCheck, type Tx, UnitOfWork } from '#platform';
import type { messages } from '#protocol';
import { Checkpoints } from '../../libs/provenance/src/checkpoints.js';
import { InFlightSubscriber } from '../../libs/provenance/src/jobs/in-flight.subscriber.js';
import { Conductor } from '../../libs/training/src/conductor.js';
import { LeaseClock } from '../../libs/training/src/jobs/training.clock.js';
import { CommitmentSubscriber, NodeLeftSubscriber } from '../../libs/training/src/jobs/training.subscriber.js';
import { TrainingDirectives } from '../../libs/training/src/lease-directives.js';
import { Runs } from '../../libs/training/src/runs.js';
import { Scheduler } from '../../libs/training/src/scheduler.service.js';
import { Settlement } from '../../libs/training/src/settlement.js';
import { appendMetrics } from '../../libs/training/src/store/progress.store.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

// Rows and answers have the shape of their SQL or their schema; each test says what it expects of them.
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

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
    LOG_LEVEL: 'silent',
  });

/** A file in the safetensors format with one tensor of the given numbers. */
export function safetensors(numbers: readonly number[]): Buffer {
  const data = Buffer.alloc(numbers.length * 4);
  numbers.forEach((n, index) => data.writeFloatLE(n, index * 4));
  const header = Buffer.from(
    JSON.stringify({ w: { dtype: 'F32', shape: [numbers.length], data_offsets: [0, data.length] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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
    over: { minWorkers?: number; maxWorkers?: number; hyperparameters?: Record<string, number>; every?: number } = {},
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
       VALUES ($1::uuid, encode(sha256(convert_to($1::uuid::text, 'UTF8')), 'hex'), $1::uuid::text, $2, $3, 'Tiny', 'tiny-lm', 'process', 'cpu',
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
      ],
    );
    return recipe;
  }

  /** A donor with an accepted pledge for the campaign, and a node that is there. */
  async donor(campaignId: string, milliseconds = 600_000n, publicKey?: string): Promise<FakeAgent> {
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
       VALUES ($1::uuid, $2, $3, 'node', 'cpu', 1, 'eu-west', $5, $5, '0.1.0', '{"devices":[]}', 'idle', 'agent', 'joined', $4, $4)`,
      [nodeId, person, token, this.now(), publicKey ?? nodeId],
    );
    await this.sql('INSERT INTO node_liveness (node_id, address, last_seen_at) VALUES ($1::uuid, $2, $3)', [
      nodeId,
      '127.0.0.1',
      this.now(),
    ]);
    const pledgeId = await this.pledge(campaignId, pseudonym, milliseconds);
    return new FakeAgent(this, nodeId, pledgeId, pseudonym);
  }

  /** An accepted pledge of CPU time, with its commitment in the ledger. */
  async pledge(campaignId: string, pseudonym: string, milliseconds = 600_000n): Promise<string> {
    const pledgeId = newId();
    await this.run(async (tx) => {
      await this.ledger.openAccounts(tx, [
        { code: 'compute:donors:cpu', unit: 'gpu_second:cpu', limit: 'none' },
        { code: `pledge:${pledgeId}:commitment:cpu`, unit: 'gpu_second:cpu', limit: 'debits_must_not_exceed_credits' },
      ]);
      const posted = await this.ledger.post(tx, [
        {
          key: `pledge:${pledgeId}:commit`,
          kind: 'posted',
          debit: 'compute:donors:cpu',
          credit: `pledge:${pledgeId}:commitment:cpu`,
          amount: milliseconds,
          reason: 'Committed',
        },
      ]);
      if (isRefused(posted)) throw new Error(posted.first.code);
      const payload = {
        pledgeId,
        campaignId,
        contributor: pseudonym,
        class: 'cpu',
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

interface Held {
  token: number;
  phase: messages.LeasePhase;
  busySinceMs: number | null;
  busyMs: number;
  step: number;
  exitCode?: number;
  launch?: messages.LaunchSpec;
}

/** An agent without a process: it obeys directives and says what it is told to say. */
export class FakeAgent {
  readonly held = new Map<string, Held>();
  last: messages.LeaseDirective[] = [];
  state: 'available' | 'draining' = 'available';

  constructor(
    private readonly stage: TrainingStage,
    readonly nodeId: string,
    readonly pledgeId: string,
    readonly pseudonym: string,
  ) {}

  get only(): { leaseId: string } & Held {
    const [entry] = this.held;
    if (!entry || this.held.size !== 1) throw new Error(`holds ${this.held.size} leases`);
    return { leaseId: entry[0], ...entry[1] };
  }

  change(patch: Partial<Held>): void {
    const [entry] = this.held;
    if (entry) Object.assign(entry[1], patch);
  }

  /** One heartbeat, and obedience to its answer. */
  async beat(): Promise<messages.LeaseDirective[]> {
    const { nowMs } = this.stage;
    await this.stage.sql('UPDATE node_liveness SET last_seen_at = $2 WHERE node_id = $1', [
      this.nodeId,
      new Date(nowMs),
    ]);
    const leases: messages.LeaseReport[] = [...this.held].map(([leaseId, held]) => ({
      leaseId,
      token: held.token,
      phase: held.phase,
      rendezvousPort: 4_100,
      step: held.step,
      ...(held.exitCode === undefined ? {} : { exitCode: held.exitCode }),
      busyMs: held.busyMs + (held.busySinceMs === null ? 0 : nowMs - held.busySinceMs),
      energyMicroWh: 1_000,
      energyMethod: 'estimate:cpu-tdp-share',
    }));
    this.last = await this.stage.directives.onHeartbeat(this.nodeId, leases, new Date(nowMs), {
      seq: 0,
      bootId: this.nodeId,
      state: this.state,
      address: `10.0.0.${this.nodeId.charCodeAt(35) % 250}`,
      leases,
    });
    const listed = new Set(this.last.map((d) => d.leaseId));
    for (const leaseId of this.held.keys()) if (!listed.has(leaseId)) this.held.delete(leaseId);
    for (const directive of this.last) this.obey(directive);
    return this.last;
  }

  private obey(d: messages.LeaseDirective): void {
    const held = this.held.get(d.leaseId) ?? { token: d.token, phase: 'ready', busySinceMs: null, busyMs: 0, step: 0 };
    this.held.set(d.leaseId, held);
    if (d.directive === 'start' && d.launch && held.phase === 'ready') {
      Object.assign(held, { phase: 'running', busySinceMs: this.stage.nowMs, launch: d.launch });
    }
    if (d.directive === 'stop' && (held.phase === 'running' || held.phase === 'ready')) this.end(held, 'stopped');
  }

  private end(held: Held, phase: 'exited' | 'stopped', exitCode?: number): void {
    if (held.busySinceMs !== null) held.busyMs += this.stage.nowMs - held.busySinceMs;
    Object.assign(held, { phase, busySinceMs: null, ...(exitCode === undefined ? {} : { exitCode }) });
  }

  /** The workload ends by itself. */
  exit(code: number): void {
    for (const held of this.held.values()) if (held.phase === 'running') this.end(held, 'exited', code);
  }

  writer(lease: { leaseId: string; token: number } = this.only) {
    return { leaseId: lease.leaseId, nodeId: this.nodeId, token: lease.token };
  }

  /** Reports steps; answers whether the fence let them through. */
  async steps(from: number, to: number, writer = this.writer()): Promise<boolean> {
    const points = Array.from({ length: to - from + 1 }, (_, index) => ({
      step: from + index,
      loss: 5 - (from + index) / 50,
      tokens: (from + index) * 10,
      at: new Date(this.stage.nowMs).toISOString(),
      stepMs: 100,
      hardwareFlop: String((from + index) * 70_000),
    }));
    const written = await this.stage.uow.run('test', (tx) => appendMetrics(tx, writer, points));
    return written === true;
  }

  /** Declares, uploads and completes a checkpoint; the state it reached or the code of the refusal. */
  async checkpoint(step: number, writer = this.writer(), tamper?: (bytes: Buffer) => Buffer): Promise<string> {
    const contents: Record<string, Buffer> = {
      'model.safetensors': safetensors([step, 1, 2]),
      'state.json': Buffer.from(JSON.stringify({ step })),
    };
    const files = Object.entries(contents).map(([path, bytes]) => ({
      path,
      bytes: bytes.length,
      sha256: sha256(bytes),
    }));
    const { checkpoints } = this.stage;
    const declared = await checkpoints.declare(writer, {
      token: writer.token,
      step,
      tokens: step * 10,
      loss: 5 - step / 50,
      files,
    });
    if (isRefused(declared)) return declared.first.code;
    for (const upload of declared.uploads) {
      const bytes = contents[upload.path] as Buffer;
      const sent = tamper ? tamper(bytes) : bytes;
      const received = await checkpoints.upload(writer, declared.checkpointId, upload.path, {
        body: Readable.from([sent]),
        sha256: sha256(bytes),
        contentLength: undefined,
      });
      if (isRefused(received)) return received.first.code;
    }
    const completed = await checkpoints.complete(writer, declared.checkpointId);
    return isRefused(completed) ? completed.first.code : completed;
  }
}
