import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import {
  Config,
  LOGGER,
  type Logger,
  Metrics,
  OUTBOX_CHANNEL,
  OutboxRelay,
  PUBLIC_RECORD,
  type PublicRecord,
  UnitOfWork,
} from '#platform';
import { Deliveries } from './deliveries.js';

const POLL_MS = 500;
const PATIENCE_MS = 4_000;
const OVERDUE_EVERY_MS = 2_000;

/**
 * Drives the outbox relay: woken by the database after each commit with events, and by a poll in case a wake-up was
 * lost. Also enqueues again what the queue did not do in time.
 */
@Injectable()
export class RelayLoop {
  private readonly relay: OutboxRelay;
  private listener: pg.Client | undefined;
  private wake: (() => void) | undefined;
  /** A wake-up came while a pass was under way: it may have missed what that one was about. */
  private woken = false;
  private stopped = false;
  private loop: Promise<void> | undefined;

  constructor(
    uow: UnitOfWork,
    @Inject(PUBLIC_RECORD) record: PublicRecord,
    private readonly deliveries: Deliveries,
    private readonly metrics: Metrics,
    private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.relay = new OutboxRelay(uow, record, deliveries.subscribersOf);
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.wake?.();
    await this.loop;
    await this.listener?.end().catch(() => undefined);
  }

  private async run(): Promise<void> {
    let checked = 0;
    while (!this.stopped) {
      this.woken = false;
      try {
        if (!this.listener) await this.listen();
        const { deliveries, relayed } = await this.relay.pass();
        this.metrics.eventsRelayed.inc(relayed);
        await this.deliveries.enqueue(deliveries);
        if (Date.now() - checked > OVERDUE_EVERY_MS) {
          checked = Date.now();
          if (!(await this.deliveries.isBusy())) await this.deliveries.enqueue(await this.relay.overdue(PATIENCE_MS));
        }
        if (relayed > 0) continue;
      } catch (error) {
        this.logger.error({ err: error }, 'relay pass failed; it will be tried again');
      }
      await this.pause();
    }
  }

  private async pause(): Promise<void> {
    if (this.woken || this.stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  private async listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.config.databaseUrl,
      application_name: 'commonweights-relay',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    client.on('end', () => (this.listener = undefined));
    client.on('notification', () => {
      this.woken = true;
      this.wake?.();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${OUTBOX_CHANNEL}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.listener = client;
  }
}
