import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { type AccountSpec, Ledger, LedgerWriter, type TransferSpec, ledgerInvariants } from '#ledger';
import { UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { LedgerModel } from './ledger.model.js';

let db: TestDatabase;
let uow: UnitOfWork;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
const ledger = new Ledger();
const clock = { now: () => new Date(nowMs) };
beforeAll(async () => {
  db = await createTestDatabase();
  uow = new UnitOfWork(db.dataSource, clock);
});
afterAll(() => db.close());

async function expectSound(): Promise<void> {
  for (const check of ledgerInvariants) {
    const result = await db.uow.read((tx) => check.run(tx));
    expect(result, check.name).toMatchObject({ ok: true, violations: [] });
  }
}

/** Accounts by position; the last is never opened. */
const ACCOUNTS: readonly Omit<AccountSpec, 'code'>[] = [
  { unit: 'USD', limit: 'none' },
  { unit: 'USD', limit: 'debits_must_not_exceed_credits' },
  { unit: 'USD', limit: 'debits_must_not_exceed_credits' },
  { unit: 'USD', limit: 'credits_must_not_exceed_debits' },
  { unit: 'gpu_second:cpu', limit: 'none' },
  { unit: 'gpu_second:cpu', limit: 'debits_must_not_exceed_credits' },
];
const accountArb = fc.oneof({ weight: 30, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.constant(6) });
const amountArb = fc.oneof(
  { weight: 20, arbitrary: fc.bigInt(1n, 30n) },
  { weight: 3, arbitrary: fc.constantFrom(10n ** 18n, 10n ** 18n - 1n, 4n * 10n ** 17n) },
  { weight: 1, arbitrary: fc.constantFrom(0n, -1n, 10n ** 18n + 1n, 10n ** 30n) },
);
// Moves and resolutions mostly keep to their own keys, so that resolutions find something to resolve.
const keyOf = (from: number, to: number) =>
  fc.oneof({ weight: 12, arbitrary: fc.integer({ min: from, max: to }) }, { weight: 1, arbitrary: fc.nat(25) });

const rarely = <T>(of: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: of - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

/** A transfer in small numbers; `inflate` turns it into a spec of one run. */
const moveArb = fc.record({
  what: fc.constant('move' as const),
  key: keyOf(0, 5),
  kind: fc.constantFrom('posted', 'pending', 'pending'),
  between: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom([0, 1], [0, 2], [1, 2], [2, 1], [3, 1], [1, 3], [4, 5], [5, 4]) },
    { weight: 1, arbitrary: fc.tuple(accountArb, accountArb) },
  ),
  amount: amountArb,
  balancing: rarely(3, fc.constantFrom('debit' as const, 'credit' as const, 'both' as const)),
  closes: rarely(8, fc.constantFrom('debit' as const, 'credit' as const)),
  burn: fc.boolean(),
  expiresInMs: fc.option(fc.constantFrom(-1, 0, 1, 20, 60), { freq: 3 }),
});
const resolveArb = fc.record({
  burn: fc.boolean(),
  what: fc.constant('resolve' as const),
  key: keyOf(6, 25),
  kind: fc.constantFrom('post_pending', 'post_pending', 'void_pending'),
  pending: keyOf(0, 5),
  debit: fc.option(accountArb, { freq: 3 }).map((a) => a ?? undefined),
  amount: fc.option(amountArb, { freq: 3 }).map((a) => a ?? undefined),
});
type Small = Arbitrated<typeof moveArb> | Arbitrated<typeof resolveArb>;
type Arbitrated<A> = A extends fc.Arbitrary<infer T> ? T : never;

const smallArb = fc.oneof({ weight: 3, arbitrary: moveArb }, { weight: 2, arbitrary: resolveArb });
const stepArb = fc.record({
  passMs: fc.constantFrom(0, 1, 5, 19, 40),
  tick: fc.boolean(),
  /** Which of the chains before is sent again, word for word. */
  again: rarely(2, fc.nat()),
  chains: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.tuple(smallArb) },
      { weight: 1, arbitrary: fc.array(smallArb, { minLength: 2, maxLength: 4 }) },
    ),
    { minLength: 1, maxLength: 10, size: 'max' },
  ),
});

function inflate(run: string, small: Small): TransferSpec {
  const account = (n: number) => `prop:${run}:${n}`;
  const key = (n: number) => `prop:${run}:key-${n}`;
  if (small.what === 'resolve') {
    return {
      key: key(small.key),
      kind: small.kind as 'post_pending',
      pendingKey: key(small.pending),
      reason: 'property',
      ...(small.burn ? { burn: true } : {}),
      ...(small.debit === undefined ? {} : { debit: account(small.debit) }),
      ...(small.amount === undefined ? {} : { amount: small.amount }),
    };
  }
  return {
    key: key(small.key),
    kind: small.kind as 'posted',
    debit: account(small.between[0] ?? 0),
    credit: account(small.between[1] ?? 0),
    amount: small.amount,
    reason: 'property',
    ...(small.balancing === null ? {} : { balancing: small.balancing }),
    ...(small.burn ? { burn: true } : {}),
    ...(small.kind === 'pending' && small.closes !== null ? { closes: small.closes } : {}),
    ...(small.kind === 'pending' && small.expiresInMs !== null
      ? { expiresAt: new Date(nowMs + small.expiresInMs) }
      : {}),
  };
}

describe('the ledger and a plain model of it', () => {
  it('give the same answers and balances for any batches, at any moment', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 12, size: 'max' }), async (steps) => {
        const run = newId();
        const model = new LedgerModel();
        const specs = ACCOUNTS.map((account, n) => ({ ...account, code: `prop:${run}:${n}` }));
        await uow.run('open', (tx) => ledger.openAccounts(tx, specs));
        model.open(specs);
        const moments: number[] = [];
        const sent: TransferSpec[][] = [];
        for (const step of steps) {
          nowMs += step.passMs;
          moments.push(nowMs - 1, nowMs);
          if (step.tick) await uow.run('tick', (tx) => tx.query('SELECT ledger_expire($1, 3)', [tx.now]));
          const chains = step.chains.map((chain) => chain.map((small) => inflate(run, small)));
          const repeated = step.again === null ? undefined : sent[step.again % Math.max(1, sent.length)];
          if (repeated) chains.push(repeated);
          sent.push(...chains);
          const outcomes = await uow.run('post', (tx) => ledger.postChains(tx, chains));
          if (isRefused(outcomes)) throw new Error('a batch is never refused as a whole');
          for (const [i, chain] of chains.entries()) {
            const verdict = model.submit(chain, nowMs);
            const outcome = outcomes[i];
            const got = isRefused(outcome)
              ? { code: outcome.first.code, amounts: [], replayed: [] }
              : { code: 'OK', amounts: outcome?.map((t) => t.amount), replayed: outcome?.map((t) => t.replayed) };
            expect(got).toEqual(verdict);
            seen.set(verdict.code, (seen.get(verdict.code) ?? 0) + 1);
          }
          const balances = await uow.read((tx) =>
            ledger.balances(
              tx,
              specs.map((s) => s.code),
            ),
          );
          for (const { code } of specs) expect(balances.get(code), code).toEqual(model.balance(code, nowMs));
          const closed = await uow.read((tx) =>
            ledger.closed(
              tx,
              specs.map((s) => s.code),
            ),
          );
          expect([...closed].sort()).toEqual(specs.map((s) => s.code).filter((code) => model.closed(code, nowMs)));
        }
        for (const moment of moments) {
          for (const { code } of specs) {
            const then = await uow.read((tx) => ledger.balanceAt(tx, code, new Date(moment)));
            expect(then, `${code} at ${moment}`).toEqual(model.balance(code, moment));
          }
        }
      }),
      { numRuns: Number(process.env['LEDGER_PROPERTY_RUNS'] ?? 60), interruptAfterTimeLimit: 40_000 },
    );
    // The generator reaches every rule of the books, or the property would prove little.
    expect([...seen.keys()].sort()).toEqual(
      expect.arrayContaining([
        'LEDGER_ACCOUNTS_EQUAL',
        'LEDGER_ACCOUNT_CLOSED',
        'LEDGER_ACCOUNT_NOT_FOUND',
        'LEDGER_AMOUNT_INVALID',
        'LEDGER_EXPIRY_PAST',
        'LEDGER_KEY_BURNT',
        'LEDGER_KEY_MISMATCH',
        'LEDGER_LIMIT_EXCEEDED',
        'LEDGER_PENDING_NOT_FOUND',
        'LEDGER_PENDING_EXPIRED',
        'LEDGER_PENDING_MISMATCH',
        'LEDGER_PENDING_RESOLVED',
        'LEDGER_PENDING_WRONG_KIND',
        'LEDGER_POST_EXCEEDS_PENDING',
        'LEDGER_UNIT_MISMATCH',
        'OK',
      ]),
    );
    await expectSound();
  }, 120_000);
});

describe('many at once', () => {
  it('keeps the books sound while batches, single callers and transactions cross in every direction', async () => {
    const id = newId();
    const codes = Array.from({ length: 5 }, (_, n) => `storm:${id}:${n}`);
    await uow.run('open', (tx) =>
      ledger.openAccounts(tx, [
        { code: `storm:${id}:mint`, unit: 'USD', limit: 'none' },
        ...codes.map((code) => ({ code, unit: 'USD', limit: 'debits_must_not_exceed_credits' as const })),
      ]),
    );
    const fund = codes.map((credit): TransferSpec => ({
      key: newId(),
      kind: 'posted',
      debit: `storm:${id}:mint`,
      credit,
      amount: 500n,
      reason: 'fund',
    }));
    await uow.run('fund', (tx) => ledger.post(tx, fund));
    const writer = new LedgerWriter(db.dataSource, clock);
    const expected = new Map(codes.map((code) => [code, 500n]));
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    const work = Array.from({ length: 400 }, (_, n): { spec: TransferSpec; byWriter: boolean } => {
      const debit = random(5);
      const credit = (debit + 1 + random(4)) % 5;
      return {
        byWriter: n % 4 !== 0,
        spec: {
          key: newId(),
          kind: 'posted',
          debit: codes[debit] ?? '',
          credit: codes[credit] ?? '',
          amount: BigInt(1 + random(120)),
          reason: 'storm',
        },
      };
    });
    let posted = 0;
    const perform = async ({ spec, byWriter }: (typeof work)[number]) => {
      const outcome = byWriter ? await writer.submit([spec]) : await uow.run('post', (tx) => ledger.post(tx, [spec]));
      if (isRefused(outcome)) {
        expect(outcome.first.code).toBe('LEDGER_LIMIT_EXCEEDED');
        return;
      }
      posted += 1;
      const { debit = '', credit = '', amount = 0n } = spec;
      expected.set(debit, (expected.get(debit) ?? 0n) - amount);
      expected.set(credit, (expected.get(credit) ?? 0n) + amount);
    };
    await Promise.all(work.map(perform));
    expect(posted).toBeGreaterThan(100);
    const balances = await uow.read((tx) => ledger.balances(tx, codes));
    for (const code of codes) {
      const b = balances.get(code);
      expect((b?.creditsPosted ?? 0n) - (b?.debitsPosted ?? 0n)).toBe(expected.get(code));
    }
    await expectSound();
  });

  it('loses nothing and doubles nothing while its connections are cut', async () => {
    const id = newId();
    const [a, b] = [`cut:${id}:a`, `cut:${id}:b`];
    await uow.run('open', (tx) =>
      ledger.openAccounts(
        tx,
        [a, b].map((code) => ({ code, unit: 'USD', limit: 'none' as const })),
      ),
    );
    const writer = new LedgerWriter(db.dataSource, clock);
    let working = true;
    let cuts = 0;
    const submit = async (n: number): Promise<void> => {
      for (;;) {
        try {
          const spec: TransferSpec = {
            key: `cut:${id}:${n}`,
            kind: 'posted',
            debit: a,
            credit: b,
            amount: BigInt(n + 1),
            reason: 'cut',
          };
          const outcome = await writer.submit([spec]);
          expect(isRefused(outcome)).toBe(false);
          return;
        } catch {
          // The answer was lost with the connection: whether it was posted is unknown, so ask again with the same key.
        }
      }
    };
    const cutting = (async () => {
      while (working) {
        const cut = await db.dataSource
          .query<unknown[]>(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%ledger_post%'`,
          )
          .catch(() => []);
        cuts += cut.length;
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    })();
    let count = 0;
    for (; count < 300 || (cuts < 10 && count < 5000); count += 10) {
      const first = count;
      await Promise.all(Array.from({ length: 10 }, (_, i) => submit(first + i)));
    }
    working = false;
    await cutting;
    expect(cuts).toBeGreaterThanOrEqual(10);
    const balance = await uow.read((tx) => ledger.balance(tx, a));
    expect(balance.debitsPosted).toBe(BigInt((count * (count + 1)) / 2));
    await expectSound();
  });

  it('lets one of many concurrent resolutions of a pending transfer win', async () => {
    const id = newId();
    const [a, b] = [`race:${id}:a`, `race:${id}:b`];
    await uow.run('open', (tx) =>
      ledger.openAccounts(
        tx,
        [a, b].map((code) => ({ code, unit: 'USD', limit: 'none' as const })),
      ),
    );
    await uow.run('hold', (tx) =>
      ledger.post(tx, [{ key: `race:${id}`, kind: 'pending', debit: a, credit: b, amount: 100n, reason: 'hold' }]),
    );
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        uow.run('resolve', (tx) =>
          ledger.post(tx, [
            {
              key: newId(),
              kind: n % 2 ? 'post_pending' : 'void_pending',
              pendingKey: `race:${id}`,
              reason: 'resolve',
            },
          ]),
        ),
      ),
    );
    expect(outcomes.filter((o) => !isRefused(o))).toHaveLength(1);
    expect(new Set(outcomes.filter(isRefused).map((o) => o.first.code))).toEqual(new Set(['LEDGER_PENDING_RESOLVED']));
  });

  it('answers a key that is raced for different accounts with one transfer and mismatches', async () => {
    const id = newId();
    const codes = Array.from({ length: 8 }, (_, n) => `key-race:${id}:${n}`);
    await uow.run('open', (tx) =>
      ledger.openAccounts(
        tx,
        codes.map((code) => ({ code, unit: 'USD', limit: 'none' as const })),
      ),
    );
    const outcomes = await Promise.all(
      [0, 1, 2, 3].map((n) =>
        uow.run('post', (tx) =>
          ledger.post(tx, [
            {
              key: `key-race:${id}`,
              kind: 'posted',
              debit: codes[2 * n] ?? '',
              credit: codes[2 * n + 1] ?? '',
              amount: 1n,
              reason: 'race',
            },
          ]),
        ),
      ),
    );
    expect(outcomes.filter((o) => !isRefused(o))).toHaveLength(1);
    expect(outcomes.filter(isRefused).map((o) => o.first.code)).toEqual(Array(3).fill('LEDGER_KEY_MISMATCH'));
  });
});
