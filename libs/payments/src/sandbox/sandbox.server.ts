import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { registerFixedEndpoint } from './account.resource.js';
import { ApiError, invalidRequest } from './api.error.js';
import { findRoute } from './api.routes.js';
import { callLimit, lockTimeout, rateLimited, takeCall } from './call-limit.rule.js';
import type { Chaos } from './chaos.rule.js';
import { answerControl, type Faults, type Limits } from './control.routes.js';
import { expand } from './expansion.rule.js';
import { canonicalForm, FormSyntaxError, parseForm, type Params } from './form.codec.js';
import { answerOfVersion, paramsOfVersion, versionAsked } from './older-version.rule.js';
import { answerHosted, isHosted } from './hosted.page.js';
import { answerOnboarding } from './onboarding.page.js';
import { optionalList } from './params.reader.js';
import { apiKeyOf, connectedAccountOf, headerOf, idempotencyKeyOf, masked, readBody } from './request.reader.js';
import type { Route } from './route.type.js';
import { SandboxBook } from './sandbox.book.js';
import {
  NO_REQUEST,
  SANDBOX_API_VERSION,
  type RequestOrigin,
  type SandboxTiming,
  type SandboxWorld,
} from './sandbox.world.js';
import { clockOfCall } from './test-clock.resource.js';
import { answerReceipt, answerThreeDSecure } from './three-d-secure.page.js';
import { fireDueTimers } from './timer.wheel.js';
import { WebhookCourier } from './webhook.courier.js';
import { chaosOf, recordEvent } from './webhook.queue.js';

/** A key is forgotten after this, and the same call would be executed again. */
const IDEMPOTENCY_MS = 24 * 3_600_000;
const TIMER_TICK_MS = 50;

export interface SandboxOptions {
  /** File of the book; ':memory:' forgets everything at the end. */
  readonly path: string;
  readonly host?: string;
  readonly port: number;
  /** Where clients reach the server; default http://<host>:<port>. */
  readonly publicUrl?: string | undefined;
  readonly secretKey: string;
  readonly publishableKey: string;
  readonly webhook?: { readonly url: string; readonly secret: string } | undefined;
  readonly timing?: Partial<SandboxTiming>;
  readonly chaos?: Partial<Chaos>;
  readonly seed?: string | undefined;
  /** How many webhooks may be under way at a time. */
  readonly webhookConcurrency?: number | undefined;
  /** API calls beyond this are turned away with 429; as many as may come where it is left out. */
  readonly callsPerSecond?: number | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** The stand-alone Stripe sandbox: an HTTP server that the unmodified `stripe` package talks to. */
export class SandboxServer {
  readonly #book: SandboxBook;
  readonly #courier: WebhookCourier;
  readonly #server: Server;
  readonly #timing: SandboxTiming;
  readonly #faults: Faults = { dropAnswers: 0, failAnswers: 0, lockCalls: 0 };
  readonly #limits: Limits;
  #limit = callLimit(0, 0);
  #timerTick: NodeJS.Timeout | undefined;
  #url = '';

  constructor(private readonly options: SandboxOptions) {
    this.#book = new SandboxBook(options.path, { seed: options.seed, nowMs: () => Date.now() });
    this.#timing = {
      debitDelayMs: 1000,
      disputeDelayMs: 1000,
      outcomeDelayMs: 500,
      settlementMs: 2 * 86_400_000,
      payoutMs: 1000,
      payoutScheduleMs: 500,
      warningDelayMs: 5000,
      ...options.timing,
    };
    this.#limits = { callsPerSecond: options.callsPerSecond ?? 0, turnedAway: 0 };
    this.#courier = new WebhookCourier(this.#book, { inFlight: options.webhookConcurrency });
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    const host = this.options.host ?? '127.0.0.1';
    await new Promise<void>((done, failed) => {
      this.#server.once('error', failed);
      this.#server.listen(this.options.port, host, done);
    });
    const { port } = this.#server.address() as AddressInfo;
    this.#url = (this.options.publicUrl ?? `http://${host}:${port}`).replace(/\/$/, '');
    this.#book.transaction(() => {
      const { webhook, chaos } = this.options;
      if (webhook !== undefined) registerFixedEndpoint(this.#world(NO_REQUEST), webhook.url, webhook.secret);
      this.#applyInitialChaos(chaos);
    });
    this.#timerTick = setInterval(() => this.#tick(), TIMER_TICK_MS);
    this.#courier.wake();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timerTick);
    await this.#courier.stop();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    this.#book.close();
  }

  /** The command line's chaos holds for a new book; a restart goes on with what is left of it. */
  #applyInitialChaos(chaos: Partial<Chaos> | undefined): void {
    if (this.#book.setting('chaos') !== undefined) return;
    const seed = this.options.seed ?? this.#book.newId('chaos', 12);
    this.#book.setSetting('chaos', { ...chaosOf(this.#book), seed, ...chaos });
  }

  #tick(): void {
    if (fireDueTimers(this.#world(NO_REQUEST)) > 0) this.#courier.wake();
  }

  #world(origin: RequestOrigin): SandboxWorld {
    const book = this.#book;
    return {
      book,
      timing: this.#timing,
      baseUrl: this.#url,
      origin,
      emit: (type, object, previous) => book.offClock(() => recordEvent(book, origin, type, object, previous)),
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = `req_${createHash('sha256').update(`${process.pid}:${process.hrtime.bigint()}`).digest('hex').slice(0, 14)}`;
    let answer: Answer | 'drop';
    try {
      answer = await this.#answer(request, requestId);
    } catch (error) {
      answer = errorAnswer(error, { requestId, baseUrl: this.#url });
    }
    await this.#courier.deliverEarly();
    try {
      await this.#book.committed();
    } catch (error) {
      answer = errorAnswer(error, { requestId, baseUrl: this.#url });
    }
    this.#courier.wake();
    if (answer === 'drop') {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      'cache-control': 'no-cache, no-store',
      'request-id': requestId,
      'stripe-version': headerOf(request, 'stripe-version') ?? SANDBOX_API_VERSION,
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, PUT, PATCH, POST, DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key, stripe-account, stripe-version',
      'access-control-expose-headers':
        'Request-Id, Stripe-Manage-Version, Stripe-Should-Retry, Stripe-Rate-Limited-Reason',
      'access-control-max-age': '300',
      ...answer.headers,
    });
    response.end(answer.body);
  }

  async #answer(request: IncomingMessage, requestId: string): Promise<Answer | 'drop'> {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const method = request.method ?? 'GET';
    if (method === 'OPTIONS') return { status: 204, body: '' };
    const body = await readBody(request);
    const book = this.#book;
    if (url.pathname.startsWith('/3ds/')) {
      const origin: RequestOrigin = { id: requestId, idempotencyKey: null };
      return book.transaction(() => answerThreeDSecure(this.#world(origin), { method, url, body, request }));
    }
    if (url.pathname.startsWith('/connect/onboarding/')) {
      return book.transaction(() => answerOnboarding(this.#world(NO_REQUEST), { method, url, body, request }));
    }
    if (isHosted(url.pathname)) {
      return book.transaction(() => answerHosted(this.#world(NO_REQUEST), { method, path: url.pathname, body }));
    }
    if (url.pathname.startsWith('/receipts/')) {
      return answerReceipt(this.#world(NO_REQUEST), url.pathname.slice('/receipts/'.length));
    }
    if (url.pathname.startsWith('/_sandbox/')) {
      return answerControl(
        {
          world: this.#world(NO_REQUEST),
          faults: this.#faults,
          limits: this.#limits,
          delivered: this.#courier.delivered,
          authorised: this.#isSecret(request),
          wake: () => this.#courier.wake(),
        },
        { method, path: url.pathname.slice('/_sandbox/'.length), body },
      );
    }
    return this.#answerApi(request, { method, url, body, requestId });
  }

  #answerApi(
    request: IncomingMessage,
    input: { method: string; url: URL; body: string; requestId: string },
  ): Answer | 'drop' {
    const { method, url, requestId } = input;
    const found = url.pathname.startsWith('/v1/') ? findRoute(method, url.pathname.slice('/v1/'.length)) : undefined;
    const asked = parseForm(method === 'POST' ? input.body : url.search.slice(1));
    const publishable = this.#authenticate(request, asked, found?.route);
    this.#admit(method);
    if (found === undefined) {
      throw invalidRequest(
        `Unrecognized request URL (${method}: ${url.pathname}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
        { status: 404 },
      );
    }
    const key = method === 'POST' ? idempotencyKeyOf(request) : null;
    const origin: RequestOrigin = { id: requestId, idempotencyKey: key };
    const account = connectedAccountOf(this.#book, request, this.options.secretKey);
    const version = versionAsked(headerOf(request, 'stripe-version'), SANDBOX_API_VERSION);
    const params = paramsOfVersion(version, found.route.pattern, asked);
    const execute = (): Answer => {
      const world = this.#world(origin);
      const answer = this.#book.onClock(clockOfCall(world, params, found.id), () =>
        found.route.handle({ world, params, id: found.id, sub: found.sub, publishable }),
      );
      const expanded = expand(this.#book, answer, optionalList(params, 'expand'));
      return { status: 200, body: JSON.stringify(answerOfVersion(this.#book, version, expanded), null, 2) };
    };
    const fail = (error: ApiError): Answer =>
      errorAnswer(error, {
        requestId,
        baseUrl: this.#url,
        shape: (body) => answerOfVersion(this.#book, version, body),
      });
    const answer = this.#book.within(account, () =>
      key === null
        ? this.#book.transaction(() => keepingDeclines(execute, fail))
        : this.#once({ account, key }, `${method} ${url.pathname} ${canonicalForm(params)}`, requestId, () =>
            keepingDeclines(execute, fail),
          ),
    );
    if (method !== 'POST') return answer;
    if (this.#faults.dropAnswers > 0) {
      this.#faults.dropAnswers -= 1;
      return 'drop';
    }
    if (this.#faults.failAnswers > 0) {
      this.#faults.failAnswers -= 1;
      throw new ApiError(500, { type: 'api_error', message: 'An unknown error occurred' });
    }
    return answer;
  }

  /** Turns calls away before anything is done. @throws ApiError 429 */
  #admit(method: string): void {
    const { callsPerSecond } = this.#limits;
    const nowMs = performance.now();
    if (this.#limit.perSecond !== callsPerSecond) this.#limit = callLimit(callsPerSecond, nowMs);
    const { limit, taken } = takeCall(this.#limit, nowMs);
    this.#limit = limit;
    const locked = taken && method === 'POST' && this.#faults.lockCalls > 0;
    if (locked) this.#faults.lockCalls -= 1;
    if (taken && !locked) return;
    this.#limits.turnedAway += 1;
    throw locked ? lockTimeout() : rateLimited();
  }

  /** Executes a call at most once per key, and gives every repetition the first answer. */
  #once(asked: { account: string; key: string }, content: string, requestId: string, execute: () => Answer): Answer {
    const book = this.#book;
    // A key counts within the account that it was used for.
    const key = asked.account === '' ? asked.key : `${asked.account}/${asked.key}`;
    const fingerprint = createHash('sha256').update(content).digest('hex');
    return book.transaction(() => {
      book.run('DELETE FROM idempotency WHERE key = ? AND created_ms < ?', key, book.nowMs - IDEMPOTENCY_MS);
      const known = book.row('SELECT fingerprint, status, body, request_id FROM idempotency WHERE key = ?', key);
      if (known !== undefined) {
        if (known['fingerprint'] !== fingerprint) {
          throw new ApiError(400, {
            type: 'idempotency_error',
            message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${asked.key}' if you meant to execute a different request.`,
          });
        }
        return {
          status: Number(known['status']),
          body: String(known['body']),
          headers: {
            'idempotency-key': asked.key,
            'idempotent-replayed': 'true',
            'original-request': String(known['request_id']),
          },
        };
      }
      const answer = execute();
      book.run(
        'INSERT INTO idempotency (key, fingerprint, status, body, request_id, created_ms) VALUES (?, ?, ?, ?, ?, ?)',
        key,
        fingerprint,
        answer.status,
        answer.body,
        requestId,
        book.nowMs,
      );
      return { ...answer, headers: { 'idempotency-key': asked.key, 'original-request': requestId } };
    });
  }

  /** @returns whether the caller is a browser with a publishable key. @throws ApiError 401 */
  #authenticate(request: IncomingMessage, params: Params, route: Route | undefined): boolean {
    const key = apiKeyOf(request) ?? (typeof params['key'] === 'string' ? params['key'] : undefined);
    if (key === undefined) {
      throw invalidRequest(
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        { status: 401 },
      );
    }
    if (key === this.options.secretKey) return false;
    if (key !== this.options.publishableKey) {
      throw invalidRequest(`Invalid API Key provided: ${masked(key)}`, { status: 401 });
    }
    if (route?.browser !== true) {
      throw invalidRequest(
        'This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.',
        { status: 401, code: 'secret_key_required' },
      );
    }
    return true;
  }

  #isSecret(request: IncomingMessage): boolean {
    return apiKeyOf(request) === this.options.secretKey;
  }
}

/** A decline is an answer with changes to keep; any other error undoes them. */
function keepingDeclines(execute: () => Answer, fail: (error: ApiError) => Answer): Answer {
  try {
    return execute();
  } catch (error) {
    if (error instanceof ApiError && error.keepsChanges) return fail(error);
    throw error;
  }
}

function errorAnswer(
  error: unknown,
  about: { requestId: string; baseUrl: string; shape?: (body: object) => object },
): Answer {
  const { requestId, baseUrl } = about;
  const known =
    error instanceof ApiError
      ? error
      : error instanceof FormSyntaxError
        ? invalidRequest(error.message)
        : new ApiError(500, { type: 'api_error', message: 'An unknown error occurred' });
  if (!(error instanceof ApiError) && !(error instanceof FormSyntaxError)) {
    process.stderr.write(
      `sandbox: ${requestId}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
  const challenge = known.status === 401 ? { 'www-authenticate': 'Bearer realm="Stripe"' } : {};
  const headers: Record<string, string> = { ...challenge, ...known.headers };
  known.body.request_log_url = `${baseUrl}/_sandbox/requests/${requestId}?t=${Math.floor(Date.now() / 1000)}`;
  const body = { error: known.body };
  return { status: known.status, body: JSON.stringify(about.shape?.(body) ?? body, null, 2), headers };
}
