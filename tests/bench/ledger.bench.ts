import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { isRefused, newId, systemClock } from '#kernel';
import { Ledger, LedgerWriter, type TransferSpec, ledgerInvariants } from '#ledger';
import { UnitOfWork, createDataSource } from '#platform';

export interface BenchResult {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  readonly limit?: number;
  readonly unit: string;
  readonly ratio: number;
  readonly note: string;
}

const BATCH = 1000;
const DONORS = 64;
const ROUNDS = 3;

/** One way of writing transfers: does some, answers how many were committed. */
interface Variant {
  readonly name: string;
  /** Milliseconds that callers waited, where single callers are measured. */
  readonly waits?: number[];
  step(): Promise<number>;
}

/**
 * Transfers a second into one hot account, all checks on: limits on both sides, idempotency keys, running balances,
 * history indexes, immutability. Beside it in the same PostgreSQL: the same rows by bare INSERT, into a table without
 * any rule but its primary key, and the usual way of a ledger in SQL (lock two rows in order, one transfer a transaction).
 * Variants take turns; the figure of each is the median of its rounds. The books are checked at the end.
 */
export async function run(ctx: {
  databaseUrl: string;
  seconds: number;
  log: (line: string) => void;
}): Promise<BenchResult[]> {
  const dataSource = await createDataSource({
    url: ctx.databaseUrl,
    poolSize: 6,
    packageRoot: packageRoot(),
    applicationName: 'commonweights-bench',
  }).initialize();
  const client = new pg.Client({ connectionString: ctx.databaseUrl });
  await client.connect();
  try {
    await dataSource.runMigrations();
    const uow = new UnitOfWork(dataSource, systemClock);
    const ledger = new Ledger();
    const writer = new LedgerWriter(dataSource, systemClock);
    const accounts = await openAccounts(uow, ledger);
    const rows = await prepareBareRows(client, accounts, uow, ledger);
    const variants: Variant[] = [
      { name: `ledger, batches of ${BATCH}`, step: () => batched(uow, ledger, accounts) },
      { name: `ledger, batches of ${BATCH}, two in flight`, step: () => twoBatches(uow, ledger, accounts) },
      callersOf(writer, accounts, 64),
      callersOf(writer, accounts, 256),
      { name: 'bare INSERT, a statement each', step: () => bareSingles(client, rows) },
      { name: `bare INSERT, ${BATCH} rows a statement`, step: () => bareMany(client, rows) },
      { name: 'two locked rows, a transaction each, 64 callers', step: () => lockedPairs(dataSource, accounts) },
    ];
    const rates = await measure(variants, ctx.seconds);
    for (const [name, rate] of rates) ctx.log(`${name}: ${Math.round(rate)} transfers/s`);
    for (const { name, waits } of variants) {
      if (waits)
        ctx.log(`${name}: waited ${quantile(waits, 0.5)} ms (median), ${quantile(waits, 0.99)} ms (99th percentile)`);
    }
    await verifyBooks(uow, ctx.log);
    return results(rates);
  } finally {
    await client
      .query('DROP TABLE IF EXISTS bench_bare_transfer, bench_pair_entry, bench_pair_account')
      .catch(() => undefined);
    await client.end();
    await dataSource.destroy();
  }
}

function results(rates: ReadonlyMap<string, number>): BenchResult[] {
  const rate = (name: string) => rates.get(name) ?? Number.NaN;
  const many = rate(`bare INSERT, ${BATCH} rows a statement`);
  const singles = rate('bare INSERT, a statement each');
  const pairs = rate('two locked rows, a transaction each, 64 callers');
  const row = (name: string, ours: number, peer: number, note: string, limit?: number): BenchResult => ({
    name,
    ours,
    peer,
    ...(limit === undefined ? {} : { limit }),
    unit: 'transfers/s',
    ratio: ours / peer,
    note,
  });
  const batch = rate(`ledger, batches of ${BATCH}`);
  const batchTwo = rate(`ledger, batches of ${BATCH}, two in flight`);
  return [
    row(
      'ledger hot account, batched, two in flight, beside two locked rows',
      batchTwo,
      pairs,
      'peer: two balance rows locked in order, one transfer a transaction, 64 callers',
      many,
    ),
    row(
      'ledger hot account, batched',
      batch,
      singles,
      'peer: bare INSERT loop, a statement and a commit for each row; limit: the same rows, many a statement',
      many,
    ),
    row(
      'ledger hot account, batched, beside many-row INSERT',
      batch,
      many,
      'peer: bare many-row INSERT into a table with a primary key alone',
    ),
    row(
      'ledger hot account, 64 single callers',
      rate('ledger, 64 callers'),
      pairs,
      'peer: two balance rows locked in order, one transfer a transaction',
      many,
    ),
    row(
      'ledger hot account, 256 single callers',
      rate('ledger, 256 callers'),
      singles,
      'peer: bare INSERT loop, a statement and a commit for each row',
      many,
    ),
  ];
}

async function measure(variants: readonly Variant[], seconds: number): Promise<Map<string, number>> {
  const samples = new Map<string, number[]>(variants.map((v) => [v.name, []]));
  const slotMs = (seconds * 1000) / (ROUNDS * variants.length);
  for (const variant of variants) await variant.step();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(turn + round) % variants.length];
      if (!variant) continue;
      const start = performance.now();
      let done = 0;
      let elapsed = 0;
      do {
        done += await variant.step();
        elapsed = performance.now() - start;
      } while (elapsed < slotMs);
      samples.get(variant.name)?.push((done / elapsed) * 1000);
    }
  }
  return new Map(
    [...samples].map(([name, rates]) => [name, rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0]),
  );
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

const pledge = ({ hot, donors }: Accounts, n: number): TransferSpec => ({
  key: `bench:${newId()}`,
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

/** While one batch is being written the next is made ready, as the writer's two lanes do. */
const twoBatches = async (uow: UnitOfWork, ledger: Ledger, accounts: Accounts): Promise<number> => {
  const [one, two] = await Promise.all([batched(uow, ledger, accounts), batched(uow, ledger, accounts)]);
  return one + two;
};

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
    rows.columns[i] === 'id' ? newId() : rows.columns[i] === 'key' ? `bench:${newId()}` : value,
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

type Source = Awaited<ReturnType<ReturnType<typeof createDataSource>['initialize']>>;

/** What most ledgers in SQL do: one transaction a transfer that locks both balance rows in order and writes two entries. */
async function lockedPairs(dataSource: Source, { hot, donors }: Accounts): Promise<number> {
  await dataSource.query(
    `CREATE TABLE IF NOT EXISTS bench_pair_account (code text PRIMARY KEY, balance bigint NOT NULL, version bigint NOT NULL)`,
  );
  await dataSource.query(
    `CREATE TABLE IF NOT EXISTS bench_pair_entry (id uuid PRIMARY KEY, code text NOT NULL, amount bigint NOT NULL,
       previous bigint NOT NULL, current bigint NOT NULL, version bigint NOT NULL, at timestamptz NOT NULL)`,
  );
  await dataSource.query('INSERT INTO bench_pair_account SELECT unnest($1::text[]), 0, 0 ON CONFLICT DO NOTHING', [
    [hot, ...donors],
  ]);
  const each = 2;
  await Promise.all(
    Array.from({ length: 64 }, async (_, caller) => {
      for (let i = 0; i < each; i += 1) await lockedPair(dataSource, donors[caller % donors.length] ?? hot, hot, 100n);
    }),
  );
  return 64 * each;
}

async function lockedPair(dataSource: Source, debit: string, credit: string, amount: bigint): Promise<void> {
  await dataSource.transaction(async (manager) => {
    await manager.query('SELECT 1 FROM bench_pair_account WHERE code IN ($1, $2) ORDER BY code FOR UPDATE', [
      debit,
      credit,
    ]);
    await manager.query(
      `WITH moved AS (
         UPDATE bench_pair_account SET balance = balance + CASE code WHEN $1 THEN -$3::bigint ELSE $3::bigint END, version = version + 1
         WHERE code IN ($1, $2) RETURNING code, balance, version)
       INSERT INTO bench_pair_entry SELECT CASE code WHEN $1 THEN $4::uuid ELSE $5::uuid END, code,
         CASE code WHEN $1 THEN -$3::bigint ELSE $3::bigint END,
         balance - CASE code WHEN $1 THEN -$3::bigint ELSE $3::bigint END, balance, version, now() FROM moved`,
      [debit, credit, amount, newId(), newId()],
    );
  });
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
