import { describe, expect, it } from 'vitest';
import { eventEssence } from './event.essence.rule.js';
import { subjectOf } from './event.routing.js';

const charge = {
  id: 'ch_1',
  object: 'charge',
  amount: 2500,
  currency: 'usd',
  status: 'succeeded',
  paid: true,
  payment_intent: { id: 'pi_1', object: 'payment_intent', receipt_email: 'ada@example.org' },
  balance_transaction: 'txn_1',
  billing_details: { name: 'Ada Backer', email: 'ada@example.org', address: { line1: '1 Ship Street' } },
  payment_method_details: { card: { last4: '4242', fingerprint: 'Xt5EWLLDS7FJjR1c' } },
  receipt_email: 'ada@example.org',
  receipt_url: 'https://pay.stripe.com/receipts/1',
  shipping: { name: 'Ada Backer', phone: '+15555550100' },
  customer: 'cus_1',
  metadata: { payment_id: 'p1', nickname: 'Ada' },
};
const event = (type: string, object: object) => ({
  id: 'evt_1',
  object: 'event',
  type,
  created: 1_800_000_000,
  livemode: false,
  request: { id: 'req_1', idempotency_key: 'k' },
  data: { object, previous_attributes: { receipt_email: 'ada@example.com' } },
});

describe('the essence of an event', () => {
  it('keeps ids, amounts and statuses, and nothing of the payer', () => {
    expect(JSON.parse(eventEssence(event('charge.succeeded', charge)))).toEqual({
      id: 'evt_1',
      object: 'event',
      type: 'charge.succeeded',
      created: 1_800_000_000,
      livemode: false,
      data: {
        object: {
          id: 'ch_1',
          object: 'charge',
          amount: 2500,
          currency: 'usd',
          status: 'succeeded',
          paid: true,
          payment_intent: 'pi_1',
          balance_transaction: 'txn_1',
          customer: 'cus_1',
          metadata: { payment_id: 'p1' },
        },
      },
    });
  });

  it.each([
    'payment_intent.succeeded',
    'charge.succeeded',
    'charge.refunded',
    'refund.updated',
    'charge.dispute.created',
    'customer.created',
  ])('of %s leads to the same object as the event itself', (type) => {
    const kept = JSON.parse(eventEssence(event(type, charge))) as { data: { object: Record<string, unknown> } };
    expect(subjectOf(type, kept.data.object)).toEqual(subjectOf(type, charge));
  });

  it('of an event with nothing in it is still an event', () => {
    expect(JSON.parse(eventEssence({ id: 'evt_1', data: { object: [] } }))).toEqual({
      id: 'evt_1',
      data: { object: { metadata: {} } },
    });
  });
});
