import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Global, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule, GraphQLSchemaHost } from '@nestjs/graphql';
import fc from 'fast-check';
import { graphql } from 'graphql';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRefused, newId, systemClock } from '#kernel';
import { CSV_BOOK, JSONL_BOOK, Ledger, LedgerModule, LedgerSealJob, type TransferSpec, bookLines } from '#ledger';
import { ANONYMOUS, CLOCK, type Tx, UnitOfWork, guardRootFields } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
let app: INestApplication;
let statements = 0;
const run = newId();
const code = (name: string) => `gql:${run}:${name}`;

/** A unit of work that counts the statements of its reads. */
class CountingUnitOfWork extends UnitOfWork {
  override read<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return super.read((tx) => {
      const query = tx.query.bind(tx);
      return body(
        Object.assign(Object.create(tx) as Tx, {
          query: (sql: string, params?: readonly unknown[]) => {
            statements += 1;
            return query(sql, params);
          },
        }),
      );
    });
  }
}

beforeAll(async () => {
  db = await createTestDatabase();
  const uow = new CountingUnitOfWork(db.dataSource, systemClock);

  @Global()
  @Module({
    providers: [
      { provide: UnitOfWork, useValue: uow },
      { provide: DataSource, useValue: db.dataSource },
      { provide: CLOCK, useValue: systemClock },
    ],
    exports: [UnitOfWork, DataSource, CLOCK],
  })
  class Ground {}

  @Module({
    imports: [
      Ground,
      LedgerModule,
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        transformSchema: guardRootFields,
      }),
    ],
  })
  class Root {}

  app = await NestFactory.create(Root, { logger: false });
  await app.init();

  const ledger = new Ledger();
  const outcome = await uow.run('seed', async (tx) => {
    await ledger.openAccounts(tx, [
      { code: code('a'), unit: 'USD', limit: 'none' },
      { code: code('b'), unit: 'USD', limit: 'debits_must_not_exceed_credits' },
      { code: code('t'), unit: 'gpu_second:cpu', limit: 'none' },
    ]);
    const transfers = Array.from({ length: 9 }, (_, n): TransferSpec => ({
      key: `${run}:${n}`,
      kind: n === 8 ? 'pending' : 'posted',
      debit: code('a'),
      credit: code('b'),
      amount: BigInt(n + 1) * 10n ** 17n,
      reason: `seed ${n}`,
      refs: { n: String(n) },
    }));
    return ledger.post(tx, [
      ...transfers,
      { key: `${run}:post`, kind: 'post_pending', pendingKey: `${run}:8`, amount: 5n, reason: 'post' },
    ]);
  });
  if (!Array.isArray(outcome)) throw new Error(JSON.stringify(outcome));
});
afterAll(async () => {
  await app.close().catch(() => undefined);
  if (db.dataSource.isInitialized) await db.close();
});
beforeEach(() => {
  statements = 0;
});

async function ask<T>(source: string): Promise<T> {
  const result = await graphql({
    schema: app.get(GraphQLSchemaHost).schema,
    source,
    contextValue: { viewer: ANONYMOUS, requestId: 'test', loaders: new Map(), setCookie: () => undefined },
  });
  if (result.errors) throw new Error(result.errors.map((e) => e.message).join('; '));
  return JSON.parse(JSON.stringify(result.data)) as T;
}

interface TransferPage {
  edges: { cursor: string; node: { key: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
}

describe('the books in GraphQL', () => {
  it('show an account to anybody, amounts as text, with any past balance', async () => {
    const { ledgerAccount } = await ask<{ ledgerAccount: object }>(
      `{ ledgerAccount(code: "${code('b')}") { code unit scale limit creditsPosted creditsPending
         balanceAt(at: "2020-01-01T00:00:00Z") { creditsPosted } } }`,
    );
    expect(ledgerAccount).toEqual({
      code: code('b'),
      unit: 'USD',
      scale: 2,
      limit: 'DEBITS_MUST_NOT_EXCEED_CREDITS',
      creditsPosted: String(36n * 10n ** 17n + 5n),
      creditsPending: '0',
      balanceAt: { creditsPosted: '0' },
    });
    expect(await ask('{ ledgerAccount(code: "no:such") { id } }')).toEqual({ ledgerAccount: null });
  });

  it.each([
    ['of one account', `, accountCode: "${code('b')}"`],
    ['of all', ''],
  ])('walk the transfers %s page by page without a gap', async (_, filter) => {
    const seen: string[] = [];
    for (let after = ''; ;) {
      const { ledgerTransfers } = await ask<{ ledgerTransfers: TransferPage }>(
        `{ ledgerTransfers(first: 3${filter}${after && `, after: "${after}"`}) { edges { cursor node { key } } pageInfo { hasNextPage endCursor } } }`,
      );
      seen.push(...ledgerTransfers.edges.map((e) => e.node.key));
      if (!ledgerTransfers.pageInfo.hasNextPage) break;
      after = ledgerTransfers.pageInfo.endCursor;
    }
    expect(seen).toEqual([`${run}:post`, ...[8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `${run}:${n}`)]);
  });

  it('answer a deep query with a bounded number of statements', async () => {
    const { ledgerAccounts } = await ask<{ ledgerAccounts: { nodes: { transfers: { nodes: object[] } }[] } }>(
      `{ ledgerAccounts(prefix: "gql:${run}", first: 10) { nodes { code transfers(first: 4) { nodes {
          key kind state amount refs position pending { key state } debitAccount { code } creditAccount { code } } } } } }`,
    );
    expect(ledgerAccounts.nodes.map((n) => n.transfers.nodes.length)).toEqual([4, 4, 0]);
    expect(ledgerAccounts.nodes[0]?.transfers.nodes[0]).toMatchObject({
      kind: 'POST_PENDING',
      state: 'POSTED',
      amount: '5',
      pending: { key: `${run}:8`, state: 'POSTED' },
      debitAccount: { code: code('a') },
    });
    expect(statements).toBe(4);
  });

  it('filter by unit and balance by unit', async () => {
    const answer = await ask<{ ledgerTrialBalance: { unit: string; balanced: boolean; debits: string }[] }>(
      `{ ledgerAccounts(prefix: "gql:${run}", unit: "gpu_second:cpu") { nodes { code scale } }
         ledgerTrialBalance { unit debits credits balanced } }`,
    );
    expect(answer).toMatchObject({ ledgerAccounts: { nodes: [{ code: code('t'), scale: 3 }] } });
    expect(answer.ledgerTrialBalance.find((l) => l.unit === 'USD')).toMatchObject({
      debits: String(36n * 10n ** 17n + 5n),
      balanced: true,
    });
  });

  it('show the seal of each transfer and of each book', async () => {
    const question = `{ ledgerTransfers(first: 3) { nodes { seal { position hash } } } ledgerTrialBalance { unit seal { position hash } } }`;
    type Seal = { position: string; hash: string } | null;
    interface Answer {
      ledgerTransfers: { nodes: { seal: Seal }[] };
      ledgerTrialBalance: { unit: string; seal: Seal }[];
    }
    expect((await ask<Answer>(question)).ledgerTransfers.nodes).toEqual(Array(3).fill({ seal: null }));
    await new LedgerSealJob(db.uow).tick();
    statements = 0;
    const sealed = await ask<Answer>(question);
    expect(sealed.ledgerTransfers.nodes.map((n) => n.seal?.position)).toEqual(['10', '9', '8']);
    expect(sealed.ledgerTrialBalance).toContainEqual({ unit: 'USD', seal: sealed.ledgerTransfers.nodes[0]?.seal });
    expect(sealed.ledgerTransfers.nodes[0]?.seal?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(statements).toBe(4);
  });

  it('refuse a foreign cursor', async () => {
    const foreign = `{ ledgerTransfers(first: 1, after: "bm9uc2Vuc2U", accountCode: "${code('b')}") { nodes { key } } }`;
    await expect(ask(foreign)).rejects.toThrow('"after" is no cursor of this list');
  });
});

describe('amounts over the whole 64-bit range', () => {
  const MAX = 10n ** 18n;
  const MINED = [200_000_000_00n, 150_000_000_00n, 3_000_000_00n, MAX, 2n ** 53n + 1n, 2n ** 31n, 2n ** 32n - 1n, 1n];
  const amountArb = fc.oneof(
    { weight: 4, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
    { weight: 4, arbitrary: fc.bigInt({ min: 1n, max: MAX }) },
    { weight: 2, arbitrary: fc.constantFrom(...MINED, 0n, -1n, MAX + 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n) },
    // As many bits as you like, so that every length comes.
    {
      weight: 2,
      arbitrary: fc.tuple(fc.nat(63), fc.bigInt({ min: 0n, max: 2n ** 64n })).map(([n, x]) => x >> BigInt(n)),
    },
  );
  const ledger = new Ledger();

  it('are booked and read back to the unit, or refused and change nothing', async () => {
    let booked = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(amountArb, { minLength: 1, maxLength: 8 }), async (amounts) => {
        const id = newId();
        const [from, to] = [`fuzz:${id}:from`, `fuzz:${id}:to`];
        await db.uow.run('open', (tx) =>
          ledger.openAccounts(
            tx,
            [from, to].map((account) => ({ code: account, unit: 'USD', limit: 'none' as const })),
          ),
        );
        const chains = amounts.map((amount, n): TransferSpec[] => [
          {
            key: `${id}:${n}`,
            kind: n % 3 === 2 ? 'pending' : 'posted',
            debit: from,
            credit: to,
            amount,
            reason: 'fuzz',
          },
        ]);
        const outcomes = await db.uow.run('post', (tx) => ledger.postChains(tx, chains));
        if (!Array.isArray(outcomes)) throw new Error('refused as a whole');
        const stands = amounts.map((amount) => amount >= 1n && amount <= MAX);
        expect(outcomes.map((o) => (isRefused(o) ? o.first.code : 'OK'))).toEqual(
          stands.map((stand) => (stand ? 'OK' : 'LEDGER_AMOUNT_INVALID')),
        );
        const kept = amounts.filter((_, n) => stands[n]);
        booked += kept.length;
        refused += amounts.length - kept.length;
        const sum = (pending: boolean) =>
          String(amounts.reduce((all, x, n) => (stands[n] && (n % 3 === 2) === pending ? all + x : all), 0n));

        const { ledgerAccount, ledgerTransfers } = await ask<{
          ledgerAccount: Record<string, unknown>;
          ledgerTransfers: { nodes: { amount: string }[] };
        }>(
          `{ ledgerAccount(code: "${to}") { creditsPosted creditsPending debitsPosted debitsPending
               balanceAt(at: "2999-01-01T00:00:00Z") { creditsPosted creditsPending } transfers(first: 8) { nodes { amount } } }
             ledgerTransfers(first: 8, accountCode: "${from}") { nodes { amount } } }`,
        );
        const read = [...kept].reverse().map((amount) => ({ amount: String(amount) }));
        expect(ledgerTransfers.nodes).toEqual(read);
        expect(ledgerAccount).toEqual({
          creditsPosted: sum(false),
          creditsPending: sum(true),
          debitsPosted: '0',
          debitsPending: '0',
          balanceAt: { creditsPosted: sum(false), creditsPending: sum(true) },
          transfers: { nodes: read },
        });
      }),
      { numRuns: 60 },
    );
    expect(booked).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(50);
    const { ledgerTrialBalance } = await ask<{ ledgerTrialBalance: { unit: string; balanced: boolean }[] }>(
      '{ ledgerTrialBalance { unit balanced debits credits } }',
    );
    expect(ledgerTrialBalance.find((line) => line.unit === 'USD')).toMatchObject({ balanced: true });
  });

  it('leave in both forms of the exported book as they were booked', async () => {
    await new LedgerSealJob(db.uow).tick();
    const stored = await db.dataSource.query<{ amount: string }[]>(
      `SELECT t.amount::text FROM ledger_seal s JOIN ledger_transfer t ON t.seq = s.transfer_seq WHERE s.unit = 'USD' ORDER BY s.position`,
    );
    for (const form of [JSONL_BOOK, CSV_BOOK]) {
      let text = '';
      for await (const lines of bookLines(db.uow, 'USD', form)) text += lines;
      const amounts = text
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => String(form.parse(line)?.amount));
      expect(amounts).toEqual(stored.map((row) => row.amount));
      expect(amounts.length).toBeGreaterThan(50);
    }
  });
});
