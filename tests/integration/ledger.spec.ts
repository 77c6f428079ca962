import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, isRefused, newId } from '#kernel';
import { type AccountSpec, Ledger, type Transfer, type TransferSpec } from '#ledger';
import { UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
let uow: UnitOfWork;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
const ledger = new Ledger();
beforeAll(async () => {
  db = await createTestDatabase();
  uow = new UnitOfWork(db.dataSource, { now: () => new Date(nowMs) });
});
afterAll(() => db.close());
beforeEach(() => {
  nowMs += 60_000;
});

const at = (ms: number) => new Date(nowMs + ms);
const post = (...chain: TransferSpec[]): Promise<Outcome<Transfer[]>> =>
  uow.run('post', (tx) => ledger.post(tx, chain));
const codeOf = (outcome: unknown) => (isRefused(outcome) ? outcome.first.code : 'OK');
const balance = async (code: string) => {
  const b = await uow.read((tx) => ledger.balance(tx, code));
  return [b.debitsPending, b.debitsPosted, b.creditsPending, b.creditsPosted].map(Number);
};

/** Three fresh accounts: a source without limit, a purse that can't be overdrawn, a sink. */
async function purse(unit = 'USD') {
  const id = newId();
  const [source, purse, sink] = ['source', 'purse', 'sink'].map((n) => `test:${id}:${n}`) as [string, string, string];
  const specs: AccountSpec[] = [
    { code: source, unit, limit: 'none' },
    { code: purse, unit, limit: 'debits_must_not_exceed_credits' },
    { code: sink, unit, limit: 'none' },
  ];
  await uow.run('open', (tx) => ledger.openAccounts(tx, specs));
  const move = (debit: string, credit: string, amount: bigint, more: Partial<TransferSpec> = {}): TransferSpec => ({
    key: newId(),
    kind: 'posted',
    debit,
    credit,
    amount,
    reason: 'test',
    ...more,
  });
  return { source, purse, sink, move };
}

describe('posting', () => {
  it('moves an amount and answers a repeat with what is stored', async () => {
    const { source, purse: p, move } = await purse();
    const spec = move(source, p, 100n, { refs: { pledge: 'p1', a: 'b' } });
    const first = await post(spec);
    const again = await post({ ...spec, refs: { a: 'b', pledge: 'p1' } });
    if (isRefused(first) || isRefused(again)) throw new Error('refused');
    expect(first[0]).toMatchObject({ amount: 100n, unit: 'USD', replayed: false });
    expect(again[0]).toEqual({ ...first[0], refs: again[0]?.refs, replayed: true });
    expect(await balance(p)).toEqual([0, 0, 0, 100]);
    expect(codeOf(await post({ ...spec, amount: 101n }))).toBe('LEDGER_KEY_MISMATCH');
    expect(await balance(source)).toEqual([0, 100, 0, 0]);
  });

  it('counts pending amounts against the limit and expires them at their instant', async () => {
    const { source, purse: p, sink, move } = await purse();
    await post(move(source, p, 100n));
    const hold = move(p, sink, 80n, { kind: 'pending', expiresAt: at(1000) });
    expect(codeOf(await post(hold))).toBe('OK');
    expect(await balance(p)).toEqual([80, 0, 0, 100]);
    expect(codeOf(await post(move(p, sink, 21n)))).toBe('LEDGER_LIMIT_EXCEEDED');
    nowMs += 1000;
    expect(await balance(p)).toEqual([0, 0, 0, 100]);
    const late = { key: newId(), kind: 'post_pending', pendingKey: hold.key, reason: 'late' } as const;
    expect(codeOf(await post(late))).toBe('LEDGER_PENDING_EXPIRED');
    expect(codeOf(await post(move(p, sink, 100n)))).toBe('OK');
    expect(await balance(p)).toEqual([0, 100, 0, 100]);
    expect(codeOf(await post(late))).toBe('LEDGER_PENDING_EXPIRED');
  });

  it('posts part of a pending transfer and releases the rest', async () => {
    const { source, purse: p, sink, move } = await purse('gpu_second:cpu');
    await post(move(source, p, 100n));
    const hold = move(p, sink, 80n, { kind: 'pending' });
    await post(hold);
    const part = { key: newId(), kind: 'post_pending', pendingKey: hold.key, amount: 30n, reason: 'used' } as const;
    const posted = await post(part);
    expect(isRefused(posted) || posted[0]).toMatchObject({ amount: 30n, debit: p, credit: sink });
    expect(await balance(p)).toEqual([0, 30, 0, 100]);
    expect(codeOf(await post({ ...part, key: newId() }))).toBe('LEDGER_PENDING_RESOLVED');
  });

  it('lets a chain succeed or fail as a whole', async () => {
    const { source, purse: p, sink, move } = await purse();
    const chain = [move(source, p, 50n), move(p, sink, 60n)];
    const refused = await post(...chain);
    expect(isRefused(refused) && refused.first).toMatchObject({
      code: 'LEDGER_LIMIT_EXCEEDED',
      detail: expect.stringContaining('Transfer 2'),
      hint: expect.stringContaining('at most 50 '),
    });
    expect(await balance(source)).toEqual([0, 0, 0, 0]);
    expect(codeOf(await post(move(source, p, 10n), ...chain))).toBe('OK');
    expect(await balance(p)).toEqual([0, 60, 0, 60]);
  });
});
