import { createHmac } from 'node:crypto';
import type Stripe from 'stripe';
import type { SandboxBook } from './sandbox.book.js';
import { chaosOf, endpointsOf, releaseOvertaken } from './webhook.queue.js';
import { WebhookWire, type Failure } from './webhook.wire.js';

const IN_FLIGHT_DEFAULT = 16;
/** Rows are read and written in batches: with a million events one statement each would be the whole time. */
const READ_BATCH = 512;
const WRITE_BATCH = 128;
const WRITE_DELAY_MS = 10;
const BACKOFF_MS_FIRST = 250;
const BACKOFF_MS_MAX = 30_000;
/** Stripe gives up after three days in live mode. */
const GIVE_UP_MS = 3 * 24 * 3_600_000;
const IDLE_MS_MAX = 1000;
/** Where nobody answers the next delivery waits so long: a receiver that starts again needs the machine for itself. */
const AWAY_MS = 200;
/** An answer that is held back for an early delivery is held back no longer than this. */
const EARLY_MS_MAX = 2000;

interface Due {
  readonly id: number;
  readonly event: string;
  readonly endpoint: string;
  readonly attempt: number;
  readonly held: boolean;
  /** When it was first to go; a late event is not given up for being late. */
  readonly firstMs: number;
}

interface Outcome {
  readonly due: Due;
  readonly failure: Failure | undefined;
}

/**
 * Signs and delivers events until each is acknowledged with a 2xx, with exponential backoff. The queue is in the
 * book, so a restart goes on where it stopped; an answer that was lost with the process is delivered again.
 *
 * 1. A delivery is in one place: the book, the waiting line here, or on the wire. `#taken` holds what left the book.
 * 2. Outcomes are written in batches; what is not written yet when the process dies is delivered once more.
 */
export class WebhookCourier {
  readonly #wire: WebhookWire;
  readonly #inFlightMax: number;
  readonly #taken = new Set<number>();
  readonly #waiting: Due[] = [];
  readonly #outcomes: Outcome[] = [];
  readonly #receivers = new Map<string, { url: string; secret: string }>();
  /** Until when an endpoint that did not answer is left alone, by the machine's clock. */
  readonly #away = new Map<string, number>();
  #delivered = 0;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly book: SandboxBook,
    options: { inFlight?: number | undefined } = {},
  ) {
    this.#inFlightMax = options.inFlight ?? IN_FLIGHT_DEFAULT;
    this.#wire = new WebhookWire(this.#inFlightMax);
  }

  /** How many deliveries were taken since the start of this process. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Looks at the queue now: call after a commit that may have added to it. */
  wake(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    const deadline = Date.now() + 2000;
    while (this.#inFlight > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 10));
    clearTimeout(this.#writing);
    this.#write();
    this.#wire.close();
  }

  /** Delivers what is to arrive before the answer that causes it, and waits until it has arrived. */
  async deliverEarly(): Promise<void> {
    if (this.#stopped || chaosOf(this.book).early === 0) return;
    const due = this.#read("early = 1 AND state = 'pending' AND attempt = 0", [], READ_BATCH);
    for (const each of due) this.#taken.add(each.id);
    const sent = Promise.all(due.map((each) => this.#deliver(each)));
    await Promise.race([sent, new Promise((done) => setTimeout(done, EARLY_MS_MAX).unref())]);
  }

  #pump(): void {
    if (this.#stopped) return;
    const paused = chaosOf(this.book).paused;
    if (paused) {
      for (const due of this.#waiting.splice(0)) this.#taken.delete(due.id);
    } else {
      if (this.#waiting.length < this.#inFlightMax) this.#refill();
      while (this.#inFlight < this.#inFlightMax) {
        const due = this.#waiting.shift();
        if (due === undefined) break;
        void this.#deliver(due);
      }
    }
    clearTimeout(this.#timer);
    // Whatever comes back pumps again; only waiting for time needs a clock.
    this.#timer = setTimeout(() => this.#pump(), this.#waiting.length > 0 ? IDLE_MS_MAX : this.#untilNext());
    this.#timer.unref();
  }

  #refill(): void {
    this.#write();
    this.#receivers.clear();
    const due = this.#read("state = 'pending' AND next_ms <= ?", [this.book.nowMs], READ_BATCH + this.#taken.size);
    for (const each of due) {
      this.#taken.add(each.id);
      this.#waiting.push(each);
    }
  }

  #read(condition: string, values: number[], limit: number): Due[] {
    // Nothing leaves that a killed process could forget.
    this.book.flush();
    return this.book
      .rows(
        `SELECT id, event, endpoint, attempt, held, coalesce(first_ms, next_ms) AS first_ms
           FROM delivery WHERE ${condition} ORDER BY next_ms, id LIMIT ?`,
        ...values,
        limit,
      )
      .map((row) => ({
        id: Number(row['id']),
        event: String(row['event']),
        endpoint: String(row['endpoint']),
        attempt: Number(row['attempt']),
        held: Number(row['held']) === 1,
        firstMs: Number(row['first_ms']),
      }))
      .filter((due) => !this.#taken.has(due.id));
  }

  #untilNext(): number {
    // What is taken is still pending in the book, and due: look past it.
    const next = this.book.row(
      "SELECT min(next_ms) AS at FROM delivery WHERE state = 'pending' AND next_ms > ?",
      this.book.nowMs,
    )?.['at'];
    if (next == null) return IDLE_MS_MAX;
    return Math.min(IDLE_MS_MAX, Math.max(5, Number(next) - this.book.nowMs));
  }

  async #deliver(due: Due): Promise<void> {
    this.#inFlight += 1;
    const failure = await this.#attempt(due);
    if (failure === undefined) this.#delivered += 1;
    this.#inFlight -= 1;
    this.#outcomes.push({ due, failure });
    // What was overtaken waits for this one: tell the book at once.
    if (this.#outcomes.length >= WRITE_BATCH || this.#waiting.length === 0) this.#write();
    else this.#writing ??= setTimeout(() => this.#write(), WRITE_DELAY_MS);
    if (this.#waiting.length > 0 && !this.#stopped) this.#pumpOn();
    else this.wake();
  }

  /** Goes on without a turn of the clock while there is something in line. */
  #pumpOn(): void {
    if (this.#waiting.length < this.#inFlightMax) this.wake();
    const due = this.#inFlight < this.#inFlightMax ? this.#waiting.shift() : undefined;
    if (due !== undefined) void this.#deliver(due);
  }

  async #attempt(due: Due): Promise<Failure | undefined> {
    await this.#rest(due.endpoint);
    const payload = this.book.row('SELECT body FROM object WHERE id = ?', due.event)?.['body'];
    const receiver = this.#receiver(due.endpoint);
    if (receiver === undefined || typeof payload !== 'string') return undefined;
    // Receivers compare a signature with their own clock, which knows nothing of the sandbox's time.
    const failure = await this.#wire.post(receiver.url, payload, {
      'stripe-signature': signatureHeader(payload, receiver.secret, Math.floor(this.book.machineNowMs / 1000)),
    });
    if (failure?.away === true) this.#away.set(due.endpoint, Date.now() + AWAY_MS);
    else this.#away.delete(due.endpoint);
    return failure;
  }

  /**
   * Waits while nobody answers at the endpoint. One delivery tries, and the others go on waiting: there may be a million
   * of them. Where another endpoint is left to serve they don't wait any longer, for they hold what it needs.
   */
  async #rest(endpoint: string): Promise<void> {
    for (;;) {
      const waitMs = (this.#away.get(endpoint) ?? 0) - Date.now();
      if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs));
      const until = this.#away.get(endpoint);
      if (until === undefined || this.#stopped) return;
      if (until > Date.now() && this.#away.size >= endpointsOf(this.book).length) continue;
      this.#away.set(endpoint, Date.now() + AWAY_MS);
      return;
    }
  }

  /** Looked up once a batch: an endpoint that is removed meanwhile may get a few more. */
  #receiver(id: string): { url: string; secret: string } | undefined {
    const known = this.#receivers.get(id);
    if (known !== undefined) return known;
    const url = this.book.find<Stripe.WebhookEndpoint>('webhook_endpoint', id)?.url;
    const secret = this.book.hidden<{ secret: string }>(id)?.secret;
    if (url === undefined || secret === undefined) return undefined;
    this.#receivers.set(id, { url, secret });
    return { url, secret };
  }

  #write(): void {
    clearTimeout(this.#writing);
    this.#writing = undefined;
    const outcomes = this.#outcomes.splice(0);
    if (outcomes.length === 0) return;
    this.book.transaction(() => {
      const told = new Set<string>();
      const overtaker = new Map<string, number>();
      for (const { due, failure } of outcomes) {
        if (failure === undefined) {
          this.book.run("UPDATE delivery SET state = 'delivered', last_error = NULL WHERE id = ?", due.id);
          if (!due.held) overtaker.set(due.endpoint, Math.max(due.id, overtaker.get(due.endpoint) ?? 0));
          told.add(due.event);
        } else this.#putBack(due, failure.note);
      }
      for (const [endpoint, id] of overtaker) releaseOvertaken(this.book, id, endpoint);
      for (const event of told) this.#countDown(event);
    });
    for (const { due } of outcomes) this.#taken.delete(due.id);
  }

  #putBack(due: Due, failure: string): void {
    const { book } = this;
    const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** Math.min(due.attempt, 20));
    book.run(
      'UPDATE delivery SET attempt = attempt + 1, next_ms = ?, first_ms = ?, last_error = ?, state = ? WHERE id = ?',
      book.nowMs + waitMs,
      due.firstMs,
      failure,
      book.nowMs - due.firstMs > GIVE_UP_MS ? 'given_up' : 'pending',
      due.id,
    );
  }

  /** With five copies of an event it changes once, so it is written once. */
  #countDown(event: string): void {
    const pending = this.book.row(
      "SELECT count(DISTINCT endpoint) AS n FROM delivery WHERE event = ? AND state = 'pending'",
      event,
    )?.['n'];
    this.book.run(
      `UPDATE object SET body = json_set(body, '$.pending_webhooks', ?1)
        WHERE id = ?2 AND json_extract(body, '$.pending_webhooks') <> ?1`,
      Number(pending),
      event,
    );
  }
}

/** Stripe's scheme: `t=<seconds>,v1=<hex HMAC-SHA256 of "<t>.<payload>">`. */
function signatureHeader(payload: string, secret: string, timestampSeconds: number): string {
  const signature = createHmac('sha256', secret).update(`${timestampSeconds}.${payload}`).digest('hex');
  return `t=${timestampSeconds},v1=${signature}`;
}
