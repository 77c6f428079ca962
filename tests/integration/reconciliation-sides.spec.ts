import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reconciliation } from '#payments';
import { CaseCommands, Corrections, ReconciliationModule } from '#reconciliation';
import { UnappliedCashCommands } from '../../libs/pledges/src/unapplied.commands.js';
import { sayingsOf } from '../../libs/reconciliation/src/store/trail.store.js';
import { BANK, DisbursementStage } from './disbursements.stage.js';
import { CARD, type FundingStage, got, type Person } from './funding.stage.js';
import { DAY, HOUR, type Open, ReconciliationStage } from './reconciliation.stage.js';

// What the sandbox does is what Stripe's lists hold; what the product books is what the books hold. Each kind of movement
// is compared as it is made, and a unit that is put on one side shows that both sides are joined by it.

let paying: DisbursementStage;
let bank: ReconciliationStage;
let stage: FundingStage;
let campaignId: string;
let olga: Person;
let omar: Person;

beforeAll(async () => {
  paying = await DisbursementStage.open({}, {}, [ReconciliationModule]);
  stage = paying.funding;
  bank = ReconciliationStage.over(stage);
  olga = await stage.person('Olga Operator', 'operator');
  omar = await stage.person('Omar Operator', 'operator');
  campaignId = await stage.liveCampaign(await stage.person('Ada'), { fundingModel: 'keep_it_all' });
}, 60_000);
afterAll(() => bank.close());

const one = async <T = { id: string }>(sql: string, params: unknown[] = []): Promise<T> => {
  const [row] = await stage.rows<T>(sql, params);
  if (row === undefined) throw new Error(`nothing: ${sql}`);
  return row;
};
let aheadMs = 0;
/** Each comparison is made later than the one before by more than the grace: what that one booked has come to rest. */
const compare = (): Promise<readonly Open[]> => {
  aheadMs += HOUR / 4;
  return bank.casesAt(aheadMs);
};
const kinds = async () => (await compare()).map((each) => `${each.kind} ${each.subject.split(':')[0]}`);
const agree = async () => {
  expect(await kinds()).toEqual([]);
  expect(await bank.violations()).toEqual([]);
  const [usd] = (await bank.reconciler().summary()).filter((row) => row.currency === 'USD');
  expect(usd?.booked_at_processor).toBe(usd?.said_by_processor);
};
let probes = 0;
/** A unit more in the books, of this very subject: told as such, against what the processor says. */
async function oneUnitMore(subject: string, refs: Record<string, string>, key?: string): Promise<void> {
  probes += 1;
  const name = key ?? `probe:${probes}`;
  await bank.book(name, 'processor:available:USD', 'write_off:USD', 1n, refs);
  const open = await compare();
  expect(open.map((each) => [each.kind, each.subject, each.found - each.expected])).toEqual([
    ['amount_differs', subject, 1n],
  ]);
  // The trail of the case has every movement of both sides: what they add up to is the difference.
  const sayings = await stage.db.uow.read((tx) => sayingsOf(tx, { kind: 'amount_differs', subject, unit: 'USD' }));
  const sum = (side: string): bigint =>
    sayings
      .filter((each) => each.side === side)
      .reduce((total, { amount, fee }) => total + BigInt(amount) - BigInt(fee ?? 0), 0n);
  expect(sum('ledger') - sum('processor')).toBe(1n);
  await bank.book(`${name}:back`, 'write_off:USD', 'processor:available:USD', 1n, refs);
  await agree();
}
const give = async (who: string, amountMinor: bigint, card: string = CARD.good) => {
  const person = await stage.person(who);
  return { person, pledgeId: await stage.give(person, campaignId, amountMinor, card) };
};

describe('books and processor, by what moved', () => {
  it('a payment, with its fee apart', async () => {
    const { pledgeId } = await give('Grace', 50_000n);
    const { id } = await one('SELECT id FROM payment WHERE reference = $1', [pledgeId]);
    await agree();
    await oneUnitMore(`payment:${id}`, { payment: id });
    await bank.book('probe:amount', 'write_off:USD', 'processor:available:USD', 1n, { payment: id });
    expect(await kinds()).toEqual(['amount_differs payment']);
    await bank.book('probe:amount:back', 'processor:available:USD', 'write_off:USD', 1n, { payment: id });
    await bank.book(`payment:${id}:more:fee`, 'write_off:USD', 'processor:available:USD', 1n, { payment: id });
    expect(await kinds()).toEqual(['fee_differs payment']);
    await bank.book(`payment:${id}:less:fee`, 'processor:available:USD', 'write_off:USD', 1n, { payment: id });
    await agree();
  });

  it('a refund, and one that its bank sent back', async () => {
    const { person, pledgeId } = await give('Edsger', 20_000n);
    got(await stage.cash.refund(person, pledgeId, 'changed my mind'));
    await stage.settle();
    const { id } = await one("SELECT r.id FROM refund r WHERE r.status = 'SUCCEEDED'");
    await agree();
    await oneUnitMore(`refund:${id}`, { refund: id });
    const late = await give('Barbara', 7_000n, CARD.refundFails);
    got(await stage.cash.refund(late.person, late.pledgeId, 'changed my mind'));
    await stage.settle();
    const failed = await one<{ id: string; status: string }>('SELECT id, status FROM refund WHERE id <> $1', [id]);
    expect(failed.status).toBe('FAILED');
    await agree();
    await oneUnitMore(`refund:${failed.id}`, { refund: failed.id });
  });

  it.each(['won', 'lost'] as const)('a dispute with its fee, opened and then %s', async (ending) => {
    const { pledgeId } = await give(`Donor who disputes and has ${ending}`, 9_000n, CARD.dispute);
    const { id, stripe } = await one<{ id: string; stripe: string }>(
      `SELECT d.id, d.stripe_dispute_id AS stripe FROM dispute d JOIN payment p ON p.id = d.payment_id WHERE p.reference = $1`,
      [pledgeId],
    );
    await agree();
    await oneUnitMore(`dispute:${id}`, { dispute: id });
    await stage.closeDispute(stripe, ending);
    await stage.settle();
    expect((await one<{ status: string }>('SELECT status FROM dispute WHERE id = $1', [id])).status).toBe(
      ending.toUpperCase(),
    );
    await agree();
    await oneUnitMore(`dispute:${id}`, { dispute: id });
  });

  it('a dispute that was lost and is reinstated by the bank after all', async () => {
    const { stripe } = await one<{ stripe: string }>(
      "SELECT stripe_dispute_id AS stripe FROM dispute WHERE status = 'LOST'",
    );
    const before = await bank.held('processor:available:USD');
    const answer = await fetch(`${stage.sandbox.url}/_sandbox/disputes/decide`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_funding' },
      body: JSON.stringify({ dispute: stripe, outcome: 'won' }),
    });
    expect(answer.status).toBe(200);
    await stage.settle();
    expect((await bank.held('processor:available:USD')) - before).toBe(9_000n);
    await agree();
  });

  it('a transfer to a project, and one that came back', async () => {
    const paid = await paying.succeeded();
    await paying.approved(paid, 1);
    await stage.advance(14 * DAY + 60_000);
    await paying.work();
    const attempt = await one<{ id: string }>("SELECT id FROM payout_attempt WHERE status = 'SUCCEEDED'");
    await agree();
    await oneUnitMore(`transfer:${attempt.id}`, {}, `payout:${attempt.id}:probe`);
    const bounced = await paying.campaign({});
    for (const [who, amount] of [
      ['Backer 0', 6_000n],
      ['Backer 1', 4_001n],
    ] as const) {
      await stage.give(await stage.person(who), bounced, amount);
    }
    await paying.connect(bounced, BANK.closed);
    await paying.approved(bounced, 1);
    await stage.advance(14 * DAY + 60_000);
    await paying.work();
    const failed = await one<{ id: string }>(
      "SELECT id FROM payout_attempt WHERE status = 'FAILED' AND stripe_reversal_id IS NOT NULL",
    );
    await agree();
    await oneUnitMore(`transfer:${failed.id}`, {}, `payout:${failed.id}:probe`);
  });

  it('a payout to our bank, one that failed there, and a top-up', async () => {
    const payout = await bank.payOut(3_000n);
    await agree();
    await oneUnitMore(`payout:${payout}`, { processor_payout: payout });
    const failing = await bank.payOut(2_000n);
    const bounce = await fetch(`${stage.sandbox.url}/_sandbox/payouts`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_funding' },
      body: JSON.stringify({ payout: failing, code: 'account_closed' }),
    });
    expect(bounce.status).toBe(200);
    await stage.settle();
    await agree();
    expect(await bank.held('bank:in_transit:USD')).toBe(3_000n);
    const { id: topup = '' } = await bank.atStripe('/v1/topups', { amount: '1500', currency: 'usd' });
    await stage.settle();
    await agree();
    expect(await bank.held('bank:in_transit:USD')).toBe(1_500n);
    await oneUnitMore(`payout:${topup}`, { processor_payout: topup });
  });

  it('a fee that belongs to no payment: a case, until two persons have booked it', async () => {
    const before = await bank.held('processor:available:USD');
    await fetch(`${stage.sandbox.url}/_sandbox/fees`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_funding' },
      body: JSON.stringify({ amount: 250, description: 'Radar' }),
    });
    const [odd] = await compare();
    if (!odd) throw new Error('the fee is no case');
    expect([odd.subject.split(':')[0], odd.expected, odd.found]).toEqual(['entry', -250n, 0n]);
    const atStripe = () => stage.app.get(Reconciliation, { strict: false }).compare();
    expect((await atStripe()).differences.get('USD')).toBe(-250n);
    got(await stage.app.get(CaseCommands, { strict: false }).assign(olga, odd.id));
    const corrections = stage.app.get(Corrections, { strict: false });
    const { id } = got(
      await corrections.propose(olga, {
        caseId: odd.id,
        debit: 'processor:other_fees:USD',
        credit: 'processor:available:USD',
        amountMinor: 250n,
        reason: 'Fraud screening of November.',
      }),
    );
    got(await corrections.approve(omar, id));
    expect((await bank.held('processor:available:USD')) - before).toBe(-250n);
    await agree();
    // The comparison with the processor's own balance knows it too.
    expect((await atStripe()).violations).toEqual([]);
  });
});

describe('the list of the processor', () => {
  let proxy: Server;
  let url: string;
  const broken = { pages: 0 };
  beforeAll(async () => {
    proxy = createServer((request, response) => {
      const isLater = request.url?.includes('starting_after') === true;
      if (isLater && broken.pages > 0) {
        broken.pages -= 1;
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ error: { type: 'invalid_request_error', message: 'cut off' } }));
        return;
      }
      void fetch(`${stage.sandbox.url}${request.url ?? ''}`, {
        headers: { authorization: request.headers.authorization ?? '' },
      }).then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(await answer.text());
      });
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((done) => proxy.close(done)));

  it('is read whole over many pages, also after a reading that was cut off', async () => {
    for (let n = 0; n < 230; n += 1) await bank.atStripe('/v1/topups', { amount: '1', currency: 'usd' });
    await stage.settle();
    const before = await bank.held('bank:in_transit:USD');
    broken.pages = 1;
    await expect(bank.reconciler((aheadMs += HOUR / 4), url).run()).rejects.toThrow('cut off');
    // The newest page is stored, and what is older is missing still.
    expect(await bank.held('bank:in_transit:USD')).toBe(before - 100n);
    const { read } = await bank.reconciler((aheadMs += HOUR / 4), url).run();
    expect(read).toBe(130);
    expect(await bank.held('bank:in_transit:USD')).toBe(before - 230n);
    await agree();
    expect((await bank.reconciler((aheadMs += HOUR / 4), url).run()).read).toBe(0);
  }, 30_000);
});

describe('cash of donors', () => {
  const send = async (who: Person, amount: number): Promise<void> => {
    const { id } = await one('SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1', [
      who.pseudonym,
    ]);
    await bank.atStripe(`/v1/test_helpers/customers/${id}/fund_cash_balance`, {
      amount: String(amount),
      currency: 'usd',
    });
    await stage.settle();
  };
  const promise = async (who: Person, amountMinor: bigint) => {
    const key = `wire-${who.pseudonym}-${amountMinor}`;
    const asked = { campaignId, amountMinor, currency: 'USD', rail: 'bank_transfer' as const, idempotencyKey: key };
    got(await stage.cash.create(who, asked));
  };

  it('agrees donor by donor while it comes, is applied and goes back', async () => {
    const wilma = await stage.person('Wilma Wires');
    await promise(wilma, 30_000n);
    await send(wilma, 42_000);
    await stage.tick('payment-sweep');
    await stage.settle();
    await agree();
    const said = async () =>
      (await one<{ minor: string }>('SELECT sum(net_minor)::text AS minor FROM processor_cash_entry')).minor;
    expect([await said(), -(await bank.held(`donor:${wilma.pseudonym}:unapplied_cash:USD`))]).toEqual([
      '12000',
      12_000n,
    ]);
    got(await stage.app.get(UnappliedCashCommands, { strict: false }).refund(wilma, 'USD'));
    await stage.tick('payment-sweep');
    await stage.settle();
    await stage.advance(DAY);
    await agree();
    expect(await said()).toBe('0');
  });

  it('differs for one donor when money was sent of which we heard nothing, though another makes up for it', async () => {
    const [una, vera] = [await stage.person('Una Unheard'), await stage.person('Vera Void')];
    for (const who of [una, vera]) {
      await promise(who, 10_000n);
      await send(who, 10_500);
      await stage.tick('payment-sweep');
      await stage.settle();
    }
    await agree();
    const move = (who: Person, key: string, up: boolean) => {
      const accounts = ['donor_cash_balance:USD', `donor:${who.pseudonym}:unapplied_cash:USD`] as const;
      return bank.book(key, accounts[up ? 0 : 1], accounts[up ? 1 : 0], 3n);
    };
    await move(una, 'cash:una', true);
    await move(vera, 'cash:vera', false);
    const open = await compare();
    expect(
      open.map(({ kind, subject, expected, found }) => `${kind} ${subject} ${found - expected}`).toSorted(),
    ).toEqual(
      [
        `donor_cash_differs donor_cash:${una.pseudonym} 3`,
        `donor_cash_differs donor_cash:${vera.pseudonym} -3`,
      ].toSorted(),
    );
    await move(una, 'cash:una:back', false);
    await move(vera, 'cash:vera:back', true);
    await agree();
  });
});

describe('events that were missed', () => {
  it('for 29 days are found, and what they told of is booked and compared', async () => {
    const chaos = (lose: number) =>
      fetch(`${stage.sandbox.url}/_sandbox/chaos`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk_test_funding' },
        body: JSON.stringify({ lose }),
      });
    await stage.tick('stripe-backfill');
    await chaos(1);
    const { pledgeId } = await give('Lost Lucy', 12_300n);
    await chaos(0);
    expect(
      (await one<{ status: string }>('SELECT status FROM payment WHERE reference = $1', [pledgeId])).status,
    ).not.toBe('SUCCEEDED');
    expect(await kinds()).toEqual(['missing_in_ledger entry']);
    await stage.pass(29 * DAY);
    await stage.tick('stripe-backfill');
    await stage.settle();
    expect((await one<{ status: string }>('SELECT status FROM payment WHERE reference = $1', [pledgeId])).status).toBe(
      'SUCCEEDED',
    );
    expect((await kinds()).filter((each) => !each.startsWith('missing_in_bank'))).toEqual([]);
  });
});
