import { afterEach, expect, it } from 'vitest';
import Stripe from 'stripe';
import { pacedHttpClient } from '../../libs/payments/src/processor/paced.client.js';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { SECRET_KEY, clientOf, errorOf, openSandbox } from './stripe-sandbox.stage.js';

/* How the sandbox turns calls away (429), and that our own client obeys. Source: Stripe documentation, "Rate limits". */

let sandbox: SandboxServer | undefined;
afterEach(async () => {
  await sandbox?.stop();
  sandbox = undefined;
});

async function open(options: { callsPerSecond?: number } = {}): Promise<SandboxServer> {
  sandbox = await openSandbox(options);
  return sandbox;
}

async function control(server: SandboxServer, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}/_sandbox/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${SECRET_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

const create = (server: SandboxServer, key: string): Promise<Response> =>
  fetch(`${server.url}/v1/payment_intents`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${SECRET_KEY}`,
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': key,
    },
    body: 'amount=2000&currency=usd',
  });

const intents = async (server: SandboxServer): Promise<number> =>
  (await clientOf(server).paymentIntents.list({ limit: 100 })).data.length;

it('calls beyond the rate are turned away in the words of Stripe, and their key stays unused', async () => {
  const server = await open({ callsPerSecond: 2 });
  const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => create(server, key)));
  const away = answers.filter(({ status }) => status === 429);
  expect(away.length).toBeGreaterThanOrEqual(2);
  expect(away[0]?.headers.get('stripe-rate-limited-reason')).toBe('global-rate');
  expect(away[0]?.headers.get('stripe-should-retry')).toBeNull();
  expect(away[0]?.headers.get('request-id')).toMatch(/^req_/);
  expect(await away[0]?.json()).toMatchObject({
    error: {
      type: 'invalid_request_error',
      code: 'rate_limit',
      message: expect.stringContaining('Request rate limit exceeded'),
      doc_url: 'https://stripe.com/docs/error-codes/rate-limit',
    },
  });
  await control(server, 'limits', { callsPerSecond: 0 });
  expect(await intents(server)).toBe(answers.length - away.length);
  const again = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => create(server, key)));
  expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(again.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(
    answers.length - away.length,
  );
  expect(await intents(server)).toBe(5);
  expect(await control(server, 'status')).toMatchObject({ limits: { callsPerSecond: 0, turnedAway: away.length } });
});

it('the rate is set while it runs, and the package names the refusal by its class', async () => {
  const server = await open();
  await control(server, 'limits', { callsPerSecond: 1 });
  const calls = [1, 2, 3].map(() => clientOf(server).paymentIntents.create({ amount: 2000, currency: 'usd' }));
  const [refused] = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected');
  const error = await errorOf(Promise.reject((refused as PromiseRejectedResult).reason as Error));
  expect(error).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
  expect(error).toMatchObject({ statusCode: 429, code: 'rate_limit' });
});

it('an object in use is told with the advice to repeat the call, which the package follows', async () => {
  const server = await open();
  await control(server, 'faults', { lockCalls: 1 });
  const answer = await create(server, 'locked');
  expect(answer.status).toBe(429);
  expect(answer.headers.get('stripe-should-retry')).toBe('true');
  expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'lock_timeout' } });
  expect(await intents(server)).toBe(0);

  await control(server, 'faults', { lockCalls: 1 });
  const { hostname, port } = new URL(server.url);
  const settings = { host: hostname, port, protocol: 'http', telemetry: false, maxNetworkRetries: 1 } as const;
  const made = await new Stripe(SECRET_KEY, settings).paymentIntents.create(
    { amount: 2000, currency: 'usd' },
    { idempotencyKey: 'locked' },
  );
  expect(made.status).toBe('requires_payment_method');
  expect(await intents(server)).toBe(1);
});

it('our own client slows down to what is taken, and makes every call once', async () => {
  const server = await open({ callsPerSecond: 20 });
  const { hostname, port } = new URL(server.url);
  const stripe = new Stripe(SECRET_KEY, {
    host: hostname,
    port,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 0,
    httpClient: pacedHttpClient(60),
  });
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      stripe.paymentIntents.create({ amount: 2000 + n, currency: 'usd' }, { idempotencyKey: `pledge-${n}` }),
    ),
  );
  expect(new Set(made.map(({ id }) => id)).size).toBe(40);
  const { limits } = (await control(server, 'status')) as { limits: { turnedAway: number } };
  expect(limits.turnedAway).toBeGreaterThan(0);
  await control(server, 'limits', { callsPerSecond: 0 });
  expect(await intents(server)).toBe(40);
});
