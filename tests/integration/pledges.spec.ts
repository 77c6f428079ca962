import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { cashPledgeMachine } from '../../libs/pledges/src/domain/cash-pledge.machine.js';
import { computePledgeMachine } from '../../libs/pledges/src/domain/compute-pledge.machine.js';
import { pledgePlanMachine } from '../../libs/pledges/src/domain/plan.machine.js';
import { lockCashPledge } from '../../libs/pledges/src/store/cash-pledge.store.js';
import { CAMPAIGN, CARD, FundingStage, type Person, codes, got, inDays } from './funding.stage.js';

interface Step {
  from_state: string;
  to_state: string;
}

let stage: FundingStage;
let owner: Person;
let ada: Person;
let campaignId: string;

beforeAll(async () => {
  stage = await FundingStage.open();
  owner = await stage.person('Ishmael');
  ada = await stage.person('Ada');
  campaignId = await stage.liveCampaign(owner, { cashGoalMinor: 1_000_000n });
});
afterAll(() => stage.close());

const pledge = (more: object = {}) => ({
  campaignId,
  amountMinor: 2_500n,
  currency: 'USD',
  idempotencyKey: randomUUID(),
  ...more,
});
const stateOf = async (id: string) =>
  (await stage.rows('SELECT state FROM cash_pledge WHERE id = $1', [id]))[0]?.['state'];

const paymentOf = async (pledgeId: string) =>
  (await stage.rows('SELECT status FROM payment WHERE reference = $1', [pledgeId]))[0]?.['status'];
/** Cancels a pledge, and forgets to tell the processor: the process has died after the commit. */
const cancelAndDie = async (pledgeId: string) =>
  got(
    await stage.db.uow.run('cancel', async (tx) => {
      const row = await lockCashPledge(tx, pledgeId);
      if (!row) throw new Error('no such pledge');
      return stage.cash.cancelIn(tx, row);
    }),
  );

describe('a cash pledge', () => {
  it('goes from promise to money: memo, escrow, fee, backer and event change together', async () => {
    const made = got(await stage.cash.create(ada, pledge()));
    expect(made.pledge.state).toBe('created');
    expect(made.payment?.clientSecret).toMatch(/_secret_/);
    expect(await stage.violations()).toEqual([]);
    await stage.pay(made.payment?.clientSecret, CARD.good);
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('collected');
    expect(await stage.violations()).toEqual([]);
    const [event] = await stage.rows("SELECT payload, is_public FROM event_outbox WHERE type = 'pledge.cash.captured'");
    expect(event).toMatchObject({
      is_public: true,
      payload: { pledgeId: made.pledge.id, campaignId, amountMinor: '2500', currency: 'USD' },
    });
  });

  it('is the same pledge and payment when the key is sent again', async () => {
    const asked = pledge();
    const [first, second] = await Promise.all([stage.cash.create(ada, asked), stage.cash.create(ada, asked)]);
    const third = await stage.cash.create(ada, asked);
    expect(new Set([first, second, third].map((o) => got(o).pledge.id)).size).toBe(1);
    expect(new Set([first, second, third].map((o) => got(o).payment?.paymentId)).size).toBe(1);
    expect(codes(await stage.cash.create(ada, { ...asked, amountMinor: 2_501n }))).toEqual([
      'PLEDGE_IDEMPOTENCY_MISMATCH',
    ]);
  });

  it('is one of many in a rush: each answered, each once in the books', async () => {
    const keys = Array.from({ length: 120 }, () => randomUUID());
    const asked = [...keys, ...keys].map((idempotencyKey) => stage.cash.promise(ada, pledge({ idempotencyKey })));
    const ids = (await Promise.all(asked)).map((outcome) => got(outcome).pledge.id);
    expect(new Set(ids).size).toBe(120);
    const [row] = await stage.rows('SELECT count(*) n FROM ledger_transfer WHERE key = ANY($1)', [
      ids.map((id) => `pledge:${id}:promise:1`),
    ]);
    expect(row?.['n']).toBe(120n);
    expect(await stage.violations()).toEqual([]);
  });

  it('fails with a declined card, and the same pledge is paid with a better one', async () => {
    const made = got(await stage.cash.create(ada, pledge()));
    await stage.pay(made.payment?.clientSecret, CARD.declined);
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('errored');
    const query = 'query N($id: ID!) { node(id: $id) { ... on CashPledge { state failureCode } } }';
    const id = toGlobalId('CashPledge', made.pledge.id);
    expect((await stage.gql(query, { id }, ada)).data.node).toEqual({
      state: 'ERRORED',
      failureCode: 'generic_decline',
    });
    expect((await stage.gql(query, { id })).data.node).toEqual({ state: 'ERRORED', failureCode: null });
    const [failed] = await stage.rows("SELECT payload FROM event_outbox WHERE type = 'pledge.cash.failed'");
    expect(failed?.['payload']).toEqual({ pledgeId: made.pledge.id, campaignId, code: 'declined' });
    expect(await stage.violations()).toEqual([]);
    await stage.pay(made.payment?.clientSecret, CARD.good);
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('collected');
    expect(await stage.violations()).toEqual([]);
  });

  it('waits for its cardholder when the bank asks, and then is paid', async () => {
    const made = got(await stage.cash.create(ada, pledge()));
    const { nextUrl } = await stage.pay(made.payment?.clientSecret, CARD.challenge);
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('needs_action');
    expect(nextUrl).toMatch(/^http/);
    expect(await stage.violations()).toEqual([]);
    await fetch(nextUrl ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ outcome: 'complete' }),
    });
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('collected');
    expect(await stage.violations()).toEqual([]);
  });

  it('is refunded by its backer, once', async () => {
    const id = await stage.give(ada, campaignId, 5_000n);
    expect(codes(await stage.cash.refund(await stage.person('Mallory'), id, 'mine'))).toEqual(['PLEDGE_FORBIDDEN']);
    got(await stage.cash.refund(ada, id, 'changed my mind'));
    await stage.settle();
    expect(await stateOf(id)).toBe('refunded');
    expect(codes(await stage.cash.refund(ada, id, 'again'))).toEqual(['PLEDGE_STATE_INVALID']);
    expect(await stage.violations()).toEqual([]);
  });

  it('is stuck when its refund fails, with the money set aside', async () => {
    const id = await stage.give(ada, campaignId, 5_000n, CARD.refundFails);
    got(await stage.cash.refund(owner, id, 'asked for'));
    await stage.settle();
    expect(await stateOf(id)).toBe('refund_stuck');
    const [refund] = await stage.rows('SELECT state FROM cash_pledge_refund WHERE pledge_id = $1', [id]);
    expect(refund?.['state']).toBe('failed');
    expect(await stage.violations()).toEqual([]);
  });

  it('is disputed: the bank takes amount and fee at once, and a lost dispute takes it out of escrow', async () => {
    const id = await stage.give(ada, campaignId, 7_000n, CARD.dispute);
    await stage.settle();
    expect(await stateOf(id)).toBe('disputed');
    expect(await stage.violations()).toEqual([]);
    expect(codes(await stage.cash.refund(owner, id, 'no'))).toEqual(['PLEDGE_STATE_INVALID']);
    const [dispute] = await stage.rows(
      'SELECT stripe_dispute_id AS id FROM dispute d JOIN cash_pledge_charge c USING (payment_id) WHERE c.pledge_id = $1',
      [id],
    );
    await stage.closeDispute(String(dispute?.['id']), 'lost');
    await stage.settle();
    expect(await stateOf(id)).toBe('charged_back');
    expect(await stage.violations()).toEqual([]);
  });

  it('comes back to the campaign when the dispute is won', async () => {
    const id = await stage.give(ada, campaignId, 7_000n, CARD.dispute);
    await stage.settle();
    const [dispute] = await stage.rows(
      'SELECT stripe_dispute_id AS id FROM dispute d JOIN cash_pledge_charge c USING (payment_id) WHERE c.pledge_id = $1',
      [id],
    );
    await stage.closeDispute(String(dispute?.['id']), 'won');
    await stage.settle();
    expect(await stateOf(id)).toBe('collected');
    expect(await stage.violations()).toEqual([]);
  });

  it('is cancelled while unpaid, and its payment with it', async () => {
    const made = got(await stage.cash.create(ada, pledge()));
    expect(codes(await stage.cash.cancel(owner, made.pledge.id))).toEqual(['PLEDGE_FORBIDDEN']);
    got(await stage.cash.cancel(ada, made.pledge.id));
    expect(codes(await stage.cash.cancel(ada, made.pledge.id))).toEqual(['PLEDGE_STATE_INVALID']);
    expect(await paymentOf(made.pledge.id)).toBe('CANCELED');
    expect(await stage.pay(made.payment?.clientSecret, CARD.good)).toMatchObject({ status: 400 });
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('cancelled');
    expect(await stage.violations()).toEqual([]);
  });

  it('takes its payment with it although the process died before the processor heard of it', async () => {
    const made = got(await stage.cash.create(ada, pledge()));
    await cancelAndDie(made.pledge.id);
    expect(await paymentOf(made.pledge.id)).toBe('SUBMITTED');
    await stage.rows("UPDATE payment SET next_check_at = now() - interval '1 second' WHERE reference = $1", [
      made.pledge.id,
    ]);
    // Payments of other tests may be due as well; each sweep takes a batch.
    for (let sweep = 0; sweep < 5; sweep += 1) await stage.tick('payment-sweep');
    expect(await paymentOf(made.pledge.id)).toBe('CANCELED');
    expect(await stage.pay(made.payment?.clientSecret, CARD.good)).toMatchObject({ status: 400 });
  });

  it('is cancelled by the end of its campaign, and its payment with it', async () => {
    const ended = await stage.liveCampaign(owner);
    const made = got(await stage.cash.create(ada, pledge({ campaignId: ended })));
    got(await stage.campaigns.cancel(owner, ended, 'no longer needed'));
    await stage.relay();
    await stage.tick('pledges.wind-up');
    expect([await stateOf(made.pledge.id), await paymentOf(made.pledge.id)]).toEqual(['cancelled', 'CANCELED']);
  });

  it('sends money back that comes although it was cancelled', async () => {
    const made = got(await stage.cash.create(ada, pledge()));
    await cancelAndDie(made.pledge.id);
    await stage.pay(made.payment?.clientSecret, CARD.good);
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('refund_pending');
    await stage.tick('payment-sweep');
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('refunded');
    expect(await stage.violations()).toEqual([]);
  });

  it('outlives a process that died before the processor heard of it', async () => {
    const asked = pledge();
    const written = got(await stage.cash.promise(ada, asked));
    await stage.rows("UPDATE payment SET next_check_at = now() - interval '1 second' WHERE reference = $1", [
      written.pledge.id,
    ]);
    await stage.tick('payment-sweep');
    const again = got(await stage.cash.create(ada, asked));
    expect(again.pledge.id).toBe(written.pledge.id);
    expect(again.payment?.paymentId).toBe(written.paymentId);
    await stage.pay(again.payment?.clientSecret, CARD.good);
    await stage.settle();
    expect(await stateOf(written.pledge.id)).toBe('collected');
    expect(got(await stage.cash.create(ada, asked)).payment).toBeNull();
    expect(await stage.violations()).toEqual([]);
  });

  it('is answered again under its key even when its campaign has closed since', async () => {
    const closing = await stage.liveCampaign(owner);
    const asked = pledge({ campaignId: closing });
    const made = got(await stage.cash.create(ada, asked));
    got(await stage.campaigns.suspend(await stage.person('Olga Operator', 'operator'), closing, 'a closer look'));
    expect(got(await stage.cash.create(ada, asked)).pledge.id).toBe(made.pledge.id);
    expect(codes(await stage.cash.create(ada, pledge({ campaignId: closing })))).toEqual(['PLEDGE_CAMPAIGN_CLOSED']);
  });

  it('keeps an anonymous backer out of the public record, pseudonym and all', async () => {
    const made = got(await stage.cash.create(ada, pledge({ anonymous: true })));
    const events = await stage.rows("SELECT payload::text AS text FROM event_outbox WHERE payload->>'pledgeId' = $1", [
      made.pledge.id,
    ]);
    expect(events).toHaveLength(1);
    expect(events[0]?.['text']).not.toContain(ada.pseudonym);
    expect(events[0]?.['text']).toContain('"contributor": "anonymous"');
  });
});

describe('a cash pledge is refused, and changes nothing', () => {
  const counted = async () => {
    const [row] = await stage.rows(
      `SELECT (SELECT count(*) FROM cash_pledge) AS pledges, (SELECT count(*) FROM ledger_transfer) AS transfers,
              (SELECT count(*) FROM payment) AS payments, (SELECT count(*) FROM event_outbox) AS events`,
    );
    return row;
  };
  const cases: [string, () => Promise<object>][] = [
    ['AMOUNT_OUT_OF_RANGE', async () => pledge({ amountMinor: -5n })],
    ['AMOUNT_OUT_OF_RANGE', async () => pledge({ amountMinor: 10n ** 30n })],
    ['PLEDGE_AMOUNT_TOO_SMALL', async () => pledge({ amountMinor: 49n })],
    ['PLEDGE_AMOUNT_ABOVE_CARD_LIMIT', async () => pledge({ amountMinor: 2_000_000_000n })],
    ['PLEDGE_CURRENCY_UNSUPPORTED', async () => pledge({ currency: 'XAU' })],
    ['PLEDGE_RAIL_UNAVAILABLE', async () => pledge({ rail: 'sepa_debit' })],
    ['PLEDGE_TEXT_INVALID', async () => pledge({ displayName: 'x'.repeat(81) })],
    ['PLEDGE_TEXT_INVALID', async () => pledge({ invoice: { organisation: '', address: 'Nantucket' } })],
    ['PLEDGE_HARD_CAP', async () => pledge({ campaignId: await capped(2_000n) })],
    ['PLEDGE_CURRENCY_MISMATCH', async () => pledge({ currency: 'EUR' })],
    ['PLEDGE_IDEMPOTENCY_KEY_INVALID', async () => pledge({ idempotencyKey: 'short' })],
    ['PLEDGE_CAMPAIGN_NOT_FOUND', async () => pledge({ campaignId: randomUUID() })],
    ['PLEDGE_CAMPAIGN_NOT_FOUND', async () => pledge({ campaignId: await draft() })],
    ['PLEDGE_CAMPAIGN_CLOSED', async () => pledge({ campaignId: await suspended() })],
    ['PLEDGE_CAMPAIGN_CLOSED', async () => pledge({ campaignId: await expired() })],
  ];

  it.each(cases)('%s (case %#)', async (code, make) => {
    const asked = await make();
    const before = await counted();
    expect(codes(await stage.cash.create(ada, asked as ReturnType<typeof pledge>))).toEqual([code]);
    expect(await counted()).toEqual(before);
  });

  it('PLEDGE_NOT_FOUND and PLEDGE_TEXT_INVALID', async () => {
    expect(codes(await stage.cash.refund(ada, randomUUID(), 'x'))).toEqual(['PLEDGE_NOT_FOUND']);
    expect(codes(await stage.cash.cancel(ada, randomUUID()))).toEqual(['PLEDGE_NOT_FOUND']);
    expect(codes(await stage.cash.refund(ada, randomUUID(), 'x'.repeat(501)))).toEqual(['PLEDGE_TEXT_INVALID']);
  });

  it('the others of its batch are not', async () => {
    const outcomes = await Promise.all([
      stage.cash.promise(ada, pledge()),
      stage.cash.promise(ada, pledge({ currency: 'EUR' })),
      stage.cash.promise(ada, pledge()),
    ]);
    expect(outcomes.map((o) => 'refusals' in o)).toEqual([false, true, false]);
  });

  it('the database refuses a step that the machine does not know, and any change of what was pledged', async () => {
    const id = await stage.give(ada, campaignId, 1_000n);
    await expect(stage.rows("UPDATE cash_pledge SET state = 'created' WHERE id = $1", [id])).rejects.toThrow(
      /immutable|does not go/,
    );
    await expect(stage.rows('UPDATE cash_pledge SET amount_minor = 1 WHERE id = $1', [id])).rejects.toThrow();
  });

  it.each([
    ['cash_pledge', cashPledgeMachine],
    ['pledge_plan', pledgePlanMachine],
    ['compute_pledge', computePledgeMachine],
  ] as const)('the steps that the trigger of %s knows are those of the machine', async (table, machine) => {
    const rows = await stage.rows<Step>(`SELECT from_state, to_state FROM ${table}_transition`);
    const stored = rows.map((r) => `${r.from_state} ${r.to_state}`);
    expect(new Set(stored)).toEqual(new Set(machine.transitions.map((t) => `${t.from} ${t.to}`)));
  });
});

async function draft(): Promise<string> {
  const place = await stage.project(owner);
  return got(await stage.campaigns.create(owner, { ...CAMPAIGN, ...place, deadline: inDays(1) }));
}

async function suspended(): Promise<string> {
  const id = await stage.liveCampaign(owner);
  got(await stage.campaigns.suspend(await stage.person('Olga Operator', 'operator'), id, 'under investigation'));
  return id;
}

const capped = (hardCapMinor: bigint): Promise<string> =>
  stage.liveCampaign(owner, { cashGoalMinor: hardCapMinor, hardCapMinor });

async function expired(): Promise<string> {
  const id = await stage.liveCampaign(owner);
  await stage.rows("UPDATE campaign SET deadline = now() - interval '1 second' WHERE id = $1", [id]);
  return id;
}
