import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { clientOf, openSandbox, SECRET_KEY } from './stripe-sandbox.stage.js';

let sandbox: SandboxServer;
let stripe: Stripe;
beforeAll(async () => {
  sandbox = await openSandbox({
    timing: { disputeDelayMs: 20, outcomeDelayMs: 20, settlementMs: 2000, warningDelayMs: 150 },
  });
  stripe = clientOf(sandbox);
});
afterAll(() => sandbox.stop());

const paid = (amount: number, method = 'pm_card_visa'): Promise<Stripe.PaymentIntent> =>
  stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    confirm: true,
    payment_method: method,
    capture_method: 'automatic',
  });
const control = async (path: string, body: object): Promise<Record<string, unknown>> => {
  const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET_KEY}` },
    body: JSON.stringify(body),
  });
  return { httpStatus: answer.status, ...((await answer.json()) as object) };
};
const typesOf = async (id: string): Promise<string[]> => {
  const all = await stripe.events.list({ limit: 100 });
  return all.data
    .filter(({ data }) => (data.object as { id?: string }).id === id)
    .map(({ type }) => type)
    .toReversed();
};
const netOf = async (source: string): Promise<number> => {
  const all = await stripe.balanceTransactions.list({ source, limit: 100 });
  return all.data.reduce((sum, each) => sum + each.net, 0);
};

describe('early fraud warnings', () => {
  it('come with a card, and become a dispute when they are left alone', async () => {
    const intent = await paid(7000, 'pm_card_createIssuerFraudRecord');
    const warning = await eventually('the warning', async () => {
      return (await stripe.radar.earlyFraudWarnings.list({ payment_intent: intent.id })).data[0];
    });
    expect(warning).toMatchObject({ actionable: true, charge: intent.latest_charge, payment_intent: intent.id });
    const dispute = await eventually('the dispute', async () => {
      return (await stripe.disputes.list({ payment_intent: intent.id })).data[0];
    });
    expect(dispute).toMatchObject({ reason: 'fraudulent', status: 'needs_response', amount: 7000 });
    expect((await stripe.radar.earlyFraudWarnings.retrieve(warning.id)).actionable).toBe(false);
    expect(await typesOf(warning.id)).toEqual([
      'radar.early_fraud_warning.created',
      'radar.early_fraud_warning.updated',
    ]);
  });

  it('come by control, and end with a full refund', async () => {
    const intent = await paid(3000);
    const opened = await control('warnings', { paymentIntent: intent.id, fraudType: 'card_never_received' });
    expect(opened).toMatchObject({ actionable: true, fraud_type: 'card_never_received' });
    await stripe.refunds.create({ payment_intent: intent.id });
    await eventually('the end', async () => (await typesOf(opened['id'] as string)).length === 2);
    expect((await stripe.disputes.list({ payment_intent: intent.id })).data).toEqual([]);
  });
});

describe('disputes', () => {
  it('can be several on one charge, each for a part, never for more than is left', async () => {
    const intent = await paid(1001, 'pm_card_createMultipleDisputes');
    const both = await eventually('two disputes', async () => {
      const { data } = await stripe.disputes.list({ payment_intent: intent.id });
      return data.length === 2 ? data : undefined;
    });
    expect(both.map(({ amount }) => amount).toSorted((a, b) => a - b)).toEqual([500, 501]);
    expect(await control('disputes', { paymentIntent: intent.id })).toMatchObject({ httpStatus: 409 });
    const other = await paid(2000);
    await control('disputes', { paymentIntent: other.id, amount: 700 });
    await control('disputes', { paymentIntent: other.id, amount: 5000 });
    const parts = await stripe.disputes.list({ payment_intent: other.id });
    expect(parts.data.map(({ amount }) => amount)).toEqual([1300, 700]);
  });

  it('that were lost are reinstated by the bank', async () => {
    const intent = await paid(4000);
    const { id } = (await control('disputes', { paymentIntent: intent.id, amount: 1500 })) as { id: string };
    expect(await stripe.disputes.close(id)).toMatchObject({ status: 'lost' });
    expect(await netOf(id)).toBe(-1500 - 1500);
    expect(await control('disputes/decide', { dispute: id, outcome: 'lost' })).toMatchObject({ httpStatus: 400 });
    expect(await control('disputes/decide', { dispute: id, outcome: 'won' })).toMatchObject({ status: 'won' });
    expect(await netOf(id)).toBe(-1500);
    expect(await typesOf(id)).toEqual([
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.closed',
      'charge.dispute.updated',
      'charge.dispute.funds_reinstated',
    ]);
  });

  it('begin as inquiries that move no money until the bank escalates them', async () => {
    const intent = await paid(4000, 'pm_card_createDisputeInquiry');
    const inquiry = await eventually('the inquiry', async () => {
      return (await stripe.disputes.list({ payment_intent: intent.id })).data[0];
    });
    expect([inquiry.status, await netOf(inquiry.id)]).toEqual(['warning_needs_response', 0]);
    await stripe.disputes.update(inquiry.id, { evidence: { uncategorized_text: 'escalate_inquiry_evidence' } });
    const escalated = await eventually('the chargeback', async () => {
      const now = await stripe.disputes.retrieve(inquiry.id);
      return now.status === 'needs_response' ? now : undefined;
    });
    expect([escalated.is_charge_refundable, await netOf(inquiry.id)]).toEqual([false, -5500]);
    const second = await paid(900);
    const { id } = (await control('disputes', { paymentIntent: second.id, inquiry: true })) as { id: string };
    expect(await control('disputes/decide', { dispute: id, outcome: 'lost' })).toMatchObject({
      status: 'warning_closed',
    });
    expect(await netOf(id)).toBe(0);
  });
});

describe('refunds', () => {
  it('come back from the bank long after they succeeded', async () => {
    const intent = await paid(5000);
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 2000 });
    expect(await control('refunds', { refund: refund.id, outcome: 'failed' })).toMatchObject({
      status: 'failed',
      failure_reason: 'lost_or_stolen_card',
    });
    expect(await netOf(refund.id)).toBe(0);
    expect(await stripe.charges.retrieve(intent.latest_charge as string)).toMatchObject({ amount_refunded: 0 });
    expect(await typesOf(refund.id)).toEqual([
      'refund.created',
      'refund.failed',
      'refund.updated',
      'charge.refund.updated',
    ]);
    expect(await control('refunds', { refund: refund.id, outcome: 'failed' })).toMatchObject({ httpStatus: 400 });
    expect((await stripe.refunds.update(refund.id, { metadata: { a: '1' } })).metadata).toEqual({ a: '1' });
  });

  it('wait for money when told to, and take it when it is there', async () => {
    const own = await openSandbox({ timing: { settlementMs: 1500, outcomeDelayMs: 20 } });
    try {
      const client = clientOf(own);
      await fetch(`${own.url}/_sandbox/refunds`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET_KEY}` },
        body: '{"waitForFunds":true}',
      });
      const terms = { currency: 'usd', confirm: true, capture_method: 'automatic' } as const;
      const intent = await client.paymentIntents.create({ ...terms, amount: 4000, payment_method: 'pm_card_visa' });
      const refund = await client.refunds.create({ payment_intent: intent.id, amount: 1000 });
      expect(refund).toMatchObject({
        status: 'pending',
        pending_reason: 'insufficient_funds',
        balance_transaction: null,
      });
      const done = await eventually('the money', async () => {
        const now = await client.refunds.retrieve(refund.id);
        return now.status === 'succeeded' ? now : undefined;
      });
      expect(done.balance_transaction).toMatch(/^txn_/);
    } finally {
      await own.stop();
    }
  });
});

it('takes fees that belong to no charge', async () => {
  await control('fees', { amount: 200, description: 'Radar' });
  const [fee] = (await stripe.balanceTransactions.list({ type: 'stripe_fee' })).data;
  expect(fee).toMatchObject({ amount: -200, type: 'stripe_fee', description: 'Radar' });
  expect(await control('fees', { amount: 0 })).toMatchObject({ httpStatus: 400 });
});
