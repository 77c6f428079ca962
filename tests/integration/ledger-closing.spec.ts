import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, isRefused, newId } from '#kernel';
import { Ledger, LedgerExpiryJob, LedgerWriter, type Transfer, type TransferSpec, ledgerInvariants } from '#ledger';
import { UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
let uow: UnitOfWork;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
const clock = { now: () => new Date(nowMs) };
const ledger = new Ledger();
beforeAll(async () => {
  db = await createTestDatabase();
  uow = new UnitOfWork(db.dataSource, clock);
});
afterAll(async () => {
  for (const check of ledgerInvariants) {
    expect(await db.uow.read((tx) => check.run(tx)), check.name).toMatchObject({ ok: true });
  }
  await db.close();
});

const post = (...chain: TransferSpec[]): Promise<Outcome<Transfer[]>> =>
  uow.run('post', (tx) => ledger.post(tx, chain));
const codeOf = (outcome: unknown) => (isRefused(outcome) ? outcome.first.code : 'OK');

/** An account with 100 in it, and the two that it deals with. */
async function purse() {
  const id = newId();
  const [source, purse, sink] = ['source', 'purse', 'sink'].map((n) => `close:${id}:${n}`) as [string, string, string];
  await uow.run('open', (tx) =>
    ledger.openAccounts(tx, [
      { code: source, unit: 'USD', limit: 'none' },
      { code: purse, unit: 'USD', limit: 'debits_must_not_exceed_credits' },
      { code: sink, unit: 'USD', limit: 'none' },
    ]),
  );
  const move = (debit: string, credit: string, amount: bigint, more: Partial<TransferSpec> = {}): TransferSpec => ({
    key: newId(),
    kind: 'posted',
    debit,
    credit,
    amount,
    reason: 'test',
    ...more,
  });
  await post(move(source, purse, 100n));
  const closing = (more: Partial<TransferSpec> = {}) =>
    move(purse, sink, 0n, { kind: 'pending', closes: 'debit', ...more });
  const closed = async () => (await uow.read((tx) => ledger.closed(tx, [source, purse, sink]))).has(purse);
  return { source, purse, sink, move, closing, closed };
}
const release = (pending: TransferSpec): TransferSpec => ({
  key: newId(),
  kind: 'void_pending',
  pendingKey: pending.key,
  reason: 'void',
});

describe('a closed account', () => {
  it('takes nothing but voids, and is opened again by the void of what closed it', async () => {
    const { source, purse: p, sink, move, closing, closed } = await purse();
    const held = [move(p, sink, 5n, { kind: 'pending' }), move(p, sink, 6n, { kind: 'pending' })] as const;
    await post(...held);
    const close = closing();
    expect(codeOf(await post(close))).toBe('OK');
    expect(await closed()).toBe(true);
    const refused = await post(move(source, p, 1n));
    expect(isRefused(refused) && refused.first).toMatchObject({
      code: 'LEDGER_ACCOUNT_CLOSED',
      message: `The account ${p} is closed.`,
    });
    for (const more of [
      move(p, sink, 1n),
      move(p, sink, 1n, { kind: 'pending' }),
      closing(),
      { key: newId(), kind: 'post_pending', pendingKey: held[0].key, reason: 'late' } as const,
      { key: newId(), kind: 'post_pending', pendingKey: close.key, reason: 'late' } as const,
    ]) {
      expect(codeOf(await post(more))).toBe('LEDGER_ACCOUNT_CLOSED');
    }
    expect(codeOf(await post(release(held[0])))).toBe('OK');
    expect(codeOf(await post(close)), 'a repeat is answered as before').toBe('OK');
    expect(codeOf(await post(release(close)))).toBe('OK');
    expect(await closed()).toBe(false);
    expect(codeOf(await post(move(p, sink, 1n)))).toBe('OK');
    expect(codeOf(await post({ key: newId(), kind: 'post_pending', pendingKey: held[1].key, reason: 'now' }))).toBe(
      'OK',
    );
  });

  it('can be closed with all that is left held, and from the credit side', async () => {
    const { source, purse: p, sink, move } = await purse();
    const all = move(p, sink, 10n ** 18n, { kind: 'pending', closes: 'debit', balancing: 'debit' });
    const outcome = await post(all);
    expect(isRefused(outcome) || outcome[0]).toMatchObject({ amount: 100n, closes: 'debit' });
    expect(codeOf(await post(release(all)))).toBe('OK');
    expect(codeOf(await post(move(source, p, 0n, { kind: 'pending', closes: 'credit' })))).toBe('OK');
    expect(codeOf(await post(move(p, sink, 1n)))).toBe('LEDGER_ACCOUNT_CLOSED');
    expect(codeOf(await post(move(source, sink, 1n)))).toBe('OK');
  });

  it('is closed, opened and used by one batch as by one request after another', async () => {
    const { purse: p, sink, move, closing, closed } = await purse();
    const close = closing();
    const chains = [
      [move(p, sink, 1n)],
      [close],
      [move(p, sink, 2n)],
      [release(close), move(p, sink, 1000n)],
      [move(p, sink, 3n)],
      [release(close), move(p, sink, 4n)],
      [move(p, sink, 5n), closing(), move(p, sink, 6n)],
      [move(p, sink, 7n), closing()],
    ];
    const outcomes = await uow.run('batch', (tx) => ledger.postChains(tx, chains));
    if (isRefused(outcomes)) throw new Error('refused');
    expect(outcomes.map(codeOf)).toEqual([
      'OK',
      'OK',
      'LEDGER_ACCOUNT_CLOSED',
      'LEDGER_LIMIT_EXCEEDED',
      'LEDGER_ACCOUNT_CLOSED',
      'OK',
      'LEDGER_ACCOUNT_CLOSED',
      'OK',
    ]);
    expect(await closed()).toBe(true);
    const { debitsPosted } = await uow.read((tx) => ledger.balance(tx, p));
    expect(debitsPosted).toBe(12n);
  });

  it('is open from the instant at which its closing expires, before any worker wakes', async () => {
    const { source, purse: p, move, closing, closed } = await purse();
    await post(closing({ expiresAt: new Date(nowMs + 1000) }));
    expect(await closed()).toBe(true);
    nowMs += 1000;
    expect(await closed()).toBe(false);
    await new LedgerExpiryJob(uow).tick();
    expect(await closed()).toBe(false);
    await post(closing({ expiresAt: new Date(nowMs + 1000) }));
    nowMs += 1000;
    expect(codeOf(await post(move(source, p, 1n)))).toBe('OK');
  });

  it('refuses rows that come past the function', async () => {
    const { source, purse: p, closing } = await purse();
    await post(closing());
    const forge = db.dataSource.query(
      `INSERT INTO ledger_transfer (id, key, request_hash, chain_id, kind, unit, debit_account_id, credit_account_id, amount,
         reason, refs, recorded_at, debit_version, debit_debits_pending, debit_debits_posted, debit_credits_pending,
         debit_credits_posted, credit_version, credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted)
       SELECT gen_random_uuid(), 'forged', sha256('x'), gen_random_uuid(), 'posted', 'USD', s.id, p.id, 1, 'forged', '{}',
         $3, s.version + 1, 0, 101, 0, 0, p.version + 1, 0, 0, 0, 101
       FROM ledger_account s, ledger_account p WHERE s.code = $1 AND p.code = $2`,
      [source, p, new Date(nowMs)],
    );
    await expect(forge).rejects.toThrow(/a closed one has none but releases/);
    await expect(
      db.dataSource.query('UPDATE ledger_account SET closed_by = NULL WHERE code = $1', [p]),
    ).rejects.toThrow(/only by transfers/);
  });

  it.each<[string, Partial<TransferSpec>]>([
    ['LEDGER_CLOSING_MISPLACED', { kind: 'posted', amount: 1n }],
    ['LEDGER_AMOUNT_INVALID', { kind: 'posted' }],
    ['LEDGER_AMOUNT_INVALID', { amount: -1n }],
  ])('%s: only a pending transfer closes, and only it may hold nothing', async (code, change) => {
    const { closing, closed } = await purse();
    expect(codeOf(await post(closing(change)))).toBe(code);
    expect(await closed()).toBe(false);
  });
});

describe('a key that asks to be burnt', () => {
  it('stays refused after the reason has passed; without asking, it may succeed', async () => {
    const { source, purse: p, sink, move } = await purse();
    const writer = new LedgerWriter(db.dataSource, clock);
    const burning = move(p, sink, 101n, { burn: true });
    const plain = move(p, sink, 101n);
    expect(codeOf(await writer.submit([burning]))).toBe('LEDGER_LIMIT_EXCEEDED');
    expect(codeOf(await writer.submit([plain]))).toBe('LEDGER_LIMIT_EXCEEDED');
    await post(move(source, p, 500n));
    const refused = await writer.submit([burning]);
    expect(isRefused(refused) && refused.first).toMatchObject({
      code: 'LEDGER_KEY_BURNT',
      message: expect.stringContaining('LEDGER_LIMIT_EXCEEDED'),
    });
    expect(codeOf(await post(burning))).toBe('LEDGER_KEY_BURNT');
    expect(codeOf(await post({ ...burning, amount: 1n }))).toBe('LEDGER_KEY_MISMATCH');
    const unasked = move(p, sink, 101n, { key: burning.key });
    expect(codeOf(await post(unasked))).toBe('LEDGER_KEY_MISMATCH');
    expect(codeOf(await writer.submit([plain]))).toBe('OK');
    await expect(db.dataSource.query('DELETE FROM ledger_burnt_key')).rejects.toThrow(/append-only/);
  });

  it.each<[string, (p: Awaited<ReturnType<typeof purse>>) => TransferSpec]>([
    ['LEDGER_ACCOUNT_NOT_FOUND', (p) => p.move(p.purse, `${p.sink}:later`, 1n, { burn: true })],
    [
      'LEDGER_PENDING_NOT_FOUND',
      (p) => ({ key: newId(), kind: 'post_pending', pendingKey: `${p.sink}:hold`, reason: 'early', burn: true }),
    ],
  ])('burns on %s', async (code, make) => {
    const p = await purse();
    const spec = make(p);
    expect(codeOf(await new LedgerWriter(db.dataSource, clock).submit([spec]))).toBe(code);
    await uow.run('open', (tx) => ledger.openAccounts(tx, [{ code: `${p.sink}:later`, unit: 'USD', limit: 'none' }]));
    await post(p.move(p.purse, p.sink, 1n, { kind: 'pending', key: `${p.sink}:hold` }));
    expect(codeOf(await post(spec))).toBe('LEDGER_KEY_BURNT');
  });

  it('is not burnt by a reason that cannot pass, nor when the transaction of its caller is rolled back', async () => {
    const { source, purse: p, sink, move } = await purse();
    const past = move(p, sink, 1n, { kind: 'pending', burn: true, expiresAt: new Date(nowMs) });
    expect(codeOf(await post(past))).toBe('LEDGER_EXPIRY_PAST');
    expect(codeOf(await post(past))).toBe('LEDGER_EXPIRY_PAST');
    const burning = move(p, sink, 200n, { burn: true });
    expect(codeOf(await post(burning))).toBe('LEDGER_LIMIT_EXCEEDED');
    await post(move(source, p, 500n));
    // The unit of work took the refusal for its own and rolled back, and the key with it.
    expect(codeOf(await post(burning))).toBe('OK');
  });

  it('is either done or refused, never both, whoever asks at the same moment', async () => {
    const writers = [1, 2, 3].map(() => new LedgerWriter(db.dataSource, clock));
    for (let round = 0; round < 15; round += 1) {
      const { purse: p, sink, move } = await purse();
      const later = `${sink}:later`;
      const burning = move(`${p}:later`, later, 5n, { burn: true });
      const opening = uow.run('open', (tx) =>
        ledger.openAccounts(
          tx,
          [`${p}:later`, later].map((code) => ({ code, unit: 'USD', limit: 'none' as const })),
        ),
      );
      const answers = await Promise.all(writers.flatMap((w) => [w.submit([burning]), w.submit([burning])]));
      await opening;
      const done = answers.some((a) => !isRefused(a));
      const burnt = answers.some((a) => isRefused(a));
      expect(done && burnt, answers.map(codeOf).join()).toBe(false);
      expect(codeOf(await post(burning))).toBe(done ? 'OK' : 'LEDGER_KEY_BURNT');
    }
  });
});
