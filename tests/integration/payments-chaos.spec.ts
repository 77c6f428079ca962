import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../libs/testkit/src/index.js';
import { CARDS, got, Stage } from './payments.stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

const setChaos = async (body: object): Promise<void> => {
  expect((await stage.control('chaos', body)).status).toBe(200);
};

describe('webhooks', () => {
  it('delivered three times each, with pairs out of order, have one effect', async () => {
    await setChaos({ duplicates: 3, outOfOrder: 4, shuffleMs: 200 });
    const references = ['a', 'b', 'c', 'd'];
    for (const reference of references) {
      const payment = await stage.begin(reference);
      await stage.pay(payment.clientSecret, reference === 'd' ? CARDS.dispute : CARDS.good);
    }
    await stage.settle();
    await setChaos({ duplicates: 1, outOfOrder: 0, shuffleMs: 0 });
    expect(stage.arrivals.length).toBeGreaterThan(24);
    expect(stage.witness.told.filter((line) => line.startsWith('captured')).toSorted()).toEqual(
      references.map((reference) => `captured ${reference} 175`),
    );
    await stage.audit();
  });

  it('that come before our own commit are parked and then worked off', async () => {
    // What the webhook of a payment looks like whose row is written, but not yet committed.
    const id = '018f0000-0000-7000-8000-0000000000aa';
    const intent = await stage.stripe.paymentIntents.create({
      amount: 5000,
      currency: 'usd',
      capture_method: 'automatic',
      confirm: true,
      payment_method: 'pm_card_visa',
      metadata: { payment_id: id },
    });
    await eventually('the events are in the inbox', async () => {
      await stage.inbox.drain();
      const rows = await stage.db.dataSource.query(
        "SELECT state FROM stripe_event WHERE object_id = $1 AND state = 'parked'",
        [intent.id],
      );
      return (rows as unknown[]).length === 2;
    });
    await stage.db.dataSource.query(
      `INSERT INTO payment (id, reference, campaign_id, contributor_pseudonym, amount_minor, currency, description,
         escrow_account, refunds_payable_account, status, idempotency_key, created_at, updated_at)
       VALUES ($1, 'late', $2, gen_random_uuid(), 5000, 'USD', 'late', $3, $4, 'LOCAL_INTENT', $5, now(), now())`,
      [id, stage.campaignId, stage.escrow, stage.refundsPayable, `payment:${id}`],
    );
    await stage.settle();
    expect((await stage.row(id))['status']).toBe('SUCCEEDED');
    expect(stage.witness.told.filter((line) => line.includes(' late'))).toEqual(['captured late 175']);
    await stage.audit();
  });

  it('in every order and number lead to the same end', async () => {
    // A life with everything in it, recorded while nothing is delivered.
    await setChaos({ paused: true });
    let run = 0;
    const record = async (): Promise<{ paymentId: string; events: Buffer[] }> => {
      run += 1;
      const payment = await stage.begin(`perm-${run}`);
      await stage.pay(payment.clientSecret, CARDS.declined);
      const { body } = await stage.pay(payment.clientSecret, CARDS.challenge);
      await fetch(body.next_action?.redirect_to_url.url ?? '', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"outcome":"complete"}',
      });
      const intent = payment.stripePaymentIntentId ?? '';
      await stage.stripe.refunds.create({ payment_intent: intent, amount: 1000 });
      await stage.control('disputes', { paymentIntent: intent });
      const all = await stage.stripe.events.list({ limit: 100 });
      const own = all.data.filter((event) => JSON.stringify(event.data.object).includes(intent));
      return { paymentId: payment.paymentId, events: own.map((event) => Buffer.from(JSON.stringify(event))) };
    };
    const sign = (payload: Buffer): string =>
      stage.stripe.webhooks.generateTestHeaderString({ payload: payload.toString('utf8'), secret: 'whsec_stage' });

    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.nat()),
        fc.array(fc.nat(30), { maxLength: 12 }),
        fc.nat({ max: 3 }),
        async (ranks, repeated, drainEvery) => {
          const { paymentId, events } = await record();
          expect(events.length).toBeGreaterThanOrEqual(10);
          const order = [...events, ...repeated.map((index) => events[index % events.length] as Buffer)]
            .map((event) => ({ event, rank: ranks.next().value as number }))
            .toSorted((a, b) => a.rank - b.rank);
          for (const [index, { event }] of order.entries()) {
            got(await stage.intake.receive(event, sign(event)));
            if (drainEvery > 0 && index % drainEvery === 0) await stage.inbox.drain();
          }
          await eventually('the inbox is empty', async () => {
            await stage.inbox.drain();
            const rows = await stage.db.dataSource.query(
              "SELECT 1 FROM stripe_event WHERE state IN ('waiting', 'parked')",
            );
            return (rows as unknown[]).length === 0;
          });
          expect(await stage.row(paymentId)).toMatchObject({ status: 'SUCCEEDED', fee_minor: 175n });
          const told = stage.witness.told.filter((line) => line.includes(` perm-${run} `)).toSorted();
          expect(told.filter((line) => !line.startsWith('failed'))).toEqual([
            `captured perm-${run} 175`,
            `dispute opened perm-${run} 4000+1500`,
            `refunded perm-${run} 1000`,
          ]);
          await stage.audit();
        },
      ),
      { numRuns: 12 },
    );
    await setChaos({ paused: false });
  });
});

describe('an unknown outcome', () => {
  it('of a submission is repeated with the same key: one intent', async () => {
    // Both the call and the package's own repetition lose their answer.
    await stage.control('faults', { dropAnswers: 2 });
    const begun = got(await stage.payments.createCardPayment(stage.input('dropped')));
    expect(begun).toMatchObject({ status: 'LOCAL_INTENT', clientSecret: undefined });
    await eventually('the sweep has submitted it', async () => {
      await stage.sweep.tick();
      return (await stage.row(begun.paymentId))['status'] === 'SUBMITTED';
    });
    const intents = await stage.stripe.paymentIntents.list({ limit: 100 });
    expect(intents.data.filter((intent) => intent.metadata['payment_id'] === begun.paymentId)).toHaveLength(1);
    const again = await stage.begin('dropped');
    expect(again.paymentId).toBe(begun.paymentId);
    expect(again.clientSecret).toMatch(/_secret_/);
  });

  it('of a refund is repeated with the same key: one refund', async () => {
    const payment = await stage.begin('refund-dropped');
    await stage.pay(payment.clientSecret, CARDS.good);
    await stage.settle();
    await stage.control('faults', { failAnswers: 2 });
    got(await stage.payments.requestRefund(undefined, payment.paymentId, 5000n, 'campaign failed'));
    await stage.control('faults', { failAnswers: 0 });
    await eventually('the sweep has repeated it', async () => {
      await stage.sweep.tick();
      await stage.settle();
      return stage.witness.told.includes('refunded refund-dropped 5000');
    });
    const refunds = await stage.stripe.refunds.list({ payment_intent: payment.stripePaymentIntentId ?? '' });
    expect(refunds.data).toHaveLength(1);
    await stage.audit();
  });

  it('of a process that died between row and call is finished by the sweep', async () => {
    const ids = got(
      await stage.db.uow.run('pledge', (tx) => stage.payments.preparePayments(tx, [stage.input('crashed')])),
    );
    const id = ids[0] ?? '';
    expect((await stage.row(id))['status']).toBe('LOCAL_INTENT');
    await stage.db.dataSource.query('UPDATE payment SET next_check_at = now() WHERE id = $1', [id]);
    await stage.sweep.tick();
    expect((await stage.row(id))['status']).toBe('SUBMITTED');
  });

  it('of a payment Stripe never heard of for a day ends it', async () => {
    const ids = got(
      await stage.db.uow.run('pledge', (tx) => stage.payments.preparePayments(tx, [stage.input('expired')])),
    );
    const id = ids[0] ?? '';
    await stage.db.dataSource.query(
      "UPDATE payment SET next_check_at = now(), created_at = now() - interval '24 hours' WHERE id = $1",
      [id],
    );
    await stage.sweep.tick();
    expect(await stage.row(id)).toMatchObject({ status: 'FAILED', failure_code: 'submission_expired' });
    expect(stage.witness.told).toContain('failed expired submission_expired final');
  });
});
