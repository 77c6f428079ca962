import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, openSandbox } from './stripe-sandbox.stage.js';

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox();
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

describe('webhooks', () => {
  const listen = async () => {
    const state = { answer: 200, seen: [] as { type: string; signature: string; body: string }[] };
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString('utf8')));
      request.on('end', () => {
        if (state.answer === 200) {
          const { type } = JSON.parse(body) as { type: string };
          state.seen.push({ type, signature: String(request.headers['stripe-signature']), body });
        }
        response.writeHead(state.answer).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    return { state, url, close: () => new Promise((done) => server.close(done)) };
  };

  it('are signed in Stripe’s scheme and repeated until they are taken, over a restart too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stripe-sandbox-'));
    const hook = await listen();
    hook.state.answer = 500;
    const path = join(folder, 'book.sqlite');
    const webhook = { url: hook.url, secret: 'whsec_contract' };
    const first = await openSandbox({ path, webhook });
    const intent = await clientOf(first).paymentIntents.create({
      amount: 400,
      currency: 'usd',
      confirm: true,
      payment_method: 'pm_card_visa',
    });
    await first.stop();
    const second = await openSandbox({ path, webhook });
    hook.state.answer = 200;
    await eventually('all four events', () => Promise.resolve(hook.state.seen.length === 4));
    expect(hook.state.seen.map((each) => each.type).toSorted()).toEqual([
      'charge.succeeded',
      'charge.updated',
      'payment_intent.created',
      'payment_intent.succeeded',
    ]);
    for (const { body, signature } of hook.state.seen) {
      expect(stripe.webhooks.constructEvent(body, signature, 'whsec_contract').api_version).toBe('2026-10-28.endive');
    }
    expect((await clientOf(second).paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
    await second.stop();
    await hook.close();
    rmSync(folder, { recursive: true });
  });

  it('are duplicated and reordered as the chaos says', async () => {
    const hook = await listen();
    const own = await openSandbox({
      webhook: { url: hook.url, secret: 'whsec_x' },
      chaos: { duplicates: 2, outOfOrder: 1 },
    });
    const intent = await clientOf(own).paymentIntents.create({ amount: 400, currency: 'usd' });
    await clientOf(own).paymentIntents.cancel(intent.id);
    await eventually('both events twice', () => Promise.resolve(hook.state.seen.length === 4));
    expect(hook.state.seen.map((each) => each.type)[0]).toBe('payment_intent.canceled');
    expect(hook.state.seen.filter((each) => each.type === 'payment_intent.created')).toHaveLength(2);
    await own.stop();
    await hook.close();
  });

  it('go to endpoints made through the API, whose secret is shown once', async () => {
    const hook = await listen();
    const endpoint = await stripe.webhookEndpoints.create({
      url: hook.url,
      enabled_events: ['payment_intent.canceled'],
    });
    expect(endpoint.secret).toMatch(/^whsec_/);
    expect(await stripe.webhookEndpoints.retrieve(endpoint.id)).not.toHaveProperty('secret');
    const intent = await stripe.paymentIntents.create({ amount: 400, currency: 'usd' });
    await stripe.paymentIntents.cancel(intent.id);
    await eventually('the event', () => Promise.resolve(hook.state.seen.length === 1));
    expect(hook.state.seen[0]?.type).toBe('payment_intent.canceled');
    await stripe.webhookEndpoints.del(endpoint.id);
    await hook.close();
  });

  it('cannot be controlled without the secret key', async () => {
    const answer = await fetch(`${sandbox.url}/_sandbox/chaos`, { method: 'POST', body: '{"lose":1}' });
    expect(answer.status).toBe(401);
    expect((await fetch(`${sandbox.url}/_sandbox/health`)).status).toBe(200);
  });
});
