import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, openSandbox, SECRET_KEY } from './stripe-sandbox.stage.js';

interface Arrival {
  readonly id: string;
  readonly type: string;
  readonly atMs: number;
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const listen = async (): Promise<{ url: string; seen: Arrival[] }> => {
  const seen: Arrival[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { id, type } = JSON.parse(Buffer.concat(parts).toString('utf8')) as Arrival;
      seen.push({ id, type, atMs: performance.now() });
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => new Promise((done) => server.close(done)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, seen };
};

const open = async (url: string, chaos: object, seed = 'chaos-1'): Promise<SandboxServer> => {
  const sandbox = await openSandbox({ webhook: { url, secret: 'whsec_x' }, chaos, seed, webhookConcurrency: 8 });
  closers.push(() => sandbox.stop());
  return sandbox;
};
const cause = async (sandbox: SandboxServer, count: number): Promise<void> => {
  const stripe = clientOf(sandbox);
  for (let n = 0; n < count; n += 1) await stripe.paymentIntents.create({ amount: 100 + n, currency: 'usd' });
};
const control = async (sandbox: SandboxServer, path: string, body?: object): Promise<Record<string, unknown>> => {
  const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${SECRET_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Record<string, unknown>;
};

describe('chaos', () => {
  it('delivers in five copies and any order, and loses what only the event list still has', async () => {
    const run = async (seed: string): Promise<string[]> => {
      const hook = await listen();
      const sandbox = await open(hook.url, { duplicates: 5, shuffleWindow: 40, lose: 0.1 }, seed);
      await cause(sandbox, 60);
      const { deliveries } = (await control(sandbox, 'status')) as { deliveries: { lost: number } };
      const kept = 60 - deliveries.lost;
      await eventually('five copies of each', () => Promise.resolve(hook.seen.length === kept * 5));
      const listed = (await clientOf(sandbox).events.list({ limit: 100 })).data.map(({ id }) => id).toReversed();
      const missing = listed.filter((id) => !hook.seen.some((each) => each.id === id));
      expect(listed).toHaveLength(60);
      expect(missing).toHaveLength(deliveries.lost);
      const first = [...new Set(hook.seen.map(({ id }) => id))];
      const displaced = first.filter((id, place) => listed.filter((each) => !missing.includes(each))[place] !== id);
      expect(displaced.length).toBeGreaterThan(kept / 2);
      return missing;
    };
    const runs = await Promise.all(['chaos-1', 'chaos-1', 'chaos-2'].map(run));
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
    expect(runs[0]?.length).toBeGreaterThan(0);
  });

  it('lets an event arrive before the call that causes it is answered', async () => {
    const hook = await listen();
    const sandbox = await open(hook.url, { early: 1 });
    const intent = await clientOf(sandbox).paymentIntents.create({ amount: 500, currency: 'usd' });
    const answeredMs = performance.now();
    expect(hook.seen).toHaveLength(1);
    expect(hook.seen[0]?.atMs).toBeLessThan(answeredMs);
    expect(intent.status).toBe('requires_payment_method');
  });

  it('brings events up to thirty days late, by the sandbox’s time', async () => {
    const hook = await listen();
    const sandbox = await open(hook.url, { late: 1, duplicates: 2 });
    await cause(sandbox, 10);
    await new Promise((done) => setTimeout(done, 300));
    expect(hook.seen).toHaveLength(0);
    await control(sandbox, 'time', { advanceMs: 30 * 86_400_000 });
    await eventually('what was late', () => Promise.resolve(hook.seen.length === 20));
    await control(sandbox, 'time', { advanceMs: 86_400_000 });
    expect((await clientOf(sandbox).events.list()).data).toEqual([]);
  });

  it('spares an endpoint that is switched off', async () => {
    const hook = await listen();
    const sandbox = await open(hook.url, {});
    const stripe = clientOf(sandbox);
    const [endpoint] = (await stripe.webhookEndpoints.list()).data;
    const off = await stripe.webhookEndpoints.update(endpoint?.id ?? '', { disabled: true });
    expect(off.status).toBe('disabled');
    await cause(sandbox, 1);
    await stripe.webhookEndpoints.update(off.id, { disabled: false, enabled_events: ['payment_intent.canceled'] });
    const { id } = await stripe.paymentIntents.create({ amount: 100, currency: 'usd' });
    await stripe.paymentIntents.cancel(id);
    await eventually('the one that is wanted', () => Promise.resolve(hook.seen.length > 0));
    expect(hook.seen.map(({ type }) => type)).toEqual(['payment_intent.canceled']);
  });

  it('is changed while it runs, within bounds', async () => {
    const hook = await listen();
    const sandbox = await open(hook.url, {});
    expect(await control(sandbox, 'chaos', { duplicates: 99, lose: 2, late: 0.05, seed: 'other' })).toMatchObject({
      duplicates: 20,
      lose: 1,
      late: 0.05,
      lateMs: 30 * 86_400_000,
      seed: 'other',
    });
  });

  it('is worked off in batches: two hundred events in five copies', async () => {
    const hook = await listen();
    const sandbox = await open(hook.url, { duplicates: 5, paused: true });
    await cause(sandbox, 200);
    const startedMs = performance.now();
    await control(sandbox, 'chaos', { paused: false });
    await eventually('all copies', () => Promise.resolve(hook.seen.length === 1000), 30_000);
    const perSecond = Math.round(1000 / ((performance.now() - startedMs) / 1000));
    process.stdout.write(`    ${perSecond} deliveries/s, receiver in the same process\n`);
    const { deliveries } = (await control(sandbox, 'status')) as { deliveries: Record<string, number> };
    await eventually('the book to know', async () => {
      const now = (await control(sandbox, 'status')) as { deliveries: Record<string, number> };
      return now.deliveries['pending'] === 0;
    });
    expect(deliveries['lost']).toBe(0);
    const undelivered = await clientOf(sandbox).events.list({ delivery_success: false });
    expect(undelivered.data).toEqual([]);
    const [latest] = (await clientOf(sandbox).events.list({ limit: 1 })).data;
    expect(latest?.pending_webhooks).toBe(0);
  });
});
