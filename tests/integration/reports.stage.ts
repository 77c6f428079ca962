import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { isRefused } from '#kernel';
import { Ledger, type TransferSpec } from '#ledger';
import { IdentityCommands, IdentityModule } from '#identity';
import {
  Config,
  type DomainEvent,
  Handlers,
  LOGGER,
  type Logger,
  Metrics,
  OutboxRelay,
  type PlatformRole,
  PlatformModule,
  type Scope,
  UnitOfWork,
  VIEWER_RESOLVER,
  type ViewerResolver,
} from '#platform';
import { graphqlOptions } from '../../apps/api/src/graphql/graphql.options.js';
import { NodeResolver, NodeSources } from '../../apps/api/src/graphql/node.resolver.js';
import { reportInvariants, ReportsModule } from '#reports';
import { TransparencyLog, transparencyInvariants } from '#transparency';
import { createTestDatabase, type TestDatabase } from '../../libs/testkit/src/index.js';
import { asInputs, CAMPAIGN, type mainRunEvents, RUN } from './main-run.js';

/** Reports and the log over real HTTP and PostgreSQL, with a relay and a worker of its own. One for each spec file. */
export let db: TestDatabase;
export let home: string;
export let app: INestApplication;
export let uow: UnitOfWork;
let base: string;
let relay: OutboxRelay;

export async function openStage(): Promise<void> {
  db = await createTestDatabase();
  home = await mkdtemp(join(tmpdir(), 'cw-reports-'));
  const config = new Config({
    NODE_ENV: 'test',
    DATABASE_URL: db.url,
    STRIPE_SECRET_KEY: 'sk_test_x',
    STRIPE_WEBHOOK_SECRET: 'whsec_x',
    COMMONWEIGHTS_HOME: home,
    DEVELOPER_SIGN_IN: '1',
    LOG_LEVEL: 'silent',
  });
  class AppModule {}
  const graphql = GraphQLModule.forRootAsync<ApolloDriverConfig>({
    driver: ApolloDriver,
    imports: [IdentityModule],
    inject: [VIEWER_RESOLVER, LOGGER, Metrics],
    useFactory: (viewers: ViewerResolver, logger: Logger, metrics: Metrics) => graphqlOptions(viewers, logger, metrics),
  });
  app = await NestFactory.create(
    {
      module: AppModule,
      imports: [PlatformModule.forRoot({ processName: 'test', entities: [], config }), graphql, ReportsModule],
      providers: [NodeResolver, NodeSources],
    },
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
  uow = app.get(UnitOfWork);
  relay = new OutboxRelay(uow, app.get(TransparencyLog), (type) =>
    app
      .get(Handlers)
      .subscribers()
      .filter((s) => s.name.startsWith('reports.') && s.types.includes(type))
      .map((s) => s.name),
  );
}

export async function closeStage(): Promise<void> {
  await app.close();
  await db.close();
  await rm(home, { recursive: true, force: true });
}

export async function emit(events: ReturnType<typeof mainRunEvents>): Promise<void> {
  // One unit of work each, as it is in life.
  for (const event of asInputs(events)) {
    await uow.run('test.emit', async (tx) => {
      tx.emit(event);
      return undefined;
    });
  }
}

/** Relays and delivers until nothing is left, like the worker; `twice` delivers everything again. */
export async function work(times = 1): Promise<void> {
  for (;;) {
    const { deliveries, relayed } = await relay.pass();
    for (const { eventId, subscriber } of deliveries) {
      const [row] = await db.dataSource.query<
        { id: string; type: string; position: bigint; payload: Record<string, unknown>; occurred_at: Date }[]
      >('SELECT * FROM event_outbox WHERE id = $1', [eventId]);
      const handler = app
        .get(Handlers)
        .subscribers()
        .find((one) => one.name === subscriber);
      const event: DomainEvent = {
        id: row!.id,
        type: row!.type,
        position: row!.position,
        aggregateType: 'x',
        aggregateId: 'x',
        payload: row!.payload,
        isPublic: true,
        occurredAt: row!.occurred_at,
      };
      for (let i = 0; i < times; i += 1) {
        await uow.run('test.deliver', async (tx) => {
          await handler!.handle(event, tx);
          return undefined;
        });
      }
    }
    if (relayed === 0) return;
  }
}

/** The n-th payment, and the refund or dispute of it. */
export const bookId = (n: number): string => `00000000-0000-7000-8000-00000000000${n}`;

/** The bookings that payments and training would have made with those events. */
export async function book(): Promise<void> {
  const ledger = new Ledger();
  const escrow = `campaign:${CAMPAIGN}:escrow:USD`;
  const refs = { campaign: CAMPAIGN, payment: 'x' };
  const post = (key: string, debit: string, credit: string, amount: number): TransferSpec => ({
    key,
    kind: 'posted',
    debit,
    credit,
    amount: BigInt(amount),
    reason: 'test',
    refs,
  });
  const outcome = await uow.run('test.book', async (tx) => {
    await ledger.openAccounts(
      tx,
      [
        'processor:available:USD',
        'processor:fees:USD',
        'disputes_receivable:USD',
        'processor:dispute_fees:USD',
        escrow,
      ].map((code) => ({ code, unit: 'USD', limit: 'none' as const })),
    );
    await ledger.openAccounts(
      tx,
      [`run:${RUN}:delivered:cpu`, `run:${RUN}:accepted:cpu`].map((code) => ({
        code,
        unit: 'gpu_second:cpu',
        limit: 'none' as const,
      })),
    );
    return ledger.post(tx, [
      ...[1, 3, 4, 5].flatMap((n) => [
        post(`payment:${bookId(n)}:capture`, 'processor:available:USD', escrow, n * 1000),
        post(`payment:${bookId(n)}:fee`, 'processor:fees:USD', 'processor:available:USD', n * 10 + 30),
      ]),
      post(`refund:${bookId(3)}:paid`, escrow, 'processor:available:USD', 500),
      post(`dispute:${bookId(4)}:withdrawn`, 'disputes_receivable:USD', 'processor:available:USD', 4000),
      post(`dispute:${bookId(4)}:fee`, 'processor:dispute_fees:USD', 'processor:available:USD', 1500),
      post(`dispute:${bookId(1)}:withdrawn`, 'disputes_receivable:USD', 'processor:available:USD', 1000),
      post(`dispute:${bookId(1)}:fee`, 'processor:dispute_fees:USD', 'processor:available:USD', 1500),
      post(`dispute:${bookId(1)}:reinstated`, 'processor:available:USD', 'disputes_receivable:USD', 1000),
      {
        ...post('lease:all:accept', `run:${RUN}:delivered:cpu`, `run:${RUN}:accepted:cpu`, 270_000),
        refs: { run: RUN },
      },
    ]);
  });
  if (isRefused(outcome)) throw new Error(outcome.first.code);
  const runner = db.dataSource.createQueryRunner();
  await runner.startTransaction();
  await runner.query('SET LOCAL session_replication_role = replica');
  await runner.query(
    `INSERT INTO payment (id, reference, beneficiary_id, contributor_pseudonym, amount_minor, currency, description, escrow_account,
                          refunds_payable_account, debt_account, status, idempotency_key, stripe_charge_id, fee_minor, created_at, updated_at, captured_at)
     SELECT id, id, $1, gen_random_uuid(), 1000, 'USD', '', '', '', '', 'SUCCEEDED', id, id, 1, now(), now(), now()
       FROM unnest($2::uuid[]) AS id`,
    [CAMPAIGN, [1, 3, 4, 5].map(bookId)],
  );
  await runner.query(
    `INSERT INTO refund (id, payment_id, amount_minor, reason, status, idempotency_key, created_at, updated_at)
     SELECT id, id, 500, '', 'SUCCEEDED', id, now(), now() FROM unnest($1::uuid[]) AS id`,
    [[3, 5].map(bookId)],
  );
  await runner.query(
    `INSERT INTO dispute (id, payment_id, stripe_dispute_id, amount_minor, fee_minor, reason, stripe_status, status, opened_at, updated_at)
     SELECT id, id, id, 1000, 1500, '', '', 'OPEN', now(), now() FROM unnest($1::uuid[]) AS id`,
    [[1, 4].map(bookId)],
  );
  await runner.query(
    `INSERT INTO usage_record (lease_id, run_id, campaign_id, attempt_id, node_id, pledge_id, contributor, gpu_class, delivered_ms, accepted_ms, tokens, flop_model, flop_hardware, energy_micro_wh, delivered_at, settled_at)
     SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x', 'cpu', (e.payload->>'deliveredMs')::bigint, (e.payload->>'acceptedMs')::bigint, 0,
            (e.payload->>'flopModel')::numeric, (e.payload->>'flopHardware')::numeric, (e.payload->>'energyMicroWh')::bigint, now(), now()
       FROM event_outbox e WHERE type = 'usage.settled'`,
    [RUN, CAMPAIGN],
  );
  await runner.commitTransaction();
  await runner.release();
}

export async function violations(): Promise<string[]> {
  const found: string[] = [];
  for (const check of [...transparencyInvariants, ...reportInvariants])
    found.push(...(await uow.read((tx) => check.run(tx))).violations);
  return found;
}

export const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(base + path, { headers, method });
export const PLACE = '/reports/whale-run-transparency';

/** The session secret of somebody signed in. */
export async function signIn(name: string, platformRole?: PlatformRole): Promise<string> {
  const outcome = await app
    .get(IdentityCommands, { strict: false })
    .developerSignIn({ name, ...(platformRole ? { platformRole } : {}) });
  if (isRefused(outcome)) throw new Error(outcome.first.code);
  return outcome.secret;
}

/** A personal API token of a signed-in person. */
export async function apiToken(session: string, scopes: Scope[]): Promise<string> {
  const viewer = await app
    .get<ViewerResolver>(VIEWER_RESOLVER, { strict: false })
    .resolve({ authorization: `Bearer ${session}` });
  if (viewer.kind === 'anonymous') throw new Error('nobody is signed in');
  const outcome = await app.get(IdentityCommands, { strict: false }).createApiToken(viewer, { name: 'test', scopes });
  if (isRefused(outcome)) throw new Error(outcome.first.code);
  return outcome.secret;
}

/** GraphQL over HTTP. */
export async function gql(
  query: string,
  variables: object = {},
  secret?: string,
): Promise<{ data: ReturnType<typeof JSON.parse>; errors?: { extensions: { code: string } }[] }> {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(secret ? { authorization: `Bearer ${secret}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as never;
}
