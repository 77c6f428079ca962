import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { DISPUTE_STATUSES } from '../../libs/payments/src/domain/dispute.machine.js';
import { PAYMENT_STATUSES } from '../../libs/payments/src/domain/payment.machine.js';
import { REFUND_STATUSES } from '../../libs/payments/src/domain/refund.machine.js';
import { CARDS, got, Stage, WEBHOOK_SECRET } from './payments.stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

const toldOf = (reference: string): string[] =>
  stage.witness.told.filter((line) => line.includes(` ${reference}`)).map((line) => line.replace(` ${reference}`, ''));

describe('a payment by card', () => {
  it('is captured with its fee, booked and told once', async () => {
    const before = await stage.held('processor:available:USD');
    const payment = await stage.begin('good', 10_000n);
    expect(payment.status).toBe('SUBMITTED');
    expect((await stage.pay(payment.clientSecret, CARDS.good)).body.status).toBe('succeeded');
    await stage.settle();
    expect(await stage.row(payment.paymentId)).toMatchObject({ status: 'SUCCEEDED', fee_minor: 320n });
    expect((await stage.held('processor:available:USD')) - before).toBe(9680n);
    expect(toldOf('good')).toEqual(['captured 320']);
    await stage.audit();
  });

  it('tells a decline with its code, and may succeed with another card', async () => {
    const payment = await stage.begin('declined');
    const refused = await stage.pay(payment.clientSecret, CARDS.declined);
    expect([refused.status, refused.body.error?.decline_code]).toEqual([402, 'generic_decline']);
    await stage.settle();
    expect(await stage.row(payment.paymentId)).toMatchObject({
      status: 'REQUIRES_PAYMENT_METHOD',
      failure_code: 'generic_decline',
    });
    await stage.pay(payment.clientSecret, CARDS.good);
    await stage.settle();
    expect(await stage.row(payment.paymentId)).toMatchObject({ status: 'SUCCEEDED', failure_code: null });
    expect(toldOf('declined')).toEqual(['failed generic_decline', 'captured 175']);
  });

  it('tells insufficient funds apart', async () => {
    const payment = await stage.begin('poor');
    await stage.pay(payment.clientSecret, CARDS.insufficient);
    await stage.settle();
    expect(toldOf('poor')).toEqual(['failed insufficient_funds']);
  });

  it('goes through 3-D Secure: completed, and failed', async () => {
    for (const outcome of ['complete', 'fail']) {
      const payment = await stage.begin(`tds-${outcome}`);
      const { body } = await stage.pay(payment.clientSecret, CARDS.challenge);
      expect(body.status).toBe('requires_action');
      const url = body.next_action?.redirect_to_url.url ?? '';
      expect(await (await fetch(url)).text()).toContain('value="complete"');
      await stage.settle();
      expect((await stage.row(payment.paymentId))['status']).toBe('REQUIRES_ACTION');
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ outcome }),
      });
      await stage.settle();
    }
    expect(toldOf('tds-complete')).toEqual(['action', 'captured 175']);
    expect(toldOf('tds-fail')).toEqual(['action', 'failed payment_intent_authentication_failure']);
    await stage.audit();
  });

  it('asked for twice is one payment; on other terms it is refused', async () => {
    const input = stage.input('twice');
    const first = got(await stage.payments.createCardPayment(input));
    const second = got(await stage.payments.createCardPayment(input));
    expect(second).toEqual(first);
    const other = await stage.payments.createCardPayment({ ...input, amountMinor: 6000n });
    expect(isRefused(other) && other.first.code).toBe('PAYMENT_REFERENCE_CONFLICT');
  });

  it.each([
    [49n, 'USD', 'PAYMENT_AMOUNT_TOO_SMALL'],
    [100_000_000n, 'USD', 'PAYMENT_AMOUNT_TOO_LARGE'],
    [5000n, 'KWD', 'PAYMENT_CURRENCY_UNSUPPORTED'],
  ])('of %s %s is refused with %s', async (amountMinor, currency, code) => {
    const outcome = await stage.payments.createCardPayment({ ...stage.input('refused'), amountMinor, currency });
    expect(isRefused(outcome) && outcome.first.code).toBe(code);
    const rows = await stage.db.dataSource.query("SELECT 1 FROM payment WHERE reference = 'refused'");
    expect(rows).toEqual([]);
  });

  it('asked for by many at once is one payment and one intent', async () => {
    const input = stage.input('race');
    const all = await Promise.all(Array.from({ length: 5 }, () => stage.payments.createCardPayment(input)));
    expect(new Set(all.map((each) => got(each).stripePaymentIntentId)).size).toBe(1);
  });

  it('is given up before, and not after, it was charged', async () => {
    const open = await stage.begin('cancel-open');
    got(await stage.payments.cancelPayment(open.paymentId));
    got(await stage.payments.cancelPayment(open.paymentId));
    expect((await stage.row(open.paymentId))['status']).toBe('CANCELED');
    expect((await stage.pay(open.clientSecret, CARDS.good)).status).toBe(400);
    // Paid, but we have not heard of it yet: Stripe's word counts.
    await stage.control('chaos', { paused: true });
    const paid = await stage.begin('cancel-paid');
    await stage.pay(paid.clientSecret, CARDS.good);
    const late = await stage.payments.cancelPayment(paid.paymentId);
    await stage.control('chaos', { paused: false });
    expect(isRefused(late) && late.first.code).toBe('PAYMENT_CAPTURED');
    await stage.settle();
    expect(toldOf('cancel-open')).toEqual(['canceled']);
    expect(toldOf('cancel-paid')).toEqual(['captured 175']);
    const again = await stage.begin('cancel-open');
    expect(again.paymentId).not.toBe(open.paymentId);
  });

  it('that failed before Stripe took it up is over for good, and can be begun anew', async () => {
    const ids = got(await stage.db.uow.run('p', (tx) => stage.payments.preparePayments(tx, [stage.input('rejected')])));
    const id = ids[0] ?? '';
    await stage.charger.fail(id, 'parameter_invalid', 'Stripe said no.');
    expect(toldOf('rejected')).toEqual(['failed parameter_invalid final']);
    expect((await stage.begin('rejected')).paymentId).not.toBe(id);
  });

  it('carries $999,999.99 to the cent', async () => {
    const payment = await stage.begin('large', 99_999_999n);
    await stage.pay(payment.clientSecret, CARDS.good);
    await stage.settle();
    expect((await stage.row(payment.paymentId))['fee_minor']).toBe(2_900_030n);
    await stage.audit();
  });

  it('has the statuses in the database that the machines have', async () => {
    const statuses = { payment: PAYMENT_STATUSES, refund: REFUND_STATUSES, dispute: DISPUTE_STATUSES };
    for (const [table, expected] of Object.entries(statuses)) {
      const [row] = await stage.db.dataSource.query(
        'SELECT pg_get_constraintdef(oid) AS rule FROM pg_constraint WHERE conname = $1',
        [`${table}_status_ck`],
      );
      const found = [...(row as { rule: string }).rule.matchAll(/'([A-Z_]+)'/g)].map((match) => match[1] ?? '');
      expect(found.toSorted()).toEqual([...expected].toSorted());
    }
  });

  it('keeps its terms and its end whatever writes to the table', async () => {
    await expect(
      stage.db.dataSource.query("UPDATE payment SET amount_minor = 1 WHERE reference = 'good'"),
    ).rejects.toThrow(/immutable/);
    await expect(
      stage.db.dataSource.query("UPDATE payment SET status = 'FAILED' WHERE reference = 'good'"),
    ).rejects.toThrow(/has ended/);
  });
});

describe('a refund', () => {
  const captured = async (reference: string, card: string): Promise<string> => {
    const payment = await stage.begin(reference);
    await stage.pay(payment.clientSecret, card);
    await stage.settle();
    return payment.paymentId;
  };

  it('sets money aside, pays it, and is refused beyond what is left', async () => {
    const id = await captured('refund-good', CARDS.good);
    const asked = got(await stage.payments.requestRefund(undefined, id, 2000n, 'changed my mind', 'r1'));
    const again = got(await stage.payments.requestRefund(undefined, id, 2000n, 'changed my mind', 'r1'));
    expect(again).toEqual(asked);
    const other = await stage.payments.requestRefund(undefined, id, 2001n, 'changed my mind', 'r1');
    expect(isRefused(other) && other.first.code).toBe('REFUND_KEY_CONFLICT');
    const over = await stage.payments.requestRefund(undefined, id, 3001n, 'too much');
    expect(isRefused(over) && over.first.code).toBe('REFUND_EXCEEDS_PAYMENT');
    await stage.settle();
    expect(toldOf('refund-good')).toEqual(['captured 175', 'refunded 2000']);
    expect(await stage.held(stage.refundsPayable)).toBe(0n);
    await stage.audit();
  });

  it('asked for by many at once gives back no more than was taken', async () => {
    const id = await captured('refund-race', CARDS.good);
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => stage.payments.requestRefund(undefined, id, 2000n, 'race')),
    );
    const refused = outcomes.flatMap((outcome) => (isRefused(outcome) ? [outcome.first.code] : []));
    expect(refused).toEqual(Array(3).fill('REFUND_EXCEEDS_PAYMENT'));
    await stage.settle();
    expect(toldOf('refund-race')).toEqual(['captured 175', 'refunded 2000', 'refunded 2000']);
    await stage.audit();
  });

  it('is refused before a capture, of nothing, and of an unknown payment', async () => {
    const open = await stage.begin('refund-early');
    const cases: [string, bigint, string][] = [
      [open.paymentId, 100n, 'REFUND_NOT_CAPTURED'],
      [open.paymentId, 0n, 'REFUND_AMOUNT_INVALID'],
      ['018f0000-0000-7000-8000-000000000000', 100n, 'PAYMENT_NOT_FOUND'],
    ];
    for (const [id, amount, code] of cases) {
      const outcome = await stage.payments.requestRefund(undefined, id, amount, 'no');
      expect(isRefused(outcome) && outcome.first.code).toBe(code);
    }
  });

  it('that the bank sends back stays set aside, as a case of its own', async () => {
    const id = await captured('refund-fails', CARDS.refundFails);
    const before = { escrow: await stage.held(stage.escrow), payable: await stage.held(stage.refundsPayable) };
    got(await stage.payments.requestRefund(undefined, id, 5000n, 'closed account'));
    await stage.settle();
    expect(toldOf('refund-fails')).toEqual(['captured 175', 'refunded 5000', 'refund failed expired_or_canceled_card']);
    expect(await stage.held(stage.escrow)).toBe(before.escrow + 5000n);
    expect(await stage.held(stage.refundsPayable)).toBe(before.payable - 5000n);
    const cases = await stage.db.dataSource.query('SELECT state, amount_minor FROM refund_case WHERE payment_id = $1', [
      id,
    ]);
    expect(cases).toEqual([{ state: 'open', amount_minor: 5000n }]);
    // Nobody pays it out a second time by asking again.
    const again = await stage.payments.requestRefund(undefined, id, 1n, 'again');
    expect(isRefused(again) && again.first.code).toBe('REFUND_EXCEEDS_PAYMENT');
    await stage.audit();
  });

  it('made at Stripe without us is booked too', async () => {
    const id = await captured('refund-external', CARDS.good);
    const intent = String((await stage.row(id))['stripe_payment_intent_id']);
    await stage.stripe.refunds.create({ payment_intent: intent, amount: 700 });
    await stage.settle();
    expect(toldOf('refund-external')).toEqual(['captured 175', 'refunded 700']);
    await stage.audit();
  });

  it('that never left this process is sent by the sweep, once', async () => {
    const id = await captured('refund-crash', CARDS.refundPending);
    got(await stage.db.uow.run('pledges', (tx) => stage.payments.requestRefund(tx, id, 5000n, 'campaign failed')));
    await stage.sweep.tick();
    await stage.sweep.tick();
    await stage.settle();
    expect(toldOf('refund-crash')).toEqual(['captured 175', 'refunded 5000']);
    await stage.audit();
  });
});

describe('a dispute', () => {
  it('takes the money at its opening and closes won or lost', async () => {
    for (const [reference, evidence, end] of [
      ['dispute-won', 'winning_evidence', 'dispute won 5000'],
      ['dispute-lost', 'losing_evidence', 'dispute lost 5000'],
    ] as const) {
      const payment = await stage.begin(reference);
      await stage.pay(payment.clientSecret, CARDS.dispute);
      await stage.settle();
      expect(toldOf(reference)).toEqual(['captured 175', 'dispute opened 5000+1500']);
      await stage.audit();
      const refused = await stage.payments.requestRefund(undefined, payment.paymentId, 100n, 'no');
      expect(isRefused(refused) && refused.first.code).toBe('REFUND_DISPUTED');
      const intent = String((await stage.row(payment.paymentId))['stripe_payment_intent_id']);
      const [dispute] = (await stage.stripe.disputes.list({ payment_intent: intent })).data;
      await stage.stripe.disputes.update(dispute?.id ?? '', { evidence: { uncategorized_text: evidence } });
      await stage.settle();
      expect(toldOf(reference).at(-1)).toBe(end);
      expect(await stage.held('disputes_receivable:USD')).toBe(0n);
      await stage.audit();
    }
  });

  it('lost after escrow was spent is a debt of the campaign, and of no other', async () => {
    const own = await Stage.open();
    const payment = await own.begin('spent');
    await own.pay(payment.clientSecret, CARDS.good);
    await own.settle();
    await own.db.uow.run('spend', async (tx) => {
      await own.ledger.openAccounts(tx, [{ code: 'bank:operating:USD', unit: 'USD', limit: 'none' }]);
      return own.ledger.post(tx, [
        {
          key: 'spend',
          kind: 'posted',
          debit: own.escrow,
          credit: 'bank:operating:USD',
          amount: 4000n,
          reason: 'tranche',
        },
      ]);
    });
    const opened = await own.control('disputes', { paymentIntent: payment.stripePaymentIntentId });
    await own.stripe.disputes.close(((await opened.json()) as { id: string }).id);
    await own.settle();
    expect(own.witness.told.at(-1)).toBe('dispute lost spent 5000');
    expect(await own.held(own.escrow)).toBe(0n);
    expect(await own.held(`campaign:${own.campaignId}:debt:USD`)).toBe(4000n);
    expect(await own.held('disputes_receivable:USD')).toBe(0n);
    await own.audit();
    await own.close();
  });

  it('may be over a part of the charge', async () => {
    const payment = await stage.begin('dispute-part');
    await stage.pay(payment.clientSecret, CARDS.good);
    const opened = await stage.control('disputes', { paymentIntent: payment.stripePaymentIntentId, amount: 1200 });
    expect(opened.status).toBe(200);
    await stage.settle();
    expect(toldOf('dispute-part')).toEqual(['captured 175', 'dispute opened 1200+1500']);
    await stage.audit();
  });
});

describe('the inbox', () => {
  const signed = (body: string, secret = WEBHOOK_SECRET): string =>
    stage.stripe.webhooks.generateTestHeaderString({ payload: body, secret });
  const event = (id: string, object: object, more: object = {}): string =>
    JSON.stringify({
      id,
      object: 'event',
      type: 'payment_intent.succeeded',
      created: 1_800_000_000,
      livemode: false,
      data: { object },
      ...more,
    });
  const receive = async (body: string, header: string | undefined): Promise<string> => {
    const outcome = await stage.intake.receive(Buffer.from(body), header);
    return isRefused(outcome) ? outcome.first.code : outcome.isNew ? 'stored' : 'known';
  };

  it('stores nothing that is not signed, not an event, or of the other mode', async () => {
    const body = event('evt_bad', { id: 'pi_x', object: 'payment_intent' });
    const live = event('evt_bad', { id: 'pi_x' }, { livemode: true });
    expect(await receive(body, signed(body, 'whsec_other'))).toBe('STRIPE_SIGNATURE_INVALID');
    expect(await receive(body, undefined)).toBe('STRIPE_SIGNATURE_INVALID');
    expect(await receive(`${body} `, signed(body))).toBe('STRIPE_SIGNATURE_INVALID');
    const old = stage.stripe.webhooks.generateTestHeaderString({
      payload: body,
      secret: WEBHOOK_SECRET,
      timestamp: 1_700_000_000,
    });
    expect(await receive(body, old)).toBe('STRIPE_SIGNATURE_INVALID');
    expect(await receive('{"id":1}', signed('{"id":1}'))).toBe('STRIPE_EVENT_INVALID');
    expect(await receive(live, signed(live))).toBe('STRIPE_EVENT_WRONG_MODE');
    expect(await stage.db.dataSource.query("SELECT 1 FROM stripe_event WHERE id = 'evt_bad'")).toEqual([]);
  });

  it('takes an event once, and refuses another one under its id', async () => {
    const body = event('evt_same', { id: 'pi_foreign', object: 'payment_intent', metadata: {} });
    const other = event('evt_same', { id: 'pi_foreign', object: 'payment_intent', metadata: {}, amount: 1 });
    expect(await Promise.all([receive(body, signed(body)), receive(body, signed(body))])).toEqual(['stored', 'known']);
    expect(await receive(other, signed(other))).toBe('STRIPE_EVENT_CONFLICT');
    await stage.settle();
    const [row] = await stage.db.dataSource.query("SELECT state FROM stripe_event WHERE id = 'evt_same'");
    expect((row as { state: string }).state).toBe('ignored');
  });

  it('keeps nothing of the payer', async () => {
    const payment = await stage.begin('no-billing-details');
    await stage.pay(payment.clientSecret, CARDS.good);
    await stage.settle();
    const [row] = (await stage.db.dataSource.query(
      `SELECT payload::text AS text FROM stripe_event WHERE type = 'charge.succeeded' AND payload #>> '{data,object,payment_intent}' = $1`,
      [payment.stripePaymentIntentId],
    )) as { text: string }[];
    expect(row?.text).toContain('"amount"');
    expect(row?.text).not.toMatch(/billing_details|payment_method_details|email|client_secret|last4/);
  });

  it('finds what no webhook brought', async () => {
    await stage.control('chaos', { lose: 1 });
    const payment = await stage.begin('lost-events');
    await stage.pay(payment.clientSecret, CARDS.good);
    await stage.settle();
    expect((await stage.row(payment.paymentId))['status']).toBe('SUBMITTED');
    await stage.control('chaos', { lose: 0 });
    expect(await stage.backfill.compare()).toBeGreaterThan(0);
    await stage.settle();
    expect(toldOf('lost-events')).toEqual(['captured 175']);
    expect(await stage.backfill.compare()).toBe(0);
  });

  it('works an event off again when the listening room failed', async () => {
    const payment = await stage.begin('listener-fails');
    stage.witness.failOnce = new Error('the pledge could not be written');
    await stage.pay(payment.clientSecret, CARDS.good);
    await stage.settle();
    expect(toldOf('listener-fails')).toEqual(['captured 175']);
    await stage.audit();
  });
});
