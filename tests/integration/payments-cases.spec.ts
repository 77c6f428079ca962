import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { convertMinor, ExchangeRates, rateText, TopUps } from '#payments';
import type { Viewer } from '#platform';
import { REFUND_CASE_STATES, REFUND_CASE_TRANSITIONS } from '../../libs/payments/src/domain/refund-case.machine.js';
import { RefundCases } from '../../libs/payments/src/refund-cases.js';
import { CARDS, got, Stage } from './payments.stage.js';

type SignedIn = Viewer & { kind: 'contributor' };

let stage: Stage;
let cases: RefundCases;
beforeAll(async () => {
  stage = await Stage.open();
  cases = new RefundCases(stage.db.uow, stage.bookkeeper, stage.listeners);
});
afterAll(() => stage.close());

const code = (outcome: unknown): string | undefined => (isRefused(outcome) ? outcome.first.code : undefined);
const person = (more: Partial<SignedIn> = {}): SignedIn => ({
  kind: 'contributor',
  contributorId: randomUUID(),
  pseudonym: randomUUID(),
  displayName: 'Ada',
  scopes: 'all',
  platformRoles: new Set(),
  ...more,
});
const operator = person({ platformRoles: new Set(['operator']) });

async function stuck(reference: string): Promise<string> {
  const payment = await stage.begin(reference);
  await stage.pay(payment.clientSecret, CARDS.refundFails);
  await stage.settle();
  got(await stage.payments.requestRefund(undefined, payment.paymentId, 5000n, 'campaign failed'));
  await stage.settle();
  const rows = await stage.db.dataSource.query('SELECT id FROM refund_case WHERE payment_id = $1', [payment.paymentId]);
  return (rows as { id: string }[])[0]?.id ?? '';
}

describe('a refund that failed', () => {
  it('is taken in hand and ends by another payment: the money leaves, and whoever asked hears of it', async () => {
    const id = await stuck('case-paid');
    const before = await stage.held(stage.refundsPayable);
    expect(code(await cases.resolve(operator, id, { resolution: 'paid_otherwise', note: 'wire 7' }))).toBe(
      'REFUND_CASE_NOT_TAKEN',
    );
    expect(got(await cases.take(operator, id))).toMatchObject({ state: 'taken', owner: operator.pseudonym });
    const other = person({ platformRoles: new Set(['operator']) });
    expect(got(await cases.take(other, id)).owner).toBe(other.pseudonym);
    expect(code(await cases.resolve(operator, id, { resolution: 'paid_otherwise', note: 'wire 7' }))).toBe(
      'REFUND_CASE_NOT_TAKEN',
    );
    expect(code(await cases.resolve(other, id, { resolution: 'paid_otherwise', note: ' ' }))).toBe(
      'REFUND_CASE_NOTE_INVALID',
    );
    const ended = got(await cases.resolve(other, id, { resolution: 'paid_otherwise', note: 'wire 7' }));
    expect(ended).toMatchObject({ state: 'resolved', resolution: 'paid_otherwise', note: 'wire 7' });
    expect(await stage.held(stage.refundsPayable)).toBe(before + 5000n);
    expect(await stage.held('bank:operating:USD')).toBe(-5000n);
    expect(stage.witness.told.at(-1)).toBe('refunded case-paid 5000');
    expect(code(await cases.take(other, id))).toBe('REFUND_CASE_RESOLVED');
    expect(code(await cases.resolve(other, id, { resolution: 'retried', note: 'again' }))).toBe('REFUND_CASE_RESOLVED');
    await stage.audit();
  });

  it('is tried again from the money that is set aside, and makes a case of its own when it fails again', async () => {
    const id = await stuck('case-retry');
    const escrow = await stage.held(stage.escrow);
    got(await cases.take(operator, id));
    const ended = got(await cases.resolve(operator, id, { resolution: 'retried', note: 'the bank says now' }));
    expect(ended.retry_refund_id).not.toBeNull();
    await stage.sweep.tick();
    await stage.settle();
    expect(await stage.held(stage.escrow)).toBe(escrow);
    const open = await cases.page(operator, { unresolvedOnly: true });
    expect(open.nodes.map((row) => row.refund_id)).toContain(ended.retry_refund_id);
    await stage.audit();
  });

  it('is written off for a reason that stays', async () => {
    const id = await stuck('case-off');
    got(await cases.take(operator, id));
    got(await cases.resolve(operator, id, { resolution: 'written_off', note: 'nobody answers for a year' }));
    expect(await stage.held('write_off:USD')).toBe(-5000n);
    await stage.audit();
  });

  it('is seen and decided by operators, and by those who decide over its money', async () => {
    const id = await stuck('case-seen');
    const treasurer = person();
    expect((await cases.page(treasurer, { unresolvedOnly: false })).nodes).toEqual([]);
    expect(code(await cases.take(treasurer, id))).toBe('REFUND_CASE_NOT_FOUND');
    stage.witness.treasurers.set(treasurer.contributorId, [stage.campaignId]);
    expect((await cases.page(treasurer, { first: 1, unresolvedOnly: false })).hasNextPage).toBe(true);
    expect(got(await cases.take(treasurer, id)).owner).toBe(treasurer.pseudonym);
    expect(code(await cases.take(operator, randomUUID()))).toBe('REFUND_CASE_NOT_FOUND');
  });

  it('takes the steps of its machine in the database, and no other', async () => {
    const id = await stuck('case-steps');
    for (const from of REFUND_CASE_STATES) {
      for (const to of REFUND_CASE_STATES) {
        const attempt = async (): Promise<void> => {
          await stage.db.dataSource.transaction(async (manager) => {
            await manager.query('SET LOCAL session_replication_role = replica');
            await manager.query('UPDATE refund_case SET ' + shape(from) + ' WHERE id = $1', [id]);
            await manager.query('SET LOCAL session_replication_role = origin');
            await manager.query('UPDATE refund_case SET ' + shape(to) + ' WHERE id = $1', [id]);
            throw new Error('undone');
          });
        };
        const lawful = REFUND_CASE_TRANSITIONS[from].includes(to);
        await expect(attempt(), `${from} to ${to}`).rejects.toThrow(lawful ? 'undone' : 'does not go from');
      }
    }
  });
});

function shape(state: string): string {
  const owner = state === 'open' ? 'owner = NULL, taken_at = NULL' : 'owner = gen_random_uuid(), taken_at = now()';
  const end =
    state === 'resolved'
      ? "resolution = 'written_off', resolved_at = now()"
      : 'resolution = NULL, resolved_at = NULL, retry_refund_id = NULL';
  return `state = '${state}', ${owner}, ${end}`;
}

describe('exchange rates', () => {
  const rates = new ExchangeRates();
  const load = (csv: string) => stage.db.uow.run('rates', (tx) => rates.importEcb(tx, csv));
  const at = (base: string, quote: string, day: string) =>
    stage.db.uow.read((tx) => rates.at(tx, base, quote, new Date(`${day}T12:00:00Z`)));

  it('are stored once, never change, and are found by day', async () => {
    const csv = 'Date,USD,JPY\n2026-11-20,1.0830,162.1\n2026-11-23,1.0843,162.57\n';
    expect(got(await load(csv))).toEqual({ read: 4, added: 4 });
    expect(got(await load(csv))).toEqual({ read: 4, added: 0 });
    expect(code(await load('Date,USD,GBP\n2026-11-23,1.0999,0.83\n'))).toBe('RATES_CONFLICT');
    expect(code(await load('no table'))).toBe('RATES_FILE_INVALID');
    const rate = got(await at('USD', 'JPY', '2026-11-22'));
    expect([rateText(rate), rate.asOf, convertMinor(rate, 10_000n)]).toEqual(['162.1/1.0830', '2026-11-20', 14_967n]);
    expect(got(await at('EUR', 'USD', '2026-11-24')).numerator).toBe('1.0843');
    expect(got(await at('JPY', 'JPY', '2026-11-24')).numerator).toBe('1');
    expect(code(await at('USD', 'GBP', '2026-11-24'))).toBe('RATE_UNKNOWN');
    expect(code(await at('USD', 'JPY', '2026-11-19'))).toBe('RATE_UNKNOWN');
    expect(code(await at('USD', 'JPY', '2026-12-24'))).toBe('RATE_STALE');
    await expect(stage.db.dataSource.query("UPDATE exchange_rate SET rate = '2'")).rejects.toThrow('immutable');
    await expect(stage.db.dataSource.query('DELETE FROM exchange_rate')).rejects.toThrow('immutable');
  });
});

describe('a mass refund', () => {
  it('is asked for in one go, each once, and told to Stripe by the sweep', async () => {
    const paid = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const payment = await stage.begin(`mass-${n}`, 1000n);
        await stage.pay(payment.clientSecret, CARDS.good);
        return payment.paymentId;
      }),
    );
    await stage.settle();
    const inputs = paid.map((paymentId) => ({
      paymentId,
      amountMinor: 1000n,
      reason: 'failed',
      key: `mass:${paymentId}`,
    }));
    const ask = async () => {
      const outcome = await stage.db.uow.run('mass', (tx) => stage.payments.requestRefunds(tx, inputs));
      return isRefused(outcome) ? [] : outcome.map((each) => got(each).refundId);
    };
    const first = await ask();
    expect(await ask()).toEqual(first);
    const plan = await new TopUps(stage.db.uow, stage.stripe).plan();
    expect(plan.find((each) => each.currency === 'USD')?.dueMinor).toBe(30_000n);
    await stage.sweep.tick();
    await stage.settle();
    const rows = await stage.db.dataSource.query(
      "SELECT count(*)::int AS n FROM refund WHERE status = 'SUCCEEDED' AND id = ANY($1)",
      [first],
    );
    expect(rows).toEqual([{ n: 30 }]);
    const wrong = await stage.db.uow.run('mass', (tx) =>
      stage.payments.requestRefunds(tx, [
        { paymentId: paid[0] ?? '', amountMinor: 1n, reason: 'more' },
        { paymentId: randomUUID(), amountMinor: 1n, reason: 'nobody' },
      ]),
    );
    if (isRefused(wrong)) throw new Error('refused whole');
    expect(wrong.map(code)).toEqual(['REFUND_EXCEEDS_PAYMENT', 'PAYMENT_NOT_FOUND']);
  });
});

describe('what is not ours', () => {
  const sign = (payload: string): string =>
    stage.stripe.webhooks.generateTestHeaderString({ payload, secret: 'whsec_stage' });
  const deliver = (event: object) => {
    const payload = JSON.stringify(event);
    return stage.intake.receive(Buffer.from(payload), sign(payload));
  };
  const event = (more: object) => ({
    id: `evt_${randomUUID()}`,
    object: 'event',
    type: 'payment_intent.succeeded',
    created: 1_800_000_000,
    livemode: false,
    data: { object: { id: 'pi_foreign' } },
    ...more,
  });

  it('an event of another account is refused, one about an account that is paid out to is taken', async () => {
    expect(code(await deliver(event({ account: 'acct_other' })))).toBe('STRIPE_EVENT_WRONG_ACCOUNT');
    const updated = event({ type: 'account.updated', account: 'acct_other', data: { object: { id: 'acct_other' } } });
    expect(code(await deliver(updated))).toBeUndefined();
    expect(code(await deliver(event({ livemode: true })))).toBe('STRIPE_EVENT_WRONG_MODE');
  });

  it('money in another currency or amount than was asked for is not booked, and stays visible', async () => {
    const [id = ''] = got(
      await stage.db.uow.run('pay', (tx) => stage.payments.preparePayments(tx, [stage.input('differs')])),
    );
    await stage.stripe.paymentIntents.create({
      amount: 5000,
      currency: 'eur',
      capture_method: 'automatic',
      confirm: true,
      payment_method: 'pm_card_visa',
      metadata: { payment_id: id },
    });
    const waiting = async () => {
      await stage.inbox.drain();
      const rows = await stage.db.dataSource.query(
        "SELECT last_error FROM stripe_event WHERE last_error LIKE '%Stripe took%'",
      );
      return rows as { last_error: string }[];
    };
    let seen = await waiting();
    for (let tries = 0; seen.length === 0 && tries < 40; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen = await waiting();
    }
    expect(seen[0]?.last_error).toContain('is over 5000 USD, but Stripe took 5000 EUR');
    expect((await stage.row(id))['status']).toBe('LOCAL_INTENT');
    expect(stage.witness.told.filter((line) => line.includes('differs'))).toEqual([]);
  });
});
