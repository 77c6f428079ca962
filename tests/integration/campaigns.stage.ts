import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { json } from 'express';
import { randomUUID } from 'node:crypto';
import { CampaignCommands, CampaignFunds, CampaignsModule, campaignChart, campaignInvariants } from '#campaigns';
import { CatalogCommands, CatalogModule } from '#catalog';
import { IdentityCommands, IdentityModule } from '#identity';
import type { Clock, Outcome } from '#kernel';
import { Ledger, LedgerModule, ledgerInvariants } from '#ledger';
import {
  Config,
  Handlers,
  LOGGER,
  type Logger,
  Metrics,
  PlatformModule,
  type PlatformRole,
  type Tx,
  UnitOfWork,
  VIEWER_RESOLVER,
  type Viewer,
  type ViewerResolver,
} from '#platform';
import { graphqlOptions } from '../../apps/api/src/graphql/graphql.options.js';
import { NodeResolver, NodeSources } from '../../apps/api/src/graphql/node.resolver.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { CAMPAIGN as FUNDED, MOBY_DICK, TINY, got } from './funding.material.js';
import { relayTo } from './relay.js';

type Person = Viewer & { kind: 'contributor' };
// oxlint-disable-next-line typescript/no-explicit-any -- answers have as many shapes as there are queries; assertions check them
type Loose = any;

const DAY_MS = 86_400_000;

/**
 * Campaigns without the rooms above them: money and GPU time come and go by the same door that pledges use, and the
 * clock stands until it is moved.
 */
export class CampaignsStage {
  private readonly secrets = new Map<string, string>();

  private constructor(
    readonly db: TestDatabase,
    readonly app: NestExpressApplication,
    readonly url: string,
    private readonly time: { now: Date },
  ) {}

  static async open(environment: 'test' | 'production' = 'test'): Promise<CampaignsStage> {
    // Sessions end by the system's time, so it is from there that the stage's moves on.
    const time = { now: new Date() };
    const clock: Clock = { now: () => time.now };
    const plain = await createTestDatabase();
    const db = { ...plain, uow: new UnitOfWork(plain.dataSource, clock) };
    const config = new Config({
      NODE_ENV: environment,
      DATABASE_URL: db.url,
      STRIPE_SECRET_KEY: 'sk_test_campaigns',
      STRIPE_WEBHOOK_SECRET: 'whsec_campaigns',
      ...(environment === 'test' ? { DEVELOPER_SIGN_IN: '1' } : {}),
      LOG_LEVEL: 'silent',
    });
    const app = await NestFactory.create<NestExpressApplication>(campaignsOnly(config, clock), {
      bodyParser: false,
      logger: false,
    });
    app.use('/graphql', json({ limit: '1mb' }));
    await app.listen(0, '127.0.0.1');
    return new CampaignsStage(db, app, (await app.getUrl()).replace('[::1]', '127.0.0.1'), time);
  }

  get campaigns(): CampaignCommands {
    return this.app.get(CampaignCommands, { strict: false });
  }
  get funds(): CampaignFunds {
    return this.app.get(CampaignFunds, { strict: false });
  }

  now(): Date {
    return this.time.now;
  }

  inDays(days: number): Date {
    return new Date(this.time.now.getTime() + days * DAY_MS);
  }

  /** Moves time ahead, judges what fell due and tells everybody. */
  async advance(days: number): Promise<void> {
    this.time.now = this.inDays(days);
    await this.tick('campaigns.deadline');
    await this.relay();
  }

  async person(name: string, platformRole?: PlatformRole): Promise<Person> {
    const signIn = { name, ...(platformRole ? { platformRole } : {}) };
    const { secret } = got(await this.app.get(IdentityCommands, { strict: false }).developerSignIn(signIn));
    const viewer = await this.app
      .get<ViewerResolver>(VIEWER_RESOLVER, { strict: false })
      .resolve({ authorization: `Bearer ${secret}` });
    if (viewer.kind === 'anonymous') throw new Error('nobody is signed in');
    this.secrets.set(viewer.contributorId, secret);
    return viewer;
  }

  async project(owner: Person): Promise<{ projectId: string; recipeId: string }> {
    const identity = this.app.get(IdentityCommands, { strict: false });
    const projectId = got(await identity.createProject(owner, { name: 'Whale works' }));
    const catalog = this.app.get(CatalogCommands, { strict: false });
    const dataset = got(await catalog.registerDataset(owner, MOBY_DICK));
    const recipe = got(
      await catalog.registerRecipe(owner, { ...TINY, projectId, datasetId: dataset.id, name: `Tiny ${randomUUID()}` }),
    );
    return { projectId, recipeId: recipe.id };
  }

  /** What `campaigns.create` takes, for a new project of this person. */
  async draft(owner: Person, more: object = {}): Promise<typeof CAMPAIGN & { projectId: string; recipeId: string }> {
    return { ...CAMPAIGN, deadline: this.inDays(30), ...(await this.project(owner)), ...more };
  }

  /** A live campaign. */
  async live(owner: Person, more: object = {}): Promise<string> {
    const operator = await this.person('Olga Operator', 'operator');
    const id = got(await this.campaigns.create(owner, await this.draft(owner, more)));
    got(await this.campaigns.submit(owner, id));
    got(await this.campaigns.approve(operator, id));
    return id;
  }

  /** Money as pledges bring it: ledger, tally, backer and event in one unit of work. */
  async collect(who: Person, campaignId: string, amountMinor: bigint): Promise<void> {
    await this.money(campaignId, 'pledge.cash.captured', amountMinor, 1, async (tx) => {
      await this.funds.book(tx, campaignId, { capturedMinor: amountMinor });
      await this.funds.backer(tx, campaignId, who.contributorId, 'cash', 1);
    });
  }

  async refund(campaignId: string, amountMinor: bigint): Promise<void> {
    await this.money(campaignId, 'pledge.cash.refunded', amountMinor, -1, (tx) =>
      this.funds.book(tx, campaignId, { refundedMinor: amountMinor }),
    );
  }

  async dispute(campaignId: string, amountMinor: bigint): Promise<void> {
    await this.money(campaignId, 'pledge.cash.disputed', amountMinor, 0, (tx) =>
      this.funds.book(tx, campaignId, { disputedMinor: amountMinor }),
    );
  }

  promise(campaignId: string, amountMinor: bigint): Promise<void> {
    return this.run((tx) => this.funds.book(tx, campaignId, { promisedMinor: amountMinor }));
  }

  /** GPU time as an accepted compute pledge brings it. */
  async commit(campaignId: string, milliseconds: bigint): Promise<void> {
    await this.run(async (tx) => {
      const posted = await this.app.get(Ledger, { strict: false }).post(tx, [
        {
          key: randomUUID(),
          kind: 'posted',
          debit: campaignChart.memoComputeCommitted('cpu'),
          credit: campaignChart.of(campaignId, 'cpu').computeCommitted,
          amount: milliseconds,
          reason: 'committed',
          refs: { campaign: campaignId },
        },
      ]);
      got(posted);
      tx.emit(pledgeEvent('pledge.compute.accepted', campaignId));
    });
    await this.relay();
  }

  runEvent(type: string, campaignId: string, runId: string): Promise<void> {
    return this.run((tx) =>
      Promise.resolve(
        tx.emit({ type, aggregateType: 'run', aggregateId: runId, payload: { runId, campaignId }, isPublic: true }),
      ),
    ).then(() => this.relay());
  }

  async run<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return got(await this.db.uow.run<T>('stage', body as (tx: Tx) => Promise<Outcome<T>>));
  }

  async gql<T = Loose>(query: string, variables: object = {}, as?: Person): Promise<{ data: T; errors?: Loose[] }> {
    const secret = as ? this.secrets.get(as.contributorId) : undefined;
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(secret ? { authorization: `Bearer ${secret}` } : {}) },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as { data: T; errors?: Loose[] };
  }

  async tick(name: string): Promise<void> {
    const clock = this.app
      .get(Handlers, { strict: false })
      .clocks()
      .find((c) => c.name === name);
    if (!clock) throw new Error(`no clock ${name}`);
    await clock.tick();
  }

  relay(): Promise<void> {
    return relayTo(this.app.get(Handlers, { strict: false }), this.db.uow);
  }

  rows<T = Record<string, unknown>>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.db.dataSource.query(sql, params) as Promise<T[]>;
  }

  async stateOf(id: string): Promise<string> {
    return String((await this.rows('SELECT state FROM campaign WHERE id = $1', [id]))[0]?.['state']);
  }

  /** Types of the campaign's events, oldest first. */
  async emitted(id: string): Promise<string[]> {
    const rows = await this.rows(
      "SELECT type FROM event_outbox WHERE aggregate_id = $1 AND type LIKE 'campaign.%' ORDER BY seq",
      [id],
    );
    return rows.map((row) => String(row['type']));
  }

  async payload(id: string, type: string): Promise<Loose> {
    const rows = await this.rows(
      'SELECT payload FROM event_outbox WHERE aggregate_id = $1 AND type = $2 ORDER BY seq DESC LIMIT 1',
      [id, type],
    );
    return rows[0]?.['payload'];
  }

  async violations(): Promise<string[]> {
    const found: string[] = [];
    for (const check of [...ledgerInvariants, ...campaignInvariants]) {
      const result = await this.db.uow.read((tx) => check.run(tx));
      found.push(...result.violations.map((violation) => `${check.name}: ${violation}`));
    }
    return found;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.db.close();
  }

  private async money(
    campaignId: string,
    type: string,
    amountMinor: bigint,
    direction: -1 | 0 | 1,
    book: (tx: Tx) => Promise<void>,
  ): Promise<void> {
    const { escrow } = campaignChart.of(campaignId, 'cpu');
    await this.run(async (tx) => {
      const ledger = this.app.get(Ledger, { strict: false });
      const bank = 'processor:available:USD';
      await ledger.openAccounts(tx, [{ code: bank, unit: 'USD', limit: 'none' }]);
      const [debit, credit] = direction === 1 ? [bank, escrow] : [escrow, bank];
      const transfer = {
        key: randomUUID(),
        kind: 'posted' as const,
        debit,
        credit,
        amount: amountMinor,
        reason: type,
        refs: {},
      };
      if (direction !== 0) got(await ledger.post(tx, [transfer]));
      await book(tx);
      tx.emit(pledgeEvent(type, campaignId));
    });
    await this.relay();
  }
}

const pledgeEvent = (type: string, campaignId: string) => ({
  type,
  aggregateType: 'campaign',
  aggregateId: campaignId,
  payload: { campaignId },
  isPublic: true,
});

function campaignsOnly(config: Config, clock: Clock) {
  @Module({
    imports: [
      PlatformModule.forRoot({ processName: 'test', entities: [], config, clock }),
      GraphQLModule.forRootAsync<ApolloDriverConfig>({
        driver: ApolloDriver,
        imports: [IdentityModule],
        inject: [VIEWER_RESOLVER, LOGGER, Metrics],
        useFactory: (viewers: ViewerResolver, logger: Logger, metrics: Metrics) =>
          graphqlOptions(viewers, logger, metrics),
      }),
      IdentityModule,
      LedgerModule,
      CatalogModule,
      CampaignsModule,
    ],
    providers: [NodeResolver, NodeSources],
  })
  class CampaignsTestModule {}
  return CampaignsTestModule;
}

/** Money alone: GPU time is asked for where a test says so. */
export const CAMPAIGN = { ...FUNDED, computeGoalMilliseconds: 0n };

export { codes, got } from './funding.material.js';
