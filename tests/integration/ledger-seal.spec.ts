import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { Ledger, LedgerSealJob, type TransferSpec, ledgerInvariants } from '#ledger';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
let job: LedgerSealJob;
const ledger = new Ledger();
const ACCOUNTS = ['seal:a:USD', 'seal:b:USD', 'seal:a:EUR', 'seal:b:EUR'];
beforeAll(async () => {
  db = await createTestDatabase();
  job = new LedgerSealJob(db.uow);
  await db.uow.run('open', (tx) =>
    ledger.openAccounts(
      tx,
      ACCOUNTS.map((code) => ({ code, unit: code.slice(-3), limit: 'none' as const })),
    ),
  );
});
afterAll(() => db.close());

const spec = (unit: string, key = newId()): TransferSpec => ({
  key,
  kind: 'posted',
  debit: `seal:a:${unit}`,
  credit: `seal:b:${unit}`,
  amount: 7n,
  reason: 'seal',
  refs: { b: '2', a: '1' },
});
const book = (unit: string) =>
  db.dataSource.query<{ position: bigint; key: string }[]>(
    `SELECT s.position, t.key FROM ledger_seal s JOIN ledger_transfer t ON t.seq = s.transfer_seq WHERE s.unit = $1 ORDER BY 1`,
    [unit],
  );
const check = () => {
  const found = ledgerInvariants.find((c) => c.name === 'ledger.books_are_sealed');
  if (!found) throw new Error('no such check');
  return db.uow.read((tx) => found.run(tx));
};

describe('the sealed book', () => {
  it('numbers each unit without a gap and never passes over a transfer that commits late', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let drawn = () => {};
    const written = new Promise<void>((resolve) => (drawn = resolve));
    // Draws its sequence number first and commits last, on accounts of its own.
    const late = db.uow.run('late', async (tx) => {
      const outcome = await ledger.post(tx, [spec('EUR', 'late')]);
      drawn();
      await held;
      return outcome;
    });
    await written;
    for (let n = 0; n < 3; n += 1) await db.uow.run('post', (tx) => ledger.post(tx, [spec('USD', `early-${n}`)]));
    for (let n = 0; n < 4; n += 1) await job.tick();
    expect((await book('USD')).map((r) => r.key)).toEqual(['early-0', 'early-1', 'early-2']);
    expect(await book('EUR')).toEqual([]);
    release();
    expect(isRefused(await late)).toBe(false);
    await db.uow.run('post', (tx) => ledger.post(tx, [spec('EUR', 'next')]));
    await job.tick();
    expect(await book('EUR')).toMatchObject([
      { position: 1n, key: 'late' },
      { position: 2n, key: 'next' },
    ]);
    expect(await check()).toMatchObject({ ok: true });
  });

  it('looks only at what is new once older transactions are over', async () => {
    // Transactions of other databases of the server count as older too, so it may take a few ticks.
    await eventually('the floor reaches the newest transfer', async () => {
      await job.tick();
      const [row] = await db.dataSource.query(
        `SELECT floor_seq, (SELECT max(seq) FROM ledger_transfer) AS top FROM ledger_sealer`,
      );
      return row.floor_seq === row.top;
    });
  });

  it('passes over numbers that nobody used, and not over one that is still under way', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let drawn = () => {};
    const written = new Promise<void>((resolve) => (drawn = resolve));
    const late = db.uow.run('late', async (tx) => {
      const outcome = await ledger.post(tx, [spec('EUR', 'held back')]);
      drawn();
      await held;
      return outcome;
    });
    await written;
    // Its number stays empty.
    await expect(
      db.uow.run('lost', async (tx) => {
        await ledger.post(tx, [spec('USD', 'lost')]);
        throw new Error('gone');
      }),
    ).rejects.toThrow('gone');
    for (let n = 0; n < 3; n += 1) {
      await db.uow.run('post', (tx) => ledger.post(tx, [spec('USD', `behind-${n}`)]));
      await job.tick();
    }
    const floor = async (): Promise<bigint> =>
      (await db.dataSource.query('SELECT floor_seq FROM ledger_sealer'))[0].floor_seq;
    const seqOf = async (key: string): Promise<bigint> =>
      (await db.dataSource.query('SELECT seq FROM ledger_transfer WHERE key = $1', [key]))[0].seq;
    expect((await book('USD')).at(-1)).toMatchObject({ key: 'behind-2' });
    expect(await floor()).toBeLessThan((await seqOf('behind-0')) - 2n);
    release();
    expect(isRefused(await late)).toBe(false);
    await eventually('the floor passes the empty number', async () => {
      await job.tick();
      return (await floor()) === (await seqOf('behind-2'));
    });
    expect((await book('EUR')).at(-1)).toMatchObject({ key: 'held back' });
    expect(await check()).toMatchObject({ ok: true });
  });

  it('is written once by sealers that work at the same time', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => db.uow.run('post', (tx) => ledger.post(tx, [spec(n % 2 ? 'USD' : 'EUR')]))),
    );
    await Promise.all([job.tick(), new LedgerSealJob(db.uow).tick(), new LedgerSealJob(db.uow).tick()]);
    expect((await book('USD')).map((r) => r.position)).toEqual(Array.from({ length: 26 }, (_, n) => BigInt(n + 1)));
    expect((await book('EUR')).map((r) => r.position)).toEqual(Array.from({ length: 23 }, (_, n) => BigInt(n + 1)));
    expect(await check()).toMatchObject({ ok: true });
  });

  it('is written by the database as it is read by everybody else, whatever a transfer says', async () => {
    // Texts that are escaped, ordered or quoted differently by anything less than the frozen form.
    const odd = [
      '": "',
      '", "',
      '\\',
      '"',
      '\u007f',
      '\u2028',
      '\n\t\b\f\r\u0001',
      '\uffff',
      '\ue000',
      '\u{10000}',
      '\u{10fffe}',
      '\u{10ffff}',
    ];
    const textArb = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll('\u0000', '')),
      fc.array(fc.constantFrom(...odd, 'a', 'ab'), { maxLength: 3 }).map((parts) => parts.join('')),
    );
    const refsArb = fc.dictionary(textArb, textArb, { maxKeys: 4 });
    const samples = fc.sample(fc.tuple(textArb, textArb, refsArb), { numRuns: 400, seed: 1 });
    const chains = samples.map(([key, reason, refs]): TransferSpec[] => [
      { ...spec('USD', `${newId()}${key}`), reason, refs },
    ]);
    const hold = spec('EUR');
    chains.push([{ ...hold, kind: 'pending', expiresAt: new Date('9999-12-31T23:59:59.999Z'), refs: {} }]);
    chains.push([{ ...spec('EUR'), kind: 'void_pending', pendingKey: hold.key }]);
    chains.push([{ ...spec('EUR', 'closing'), kind: 'pending', closes: 'debit' }]);
    chains.push([{ ...spec('EUR'), kind: 'void_pending', pendingKey: 'closing' }]);
    const outcomes = await db.uow.run('post', (tx) => ledger.postChains(tx, chains));
    expect(isRefused(outcomes) ? outcomes : outcomes.filter((outcome) => isRefused(outcome))).toEqual([]);
    await job.tick();
    expect(await book('USD')).toHaveLength(426);
    expect(await book('EUR')).toHaveLength(27);
    // Each seal is made again from the transfer as it is stored.
    expect(await check()).toMatchObject({ ok: true, violations: [] });
    // Moments to the ends of what either side can hold.
    const moments = [
      '0001-01-01T00:00:00.000Z',
      '1969-12-31T23:59:59.999Z',
      '+010000-01-01T00:00:00.000Z',
      '+275760-09-13T00:00:00.000Z',
    ];
    for (const moment of moments) {
      const [{ text }] = await db.dataSource.query<[{ text: string }]>(
        `SELECT ledger_seal_moment('epoch'::timestamptz + $1 * interval '1 millisecond') AS text`,
        [Date.parse(moment)],
      );
      expect(text).toBe(moment);
    }
  });

  it('takes no seal of a transfer that does not exist or belongs to another unit, whoever writes it', async () => {
    const [{ usd, top }] = await db.dataSource.query<[{ usd: bigint; top: bigint }]>(
      `SELECT (SELECT transfer_seq FROM ledger_seal WHERE unit = 'USD' LIMIT 1) AS usd, (SELECT max(seq) FROM ledger_transfer) AS top`,
    );
    const outcome = await db.uow.run('post', (tx) => ledger.post(tx, [spec('USD', 'unsealed')]));
    expect(isRefused(outcome)).toBe(false);
    const seal = (...seqs: bigint[]) =>
      db.dataSource.query(
        `INSERT INTO ledger_seal (unit, position, transfer_seq, hash)
         SELECT 'EUR', 1000 + n, seq, sha256('x') FROM unnest($1::bigint[]) WITH ORDINALITY x (seq, n)`,
        [seqs.map(String)],
      );
    const [{ seq: unsealed }] = await db.dataSource.query<[{ seq: bigint }]>(
      `SELECT seq FROM ledger_transfer WHERE key = 'unsealed'`,
    );
    await expect(seal(unsealed)).rejects.toThrow(/a seal is of a transfer of its unit/);
    await expect(seal(unsealed + 7n)).rejects.toThrow(/a seal is of a transfer of its unit/);
    await expect(seal(unsealed, unsealed + 1_000_000n)).rejects.toThrow(/a seal is of a transfer of its unit/);
    // Nor a second one of a transfer that has one.
    await expect(
      db.dataSource.query(`INSERT INTO ledger_seal VALUES ('USD', 1000, $1, sha256('x'))`, [String(usd)]),
    ).rejects.toThrow(/ledger_seal_transfer_seq_uq/);
    expect(unsealed).toBeGreaterThan(top);
    await job.tick();
    expect(await check()).toMatchObject({ ok: true });
  });

  it('shows a tampered transfer, even one changed by somebody who can switch the triggers off', async () => {
    await db.dataSource.transaction(async (manager) => {
      await manager.query("SET LOCAL session_replication_role = 'replica'");
      await manager.query("UPDATE ledger_transfer SET reason = 'other' WHERE key = 'early-1'");
    });
    const result = await check();
    expect(result.violations).toEqual(['USD: the seal at 2 does not follow the one before']);
    await expect(db.dataSource.query('DELETE FROM ledger_seal')).rejects.toThrow(/append-only/);
  });
});
