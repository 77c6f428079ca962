import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { type AccountSpec, Ledger, type TransferSpec, ledgerInvariants } from '#ledger';
import { UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { LedgerModel } from './ledger.model.js';

let db: TestDatabase;
let uow: UnitOfWork;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
const ledger = new Ledger();
beforeAll(async () => {
  db = await createTestDatabase();
  uow = new UnitOfWork(db.dataSource, { now: () => new Date(nowMs) });
});
afterAll(() => db.close());

/** Accounts by position; the last is never opened. */
const ACCOUNTS: readonly Omit<AccountSpec, 'code'>[] = [
  { unit: 'USD', limit: 'none' },
  { unit: 'USD', limit: 'debits_must_not_exceed_credits' },
  { unit: 'USD', limit: 'credits_must_not_exceed_debits' },
  { unit: 'EUR', limit: 'none' },
  { unit: 'EUR', limit: 'debits_must_not_exceed_credits' },
];
const rarely = <T>(of: number, usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: of - 1, arbitrary: usual }, { weight: 1, arbitrary: rare });

const moveArb = fc.record({
  between: rarely<readonly [number, number]>(
    25,
    fc.constantFrom([0, 1], [0, 1], [1, 0], [2, 0], [2, 1], [0, 2], [1, 2], [3, 4], [4, 3]),
    fc.constantFrom([0, 3], [5, 0], [1, 5]),
  ),
  amount: rarely(40, fc.bigInt(1n, 20n), fc.constantFrom(10n ** 18n, 4n * 10n ** 17n)),
});
const stepArb = fc.record({
  passMs: fc.constantFrom(0, 1, 7),
  /** How many transfers a chain has, in turn. */
  lengths: fc.array(rarely(4, fc.constant(1), fc.integer({ min: 2, max: 3 })), { minLength: 1, maxLength: 5 }),
  moves: fc.array(moveArb, { minLength: 1, maxLength: 14, size: 'max' }),
  /** The key of an earlier transfer that the first one takes. */
  again: rarely<number | null>(6, fc.constant(null), fc.nat(40)),
  /** Something that is held, so that pending amounts count. */
  hold: rarely<bigint | null>(4, fc.constant(null), fc.bigInt(1n, 9n)),
});

function chainsOf(specs: readonly TransferSpec[], lengths: readonly number[]): TransferSpec[][] {
  const chains: TransferSpec[][] = [];
  for (let at = 0, n = 0; at < specs.length; n += 1) {
    const length = lengths[n % lengths.length] ?? 1;
    chains.push(specs.slice(at, at + length));
    at += length;
  }
  return chains;
}

describe('a batch of plain transfers, counted before it reaches the books', () => {
  it('has the answers and balances that its transfers have one after another', async () => {
    const seen = { whole: 0, broken: new Set<string>() };
    await fc.assert(
      fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 10, size: 'max' }), async (steps) => {
        const run = newId();
        const account = (n: number) => `plain:${run}:${n}`;
        const model = new LedgerModel();
        const specs = ACCOUNTS.map((spec, n) => ({ ...spec, code: account(n) }));
        await uow.run('open', (tx) => ledger.openAccounts(tx, specs));
        model.open(specs);
        const moments: number[] = [];
        let keys = 0;
        for (const step of steps) {
          nowMs += step.passMs;
          moments.push(nowMs);
          if (step.hold !== null) {
            const hold: TransferSpec = {
              key: `plain:${run}:hold-${keys}`,
              kind: 'pending',
              debit: account(1),
              credit: account(2),
              amount: step.hold,
              reason: 'plain',
            };
            await uow.run('hold', (tx) => ledger.post(tx, [hold]));
            model.submit([hold], nowMs);
          }
          const moves = step.moves.map(({ between: [debit, credit], amount }, n): TransferSpec => ({
            key: `plain:${run}:${n === 0 && step.again !== null && step.again < keys ? step.again : keys++}`,
            kind: 'posted',
            debit: account(debit),
            credit: account(credit),
            amount,
            reason: n % 2 ? 'plain' : `odd "\\' {},${n}`,
            refs: n % 3 ? { n: `${n}`, quote: '"\\' } : {},
          }));
          const chains = chainsOf(moves, step.lengths);
          const outcomes = await uow.run('post', (tx) => ledger.postChains(tx, chains));
          if (isRefused(outcomes)) throw new Error('a batch is never refused as a whole');
          const verdicts = chains.map((chain) => model.submit(chain, nowMs));
          expect(
            outcomes.map((outcome) =>
              isRefused(outcome)
                ? { code: outcome.first.code, amounts: [], replayed: [] }
                : { code: 'OK', amounts: outcome.map((t) => t.amount), replayed: outcome.map((t) => t.replayed) },
            ),
          ).toEqual(verdicts);
          if (verdicts.every((v) => v.code === 'OK')) seen.whole += 1;
          for (const { code } of verdicts) seen.broken.add(code);
          // What was answered is what is stored, under the same id and chain.
          const answered = outcomes.flatMap((outcome) => (isRefused(outcome) ? [] : outcome));
          const stored = await uow.read((tx) =>
            ledger.transfers(
              tx,
              answered.map((t) => t.key),
            ),
          );
          for (const { replayed, ...transfer } of answered) {
            expect({ ...stored.get(transfer.key), replayed }).toEqual({ ...transfer, state: 'posted', replayed });
          }
          const chained = await db.dataSource.query<{ key: string; chain_id: string }[]>(
            'SELECT key, chain_id FROM ledger_transfer WHERE key = ANY ($1)',
            [answered.filter((t) => !t.replayed).map((t) => t.key)],
          );
          const firsts = new Map(
            outcomes.flatMap((outcome) =>
              isRefused(outcome) ? [] : outcome.map((t) => [t.key, outcome[0]?.id] as const),
            ),
          );
          for (const { key, chain_id } of chained) expect(chain_id).toBe(firsts.get(key));
        }
        for (const moment of moments) {
          for (const { code } of specs) {
            const then = await uow.read((tx) => ledger.balanceAt(tx, code, new Date(moment)));
            expect(then, `${code} at ${moment}`).toEqual(model.balance(code, moment));
          }
        }
      }),
      { numRuns: 25 },
    );
    // Many were accepted whole, and each rule that a plain transfer can break was broken, or this would prove little.
    expect(seen.whole).toBeGreaterThan(10);
    expect([...seen.broken].sort()).toEqual(
      expect.arrayContaining([
        'LEDGER_ACCOUNT_NOT_FOUND',
        'LEDGER_KEY_MISMATCH',
        'LEDGER_LIMIT_EXCEEDED',
        'LEDGER_UNIT_MISMATCH',
        'OK',
      ]),
    );
    for (const check of ledgerInvariants) {
      const result = await db.uow.read((tx) => check.run(tx));
      expect(result, check.name).toMatchObject({ ok: true, violations: [] });
    }
  }, 120_000);

  it('is refused where a side would pass its range, and repeats what it did', async () => {
    const [from, to] = [`plain:${newId()}`, `plain:${newId()}`];
    await uow.run('open', (tx) =>
      ledger.openAccounts(
        tx,
        [from, to].map((code) => ({ code, unit: 'USD', limit: 'none' as const })),
      ),
    );
    const chains = Array.from({ length: 11 }, (_, n): TransferSpec[] => [
      { key: `${from}:${n}`, kind: 'posted', debit: from, credit: to, amount: 10n ** 18n, reason: 'range' },
    ]);
    const post = async (some: TransferSpec[][]) => {
      const outcomes = await uow.run('post', (tx) => ledger.postChains(tx, some));
      return isRefused(outcomes) ? [] : outcomes.map((o) => (isRefused(o) ? o.first.code : o[0]?.replayed));
    };
    // Eight fit in one batch; of the next three, one does.
    expect(await post(chains.slice(0, 8))).toEqual(Array.from({ length: 8 }, () => false));
    expect(await post(chains.slice(8))).toEqual([false, 'LEDGER_BALANCE_OVERFLOW', 'LEDGER_BALANCE_OVERFLOW']);
    expect(await post(chains)).toEqual([
      ...Array.from({ length: 9 }, () => true),
      'LEDGER_BALANCE_OVERFLOW',
      'LEDGER_BALANCE_OVERFLOW',
    ]);
  });
});
