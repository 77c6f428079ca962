import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { json, raw } from 'express';
import { randomUUID } from 'node:crypto';
import { CampaignCommands, CampaignsModule, campaignInvariants } from '#campaigns';
import { CatalogCommands, CatalogModule } from '#catalog';
import { IdentityCommands, IdentityModule } from '#identity';
import type { Clock } from '#kernel';
import { Ledger, LedgerModule, ledgerInvariants } from '#ledger';
import { NodesModule } from '#nodes';
import { PaymentsModule, paymentInvariants } from '#payments';
import {
  Config,
  Handlers,
  LOGGER,
  type Logger,
  Metrics,
  type PlatformRole,
  PlatformModule,
  UnitOfWork,
  VIEWER_RESOLVER,
  type Viewer,
  type ViewerResolver,
  freePort,
} from '#platform';
import { CashPledgeCommands, ComputePledgeCommands, PledgesModule, pledgeInvariants } from '#pledges';
import { graphqlOptions } from '../../apps/api/src/graphql/graphql.options.js';
import { NodeResolver, NodeSources } from '../../apps/api/src/graphql/node.resolver.js';
import { noPersonalData } from '../../apps/personal-data.invariant.js';
import { InboxProcessor } from '../../libs/payments/src/inbox/inbox.processor.js';
import { type SandboxOptions, SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';
import { CAMPAIGN, CARD, MOBY_DICK, MovableClock, TINY, got } from './funding.material.js';
import { relayTo } from './relay.js';

export { CAMPAIGN, CARD, MOBY_DICK, TINY, codes, got, inDays } from './funding.material.js';

const SECRET_KEY = 'sk_test_funding';
const PUBLISHABLE_KEY = 'pk_test_funding';
const WEBHOOK_SECRET = 'whsec_funding';

export type Person = Viewer & { kind: 'contributor' };

/** Well within the life of a session. */
const SIGN_IN_AGAIN_MS = 86_400_000;

/** Funding from end to end: GraphQL over HTTP, real PostgreSQL, and the Stripe sandbox with its webhooks. */
export class FundingStage {
  private constructor(
    readonly db: TestDatabase,
    readonly app: NestExpressApplication,
    readonly url: string,
    readonly sandbox: SandboxServer,
    private readonly clock: MovableClock,
  ) {}

  /** `more`: rooms beyond those of funding, and settings beyond those that a stage needs. */
  static async open(
    options: Partial<SandboxOptions> = {},
    more: { modules?: readonly Type[]; env?: Readonly<Record<string, string>> } = {},
  ): Promise<FundingStage> {
    const clock = new MovableClock();
    const plain = await createTestDatabase();
    const db = { ...plain, uow: new UnitOfWork(plain.dataSource, clock) };
    const port = await freePort();
    const sandbox = new SandboxServer({
      path: ':memory:',
      port: 0,
      secretKey: SECRET_KEY,
      publishableKey: PUBLISHABLE_KEY,
      webhook: { url: `http://127.0.0.1:${port}/stripe/webhook`, secret: WEBHOOK_SECRET },
      timing: { disputeDelayMs: 50, outcomeDelayMs: 50 },
      ...options,
    });
    await sandbox.start();
    const config = new Config({
      NODE_ENV: 'test',
      DATABASE_URL: db.url,
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STRIPE_API_BASE: sandbox.url,
      // The sandbox has no limit of its own to keep to.
      STRIPE_CALLS_PER_SECOND: '5000',
      DEVELOPER_SIGN_IN: '1',
      LOG_LEVEL: 'silent',
      ...more.env,
    });
    const app = await NestFactory.create<NestExpressApplication>(fundingModule(config, clock, more.modules ?? []), {
      rawBody: true,
      bodyParser: false,
      logger: false,
      abortOnError: false,
    });
    app.use('/graphql', json({ limit: '1mb' }));
    app.use('/stripe', raw({ type: () => true, verify: (req, _res, body) => Object.assign(req, { rawBody: body }) }));
    await app.listen(port, '127.0.0.1');
    return new FundingStage(db, app, `http://127.0.0.1:${port}`, sandbox, clock);
  }

  get campaigns(): CampaignCommands {
    return this.app.get(CampaignCommands);
  }
  get cash(): CashPledgeCommands {
    return this.app.get(CashPledgeCommands, { strict: false });
  }
  get compute(): ComputePledgeCommands {
    return this.app.get(ComputePledgeCommands, { strict: false });
  }
  get ledger(): Ledger {
    return this.app.get(Ledger, { strict: false });
  }

  private readonly sessions = new Map<string, { secret: string; signedInAtMs: number; again: () => Promise<string> }>();
  private readonly tickedAtMs = new Map<string, number>();
  private readonly openedAtMs = Date.now();

  /** The stage's own time. */
  now(): Date {
    return this.clock.now();
  }

  inDays(days: number): Date {
    return new Date(this.now().getTime() + days * 86_400_000);
  }

  /** Somebody signed in; the same name is the same person. */
  async person(name: string, platformRole?: PlatformRole): Promise<Person> {
    const again = async (): Promise<string> => {
      const signIn = { name, ...(platformRole ? { platformRole } : {}) };
      return got(await this.app.get(IdentityCommands, { strict: false }).developerSignIn(signIn)).secret;
    };
    const secret = await again();
    const viewer = await this.app
      .get<ViewerResolver>(VIEWER_RESOLVER, { strict: false })
      .resolve({ authorization: `Bearer ${secret}` });
    if (viewer.kind === 'anonymous') throw new Error('nobody is signed in');
    this.sessions.set(viewer.contributorId, { secret, signedInAtMs: this.now().getTime(), again });
    return viewer;
  }

  /** A project with a recipe for a tiny model on CPUs. */
  async project(owner: Person, name = 'Whale works'): Promise<{ projectId: string; recipeId: string }> {
    const projectId = got(await this.app.get(IdentityCommands, { strict: false }).createProject(owner, { name }));
    const catalog = this.app.get(CatalogCommands, { strict: false });
    const dataset = got(await catalog.registerDataset(owner, MOBY_DICK));
    const recipe = got(
      await catalog.registerRecipe(owner, { ...TINY, projectId, datasetId: dataset.id, name: `Tiny ${randomUUID()}` }),
    );
    return { projectId, recipeId: recipe.id };
  }

  /** A live campaign of a new project. */
  async liveCampaign(owner: Person, more: object = {}): Promise<string> {
    const { projectId, recipeId } = await this.project(owner);
    const operator = await this.person('Olga Operator', 'operator');
    const id = got(
      await this.campaigns.create(owner, { ...CAMPAIGN, deadline: this.inDays(30), ...more, projectId, recipeId }),
    );
    got(await this.campaigns.submit(owner, id));
    got(await this.campaigns.approve(operator, id));
    return id;
  }

  /** GraphQL over HTTP, as this person or as nobody. */
  async gql<T = Loose>(query: string, variables: object = {}, as?: Person): Promise<GqlAnswer<T>> {
    const secret = as && (await this.secretOf(as));
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(secret ? { authorization: `Bearer ${secret}` } : {}) },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as GqlAnswer<T>;
  }

  /** A session that outlives what the stage's time was moved by. */
  async secretOf(who: Person): Promise<string | undefined> {
    const session = this.sessions.get(who.contributorId);
    if (!session) return undefined;
    const nowMs = this.now().getTime();
    if (nowMs - session.signedInAtMs > SIGN_IN_AGAIN_MS) {
      session.secret = await session.again();
      session.signedInAtMs = nowMs;
    }
    return session.secret;
  }

  /** What the payer's browser does with the client secret. */
  pay(clientSecret: string | undefined, card: string): Promise<{ status: number; nextUrl: string | undefined }> {
    return this.confirm('payment_intents', clientSecret, card);
  }

  /** The same for the secret of a setup: the card is saved and not charged. */
  async saveCard(clientSecret: string | undefined, card: string): Promise<{ nextUrl: string | undefined }> {
    const { status, nextUrl } = await this.confirm('setup_intents', clientSecret, card);
    if (status !== 200) throw new Error(`the card was not saved: ${status}`);
    return { nextUrl };
  }

  private async confirm(
    kind: 'payment_intents' | 'setup_intents',
    clientSecret: string | undefined,
    card: string,
  ): Promise<{ status: number; nextUrl: string | undefined }> {
    const intent = (clientSecret ?? '').split('_secret_')[0];
    const response = await fetch(`${this.sandbox.url}/v1/${kind}/${intent}/confirm`, {
      method: 'POST',
      headers: { authorization: `Bearer ${PUBLISHABLE_KEY}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        client_secret: clientSecret ?? '',
        return_url: 'http://127.0.0.1/back',
        'payment_method_data[type]': 'card',
        'payment_method_data[card][number]': card,
        'payment_method_data[card][exp_month]': '12',
        'payment_method_data[card][exp_year]': '2040',
        'payment_method_data[card][cvc]': '123',
      }),
    });
    const body = (await response.json()) as { next_action?: { redirect_to_url?: { url: string } } | null };
    return { status: response.status, nextUrl: body.next_action?.redirect_to_url?.url };
  }

  /** Pledges and pays by card; answers the pledge's id. */
  async give(who: Person, campaignId: string, amountMinor: bigint, card: string = CARD.good): Promise<string> {
    const key = randomUUID();
    const made = got(await this.cash.create(who, { campaignId, amountMinor, currency: 'USD', idempotencyKey: key }));
    await this.pay(made.payment?.clientSecret, card);
    await this.settle();
    return made.pledge.id;
  }

  /** The bank decides on the evidence for a dispute. */
  async closeDispute(stripeDisputeId: string, ending: 'won' | 'lost'): Promise<void> {
    const evidence = ending === 'won' ? 'winning_evidence' : 'losing_evidence';
    const response = await fetch(`${this.sandbox.url}/v1/disputes/${stripeDisputeId}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ 'evidence[uncategorized_text]': evidence, submit: 'true' }),
    });
    if (response.status !== 200) throw new Error(await response.text());
  }

  /** Waits until every webhook is worked off and every event has reached its subscribers. */
  async settle(): Promise<void> {
    await eventually('the sandbox has delivered everything', async () => {
      const answer = await fetch(`${this.sandbox.url}/_sandbox/status`, {
        headers: { authorization: `Bearer ${SECRET_KEY}` },
      });
      const status = (await answer.json()) as { deliveries: { pending: number }; timers: number };
      return status.deliveries.pending === 0 && status.timers === 0;
    });
    const inbox = this.app.get(InboxProcessor, { strict: false });
    await eventually('the inbox is empty', async () => {
      await inbox.drain();
      const [row] = await this.rows<{ n: bigint }>(
        "SELECT count(*) AS n FROM stripe_event WHERE state IN ('waiting', 'parked')",
      );
      return row?.n === 0n;
    });
    await this.relay();
  }

  relay(): Promise<void> {
    return relayTo(this.app.get(Handlers, { strict: false }), this.db.uow);
  }

  /** Runs the clocks of that name once. */
  async tick(name: string): Promise<void> {
    const clock = this.app
      .get(Handlers, { strict: false })
      .clocks()
      .find((c) => c.name === name);
    if (!clock) throw new Error(`no clock ${name}`);
    await clock.tick();
  }

  /** Moves the time of the application and of the sandbox ahead, and nothing else. */
  async pass(ms: number): Promise<void> {
    this.clock.move(ms);
    const answer = await fetch(`${this.sandbox.url}/_sandbox/time`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ advanceMs: ms }),
    });
    if (!answer.ok && answer.status !== 404) throw new Error(await answer.text());
  }

  /**
   * Moves the time of the application and of the sandbox ahead, runs every clock that fell due meanwhile once, in the
   * order of their names, and settles what they began.
   */
  async advance(ms: number): Promise<void> {
    await this.pass(ms);
    const nowMs = this.now().getTime();
    const due = this.app
      .get(Handlers, { strict: false })
      .clocks()
      .filter((clock) => nowMs - (this.tickedAtMs.get(clock.name) ?? this.openedAtMs) >= clock.everyMs)
      .sort((a, b) => a.name.localeCompare(b.name));
    for (const clock of due) {
      this.tickedAtMs.set(clock.name, nowMs);
      await clock.tick();
    }
    await this.settle();
  }

  rows<T = Record<string, unknown>>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.db.dataSource.query(sql, params) as Promise<T[]>;
  }

  /** Everything that the invariants of funding find wrong. */
  async violations(): Promise<string[]> {
    const found: string[] = [];
    for (const check of FUNDING_INVARIANTS) {
      const result = await this.db.uow.read((tx) => check.run(tx));
      found.push(...result.violations.map((violation) => `${check.name}: ${violation}`));
    }
    return found;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.sandbox.stop();
    await this.db.close();
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers have as many shapes as there are queries; assertions check them
export type Loose = any;

const FUNDING_INVARIANTS = [
  ...ledgerInvariants,
  ...paymentInvariants,
  ...campaignInvariants,
  ...pledgeInvariants,
  noPersonalData,
];

export interface GqlAnswer<T> {
  data: T;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

function fundingModule(config: Config, clock: Clock, more: readonly Type[]) {
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
      PaymentsModule,
      CatalogModule,
      CampaignsModule,
      NodesModule,
      PledgesModule,
      ...more,
    ],
    providers: [NodeResolver, NodeSources],
  })
  class FundingTestModule {}
  return FundingTestModule;
}
