import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { isRefused, newId, systemClock } from '#kernel';
import { Ledger, LedgerSealJob, LedgerWriter, type TransferSpec, ledgerInvariants } from '#ledger';
import { UnitOfWork, createDataSource } from '#platform';
import type { BenchContext, BenchResult } from './bench.stage.ts';
import { NODE, cpuBetween, cpuTimes } from './cpu-meter.ts';
import { PairedLedger } from './paired-ledger.ts';

const BATCH = 1000;
const DONORS = 64;
const ROUNDS = 3;
/** pgledger's own benchmark has 20 workers; fewer wait less for each other's locks. */
const CLIENTS = 20;
const FEW_CLIENTS = 4;
const GOAL_RATIO = 40;
const GOAL_RATE = 20_000;
const SEALED = `ledger, batches of ${BATCH}, two in flight, sealed`;
const PAIRED = `two locked rows, ${CLIENTS} clients`;

/** The sealer's clock while it is measured; in production it is a second. */
const SEAL_EVERY_MS = 40;
const APPLICATION = 'posting';
const SEALING = 'sealing';

/** One way of writing transfers: does some, answers how many were committed. */
interface Variant {
  readonly name: string;
  /** Milliseconds that callers waited, where single callers are measured. */
  readonly waits?: number[];
  /** How many steps are under way at once; 1 when absent. */
  readonly lanes?: number;
  step(): Promise<number>;
  /** What goes on beside them, again and again, and once more before the time is taken. */
  beside?(): Promise<void>;
}

/** What a variant did in one round. */
interface Sample {
  readonly rate: number;
  readonly transfers: number;
  /** Milliseconds of CPU by who used them. */
  readonly cpu: ReadonlyMap<string, number>;
}
type Samples = ReadonlyMap<string, readonly Sample[]>;

/**
 * Transfers a second into one hot account, all checks on: limits on both sides, pending amounts counted, idempotency keys,
 * running balances, history indexes, immutability; and, where it says so, every transfer sealed into the chain before the
 * time is taken. Beside it in the same PostgreSQL: one transfer a transaction over two locked rows, and the same rows by
 * bare INSERT into a table without any rule but its primary key. Variants take turns. The books are checked at the end.
 */
export async function run(ctx: BenchContext): Promise<BenchResult[]> {
  const open = (applicationName: string, poolSize: number) =>
    createDataSource({ url: ctx.databaseUrl, poolSize, packageRoot: packageRoot(), applicationName }).initialize();
  const dataSource = await open(APPLICATION, 4);
  const sealing = await open(SEALING, 1);
  const client = new pg.Client({ connectionString: ctx.databaseUrl, application_name: 'bare' });
  await client.connect();
  const meter = new pg.Client({ connectionString: ctx.databaseUrl });
  await meter.connect();
  const paired = await PairedLedger.open(ctx.databaseUrl, CLIENTS);
  try {
    await dataSource.runMigrations();
    const uow = new UnitOfWork(dataSource, systemClock);
    const ledger = new Ledger();
    const writer = new LedgerWriter(dataSource, systemClock);
    const sealer = new LedgerSealJob(new UnitOfWork(sealing, systemClock));
    const accounts = await openAccounts(uow, ledger);
    const rows = await prepareBareRows(client, accounts, uow, ledger);
    const batch = () => batched(uow, ledger, accounts);
    const variants: Variant[] = [
      { name: SEALED, lanes: 2, step: batch, beside: () => sealer.tick() },
      { name: PAIRED, step: () => paired.transfer(CLIENTS) },
      { name: `two locked rows, ${FEW_CLIENTS} clients`, step: () => paired.transfer(FEW_CLIENTS) },
      { name: `ledger, batches of ${BATCH}`, step: batch },
      callersOf(writer, accounts, 64),
      callersOf(writer, accounts, 256),
      { name: 'bare INSERT, a statement each', step: () => bareSingles(client, rows) },
      { name: `bare INSERT, ${BATCH} rows a statement`, step: () => bareMany(client, rows) },
    ];
    const samples = await measure(
      variants,
      ctx.seconds,
      () => sealer.tick(),
      () => cpuTimes(meter),
    );
    for (const [name, taken] of samples) {
      ctx.log(`${name}: ${Math.round(median(taken.map((s) => s.rate)))} transfers/s; CPU a transfer ${cpuText(taken)}`);
    }
    for (const { name, waits } of variants) {
      if (waits)
        ctx.log(`${name}: waited ${quantile(waits, 0.5)} ms (median), ${quantile(waits, 0.99)} ms (99th percentile)`);
    }
    await verifyBooks(uow, ctx.log);
    await paired.verify();
    return results(samples);
  } finally {
    await client.query('DROP TABLE IF EXISTS bench_bare_transfer').catch(() => undefined);
    await client.end();
    await meter.end();
    await paired.close();
    await sealing.destroy();
    await dataSource.destroy();
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Of all rounds together: a round is too short for a figure of its own. */
function cpuText(samples: readonly Sample[]): string {
  const transfers = samples.reduce((sum, sample) => sum + sample.transfers, 0);
  const parts = [...new Set(samples.flatMap((sample) => [...sample.cpu.keys()]))]
    .map((name) => ({ name, ms: samples.reduce((sum, sample) => sum + (sample.cpu.get(name) ?? 0), 0) }))
    .filter(({ name, ms }) => ms > 1 || name === NODE);
  const µs = (ms: number) => ((ms * 1000) / transfers).toFixed(1);
  return `${µs(parts.reduce((sum, part) => sum + part.ms, 0))} µs (${parts.map((part) => `${part.name} ${µs(part.ms)}`).join(', ')})`;
}

function results(samples: Samples): BenchResult[] {
  const many = `bare INSERT, ${BATCH} rows a statement`;
  const singles = 'bare INSERT, a statement each';
  const of = (name: string) => (samples.get(name) ?? []).map((sample) => sample.rate);
  const row = (name: string, ours: string, peer: string, note: string): BenchResult => ({
    name,
    ours: median(of(ours)),
    peer: median(of(peer)),
    ...(peer === many ? {} : { limit: median(of(many)) }),
    unit: 'transfers/s',
    ratio: median(of(ours).map((rate, round) => rate / (of(peer)[round] ?? Number.NaN))),
    note,
  });
  const hot = 'ledger hot account, batched and sealed';
  const rate = median(of(SEALED));
  const locked = 'peer: two balance rows locked in order, one transfer a transaction';
  const few = of(`two locked rows, ${FEW_CLIENTS} clients`);
  // The peer has as many clients as suit it best in that round.
  const best = of(PAIRED).map((one, round) => Math.max(one, few[round] ?? 0));
  return [
    {
      name: `${hot}, beside two locked rows`,
      ours: rate,
      peer: median(best),
      limit: median(of(many)),
      unit: 'transfers/s',
      ratio: median(of(SEALED).map((ours, round) => ours / (best[round] ?? Number.NaN))),
      goal: GOAL_RATIO,
      note: `${locked}, by ${CLIENTS} or ${FEW_CLIENTS} clients, whichever does more`,
    },
    {
      name: `${hot}, beside the goal of ${GOAL_RATE}/s`,
      ours: rate,
      peer: GOAL_RATE,
      unit: 'transfers/s',
      ratio: rate / GOAL_RATE,
      goal: 1,
      note: 'no measurement: the rate that was asked for, on two cores',
    },
    row(
      'ledger hot account, batched',
      `ledger, batches of ${BATCH}`,
      singles,
      'peer: bare INSERT, a statement and a commit for each row',
    ),
    row(
      'ledger hot account, batched, beside many-row INSERT',
      `ledger, batches of ${BATCH}`,
      many,
      'peer: bare many-row INSERT into a table with a primary key alone',
    ),
    row('ledger hot account, 64 single callers', 'ledger, 64 callers', PAIRED, locked),
    row(
      'ledger hot account, 256 single callers',
      'ledger, 256 callers',
      singles,
      'peer: bare INSERT, a statement and a commit for each row',
    ),
  ];
}

/** What each variant did, once for each round. Between two variants all is sealed, so that none does another's work. */
async function measure(
  variants: readonly Variant[],
  seconds: number,
  between: () => Promise<void>,
  cpu: () => Promise<ReadonlyMap<string, number>>,
): Promise<Samples> {
  const samples = new Map<string, Sample[]>(variants.map((v) => [v.name, []]));
  const slotMs = (seconds * 1000) / (ROUNDS * variants.length);
  for (const variant of variants) await during(variant, slotMs / 10);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(turn + round) % variants.length];
      if (!variant) continue;
      await between();
      const before = await cpu();
      const start = performance.now();
      const transfers = await during(variant, slotMs);
      const elapsed = performance.now() - start;
      samples.get(variant.name)?.push({
        rate: (transfers / elapsed) * 1000,
        transfers,
        cpu: cpuBetween(before, await cpu()),
      });
    }
  }
  return samples;
}

/** Has a variant work for so long, and finish what it began. */
async function during(variant: Variant, ms: number): Promise<number> {
  const until = performance.now() + ms;
  let running = true;
  let done = 0;
  const lane = async () => {
    do {
      // Not added in one go: that would read the sum before the step and forget what the other lane did meanwhile.
      const transfers = await variant.step();
      done += transfers;
    } while (performance.now() < until);
  };
  const beside = async () => {
    while (running) {
      await variant.beside?.();
      await new Promise((resolve) => setTimeout(resolve, SEAL_EVERY_MS));
    }
  };
  const besides = variant.beside ? beside() : undefined;
  await Promise.all(Array.from({ length: variant.lanes ?? 1 }, lane)).finally(() => (running = false));
  await besides;
  await variant.beside?.();
  return done;
}

interface Accounts {
  readonly hot: string;
  readonly donors: readonly string[];
}

/** Funded donors that can't be overdrawn, and one guarded account that all of them pay into. */
async function openAccounts(uow: UnitOfWork, ledger: Ledger): Promise<Accounts> {
  const id = newId();
  const hot = `bench:${id}:hot:USD`;
  const mint = `bench:${id}:mint:USD`;
  const donors = Array.from({ length: DONORS }, (_, n) => `bench:${id}:donor-${n}:USD`);
  const outcome = await uow.run('bench.open', async (tx) => {
    await ledger.openAccounts(tx, [
      { code: mint, unit: 'USD', limit: 'none' },
      ...[hot, ...donors].map((code) => ({ code, unit: 'USD', limit: 'debits_must_not_exceed_credits' as const })),
    ]);
    const funding = donors.map((credit): TransferSpec => ({
      key: newId(),
      kind: 'posted',
      debit: mint,
      credit,
      amount: 10n ** 15n,
      reason: 'bench',
    }));
    return ledger.post(tx, funding);
  });
  if (isRefused(outcome)) throw new Error(outcome.first.message);
  return { hot, donors };
}

const RUN = newId();
let drawn = 0;
/** Ids that grow, as those of the product do; drawing a random one for each is no part of what is compared. */
const nextId = (): string => `${RUN.slice(0, 24)}${(drawn += 1).toString(16).padStart(12, '0')}`;

const pledge = ({ hot, donors }: Accounts, n: number): TransferSpec => ({
  key: `bench:${nextId()}`,
  kind: 'posted',
  debit: donors[n % donors.length] ?? hot,
  credit: hot,
  amount: BigInt(100 + (n % 9900)),
  reason: 'pledge captured',
  refs: { pledge: '01890000-0000-7000-8000-000000000000' },
});

async function batched(uow: UnitOfWork, ledger: Ledger, accounts: Accounts): Promise<number> {
  const outcome = await uow.run('bench.batch', (tx) =>
    ledger.postChains(
      tx,
      Array.from({ length: BATCH }, (_, n) => [pledge(accounts, n)]),
    ),
  );
  if (isRefused(outcome)) throw new Error('refused');
  for (const chain of outcome) if (isRefused(chain)) throw new Error(chain.first.message);
  return BATCH;
}

const quantile = (values: readonly number[], q: number): string =>
  ([...values].sort((a, b) => a - b)[Math.floor(values.length * q)] ?? Number.NaN).toFixed(1);

function callersOf(writer: LedgerWriter, accounts: Accounts, n: number): Variant {
  const waits: number[] = [];
  return { name: `ledger, ${n} callers`, waits, step: () => callers(writer, accounts, n, waits) };
}

/** Closed loop: each of n callers makes four transfers, one after another, each answered after its commit. */
async function callers(writer: LedgerWriter, accounts: Accounts, n: number, waits: number[]): Promise<number> {
  const each = 4;
  await Promise.all(
    Array.from({ length: n }, async (_, caller) => {
      for (let i = 0; i < each; i += 1) {
        const start = performance.now();
        const outcome = await writer.submit([pledge(accounts, caller * each + i)]);
        waits.push(performance.now() - start);
        if (isRefused(outcome)) throw new Error(outcome.first.message);
      }
    }),
  );
  return n * each;
}

/** Real rows of the ledger as text, to be inserted again and again under new ids. */
interface BareRows {
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly values: readonly (readonly (string | null)[])[];
}

async function prepareBareRows(
  client: pg.Client,
  accounts: Accounts,
  uow: UnitOfWork,
  ledger: Ledger,
): Promise<BareRows> {
  await batched(uow, ledger, accounts);
  await client.query('DROP TABLE IF EXISTS bench_bare_transfer');
  await client.query('CREATE TABLE bench_bare_transfer (LIKE ledger_transfer)');
  await client.query('ALTER TABLE bench_bare_transfer ADD PRIMARY KEY (id)');
  const described = await client.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = 'bench_bare_transfer'::regclass AND attnum > 0 ORDER BY attnum`,
  );
  const columns = described.rows.map((r) => r.name);
  const stored = await client.query<Record<string, string | null>>(
    `SELECT ${columns.map((c) => `${c}::text`).join(', ')} FROM ledger_transfer ORDER BY seq DESC LIMIT ${BATCH}`,
  );
  return {
    columns,
    types: described.rows.map((r) => r.type),
    values: stored.rows.map((row) => columns.map((c) => row[c] ?? null)),
  };
}

const renamed = (rows: BareRows, values: readonly (string | null)[]) =>
  values.map((value, i) =>
    rows.columns[i] === 'id' ? nextId() : rows.columns[i] === 'key' ? `bench:${nextId()}` : value,
  );

async function bareSingles(client: pg.Client, rows: BareRows): Promise<number> {
  const text = `INSERT INTO bench_bare_transfer (${rows.columns.join(', ')}) VALUES (${rows.columns.map((_, i) => `$${i + 1}`).join(', ')})`;
  const some = rows.values.slice(0, 100);
  for (const values of some) await client.query({ name: 'bare-single', text, values: renamed(rows, values) });
  return some.length;
}

async function bareMany(client: pg.Client, rows: BareRows): Promise<number> {
  const table = rows.values.map((values) => renamed(rows, values));
  const arrays = rows.columns.map((_, i) => table.map((values) => values[i] ?? null));
  await client.query({
    name: 'bare-many',
    text: `INSERT INTO bench_bare_transfer (${rows.columns.join(', ')})
      SELECT * FROM unnest(${rows.types.map((type, i) => `$${i + 1}::${type}[]`).join(', ')})`,
    values: arrays,
  });
  return table.length;
}

/** A fast wrong answer counts for nothing. */
async function verifyBooks(uow: UnitOfWork, log: (line: string) => void): Promise<void> {
  for (const check of ledgerInvariants) {
    const { ok, violations, figures } = await uow.read((tx) => check.run(tx));
    if (!ok) throw new Error(`${check.name}: ${violations.join('; ')}`);
    log(
      `${check.name}: holds (${Object.entries(figures ?? {})
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')})`,
    );
  }
}

function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'migrations')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
