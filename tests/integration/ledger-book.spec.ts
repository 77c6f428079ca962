import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import {
  type BookForm,
  CSV_BOOK,
  JSONL_BOOK,
  Ledger,
  LedgerSealJob,
  LedgerSealNoticeJob,
  type TransferSpec,
  ledgerInvariants,
} from '#ledger';
import { findPackageRoot } from '#platform';
import { exportBook, verifyBook } from '../../apps/cli/src/ledger/ledger.command.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
let folder: string;
const ledger = new Ledger();
const [a, b] = ['book:a:SEK', 'book:b:SEK'];
const spec = (n: number): TransferSpec => ({
  key: newId(),
  kind: n % 5 === 0 ? 'pending' : 'posted',
  debit: a,
  credit: b,
  amount: BigInt(n) * 10n ** 14n + 1n,
  reason: n % 3 === 0 ? '=2+3, "said"\nhe' : 'book',
  refs: { n: String(n), a: 'ü' },
  ...(n % 5 === 0 ? { expiresAt: new Date(Date.UTC(2999, 0, 1)) } : {}),
});
beforeAll(async () => {
  db = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'ledger-book-'));
  await db.uow.run('open', (tx) =>
    ledger.openAccounts(
      tx,
      [a, b].map((code) => ({ code, unit: 'SEK', limit: 'none' as const })),
    ),
  );
  const specs = Array.from({ length: 200 }, (_, n) => spec(n));
  await db.uow.run('post', (tx) => ledger.post(tx, specs));
  await db.uow.run('close', (tx) =>
    ledger.post(tx, [
      { key: newId(), kind: 'pending', debit: a, credit: b, amount: 0n, closes: 'credit', reason: 'over' },
    ]),
  );
  await new LedgerSealJob(db.uow).tick();
});
afterAll(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});

const sealedEvents = () =>
  db.dataSource.query<{ unit: string; position: string; hash: string; public: boolean }[]>(
    `SELECT payload->>'unit' AS unit, payload->>'position' AS position, payload->>'hash' AS hash, is_public AS public
     FROM event_outbox WHERE type = 'ledger.sealed' ORDER BY occurred_at, id`,
  );
const sound = async () => {
  const check = ledgerInvariants.find((c) => c.name === 'ledger.books_are_sealed');
  return check && db.uow.read((tx) => check.run(tx));
};

describe('the newest seal of a book', () => {
  it('goes into the public log when it moved, and only then', async () => {
    const job = new LedgerSealNoticeJob(db.uow);
    await Promise.all([job.tick(), job.tick()]);
    await job.tick();
    expect(await sealedEvents()).toEqual([
      { unit: 'SEK', position: '201', hash: expect.stringMatching(/^[0-9a-f]{64}$/), public: true },
    ]);
    expect(await sound()).toMatchObject({ ok: true });
    await expect(db.dataSource.query('DELETE FROM ledger_seal_notice')).rejects.toThrow(/append-only/);
  });

  it('shows a book that was written anew with sound seals', async () => {
    const rewrite = (from: string, to: string) =>
      db.dataSource.transaction(async (manager) => {
        await manager.query("SET LOCAL session_replication_role = 'replica'");
        await manager.query(
          `UPDATE event_outbox SET payload = replace(payload::text, $1, $2)::jsonb WHERE type = 'ledger.sealed'`,
          [from, to],
        );
      });
    const hash = (await sealedEvents())[0]?.hash ?? '';
    await rewrite(hash, 'f'.repeat(64));
    expect(await sound()).toMatchObject({ violations: ['SEK: another seal was made public for 201'] });
    await rewrite('f'.repeat(64), hash);
    expect(await sound()).toMatchObject({ ok: true });
  });
});

describe.each<[BookForm['name'], BookForm]>([
  ['jsonl', JSONL_BOOK],
  ['csv', CSV_BOOK],
])('a book exported as %s', (name, form) => {
  it('is proved offline, to the seal in the public log, and not with a byte changed', async () => {
    const file = join(folder, `book.${name}`);
    await exportBook(db.url, findPackageRoot(), 'SEK', file, form);
    const pin = { position: 201n, hash: (await sealedEvents())[0]?.hash ?? '' };
    expect(await verifyBook(file, [pin])).toEqual({
      unit: 'SEK',
      transfers: 201n,
      head: pin.hash,
      problem: undefined,
    });
    const bytes = await readFile(file);
    for (let n = 0; n < 60; n += 1) {
      const at = Math.floor((bytes.length * (n + 0.5)) / 60);
      const edited = Buffer.from(bytes);
      edited[at] = (edited[at] ?? 0) ^ (1 << (n % 8));
      await writeFile(join(folder, 'edited'), edited);
      expect((await verifyBook(join(folder, 'edited'), [pin])).problem, `byte ${at}`).toMatch(/^line \d+: /);
    }
    await writeFile(join(folder, 'edited'), bytes.subarray(0, -1));
    expect((await verifyBook(join(folder, 'edited'), [])).problem).toBeDefined();
    expect(await readdir(folder)).not.toContain(`book.${name}.part`);
  });

  it('of a unit without transfers is an empty book', async () => {
    const file = join(folder, `none.${name}`);
    await exportBook(db.url, findPackageRoot(), 'KWD', file, form);
    expect(await readFile(file, 'utf8')).toBe(`${form.head}\n`);
    expect(await verifyBook(file, [])).toMatchObject({ transfers: 0n, problem: undefined });
  });
});
