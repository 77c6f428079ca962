import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, currencyScale, isRefused, newId } from '#kernel';
import {
  type AccountSpec,
  Ledger,
  LedgerWriter,
  type Transfer,
  type TransferSpec,
  exchange,
  exchangeAccounts,
  ledgerInvariants,
} from '#ledger';
import { UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

// What other ledgers publish about themselves, asked of ours: values and rules with their source, no code of theirs.

let db: TestDatabase;
let uow: UnitOfWork;
let writer: LedgerWriter;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
const ledger = new Ledger();
const clock = { now: () => new Date(nowMs) };
beforeAll(async () => {
  db = await createTestDatabase();
  uow = new UnitOfWork(db.dataSource, clock);
  writer = new LedgerWriter(db.dataSource, clock);
});
afterAll(async () => {
  for (const check of ledgerInvariants) {
    expect(await db.uow.read((tx) => check.run(tx)), check.name).toMatchObject({ ok: true, violations: [] });
  }
  await db.close();
});
beforeEach(() => {
  nowMs += 60_000;
});

type Limit = AccountSpec['limit'];
const open = async (unit: string, limits: readonly Limit[]): Promise<string[]> => {
  const id = newId();
  const specs = limits.map((limit, n) => ({ code: `conf:${id}:${n}`, unit, limit }));
  await uow.run('open', (tx) => ledger.openAccounts(tx, specs));
  return specs.map((s) => s.code);
};
const move = (debit: string, credit: string, amount: bigint, more: Partial<TransferSpec> = {}): TransferSpec => ({
  key: newId(),
  kind: 'posted',
  debit,
  credit,
  amount,
  reason: 'conformance',
  ...more,
});
const post = (...chain: TransferSpec[]): Promise<Outcome<Transfer[]>> =>
  uow.run('post', (tx) => ledger.post(tx, chain));
const codeOf = (outcome: unknown) => (isRefused(outcome) ? outcome.first.code : 'OK');
const net = async (code: string): Promise<bigint> => {
  const b = await uow.read((tx) => ledger.balance(tx, code));
  return b.creditsPosted - b.debitsPosted;
};
const GUARDED: Limit = 'debits_must_not_exceed_credits';

describe('TigerBeetle: results are ranked, the first broken rule is the answer (state_machine_tests, Apache-2.0)', () => {
  /** Each row breaks the rule of its code and, where it can, every later one. */
  it.each<[string, (a: string[]) => TransferSpec | TransferSpec[]]>([
    ['LEDGER_KEY_INVALID', ([a = '']) => move(a, a, 0n, { key: '' })],
    ['LEDGER_AMOUNT_INVALID', ([a = '']) => move(a, a, 0n)],
    ['LEDGER_PENDING_KEY_MISPLACED', ([a = '']) => move(a, a, 1n, { pendingKey: 'x', expiresAt: new Date(0) })],
    ['LEDGER_EXPIRY_MISPLACED', ([a = '']) => move(a, a, 1n, { expiresAt: new Date(0), closes: 'debit' })],
    ['LEDGER_CLOSING_MISPLACED', ([a = '']) => move(a, a, 1n, { closes: 'debit' })],
    ['LEDGER_ACCOUNTS_EQUAL', ([a = '']) => move(a, a, 1n)],
    ['LEDGER_ACCOUNT_NOT_FOUND', ([, , c = '']) => move('no:such', c, 1n, { kind: 'pending', expiresAt: new Date(0) })],
    ['LEDGER_UNIT_MISMATCH', ([a = '', , c = '']) => move(a, c, 1n, { kind: 'pending', expiresAt: new Date(0) })],
    ['LEDGER_EXPIRY_PAST', ([a = '', b = '']) => move(a, b, 10n ** 18n, { kind: 'pending', expiresAt: new Date(0) })],
    ['LEDGER_LIMIT_EXCEEDED', ([a = '', b = '']) => move(a, b, 1n)],
  ])('%s', async (code, make) => {
    const [a = '', b = ''] = await open('USD', [GUARDED, 'none']);
    const [c = ''] = await open('EUR', ['none']);
    expect(codeOf(await post(...[make([a, b, c])].flat()))).toBe(code);
    expect([await net(a), await net(b), await net(c)]).toEqual([0n, 0n, 0n]);
  });

  it('a linked chain fails whole, its neighbours in the batch stand', async () => {
    const [a = '', b = ''] = await open('USD', ['none', GUARDED]);
    const outcomes = await uow.run('batch', (tx) =>
      ledger.postChains(tx, [
        [move(a, b, 7n)],
        [move(a, b, 5n), move(b, a, 13n)],
        [move(b, a, 7n), move(b, a, 1n)],
        [move(b, a, 7n)],
      ]),
    );
    expect(Array.isArray(outcomes) && outcomes.map(codeOf)).toEqual([
      'OK',
      'LEDGER_LIMIT_EXCEEDED',
      'LEDGER_LIMIT_EXCEEDED',
      'OK',
    ]);
    expect(await net(b)).toBe(0n);
  });
});

describe('numscript: taking from accounts in order (interpreter specs, MIT)', () => {
  it('an account at -2 that may go to -5 gives 3 of 10, the world the other 7', async () => {
    const [world = '', line = '', alice = '', bob = ''] = await open('USD', ['none', 'none', GUARDED, 'none']);
    // An overdraft is a credit line: what the account may owe is put there, and owed to the line.
    await post(move(line, alice, 5n), move(alice, world, 2n));
    const first = await post(move(alice, bob, 10n, { balancing: 'debit' }));
    const given = isRefused(first) ? 0n : (first[0]?.amount ?? 0n);
    await post(move(world, bob, 10n - given));
    expect([given, await net(bob), (await net(alice)) - 5n]).toEqual([3n, 10n, -5n]);
  });
});

describe('Akash: what a lease earns block by block (keeper_settle_test, Apache-2.0)', () => {
  // Blocks, deposit, rates a block; then what is left (below zero: overdrawn) and what each is owed.
  it.each<[bigint, bigint, bigint[], bigint, bigint[]]>([
    [5n, 100n, [1n, 2n], 85n, [5n, 10n]],
    [5n, 100n, [10n, 10n], 0n, [50n, 50n]],
    [6n, 100n, [10n, 10n], -20n, [60n, 40n]],
    [10n, 200n, [10n, 10n], 0n, [100n, 100n]],
    [11n, 200n, [10n, 10n], -20n, [110n, 90n]],
  ])('%s blocks of %s at %s leave %s', async (blocks, deposit, rates, left, paid) => {
    const accounts = await open('gpu_second:akash', ['none', GUARDED, 'none', ...rates.map((): Limit => 'none')]);
    const [funder = '', escrow = '', owed = '', ...earners] = accounts;
    await post(move(funder, escrow, deposit));
    let missing = 0n;
    for (const [n, rate] of rates.entries()) {
      const due = rate * blocks;
      const outcome = await post(move(escrow, earners[n] ?? '', due, { balancing: 'debit' }));
      const got = isRefused(outcome) ? 0n : (outcome[0]?.amount ?? 0n);
      missing += due - got;
    }
    if (missing > 0n) await post(move(owed, funder, missing));
    expect((await net(escrow)) - missing).toBe(left);
    expect(await Promise.all(earners.map(net))).toEqual(paid);
    expect(await net(owed)).toBe(-missing);
  });
});

describe('pgledger: its scenarios (go/test/db_test, MIT)', () => {
  it('keeps the balance before and after each entry, numbered without a gap', async () => {
    const [a = '', b = ''] = await open('USD', ['none', 'none']);
    for (const amount of [10n, 20n, 5n]) await post(move(a, b, amount));
    const rows = await db.dataSource.query<{ amount: bigint; version: bigint; after: bigint }[]>(
      `SELECT t.amount, t.credit_version AS version, t.credit_credits_posted AS after FROM ledger_transfer t
       JOIN ledger_account a ON a.id = t.credit_account_id WHERE a.code = $1 ORDER BY 2`,
      [b],
    );
    expect(rows).toEqual([
      { amount: 10n, version: 1n, after: 10n },
      { amount: 20n, version: 2n, after: 30n },
      { amount: 5n, version: 3n, after: 35n },
    ]);
  });

  it('holds accounts that may not be negative, or not positive, to it', async () => {
    const [source = '', noNegative = '', noPositive = ''] = await open('USD', [
      'none',
      GUARDED,
      'credits_must_not_exceed_debits',
    ]);
    expect(codeOf(await post(move(noNegative, source, 1n)))).toBe('LEDGER_LIMIT_EXCEEDED');
    expect(codeOf(await post(move(source, noPositive, 1n)))).toBe('LEDGER_LIMIT_EXCEEDED');
    expect(codeOf(await post(move(noPositive, noNegative, 5n), move(noNegative, noPositive, 5n)))).toBe('OK');
  });

  it('refuses a transfer without amount, below zero, to itself, to nobody and across currencies', async () => {
    const [a = '', b = ''] = await open('USD', ['none', 'none']);
    const [euro = ''] = await open('EUR', ['none']);
    const codes = [move(a, b, 0n), move(a, b, -5n), move(a, a, 5n), move(a, 'no:such', 5n), move(a, euro, 5n)];
    expect(await Promise.all(codes.map(async (spec) => codeOf(await post(spec))))).toEqual([
      'LEDGER_AMOUNT_INVALID',
      'LEDGER_AMOUNT_INVALID',
      'LEDGER_ACCOUNTS_EQUAL',
      'LEDGER_ACCOUNT_NOT_FOUND',
      'LEDGER_UNIT_MISMATCH',
    ]);
  });

  it('exchanges currencies by two transfers that stand or fall together, once', async () => {
    const units = ['GBP', 'PLN'] as const;
    await uow.run('open', (tx) => ledger.openAccounts(tx, units.flatMap(exchangeAccounts)));
    const [pounds = ''] = await open('GBP', [GUARDED]);
    const [zloty = ''] = await open('PLN', ['none']);
    const [source = ''] = await open('GBP', ['none']);
    const chain = exchange({
      id: newId(),
      give: { account: pounds, unit: 'GBP', amount: 1000n },
      get: { account: zloty, unit: 'PLN', amount: 5012n },
      rate: { text: '5.0123', source: 'test' },
      settled: 5010n,
      reason: 'exchange',
    });
    expect(codeOf(await post(...chain))).toBe('LEDGER_LIMIT_EXCEEDED');
    expect(await net(zloty)).toBe(0n);
    await post(move(source, pounds, 1000n));
    expect(codeOf(await post(...chain))).toBe('OK');
    expect(codeOf(await post(...chain)), 'a repeat').toBe('OK');
    expect([await net(pounds), await net(zloty)]).toEqual([0n, 5012n]);
    expect(await Promise.all(['fx:liquidity:GBP', 'fx:liquidity:PLN', 'fx_loss:PLN'].map(net))).toEqual([
      1000n,
      -5010n,
      -2n,
    ]);
  });

  it('covers a shortfall of compute with cash at a stated rate', async () => {
    const compute = 'gpu_second:h100-cure';
    await uow.run('open', (tx) => ledger.openAccounts(tx, ['USD', compute].flatMap(exchangeAccounts)));
    const [escrow = '', source = ''] = await open('USD', [GUARDED, 'none']);
    const [owed = '', shortfall = ''] = await open(compute, ['none', 'none']);
    await post(move(source, escrow, 720_000n));
    // 1,000 hours are missing: 3,600,000,000 ms, at $7.20 an hour.
    await post(move(shortfall, owed, 3_600_000_000n));
    const cured = exchange({
      id: newId(),
      give: { account: escrow, unit: 'USD', amount: 720_000n },
      get: { account: shortfall, unit: compute, amount: 3_600_000_000n },
      rate: { text: '0.002', source: 'terms of the campaign: USD a GPU second' },
      reason: 'cash for compute',
    });
    expect(codeOf(await post(...cured))).toBe('OK');
    expect([await net(escrow), await net(shortfall)]).toEqual([0n, 0n]);
  });

  it('lets transfers cross between two accounts in both directions at once, without a deadlock', async () => {
    const [a = '', b = ''] = await open('USD', ['none', 'none']);
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, n) => post(n % 2 ? move(a, b, 10n) : move(b, a, 10n))),
    );
    expect(outcomes.map(codeOf)).toEqual(Array(40).fill('OK'));
    expect(await net(a)).toBe(0n);
  });
});

// Its own number is 20,000: LEDGER_JACK_HAMMER=20000.
describe('double_entry: the jack hammer (script/jack_hammer, MIT)', () => {
  it('transfers among 5 accounts by 20 callers: every balance is the sum of its lines', async () => {
    const total = Number(process.env['LEDGER_JACK_HAMMER'] ?? 4000);
    const accounts = await open('USD', Array<Limit>(5).fill('none'));
    const expected = new Map<string, bigint>(accounts.map((code) => [code, 0n]));
    let seed = 11;
    const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    const specs = Array.from({ length: total }, () => {
      const from = random(5);
      const spec = move(accounts[from] ?? '', accounts[(from + 1 + random(4)) % 5] ?? '', BigInt(1 + random(10_000)));
      expected.set(spec.debit ?? '', (expected.get(spec.debit ?? '') ?? 0n) - (spec.amount ?? 0n));
      expected.set(spec.credit ?? '', (expected.get(spec.credit ?? '') ?? 0n) + (spec.amount ?? 0n));
      return spec;
    });
    await Promise.all(
      Array.from({ length: 20 }, async (_, caller) => {
        for (let n = caller; n < total; n += 20) {
          const spec = specs[n];
          // One of a hundred goes by a transaction of its own, across the writer's batches.
          if (spec && isRefused(await (n % 100 === 0 ? post(spec) : writer.submit([spec])))) throw new Error('refused');
        }
      }),
    );
    for (const code of accounts) expect(await net(code)).toBe(expected.get(code));
  }, 120_000);
});

describe('Formance: duplicate reverts (stress test, MIT)', () => {
  it('of many reverts of one transaction one counts, and all get its answer', async () => {
    const accounts = await open('USD', Array<Limit>(80).fill('none'));
    const transfers = Array.from({ length: 500 }, (_, n) =>
      move(accounts[n % 80] ?? '', accounts[(n * 7 + 1) % 80] ?? '', BigInt(n + 1)),
    );
    await Promise.all(transfers.map((spec) => writer.submit([spec])));
    const reverted = transfers.filter((_, n) => n % 5 === 0);
    const answers = await Promise.all(
      reverted.flatMap((spec) =>
        [1, 2, 3].map(() =>
          writer.submit([move(spec.credit ?? '', spec.debit ?? '', spec.amount ?? 0n, { key: `revert:${spec.key}` })]),
        ),
      ),
    );
    const stored = answers.map((a) => (isRefused(a) ? undefined : a[0]));
    expect(stored.filter((t) => t && !t.replayed)).toHaveLength(100);
    expect(new Set(stored.map((t) => t?.id)).size).toBe(100);
    const nets = await Promise.all(accounts.map(net));
    expect(nets.reduce((a, b) => a + b, 0n)).toBe(0n);
  });
});

describe('Blnk: concurrent commits of one held amount (inflight-concurrent-commit, Apache-2.0)', () => {
  it('one of many wins, whole or in part, through one writer or several', async () => {
    const writers = [writer, new LedgerWriter(db.dataSource, clock), new LedgerWriter(db.dataSource, clock)];
    const [a = '', b = ''] = await open('USD', ['none', GUARDED]);
    for (let round = 0; round < 5; round += 1) {
      const hold = move(a, b, 100n, { kind: 'pending' });
      await post(hold);
      const before = await net(b);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          (writers[n % 3] ?? writer).submit([
            { key: newId(), kind: 'post_pending', pendingKey: hold.key, amount: BigInt(n + 1), reason: 'commit' },
          ]),
        ),
      );
      const won = answers.filter((answer): answer is Transfer[] => !isRefused(answer));
      expect(won).toHaveLength(1);
      expect(new Set(answers.filter(isRefused).map(codeOf))).toEqual(new Set(['LEDGER_PENDING_RESOLVED']));
      expect((await net(b)) - before).toBe(won[0]?.[0]?.amount);
    }
  });
});

it('every currency has the digits that ISO 4217 gives its minor unit', async () => {
  const units = await db.dataSource.query<{ code: string; scale: number }[]>(
    `SELECT code, scale FROM ledger_unit WHERE code ~ '^[A-Z]{3}$'`,
  );
  expect(units.length).toBeGreaterThan(60);
  for (const { code, scale } of units) expect(scale, code).toBe(currencyScale(code));
  for (const row of [
    ['JPY', 0],
    ['KRW', 0],
    ['USD', 2],
    ['INR', 2],
    ['KWD', 3],
    ['TND', 3],
  ] as const) {
    expect(units).toContainEqual({ code: row[0], scale: row[1] });
  }
  await expect(db.dataSource.query("INSERT INTO ledger_unit VALUES ('usd', 2)")).rejects.toThrow(/ledger_unit_code_ck/);
  await expect(db.dataSource.query("INSERT INTO ledger_unit VALUES ('XXZ', 7)")).rejects.toThrow(
    /ledger_unit_scale_ck/,
  );
});
