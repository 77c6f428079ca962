import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, openSandbox } from './stripe-sandbox.stage.js';
import { compareShape } from './stripe-shape.js';

const FIXTURES =
  process.env['STRIPE_FIXTURES'] ?? join(import.meta.dirname, '../../../shared/data/stripe/fixtures3.json');

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox();
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

const paid = (amount: number, method = 'pm_card_visa', more: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
  stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    confirm: true,
    payment_method: method,
    capture_method: 'automatic',
    ...more,
  });

describe('shapes', () => {
  const missing = !existsSync(FIXTURES);
  it.skipIf(missing)(
    `agree with Stripe’s published examples${missing ? ` (skipped: no ${FIXTURES})` : ''}`,
    async () => {
      const oracle = (JSON.parse(readFileSync(FIXTURES, 'utf8')) as { resources: Record<string, unknown> }).resources;
      const intent = await paid(4000, 'pm_card_createDispute', { expand: ['latest_charge.refunds'] });
      const charge = intent.latest_charge as Stripe.Charge;
      const other = await paid(4000);
      const dispute = await eventually('the dispute', async () => {
        return (await stripe.disputes.list({ payment_intent: intent.id })).data[0];
      });
      const samples: Record<string, unknown> = {
        payment_intent: intent,
        charge,
        payment_method: await stripe.paymentMethods.retrieve(intent.payment_method as string),
        balance_transaction: await stripe.balanceTransactions.retrieve(charge.balance_transaction as string),
        refund: await stripe.refunds.create({ payment_intent: other.id }),
        dispute,
        event: (await stripe.events.list({ limit: 1 })).data[0],
        balance: await stripe.balance.retrieve(),
        webhook_endpoint: await stripe.webhookEndpoints.create({ url: 'https://x.example', enabled_events: ['*'] }),
      };
      for (const [kind, sample] of Object.entries(samples)) {
        expect(compareShape(kind, sample, oracle[kind]), kind).toEqual([]);
      }
    },
  );
});
