import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
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

describe('shapes of money in', () => {
  const missing = !existsSync(FIXTURES);
  it.skipIf(missing)(
    `agree with Stripe’s published examples${missing ? ` (skipped: no ${FIXTURES})` : ''}`,
    async () => {
      const oracle = (JSON.parse(readFileSync(FIXTURES, 'utf8')) as { resources: Record<string, unknown> }).resources;
      const customer = await stripe.customers.create({});
      const setup = await stripe.setupIntents.create({
        customer: customer.id,
        payment_method: 'pm_success_de',
        payment_method_types: ['sepa_debit'],
        mandate_data: {
          customer_acceptance: { type: 'online', online: { ip_address: '198.51.100.7', user_agent: 'test' } },
        },
        confirm: true,
        expand: ['mandate'],
      } as Stripe.SetupIntentCreateParams);
      const card = await stripe.setupIntents.create({
        customer: customer.id,
        payment_method: 'pm_card_visa',
        confirm: true,
        expand: ['latest_attempt'],
      });
      const funded = await stripe.testHelpers.customers.fundCashBalance(customer.id, {
        amount: 5_000,
        currency: 'eur',
        reference: 'Payment',
      });
      const wire = await stripe.paymentIntents.create({
        amount: 4_000,
        currency: 'eur',
        customer: customer.id,
        payment_method_types: ['customer_balance'],
        payment_method_data: { type: 'customer_balance' },
        confirm: true,
      } as Stripe.PaymentIntentCreateParams);
      const samples: Record<string, unknown> = {
        customer,
        setup_intent: setup,
        setup_attempt: card.latest_attempt,
        mandate: setup.mandate,
        customer_cash_balance_transaction: funded,
        cash_balance: await stripe.customers.retrieveCashBalance(customer.id),
        funding_instructions: await stripe.customers.createFundingInstructions(customer.id, {
          currency: 'usd',
          funding_type: 'bank_transfer',
          bank_transfer: { type: 'us_bank_transfer' },
        }),
        payment_intent: wire,
        'test_helpers.test_clock': await stripe.testHelpers.testClocks.create({ frozen_time: 1_800_000_000 }),
      };
      for (const [kind, sample] of Object.entries(samples)) {
        expect(sample, kind).toBeTypeOf('object');
        expect(compareShape(kind, sample, oracle[kind]), kind).toEqual([]);
      }
    },
  );
});
