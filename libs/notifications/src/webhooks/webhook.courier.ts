import { Inject, Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { Config, LOGGER, type Logger, UnitOfWork } from '#platform';
import {
  type Attempt,
  type EndpointRow,
  type FeedEvent,
  claimEndpoint,
  failEndpoint,
  nextEvents,
  passTo,
  recordAttempt,
} from '../store/webhook.store.js';
import { post } from './webhook.client.js';
import { WEBHOOK_KEY, WebhookKey } from './webhook.key.js';

/** How far the record is looked through in one go, and for how long an endpoint is held meanwhile. */
const WINDOW = 200;
const HOLD_MS = 60_000;

/** Carries public events to the endpoints of projects, in order and at least once. */
@Injectable()
export class WebhookCourier {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly config: Config,
    @Inject(WEBHOOK_KEY) private readonly key: WebhookKey,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Goes once round everything that is due. */
  async deliverDue(): Promise<void> {
    for (;;) {
      const endpoint = await this.uow.run('webhooks.claim', (tx) =>
        claimEndpoint(tx, new Date(tx.now.getTime() + HOLD_MS)),
      );
      if (isRefused(endpoint) || !endpoint) return;
      await this.#deliver(endpoint);
    }
  }

  async #deliver(claimed: EndpointRow): Promise<void> {
    let endpoint = claimed;
    const { events, lookedTo } = await this.uow.read((tx) => nextEvents(tx, endpoint, WINDOW));
    const until = Date.now() + HOLD_MS / 2;
    for (const event of events) {
      // The rest is somebody's next round: what is held too long is taken by another worker, and told twice.
      if (Date.now() > until) return this.#pass(endpoint, endpoint.next_position);
      const attempt = await this.#send(endpoint, event);
      const isTaken = attempt.error === undefined;
      await this.uow.run('webhooks.record', async (tx) => {
        await recordAttempt(tx, endpoint.id, attempt);
        // Held on: another worker that took it now would send the next event beside this one.
        if (isTaken) await passTo(tx, endpoint, event.position + 1n, new Date(tx.now.getTime() + HOLD_MS));
        else if (await failEndpoint(tx, endpoint, attempt.error ?? '')) {
          this.logger.warn({ endpointId: endpoint.id }, 'webhook endpoint switched off: it failed for five days');
        }
        return undefined;
      });
      if (!isTaken) return;
      endpoint = { ...endpoint, next_position: event.position + 1n, failing_since: null, attempts: 0 };
    }
    await this.#pass(endpoint, lookedTo);
  }

  async #pass(endpoint: EndpointRow, position: bigint): Promise<void> {
    await this.uow.run('webhooks.pass', async (tx) => {
      await passTo(tx, endpoint, position, tx.now);
      return undefined;
    });
  }

  async #send(endpoint: EndpointRow, event: FeedEvent): Promise<Attempt> {
    const body = JSON.stringify({
      type: event.type,
      timestamp: event.occurred_at.toISOString(),
      position: String(event.position),
      data: event.payload,
    });
    const started = Date.now();
    const seconds = Math.floor(started / 1000);
    const signer = { id: endpoint.id, secretNumber: endpoint.secret_number };
    const headers = await this.key.headers(signer, event.id, seconds, body);
    const done = (status: number | undefined, error: string | undefined): Attempt => ({
      event,
      durationMs: Date.now() - started,
      status,
      error,
    });
    try {
      const status = await post(new URL(endpoint.url), headers, body, this.config.environment === 'production');
      return done(status, status >= 200 && status < 300 ? undefined : `answered ${status}`);
    } catch (error) {
      return done(undefined, (error as Error).message);
    }
  }
}
