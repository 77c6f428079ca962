import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import Stripe from 'stripe';
import { expect } from 'vitest';
import { isRefused, type Outcome } from '#kernel';
import { Ledger } from '#ledger';
import type { Config, EventFeed } from '#platform';
import {
  type CashApplication,
  type CashReceipt,
  type Payment,
  paymentInvariants,
  type PaymentListener,
  PaymentListeners,
  Payments,
  type PaymentStep,
  PayoutAccounts,
  PayoutListeners,
  Reconciliation,
  type SetupStep,
} from '#payments';
import { BankTransfers } from '../../libs/payments/src/bank-transfers.js';
import { Bookkeeper } from '../../libs/payments/src/bookkeeper.js';
import { BookingWriter } from '../../libs/payments/src/bookings/booking.writer.js';
import { CashReturns } from '../../libs/payments/src/cash-returns.js';
import { Charger } from '../../libs/payments/src/charger.js';
import { Customers } from '../../libs/payments/src/customers.js';
import { InboxProcessor } from '../../libs/payments/src/inbox/inbox.processor.js';
import { WebhookIntake } from '../../libs/payments/src/inbox/webhook.intake.js';
import { EventBackfillJob } from '../../libs/payments/src/jobs/event-backfill.job.js';
import { InboxJob } from '../../libs/payments/src/jobs/inbox.job.js';
import { PaymentSweepJob } from '../../libs/payments/src/jobs/payment-sweep.job.js';
import { MoneyOutHints } from '../../libs/payments/src/payouts/money-out.hints.js';
import { PayoutCourier } from '../../libs/payments/src/payouts/payout.courier.js';
import { PaymentMethods } from '../../libs/payments/src/payment-methods.js';
import { createStripe } from '../../libs/payments/src/processor/stripe.client.js';
import { Refunds } from '../../libs/payments/src/refunds.js';
import { SandboxServer, type SandboxOptions } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { Synchronizer } from '../../libs/payments/src/synchronizer.js';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';

export const SECRET_KEY = 'sk_test_stage';
export const PUBLISHABLE_KEY = 'pk_test_stage';
export const WEBHOOK_SECRET = 'whsec_stage';
/** Payments of up to so much are given back at an early fraud warning. */
export const WARNING_REFUND_MINOR = 1000;

/** Writes down what payments tells, as the pledges room would act on it. */
export class Witness implements PaymentListener {
  readonly told: string[] = [];
  /** Thrown by the next call, once: a crash of the listening room. */
  failOnce: Error | undefined;

  #note(what: string, payment: Payment, more = ''): Promise<void> {
    const failure = this.failOnce;
    this.failOnce = undefined;
    if (failure !== undefined) return Promise.reject(failure);
    this.told.push(`${what} ${payment.reference}${more === '' ? '' : ` ${more}`}`);
    return Promise.resolve();
  }
  async onPayments(_: unknown, steps: readonly PaymentStep[]): Promise<void> {
    for (const step of steps) await this.#note(...wordsOf(step));
  }

  /** The saved methods by the reference they were saved for. */
  readonly saved = new Map<string, string>();
  /** What the next receipts are applied to, as much of each as there is. */
  readonly wanted: CashApplication[] = [];

  /** Over which campaigns' money a person decides. */
  readonly treasurers = new Map<string, string[]>();

  treasuredBy(_: unknown, contributorId: string): Promise<string[]> {
    return Promise.resolve(this.treasurers.get(contributorId) ?? []);
  }

  onSetups(_: unknown, steps: readonly SetupStep[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'saved') this.saved.set(step.reference, step.savedMethodId);
      this.told.push(`setup ${step.kind} ${step.reference}${step.kind === 'failed' ? ` ${step.code}` : ''}`);
    }
    return Promise.resolve();
  }

  onCash(_: unknown, receipts: readonly CashReceipt[]): Promise<CashApplication[]> {
    const applied: CashApplication[] = [];
    for (const receipt of receipts) {
      this.told.push(`cash ${receipt.amountMinor} ${receipt.currency}, ${receipt.unappliedMinor} unapplied`);
      let left = receipt.unappliedMinor;
      for (const wanted of this.wanted.filter((each) => each.contributorPseudonym === receipt.contributorPseudonym)) {
        const amountMinor = wanted.amountMinor < left ? wanted.amountMinor : left;
        if (amountMinor < receipt.minimumMinor) continue;
        left -= amountMinor;
        applied.push({ ...wanted, amountMinor, applicationKey: receipt.receiptId });
      }
    }
    return Promise.resolve(applied);
  }
}

function wordsOf(step: PaymentStep): [string, Payment, string?] {
  switch (step.kind) {
    case 'processing':
      return ['processing', step.payment];
    case 'requires_action':
      return ['action', step.payment];
    case 'captured':
      return ['captured', step.payment, String(step.feeMinor)];
    case 'failed':
      return ['failed', step.payment, `${step.code}${step.final ? ' final' : ''}`];
    case 'canceled':
      return ['canceled', step.payment];
    case 'refunded':
      return ['refunded', step.payment, String(step.amountMinor)];
    case 'refund_failed':
      return ['refund failed', step.payment, step.code];
    case 'dispute_opened':
      return ['dispute opened', step.payment, `${step.amountMinor}+${step.feeMinor}`];
    case 'dispute_closed':
      return [step.won ? 'dispute won' : 'dispute lost', step.payment, String(step.amountMinor)];
    case 'warning':
      return ['warning', step.payment, String(step.amountMinor)];
  }
}

/** The payments room against a real PostgreSQL and a real sandbox over HTTP. */
export class Stage {
  readonly witness = new Witness();
  readonly campaignId = randomUUID();
  readonly ledger = new Ledger();
  readonly escrow = `campaign:${this.campaignId}:escrow:USD`;
  readonly refundsPayable = `campaign:${this.campaignId}:refunds_payable:USD`;
  readonly payments: Payments;
  readonly charger: Charger;
  readonly bookkeeper: Bookkeeper;
  readonly synchronizer: Synchronizer;
  readonly methods: PaymentMethods;
  readonly transfers: BankTransfers;
  readonly listeners = new PaymentListeners();
  readonly intake: WebhookIntake;
  readonly inbox: InboxProcessor;
  readonly sweep: PaymentSweepJob;
  readonly backfill: EventBackfillJob;
  readonly reconciliation: Reconciliation;
  /** Deliveries in the order in which they arrived. */
  readonly arrivals: string[] = [];
  /** Set to answer webhooks with this status instead of taking them. */
  refuseWebhooks: number | undefined;

  readonly moneyOut: MoneyOutHints;

  private constructor(
    readonly db: TestDatabase,
    readonly sandbox: SandboxServer,
    readonly stripe: Stripe,
    private readonly hook: Server,
  ) {
    const config = {
      stripe: {
        secretKey: SECRET_KEY,
        publishableKey: PUBLISHABLE_KEY,
        webhookSecret: WEBHOOK_SECRET,
        apiBase: new URL(sandbox.url),
        callsPerSecond: 10_000,
        callsAtOnce: 8,
        warningRefundMinor: WARNING_REFUND_MINOR,
      },
    } as Config;
    const logger = pino({ level: 'silent' });
    this.listeners.register('pledge', this.witness);
    this.bookkeeper = new Bookkeeper(this.ledger, this.listeners, { refundUpToMinor: BigInt(WARNING_REFUND_MINOR) });
    const bookings = new BookingWriter(db.uow, this.bookkeeper);
    const customers = new Customers(db.uow, stripe);
    this.synchronizer = new Synchronizer(db.uow, bookings, stripe);
    const refunds = new Refunds(db.uow, this.ledger, bookings, this.synchronizer, stripe, logger);
    this.charger = new Charger(db.uow, bookings, this.synchronizer, customers, stripe, logger);
    this.payments = new Payments(db.uow, this.charger, refunds);
    this.methods = new PaymentMethods(db.uow, customers, this.listeners, stripe, logger);
    const cashReturns = new CashReturns(db.uow, this.bookkeeper, customers, stripe);
    this.transfers = new BankTransfers(db.uow, this.bookkeeper, customers, this.listeners, cashReturns, stripe);
    this.intake = new WebhookIntake(db.uow, config, stripe);
    this.moneyOut = new MoneyOutHints(
      new PayoutAccounts(db.uow, stripe),
      new PayoutCourier(db.uow, this.ledger, new PayoutListeners(), stripe, logger),
    );
    this.inbox = this.worker(logger);
    this.sweep = new PaymentSweepJob(
      db.uow,
      config,
      this.charger,
      refunds,
      this.methods,
      cashReturns,
      this.synchronizer,
      logger,
    );
    this.backfill = new EventBackfillJob(db.uow, this.intake, stripe, logger);
    this.reconciliation = new Reconciliation(db.uow, stripe);
  }

  /** Another process that works the inbox off. */
  worker(logger = pino({ level: 'silent' })): InboxProcessor {
    const { db, synchronizer, methods, transfers, moneyOut } = this;
    return new InboxProcessor(db.uow, synchronizer, methods, transfers, moneyOut, logger);
  }

  static async open(options: Partial<SandboxOptions> = {}): Promise<Stage> {
    const db = await createTestDatabase();
    const inbox: { stage?: Stage } = {};
    const hook = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const stage = inbox.stage;
        if (stage === undefined) return response.writeHead(503).end();
        const signature = request.headers['stripe-signature'];
        void stage
          .#take(Buffer.concat(parts), typeof signature === 'string' ? signature : undefined)
          .catch(() => 500)
          .then((status) => response.writeHead(status).end());
      });
    });
    await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done));
    const port = (hook.address() as AddressInfo).port;
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
    const stripe = createStripe({
      secretKey: SECRET_KEY,
      publishableKey: PUBLISHABLE_KEY,
      webhookSecret: WEBHOOK_SECRET,
      apiBase: new URL(sandbox.url),
    });
    const stage = new Stage(db, sandbox, stripe, hook);
    inbox.stage = stage;
    await db.uow.run('accounts', (tx) =>
      stage.ledger.openAccounts(tx, [
        { code: stage.escrow, unit: 'USD', limit: 'debits_must_not_exceed_credits' },
        { code: stage.refundsPayable, unit: 'USD', limit: 'none' },
      ]),
    );
    return stage;
  }

  async #take(body: Buffer, signature: string | undefined): Promise<number> {
    if (this.refuseWebhooks !== undefined) return this.refuseWebhooks;
    const event = JSON.parse(body.toString('utf8')) as { type: string; data: { object: { id: string } } };
    const outcome = await this.intake.receive(body, signature);
    this.arrivals.push(`${event.type} ${event.data.object.id}`);
    return isRefused(outcome) ? 400 : 200;
  }

  async close(): Promise<void> {
    await this.sandbox.stop();
    this.hook.closeAllConnections();
    await new Promise((done) => this.hook.close(done));
    await this.db.close();
  }

  input(reference: string, amountMinor = 5000n) {
    return {
      reference,
      purpose: 'pledge' as const,
      beneficiaryId: this.campaignId,
      rail: 'card' as const,
      amountMinor,
      currency: 'USD',
      debtAccount: `campaign:${this.campaignId}:debt:USD`,
      escrowAccount: this.escrow,
      refundsPayableAccount: this.refundsPayable,
      description: `Pledge ${reference}`,
      contributorPseudonym: randomUUID(),
    };
  }

  async begin(reference: string, amountMinor = 5000n) {
    return got(await this.payments.createCardPayment(this.input(reference, amountMinor)));
  }

  /** What the payer's browser does: confirm with the publishable key and the client secret. */
  async pay(clientSecret: string | undefined, card: string): Promise<{ status: number; body: ConfirmAnswer }> {
    const intentId = (clientSecret ?? '').split('_secret_')[0];
    const response = await fetch(`${this.sandbox.url}/v1/payment_intents/${intentId}/confirm`, {
      method: 'POST',
      headers: { authorization: `Bearer ${PUBLISHABLE_KEY}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        client_secret: clientSecret ?? '',
        'payment_method_data[type]': 'card',
        'payment_method_data[card][number]': card,
        'payment_method_data[card][exp_month]': '12',
        'payment_method_data[card][exp_year]': '2040',
        'payment_method_data[card][cvc]': '123',
      }),
    });
    return { status: response.status, body: (await response.json()) as ConfirmAnswer };
  }

  control(path: string, body: object): Promise<Response> {
    return fetch(`${this.sandbox.url}/_sandbox/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
      body: JSON.stringify(body),
    });
  }

  /** Everything delivered, everything worked off. */
  async settle(): Promise<void> {
    await eventually('the sandbox has delivered everything', async () => {
      const answer = await fetch(`${this.sandbox.url}/_sandbox/status`, {
        headers: { authorization: `Bearer ${SECRET_KEY}` },
      });
      const status = (await answer.json()) as { deliveries: { pending: number }; timers: number };
      return status.deliveries.pending === 0 && status.timers === 0;
    });
    await eventually('the inbox is empty', async () => {
      await this.inbox.drain();
      const [row] = await this.db.dataSource.query(
        "SELECT count(*) AS n FROM stripe_event WHERE state IN ('waiting', 'parked')",
      );
      return (row as { n: bigint }).n === 0n;
    });
  }

  async row(paymentId: string): Promise<Record<string, unknown>> {
    const [row] = await this.db.dataSource.query('SELECT * FROM payment WHERE id = $1', [paymentId]);
    return row as Record<string, unknown>;
  }

  /** Debits less credits, cents. */
  async held(code: string): Promise<bigint> {
    const balances = await this.db.uow.read((tx) => this.ledger.balances(tx, [code]));
    const balance = balances.get(code);
    return balance === undefined ? 0n : balance.debitsPosted - balance.creditsPosted;
  }

  /** Every invariant of the room, and Stripe's own balance. */
  async audit(): Promise<void> {
    for (const check of paymentInvariants) {
      const result = await this.db.uow.read((tx) => check.run(tx));
      expect(result.violations, check.name).toEqual([]);
    }
    const compared = await this.reconciliation.compare();
    expect(compared.violations, JSON.stringify(compared.figures)).toEqual([]);
  }

  inboxJob(feed: EventFeed): InboxJob {
    return new InboxJob(this.inbox, feed, pino({ level: 'silent' }));
  }
}

interface ConfirmAnswer {
  readonly id: string;
  readonly status: string;
  readonly next_action: { readonly redirect_to_url: { readonly url: string } } | null;
  readonly error?: { readonly code: string; readonly decline_code?: string };
}

export function got<T>(outcome: Outcome<T>): T {
  if (isRefused(outcome)) throw new Error(JSON.stringify(outcome.refusals));
  return outcome;
}

export const CARDS = {
  good: '4242424242424242',
  declined: '4000000000000002',
  insufficient: '4000000000009995',
  challenge: '4000000000003220',
  dispute: '4000000000000259',
  refundPending: '4000000000007726',
  refundFails: '4000000000005126',
} as const;
