import { createHmac } from 'node:crypto';
import type Stripe from 'stripe';
import type { SandboxBook } from './sandbox.book.js';
import { chaosOf, releaseOvertaken } from './webhook.queue.js';

const IN_FLIGHT_MAX = 4;
const BACKOFF_MS_FIRST = 250;
const BACKOFF_MS_MAX = 30_000;
/** Stripe gives up after three days in live mode. */
const GIVE_UP_MS = 3 * 24 * 3_600_000;
const ANSWER_MS_MAX = 10_000;
const IDLE_MS_MAX = 1000;

interface Due {
  readonly id: number;
  readonly event: string;
  readonly endpoint: string;
  readonly attempt: number;
}

/**
 * Signs and delivers events until each is acknowledged with a 2xx, with exponential backoff. The queue is in the
 * book, so a restart goes on where it stopped; an answer that was lost with the process is delivered again.
 */
export class WebhookCourier {
  readonly #inFlight = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly book: SandboxBook) {}

  /** Looks at the queue now: call after a commit that may have added to it. */
  wake(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const deadline = Date.now() + 2000;
    while (this.#inFlight.size > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 10));
  }

  #pump(): void {
    if (this.#stopped) return;
    if (!chaosOf(this.book).paused) {
      for (const due of this.#due()) void this.#deliver(due);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), this.#untilNext());
    this.#timer.unref();
  }

  #due(): Due[] {
    const free = IN_FLIGHT_MAX - this.#inFlight.size;
    if (free <= 0) return [];
    return this.book
      .rows(
        "SELECT id, event, endpoint, attempt FROM delivery WHERE state = 'pending' AND next_ms <= ? ORDER BY next_ms, id LIMIT ?",
        this.book.nowMs,
        free + this.#inFlight.size,
      )
      .map((row) => ({
        id: Number(row['id']),
        event: String(row['event']),
        endpoint: String(row['endpoint']),
        attempt: Number(row['attempt']),
      }))
      .filter((due) => !this.#inFlight.has(due.id))
      .slice(0, free);
  }

  #untilNext(): number {
    const next = this.book.row("SELECT min(next_ms) AS at FROM delivery WHERE state = 'pending'")?.['at'];
    if (next == null) return IDLE_MS_MAX;
    return Math.min(IDLE_MS_MAX, Math.max(5, Number(next) - this.book.nowMs));
  }

  async #deliver(due: Due): Promise<void> {
    this.#inFlight.add(due.id);
    try {
      const failure = await this.#attempt(due);
      if (!this.#stopped) this.#record(due, failure);
    } finally {
      this.#inFlight.delete(due.id);
      this.wake();
    }
  }

  async #attempt(due: Due): Promise<string | undefined> {
    const endpoint = this.book.find<Stripe.WebhookEndpoint>('webhook_endpoint', due.endpoint);
    const secret = this.book.hidden<{ secret: string }>(due.endpoint)?.secret;
    const event = this.book.findAny(due.event);
    if (endpoint === undefined || secret === undefined || event === undefined) return undefined;
    const payload = JSON.stringify(event, null, 2);
    try {
      const answer = await fetch(endpoint.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': signatureHeader(payload, secret, Math.floor(this.book.machineNowMs / 1000)),
        },
        body: payload,
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      await answer.arrayBuffer();
      return answer.ok ? undefined : `status ${answer.status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #record(due: Due, failure: string | undefined): void {
    const { book } = this;
    book.transaction(() => {
      if (failure === undefined) {
        book.run("UPDATE delivery SET state = 'delivered', last_error = NULL WHERE id = ?", due.id);
        releaseOvertaken(book, due.id, due.endpoint);
        this.#countDown(due.event);
        return;
      }
      const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** Math.min(due.attempt, 20));
      const createdMs = (book.findAny(due.event)?.created ?? 0) * 1000;
      const givenUp = book.nowMs - createdMs > GIVE_UP_MS;
      book.run(
        'UPDATE delivery SET attempt = attempt + 1, next_ms = ?, last_error = ?, state = ? WHERE id = ?',
        book.nowMs + waitMs,
        failure,
        givenUp ? 'given_up' : 'pending',
        due.id,
      );
    });
  }

  #countDown(eventId: string): void {
    const event = this.book.findAny(eventId) as Stripe.Event | undefined;
    if (event === undefined) return;
    const left = this.book.row(
      "SELECT count(DISTINCT endpoint) AS n FROM delivery WHERE event = ? AND state = 'pending'",
      eventId,
    );
    this.book.save({ ...event, pending_webhooks: Number(left?.['n'] ?? 0) });
  }
}

/** Stripe's scheme: `t=<seconds>,v1=<hex HMAC-SHA256 of "<t>.<payload>">`. */
function signatureHeader(payload: string, secret: string, timestampSeconds: number): string {
  const signature = createHmac('sha256', secret).update(`${timestampSeconds}.${payload}`).digest('hex');
  return `t=${timestampSeconds},v1=${signature}`;
}
