import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, isRefused, newId } from '#kernel';
import { type AccountSpec, Ledger, LedgerExpiryJob, type Transfer, type TransferSpec } from '#ledger';
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

describe('amounts at the edge', () => {
  it('books 10^18 exactly, fills a side to its bound and refuses one unit more', async () => {
    const { source, sink, move } = await purse();
    for (let n = 0; n < 9; n += 1) expect(codeOf(await post(move(source, sink, 10n ** 18n)))).toBe('OK');
    const { debitsPosted } = await uow.read((tx) => ledger.balance(tx, source));
    expect(debitsPosted).toBe(9n * 10n ** 18n);
    expect(codeOf(await post(move(source, sink, 1n)))).toBe('LEDGER_BALANCE_OVERFLOW');
    expect(codeOf(await post(move(sink, source, 10n ** 18n)))).toBe('OK');
  });

  it.each([0n, -5n, 10n ** 18n + 1n, 10n ** 30n])('refuses %s and changes nothing', async (amount) => {
    const { source, sink, move } = await purse();
    expect(codeOf(await post(move(source, sink, amount)))).toBe('LEDGER_AMOUNT_INVALID');
    expect(await balance(source)).toEqual([0, 0, 0, 0]);
  });
});

describe('published facts of two-phase transfers (funding.md section 5, row 11)', () => {
  it('holds 54 beside 15 posted, and has 36 posted when all are resolved', async () => {
    const { source, sink, move } = await purse();
    const hold = (amount: bigint, expiresInMs?: number) =>
      move(source, sink, amount, {
        kind: 'pending',
        ...(expiresInMs === undefined ? {} : { expiresAt: at(expiresInMs) }),
      });
    const holds = [hold(15n, 1000), hold(15n, 50), hold(15n, 1), hold(7n, 50), hold(1n), hold(1n)] as const;
    expect(codeOf(await post(move(source, sink, 15n)))).toBe('OK');
    for (const one of holds) expect(codeOf(await post(one))).toBe('OK');
    expect(await balance(source)).toEqual([54, 15, 0, 0]);
    expect(await balance(sink)).toEqual([0, 0, 54, 15]);

    nowMs += 1;
    expect(await balance(source)).toEqual([39, 15, 0, 0]);
    const resolve = (kind: 'post_pending' | 'void_pending', pending: TransferSpec, amount?: bigint): TransferSpec => ({
      key: newId(),
      kind,
      pendingKey: pending.key,
      reason: 'resolve',
      ...(amount === undefined ? {} : { amount }),
    });
    expect(codeOf(await post(resolve('post_pending', holds[0], 13n)))).toBe('OK');
    expect(codeOf(await post(resolve('void_pending', holds[1])))).toBe('OK');
    expect(codeOf(await post(resolve('post_pending', holds[2])))).toBe('LEDGER_PENDING_EXPIRED');
    expect(codeOf(await post(resolve('post_pending', holds[3], 8n)))).toBe('LEDGER_POST_EXCEEDS_PENDING');
    expect(codeOf(await post(resolve('void_pending', holds[3], 6n)))).toBe('LEDGER_PENDING_MISMATCH');
    expect(codeOf(await post(resolve('post_pending', holds[3])))).toBe('OK');
    expect(codeOf(await post(resolve('post_pending', holds[4], 1n)))).toBe('OK');
    expect(codeOf(await post(resolve('void_pending', holds[5])))).toBe('OK');
    expect(codeOf(await post(resolve('void_pending', holds[5])))).toBe('LEDGER_PENDING_RESOLVED');
    expect(await balance(source)).toEqual([0, 36, 0, 0]);
    expect(await balance(sink)).toEqual([0, 0, 0, 36]);
  });

  it('pays 100 from purses of 40, 40 and 21 by balancing transfers: 40, 40 and 20', async () => {
    const { source, sink, purse: control, move } = await purse();
    const purses = await Promise.all([40n, 40n, 21n].map(async (amount) => ({ ...(await purse()), amount })));
    for (const one of purses) await post(move(source, one.purse, one.amount));
    // The control account holds what is still to be paid; it and each purse bound every transfer.
    const paid: (bigint | undefined)[] = [];
    await post(move(source, control, 100n));
    for (const one of purses) {
      const left = (await uow.read((tx) => ledger.balance(tx, control))).creditsPosted;
      const spent = (await uow.read((tx) => ledger.balance(tx, control))).debitsPosted;
      const outcome = await post(move(one.purse, sink, left - spent, { balancing: 'debit', key: `${one.purse}:pay` }));
      if (isRefused(outcome)) throw new Error(outcome.first.code);
      paid.push(outcome[0]?.amount);
      await post(move(control, source, outcome[0]?.amount ?? 0n));
    }
    expect(paid).toEqual([40n, 40n, 20n]);
    expect(codeOf(await post(move(purses[0]?.purse ?? '', sink, 1n, { balancing: 'debit' })))).toBe(
      'LEDGER_LIMIT_EXCEEDED',
    );
    const again = await post(
      move(purses[2]?.purse ?? '', sink, 20n, { balancing: 'debit', key: `${purses[2]?.purse}:pay` }),
    );
    expect(isRefused(again) || again[0]).toMatchObject({ amount: 20n, replayed: true });
  });

  it('tells what became of each transfer, by key', async () => {
    const { source, sink, move } = await purse();
    const holds = [10n, 20n, 30n, 40n].map((amount, n) =>
      move(source, sink, amount, { kind: 'pending', ...(n === 2 ? { expiresAt: at(10) } : {}) }),
    );
    const keys = holds.map((h) => h.key);
    await post(...holds);
    const resolve = {
      key: newId(),
      kind: 'post_pending',
      pendingKey: keys[0] ?? '',
      amount: 4n,
      reason: 'part',
    } as const;
    await post(resolve, { key: newId(), kind: 'void_pending', pendingKey: keys[1] ?? '', reason: 'void' });
    nowMs += 10;
    const found = await uow.read((tx) => ledger.transfers(tx, [...keys, resolve.key, 'no-such-key']));
    expect(keys.map((key) => found.get(key)?.state)).toEqual(['posted', 'voided', 'expired', 'pending']);
    expect(found.get(resolve.key)).toMatchObject({ amount: 4n, debit: source, pendingKey: keys[0], state: 'posted' });
    expect(found.size).toBe(5);
    const [row] = await db.dataSource.query('SELECT debits_pending FROM ledger_balance WHERE code = $1', [source]);
    expect(row.debits_pending).toBe(40n);
  });

  it('lets 46 lapse to 35, 23 and 10 as its parts expire, read before any worker wakes', async () => {
    const { source, sink, move } = await purse();
    for (const [amount, ms] of [
      [11n, 1000],
      [12n, 2000],
      [13n, 3000],
      [10n, 4000],
    ] as const) {
      await post(move(source, sink, amount, { kind: 'pending', expiresAt: at(ms) }));
    }
    const seen: (number | undefined)[] = [(await balance(source))[0]];
    for (let n = 0; n < 3; n += 1) {
      nowMs += 1000;
      seen.push((await balance(source))[0]);
    }
    expect(seen).toEqual([46, 35, 23, 10]);

    const job = new LedgerExpiryJob(uow);
    await job.tick();
    const written = await db.dataSource.query<{ n: bigint }[]>(
      `SELECT count(*) n FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_account_id
       WHERE a.code = $1 AND t.kind = 'expired'`,
      [source],
    );
    expect(written[0]?.n).toBe(3n);
    expect(await balance(source)).toEqual([10, 0, 0, 0]);
    const past = await uow.read((tx) => ledger.balanceAt(tx, source, at(-1500)));
    expect(past.debitsPending).toBe(35n);
  });
});

describe('what the database itself refuses', () => {
  const refusal = (sql: string, params: unknown[] = []) =>
    db.dataSource.query(sql, params).then(
      () => 'done',
      (error: Error) => error.message,
    );

  it('keeps transfers and balances from being edited, deleted or truncated', async () => {
    const { source, purse: p, move } = await purse();
    await post(move(source, p, 100n));
    expect(await refusal('UPDATE ledger_transfer SET amount = 1')).toMatch(/append-only/);
    expect(await refusal('DELETE FROM ledger_transfer')).toMatch(/append-only/);
    expect(await refusal('TRUNCATE ledger_transfer CASCADE')).toMatch(/append-only/);
    expect(await refusal('UPDATE ledger_account SET credits_posted = 999 WHERE code = $1', [p])).toMatch(
      /only by transfers/,
    );
    expect(await refusal('DELETE FROM ledger_account')).toMatch(/append-only/);
    expect(await refusal('TRUNCATE ledger_account CASCADE')).toMatch(/append-only/);
    expect(await refusal('UPDATE ledger_unit SET scale = 3')).toMatch(/append-only/);
    expect(
      await refusal(
        `INSERT INTO ledger_account (id, code, unit, limit_rule, opened_at, credits_posted) VALUES (gen_random_uuid(), 'rich', 'USD', 'none', now(), 5)`,
      ),
    ).toMatch(/opens empty/);
    expect(await balance(p)).toEqual([0, 0, 0, 100]);
  });

  it('enforces limits and continuity on rows that come past the function', async () => {
    const { source, purse: p, move } = await purse();
    await post(move(source, p, 100n));
    // A copy of the last transfer with its accounts swapped: the purse would pay what it has not.
    const forge = (amount: string, version: string) => `
      INSERT INTO ledger_transfer (id, key, request_hash, chain_id, kind, unit, debit_account_id, credit_account_id, amount,
        reason, refs, recorded_at, debit_version, debit_debits_pending, debit_debits_posted, debit_credits_pending,
        debit_credits_posted, credit_version, credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted)
      SELECT gen_random_uuid(), 'forged:' || gen_random_uuid(), request_hash, chain_id, kind, unit, credit_account_id, debit_account_id,
        ${amount}, reason, refs, recorded_at, ${version}, 0, 0, 0, 0, ${version}, 0, 0, 0, 0
      FROM ledger_transfer t WHERE credit_account_id = (SELECT id FROM ledger_account WHERE code = $1)`;
    expect(await refusal(forge('101', '2'), [p])).toMatch(/ledger_account_debits_limit_ck/);
    expect(await refusal(forge('50', '7'), [p])).toMatch(/continue their account/);
    expect(await refusal(forge('0', '2'), [p])).toMatch(/ledger_transfer_amount_ck/);
    expect(await balance(p)).toEqual([0, 0, 0, 100]);
  });

  it('takes no resolution of what was never held, whoever writes it', async () => {
    const { source, purse: p, sink, move } = await purse();
    await post(move(source, p, 100n));
    await post({ ...move(p, sink, 40n), key: `held:${p}`, kind: 'pending' });
    const forge = (pending: string) =>
      refusal(
        `INSERT INTO ledger_transfer (id, key, request_hash, chain_id, kind, unit, debit_account_id, credit_account_id, amount,
           released, pending_id, reason, refs, recorded_at, debit_version, debit_debits_pending, debit_debits_posted,
           debit_credits_pending, debit_credits_posted, credit_version, credit_debits_pending, credit_debits_posted,
           credit_credits_pending, credit_credits_posted)
         SELECT gen_random_uuid(), 'forged:' || gen_random_uuid(), request_hash, chain_id, 'post_pending', unit, debit_account_id,
           credit_account_id, amount, amount, ${pending}, reason, refs, recorded_at, debit_version + 1, 0, 40, 0, 100,
           credit_version + 1, 0, 0, 0, 40
         FROM ledger_transfer t WHERE key = $1`,
        [`held:${p}`],
      );
    const posted = `(SELECT id FROM ledger_transfer WHERE credit_account_id = t.debit_account_id)`;
    expect(await forge('gen_random_uuid()')).toMatch(/a resolution matches its pending transfer/);
    expect(await forge(posted)).toMatch(/a resolution matches its pending transfer/);
    expect(await balance(p)).toEqual([40, 0, 0, 100]);
    expect(await forge('t.id')).toBe('done');
  });

  it('keeps units apart, and knows no accounts but its own', async () => {
    const a = await purse();
    const b = await purse('gpu_second:cpu');
    expect(codeOf(await post(a.move(a.source, b.sink, 1n)))).toBe('LEDGER_UNIT_MISMATCH');
    const forge = (unit: string, credit: string) =>
      refusal(
        `INSERT INTO ledger_transfer (id, key, request_hash, chain_id, kind, unit, debit_account_id, credit_account_id, amount,
           reason, refs, recorded_at, debit_version, debit_debits_pending, debit_debits_posted, debit_credits_pending,
           debit_credits_posted, credit_version, credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted)
         SELECT gen_random_uuid(), 'forged:' || gen_random_uuid(), sha256('x'), gen_random_uuid(), 'posted', $3, d.id,
           coalesce((SELECT id FROM ledger_account WHERE code = $2), gen_random_uuid()), 1, 'forged', '{}', $4,
           1, 0, 1, 0, 0, 1, 0, 0, 0, 1
         FROM ledger_account d WHERE d.code = $1`,
        [a.source, credit, unit, new Date(nowMs)],
      );
    expect(await forge('USD', b.sink)).toMatch(/continue their account in number, time and unit/);
    expect(await forge('gpu_second:cpu', b.sink)).toMatch(/continue their account in number, time and unit/);
    expect(await forge('USD', 'no:such')).toMatch(/continue their account in number, time and unit/);
    expect(await balance(a.source)).toEqual([0, 0, 0, 0]);
    expect(await forge('USD', a.sink)).toBe('done');
  });
});

describe('accounts', () => {
  it('open once; the same code with another unit or limit is a bug', async () => {
    const code = `test:${newId()}`;
    const open = (unit: string, limit: AccountSpec['limit']) =>
      uow.run('open', (tx) => ledger.openAccounts(tx, [{ code, unit, limit }]));
    await open('USD', 'none');
    await open('USD', 'none');
    await expect(open('EUR', 'none')).rejects.toThrow(/is open with unit USD/);
    await expect(open('USD', 'debits_must_not_exceed_credits')).rejects.toThrow(/limit none/);
    await expect(
      uow.run('open', (tx) => ledger.openAccounts(tx, [{ code: newId(), unit: 'XXX', limit: 'none' }])),
    ).rejects.toThrow(/ledger_account_unit_fk/);
  });

  it('limit credits as well as debits', async () => {
    const id = newId();
    const [asset, other] = [`test:${id}:asset`, `test:${id}:other`];
    await uow.run('open', (tx) =>
      ledger.openAccounts(tx, [
        { code: asset, unit: 'USD', limit: 'credits_must_not_exceed_debits' },
        { code: other, unit: 'USD', limit: 'none' },
      ]),
    );
    const spec = (debit: string, credit: string, amount: bigint): TransferSpec => ({
      key: newId(),
      kind: 'posted',
      debit,
      credit,
      amount,
      reason: 'test',
    });
    await post(spec(asset, other, 10n));
    expect(codeOf(await post(spec(other, asset, 11n)))).toBe('LEDGER_LIMIT_EXCEEDED');
    expect(codeOf(await post(spec(other, asset, 10n)))).toBe('OK');
  });
});

describe('the rank of refusals', () => {
  it('answers the first broken rule, whatever else is broken', async () => {
    const { source, purse: p, sink, move } = await purse();
    const used = move(source, sink, 5n);
    await post(used);
    // Unknown account, wrong amount and used key at once: the amount is asked first, then the key, then the account.
    expect(codeOf(await post({ ...used, amount: 0n, debit: 'no:such' }))).toBe('LEDGER_AMOUNT_INVALID');
    expect(codeOf(await post({ ...used, debit: 'no:such' }))).toBe('LEDGER_KEY_MISMATCH');
    expect(codeOf(await post(move('no:such', sink, 5n, { kind: 'pending', expiresAt: at(-1) })))).toBe(
      'LEDGER_ACCOUNT_NOT_FOUND',
    );
    expect(codeOf(await post(move(p, sink, 5n, { kind: 'pending', expiresAt: at(-1) })))).toBe('LEDGER_EXPIRY_PAST');
    expect(codeOf(await post())).toBe('LEDGER_CHAIN_EMPTY');
    expect(codeOf(await post(move(source, source, 5n)))).toBe('LEDGER_ACCOUNTS_EQUAL');
    expect(codeOf(await post(move(source, sink, 5n, { key: 'ledger:expired:x' })))).toBe('LEDGER_KEY_INVALID');
    expect(codeOf(await post(move(source, sink, 5n, { expiresAt: at(5) })))).toBe('LEDGER_EXPIRY_MISPLACED');
    expect(codeOf(await post(move(source, sink, 5n, { pendingKey: used.key })))).toBe('LEDGER_PENDING_KEY_MISPLACED');
    const resolve = { key: newId(), kind: 'post_pending', pendingKey: used.key, reason: 'test' } as const;
    expect(codeOf(await post(resolve))).toBe('LEDGER_PENDING_WRONG_KIND');
    expect(codeOf(await post({ ...resolve, pendingKey: 'none' }))).toBe('LEDGER_PENDING_NOT_FOUND');
  });
});
