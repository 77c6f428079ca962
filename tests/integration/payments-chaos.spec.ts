import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../libs/testkit/src/index.js';
import { CARDS, got, Stage, WEBHOOK_SECRET } from './payments.stage.js';

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

  it('that come before our own commit are parked, and woken by it and by nothing else', async () => {
    // What the webhooks of a payment look like whose row is written, but not yet committed.
    const id = '018f0000-0000-7000-8000-0000000000aa';
    const intent = await stage.stripe.paymentIntents.create({
      amount: 5000,
      currency: 'usd',
      capture_method: 'automatic',
      confirm: true,
      payment_method: 'pm_card_visa',
      metadata: { payment_id: id },
    });
    const refund = await stage.stripe.refunds.create({ payment_intent: intent.id, amount: 700 });
    const parked = async (): Promise<string[]> => {
      await stage.inbox.drain();
      const rows: { object_id: string }[] = await stage.db.dataSource.query(
        "SELECT DISTINCT object_id FROM stripe_event WHERE state = 'parked' AND payload::text LIKE $1",
        [`%${intent.id}%`],
      );
      return rows.map((row) => row.object_id);
    };
    await eventually('the events are in the inbox', async () => {
      const ids = await parked();
      return ids.includes(intent.id) && ids.includes(refund.id);
    });
    const later = "UPDATE stripe_event SET next_attempt_at = now() + interval '1 hour' WHERE state = 'parked'";
    await stage.db.dataSource.query(later);
    expect(await stage.inbox.drain()).toBe(0);
    await stage.db.dataSource.query(
      `INSERT INTO payment (id, reference, beneficiary_id, contributor_pseudonym, amount_minor, currency, description,
         escrow_account, refunds_payable_account, debt_account, status, idempotency_key, created_at, updated_at)
       VALUES ($1, 'late', $2, gen_random_uuid(), 5000, 'USD', 'late', $3, $4, 'debt', 'LOCAL_INTENT', $5, now(), now())`,
      [id, stage.campaignId, stage.escrow, stage.refundsPayable, `payment:${id}`],
    );
    // Its own events bring the capture, and the capture wakes the refund that was heard of before it.
    await stage.settle();
    expect(await parked()).toEqual([]);
    expect((await stage.row(id))['status']).toBe('SUCCEEDED');
    expect(stage.witness.told.filter((line) => line.includes(' late'))).toEqual([
      'captured late 175',
      'refunded late 700',
    ]);
    await stage.audit();
  });

  it('in every order and number, at any moment of the life, lead to the same end', async () => {
    await setChaos({ paused: true });
    const second = stage.worker();
    const sign = (payload: string): string =>
      stage.stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
    const deliver = async (payload: string): Promise<void> => {
      got(await stage.intake.receive(Buffer.from(payload), sign(payload)));
    };
    let run = 0;

    // After each step of the payment's life some of the events so far arrive, again and in any order, at two workers.
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (chance) => {
        const pick = (below: number): number => (chance.next().value as number) % below;
        run += 1;
        const reference = `life-${run}`;
        const payment = await stage.begin(reference);
        const intent = payment.stripePaymentIntentId ?? '';
        let challenge = '';
        const life = [
          () => stage.pay(payment.clientSecret, CARDS.declined),
          async () => {
            const { body } = await stage.pay(payment.clientSecret, CARDS.challenge);
            challenge = body.next_action?.redirect_to_url.url ?? '';
          },
          () => fetch(challenge, { method: 'POST', headers: JSON_BODY, body: '{"outcome":"complete"}' }),
          () => stage.stripe.refunds.create({ payment_intent: intent, amount: 1000 }),
          () => stage.control('disputes', { paymentIntent: intent }),
          async () => {
            const [dispute] = (await stage.stripe.disputes.list({ payment_intent: intent })).data;
            await stage.stripe.disputes.close(dispute?.id ?? '');
          },
        ];
        const eventsSoFar = async (): Promise<string[]> => {
          const all = await stage.stripe.events.list({ limit: 100 });
          return all.data.map((event) => JSON.stringify(event)).filter((text) => text.includes(intent));
        };
        for (const step of life) {
          const working = pick(2) === 0 ? stage.inbox.drain() : Promise.resolve(0);
          await step();
          const events = await eventsSoFar();
          for (let n = pick(6); n > 0; n -= 1) await deliver(events[pick(events.length)] ?? '');
          if (pick(2) === 0) await Promise.all([stage.inbox.drain(), second.drain()]);
          await working;
        }
        const rest = (await eventsSoFar()).map((event) => ({ event, rank: pick(1000) }));
        for (const { event } of rest.toSorted((a, b) => a.rank - b.rank)) await deliver(event);
        await eventually('the inbox is empty', async () => {
          await Promise.all([stage.inbox.drain(), second.drain()]);
          const open = "SELECT 1 FROM stripe_event WHERE state IN ('waiting', 'parked')";
          return ((await stage.db.dataSource.query(open)) as unknown[]).length === 0;
        });
        expect(await stage.row(payment.paymentId)).toMatchObject({ status: 'SUCCEEDED', fee_minor: 175n });
        const told = stage.witness.told.filter((line) => line.includes(` ${reference} `));
        expect(told.filter((line) => !line.startsWith('failed')).toSorted()).toEqual([
          `captured ${reference} 175`,
          `dispute lost ${reference} 4000`,
          `dispute opened ${reference} 4000+1500`,
          `refunded ${reference} 1000`,
        ]);
        await stage.audit();
      }),
      { numRuns: 12 },
    );
    await setChaos({ paused: false });
  });
});

const JSON_BODY = { 'content-type': 'application/json' };

describe('with database connections cut at random moments', () => {
  it('every payment ends once, and the books agree with Stripe to the cent', async () => {
    await setChaos({ duplicates: 2, outOfOrder: 6 });
    const cutter = new pg.Client({ connectionString: stage.db.url, application_name: 'cutter' });
    await cutter.connect();
    let done = false;
    let cuts = 0;
    const cutting = (async () => {
      while (!done) {
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));
        const { rowCount } = await cutter.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name <> 'cutter' ORDER BY random() LIMIT 1`,
        );
        cuts += rowCount ?? 0;
      }
    })();
    const persist = <T>(what: string, work: () => Promise<T>): Promise<T> =>
      eventually(what, async () => [await work()] as const, 30_000).then(([value]) => value);
    const references = Array.from({ length: 12 }, (_, n) => `cut-${n}`);
    const paying = references.map(async (reference, n) => {
      await new Promise((resolve) => setTimeout(resolve, n * 60));
      const input = stage.input(reference);
      const payment = await persist(`${reference} has an intent`, async () => {
        const begun = got(await stage.payments.createCardPayment(input));
        if (begun.clientSecret === undefined) throw new Error('not yet');
        return begun;
      });
      await stage.pay(payment.clientSecret, n % 4 === 3 ? CARDS.dispute : CARDS.good);
      if (n % 4 !== 2) return;
      await persist(`${reference} is refunded`, async () => {
        got(await stage.payments.requestRefund(undefined, payment.paymentId, 1500n, 'cut', `cut:${reference}`));
      });
    });
    const working = (async () => {
      while (!done) {
        await stage.inbox.drain().catch(() => undefined);
        await stage.sweep.tick().catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await Promise.all(paying);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    done = true;
    await Promise.all([cutting, working]);
    await cutter.end();
    expect(cuts).toBeGreaterThan(10);
    await eventually(
      'every refund is made',
      async () => {
        await stage.sweep.tick();
        await stage.settle();
        const open = await stage.db.dataSource.query("SELECT 1 FROM refund WHERE status IN ('REQUESTED', 'PENDING')");
        return (open as unknown[]).length === 0;
      },
      40_000,
    );
    await setChaos({ duplicates: 1, outOfOrder: 0 });
    const told = stage.witness.told.filter((line) => line.includes(' cut-'));
    const committed = (await stage.db.dataSource.query(
      "SELECT status, count(*)::int AS n FROM payment WHERE reference LIKE 'cut-%' GROUP BY status",
    )) as object[];
    expect(committed).toEqual([{ status: 'SUCCEEDED', n: 12 }]);
    // A step whose commit was cut off was told and undone; it was told again when it was taken again.
    expect(new Set(told.filter((line) => line.startsWith('captured')))).toEqual(
      new Set(references.map((reference) => `captured ${reference} 175`)),
    );
    await stage.audit();
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
    await stage.db.dataSource.query("UPDATE payment SET next_check_at = now() - interval '1 second' WHERE id = $1", [
      id,
    ]);
    await stage.sweep.tick();
    expect((await stage.row(id))['status']).toBe('SUBMITTED');
  });

  it('of a payment Stripe never heard of for a day ends it', async () => {
    const ids = got(
      await stage.db.uow.run('pledge', (tx) => stage.payments.preparePayments(tx, [stage.input('expired')])),
    );
    const id = ids[0] ?? '';
    await stage.db.dataSource.query(
      "UPDATE payment SET next_check_at = now() - interval '1 second', created_at = now() - interval '24 hours' WHERE id = $1",
      [id],
    );
    await stage.sweep.tick();
    expect(await stage.row(id)).toMatchObject({ status: 'FAILED', failure_code: 'submission_expired' });
    expect(stage.witness.told).toContain('failed expired submission_expired final');
  });
});
