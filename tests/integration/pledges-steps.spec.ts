import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Payments } from '#payments';
import { cashPledgeMachine } from '../../libs/pledges/src/domain/cash-pledge.machine.js';
import { RefundCases } from '../../libs/payments/src/refund-cases.js';
import { type Person, got } from './funding.stage.js';
import { DAY_MS, DONOR_MAY, METHOD, PledgesStage } from './pledges.stage.js';
import { stepsOf } from './steps.recorder.js';

/*
 * Every step of a cash pledge, taken by donors, banks and clocks, and by nobody's hand: what the database wrote down on
 * the way is compared with the machine at the end, so a step that is added to the table has to be taken here.
 */

let stage: PledgesStage;
let ada: Person;
let bob: Person;
let kept: string;
/** A pledge that rests in each state, for the refusals at the end. */
const resting = new Map<string, { id: string; donor: Person }>();

beforeAll(async () => {
  stage = await PledgesStage.open();
  ada = await stage.funding.person('Ada');
  bob = await stage.funding.person('Bob');
  kept = await stage.keepsAll();
});
afterAll(async () => {
  expect(await stage.funding.violations()).toEqual([]);
  await stage.close();
});

const rests = (id: string, state: string, donor = ada): void => void resting.set(state, { id, donor });
const went = async (id: string, ...path: string[]): Promise<void> => expect(await stage.steps.path(id)).toEqual(path);
const refund = (id: string, who = ada) => stage.ask('pledgeRefund', who, id);

describe('a pledge that is charged at once', () => {
  it('is made, paid and given back', async () => {
    const made = await stage.pledge(ada, kept, 2_000n);
    await stage.confirm(made.secret, METHOD.good);
    rests(await stage.paid(ada, kept, 900n), 'collected');
    expect(await refund(made.id)).toEqual([]);
    await stage.funding.settle();
    await went(made.id, 'created', 'collected', 'refund_pending', 'refunded');
    rests(made.id, 'refunded');
  });

  it('is declined, asked for its cardholder, and paid by a third card', async () => {
    const made = await stage.pledge(ada, kept, 2_000n);
    await stage.confirm(made.secret, METHOD.declined);
    const page = await stage.confirm(made.secret, METHOD.challenge);
    await stage.answer(page, 'fail');
    await stage.confirm(made.secret, METHOD.good);
    await went(made.id, 'created', 'errored', 'needs_action', 'errored', 'collected');
    const asked = await stage.pledge(ada, kept, 2_000n);
    await stage.answer(await stage.confirm(asked.secret, METHOD.challenge));
    await went(asked.id, 'created', 'needs_action', 'collected');
  });

  it('is given up by its donor at any time before it is paid, and money that was faster goes back', async () => {
    const [fresh, declined, asked] = await Promise.all([
      stage.pledge(ada, kept, 2_000n),
      stage.pledge(ada, kept, 2_000n),
      stage.pledge(ada, kept, 2_000n),
    ]);
    await stage.confirm(declined.secret, METHOD.declined);
    await stage.confirm(asked.secret, METHOD.challenge);
    for (const { id } of [declined, asked]) expect(await stage.ask('pledgeCancel', ada, id)).toEqual([]);
    stage.dies('submitCancels');
    expect(await stage.ask('pledgeCancel', ada, fresh.id)).toEqual([]);
    await stage.confirm(fresh.secret, METHOD.good);
    await stage.work();
    await went(fresh.id, 'created', 'cancelled', 'collected', 'refund_pending', 'refunded');
    await went(declined.id, 'created', 'errored', 'cancelled');
    await went(asked.id, 'created', 'needs_action', 'cancelled');
    rests(asked.id, 'cancelled');
    const open = await stage.pledge(ada, kept, 2_000n);
    await stage.confirm(open.secret, METHOD.challenge);
    rests(open.id, 'needs_action');
  });

  it('waits for a bank debit, which comes or bounces', async () => {
    const euros = await stage.keepsAll({ currency: 'EUR' });
    const good = await stage.paid(ada, euros, 2_000n, METHOD.slowDebit);
    const bad = await stage.paid(ada, euros, 2_000n, METHOD.slowDebitFails);
    expect([await stage.state(good), await stage.state(bad)]).toEqual(['charging', 'charging']);
    await stage.funding.pass(4 * 60_000);
    await stage.funding.settle();
    await went(good, 'created', 'charging', 'collected');
    await went(bad, 'created', 'charging', 'errored');
  });

  it('waits for small deposits that prove whose account it is', async () => {
    const made = await stage.pledge(ada, kept, 2_000n, { rail: 'us_bank_account' });
    const intent = (made.secret ?? '').split('_secret_')[0];
    await stage.api(`payment_intents/${intent}/confirm`, {
      'payment_method_data[type]': 'us_bank_account',
      // A debit of this account stays with the bank.
      'payment_method_data[us_bank_account][account_number]': '000000000009',
      'payment_method_data[us_bank_account][routing_number]': '110000000',
      'payment_method_data[us_bank_account][account_holder_type]': 'individual',
      'payment_method_data[billing_details][name]': 'Ada',
      'mandate_data[customer_acceptance][type]': 'offline',
    });
    await stage.funding.settle();
    expect(await stage.state(made.id)).toBe('needs_action');
    await stage.api(`payment_intents/${intent}/verify_microdeposits`, { descriptor_code: 'SM11AA' });
    await stage.funding.settle();
    await went(made.id, 'created', 'needs_action', 'charging');
    rests(made.id, 'charging');
  });

  it('in parts has its card saved first, is charged without its donor, and tried again', async () => {
    const made = await stage.pledge(ada, kept, 150_000_000n);
    await stage.confirm(made.secret, METHOD.good);
    await stage.work();
    await went(made.id, 'method_required', 'pledged', 'charging', 'collected');
    const unwanted = await stage.pledge(ada, kept, 150_000_000n);
    expect(await stage.ask('pledgeCancel', ada, unwanted.id)).toEqual([]);
    await went(unwanted.id, 'method_required', 'cancelled');
    const failing = await stage.saved(ada, kept, 150_000_000n, METHOD.chargeFails);
    await stage.work();
    await stage.days(3);
    expect((await stage.steps.path(failing)).slice(0, 5)).toEqual([
      'method_required',
      'pledged',
      'charging',
      'errored',
      'charging',
    ]);
  });
});

describe('money that goes back', () => {
  it('fails at the bank at once or days later, and is stuck until somebody sees to it', async () => {
    const cases = stage.funding.app.get(RefundCases, { strict: false });
    const late = await stage.paid(ada, kept, 2_000n);
    await refund(late);
    await stage.funding.settle();
    const [made] = await stage.rows<{ id: string }>(
      'SELECT r.stripe_refund_id AS id FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.reference = $1',
      [late],
    );
    await stage.bank('refunds', { refund: made?.id, outcome: 'failed' });
    await went(late, 'created', 'collected', 'refund_pending', 'refunded', 'refund_stuck');
    const [open] = await stage.rows<{ id: string }>(
      'SELECT c.id FROM refund_case c JOIN payment p ON p.id = c.payment_id WHERE p.reference = $1',
      [late],
    );
    got(await cases.take(stage.operator, open?.id ?? ''));
    got(await cases.resolve(stage.operator, open?.id ?? '', { resolution: 'paid_otherwise', note: 'wire 7' }));
    expect((await stage.steps.path(late)).at(-1)).toBe('refunded');
    const refused = await stage.paid(ada, kept, 2_000n);
    stage.dies('submitRefund');
    await refund(refused);
    // Given back in the processor's dashboard meanwhile: ours is refused there, and the money is with its owner.
    await stage.api('refunds', { payment_intent: await stage.intentOf(refused) });
    await stage.work();
    expect(await stage.steps.path(refused)).toEqual(['created', 'collected', 'refund_pending', 'refunded']);
  });

  it('in the processor’s dashboard is noticed', async () => {
    const id = await stage.paid(ada, kept, 2_000n);
    await stage.api('refunds', { payment_intent: await stage.intentOf(id) });
    await stage.funding.settle();
    await went(id, 'created', 'collected', 'refunded');
  });

  it('is disputed: won, lost, and given back late', async () => {
    const [won, lost] = [
      await stage.paid(ada, kept, 2_000n, METHOD.dispute),
      await stage.paid(ada, kept, 2_000n, METHOD.dispute),
    ];
    await stage.funding.closeDispute(await stage.disputeOf(won), 'won');
    await stage.funding.closeDispute(await stage.disputeOf(lost), 'lost');
    await stage.funding.settle();
    await went(won, 'created', 'collected', 'disputed', 'collected');
    await went(lost, 'created', 'collected', 'disputed', 'charged_back');
    await stage.bank('disputes/decide', { dispute: await stage.disputeOf(lost), outcome: 'won' });
    await went(lost, 'created', 'collected', 'disputed', 'charged_back', 'collected');
  });

  it('is taken back by the bank while, after and although it was refunded', async () => {
    const before = await stage.paid(ada, kept, 2_000n, METHOD.debit);
    const [pending, stuck, done] = [
      before,
      await stage.paid(bob, kept, 2_000n, METHOD.debit),
      await stage.paid(ada, kept, 2_000n, METHOD.debit),
    ];
    stage.dies('submitRefund');
    await refund(pending);
    await refund(stuck, bob);
    await refund(done);
    await stage.funding.settle();
    const [made] = await stage.rows<{ id: string }>(
      'SELECT r.stripe_refund_id AS id FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.reference = $1',
      [stuck],
    );
    await stage.bank('refunds', { refund: made?.id, outcome: 'failed' });
    const waiting = await stage.paid(bob, kept, 2_000n, METHOD.refundFails);
    await refund(waiting, bob);
    await stage.funding.settle();
    rests(waiting, 'refund_stuck', bob);
    for (const id of [pending, stuck, done])
      await stage.bank('disputes', { paymentIntent: await stage.intentOf(id), reason: 'insufficient_funds' });
    expect((await stage.steps.path(pending)).slice(-3)).toEqual(['refund_pending', 'disputed', 'charged_back']);
    expect((await stage.steps.path(stuck)).slice(-3)).toEqual(['refund_stuck', 'disputed', 'charged_back']);
    expect((await stage.steps.path(done)).slice(-3)).toEqual(['refunded', 'disputed', 'charged_back']);
    rests(done, 'charged_back');
  });

  it('is refused by the processor where the bank was faster: stuck, then disputed', async () => {
    const id = await stage.paid(ada, kept, 2_000n);
    stage.dies('submitRefund');
    await refund(id);
    await stage.bank('chaos', { paused: true }, false);
    await stage.bank('disputes', { paymentIntent: await stage.intentOf(id) }, false);
    await stage.funding.tick('payment-sweep');
    expect(await stage.state(id)).toBe('refund_stuck');
    await stage.bank('chaos', { paused: false });
    await went(id, 'created', 'collected', 'refund_pending', 'refund_stuck', 'disputed');
  });
});

describe('a pledge by bank transfer', () => {
  const wired = (who: Person, amountMinor: bigint, campaignId = kept) =>
    stage.pledge(who, campaignId, amountMinor, { rail: 'bank_transfer' });

  it('is paid in parts or whole, given up, or expires; what came of it is kept or given back', async () => {
    const short = await stage.keepsAll({ deadline: stage.funding.inDays(20) });
    const cleo = await stage.funding.person('Cleo');
    const dan = await stage.funding.person('Dan');
    const eve = await stage.funding.person('Eve');
    const whole = await wired(cleo, 10_000n);
    await stage.wire(cleo, 4_000n);
    await stage.wire(cleo, 6_000n);
    await went(whole.id, 'instructions_issued', 'partially_funded', 'funded', 'collected');
    const once = await wired(cleo, 10_000n);
    await stage.wire(cleo, 10_000n);
    await went(once.id, 'instructions_issued', 'funded', 'collected');
    const gone = await wired(cleo, 10_000n);
    expect(await stage.ask('pledgeCancel', cleo, gone.id)).toEqual([]);
    await went(gone.id, 'instructions_issued', 'cancelled');
    const part = await wired(dan, 10_000n, short);
    await stage.wire(dan, 4_000n);
    const back = await wired(eve, 10_000n);
    await stage.wire(eve, 4_000n);
    await stage.work();
    expect(await refund(back.id, eve)).toEqual([]);
    await stage.work();
    expect((await stage.steps.path(back.id)).slice(0, 3)).toEqual([
      'instructions_issued',
      'partially_funded',
      'refund_pending',
    ]);
    const never = await wired(bob, 10_000n, short);
    await stage.days(36);
    await went(part.id, 'instructions_issued', 'partially_funded', 'collected');
    await went(never.id, 'instructions_issued', 'expired');
    rests(never.id, 'expired', bob);
    rests((await wired(bob, 10_000n)).id, 'instructions_issued', bob);
    const waiting = await wired(dan, 10_000n);
    await stage.wire(dan, 4_000n);
    rests(waiting.id, 'partially_funded', dan);
  });
});

describe('a pledge that is charged when its campaign settles', () => {
  it('is charged, asked for, tried again and dropped, or given up before', async () => {
    const id = await stage.allOrNothing();
    const good = await stage.saved(ada, id, 6_000n);
    const fails = await stage.saved(ada, id, 2_000n, METHOD.chargeFails);
    const wants = await stage.saved(ada, id, 2_000n, METHOD.wantsOwner);
    const comes = await stage.saved(bob, id, 2_000n, METHOD.wantsOwner);
    const other = await stage.saved(bob, id, 2_000n, METHOD.chargeFails);
    const leaves = await stage.saved(bob, id, 2_000n);
    expect(await stage.ask('pledgeCancel', bob, leaves)).toEqual([]);
    await went(leaves, 'method_required', 'pledged', 'cancelled');
    await stage.days(30);
    await went(good, 'method_required', 'pledged', 'frozen', 'charging', 'collected');
    await went(fails, 'method_required', 'pledged', 'frozen', 'charging', 'errored');
    await went(wants, 'method_required', 'pledged', 'frozen', 'charging', 'needs_action');
    const intent = await stage.api<{ client_secret: string }>(`payment_intents/${await stage.intentOf(comes)}`);
    await stage.confirm(intent.client_secret, METHOD.good);
    expect((await stage.steps.path(comes)).slice(-2)).toEqual(['needs_action', 'collected']);
    // He begins to pay himself, thinks it over until the window is over, and pays in the moment in which it is dropped.
    const paying = got(await stage.funding.cash.payNow(bob, other));
    await stage.days(3);
    await stage.funding.pass(5 * DAY_MS);
    for (let round = 0; round < 2; round += 1) {
      await stage.funding.tick('pledges.close');
      await stage.charge(fails);
    }
    await stage.funding.tick('pledges.close');
    expect(await stage.state(other)).toBe('dropped');
    await stage.confirm(paying.payment?.clientSecret, METHOD.good);
    await stage.work();
    expect((await stage.steps.path(other)).slice(-3)).toEqual(['errored', 'dropped', 'collected']);
    expect((await stage.steps.path(fails)).slice(-3)).toEqual(['charging', 'errored', 'dropped']);
    expect((await stage.steps.path(wants)).slice(-2)).toEqual(['needs_action', 'dropped']);
    rests(fails, 'dropped');
  });

  it('is let go when the campaign ends first, wherever it stands, and late money goes back', async () => {
    const calm = await stage.allOrNothing();
    const promised = await stage.saved(ada, calm, 6_000n);
    got(await stage.funding.campaigns.cancel(stage.owner, calm, 'the ship has sunk'));
    await stage.work();
    await went(promised, 'method_required', 'pledged', 'released');
    rests(promised, 'released');

    const id = await stage.allOrNothing();
    const fails = await stage.saved(ada, id, 3_000n, METHOD.chargeFails);
    const pays = await stage.saved(bob, id, 3_000n, METHOD.chargeFails);
    const wants = await stage.saved(ada, id, 3_000n, METHOD.wantsOwner);
    await stage.days(30);
    const paying = got(await stage.funding.cash.payNow(bob, pays));
    await giveUp(id);
    await went(fails, 'method_required', 'pledged', 'frozen', 'charging', 'errored', 'released');
    await went(wants, 'method_required', 'pledged', 'frozen', 'charging', 'needs_action', 'released');
    await stage.confirm(paying.payment?.clientSecret, METHOD.good);
    await stage.work();
    expect((await stage.steps.path(pays)).slice(-5)).toEqual([
      'errored',
      'released',
      'collected',
      'refund_pending',
      'refunded',
    ]);
    expect(await stage.campaignState(id)).toBe('refunded');

    const killed = await stage.allOrNothing();
    const frozen = await stage.saved(ada, killed, 6_000n);
    await stage.funding.pass(31 * DAY_MS);
    await stage.funding.tick('campaigns.deadline');
    await stage.funding.relay();
    // The process dies between the freezing of the list and the first charge.
    vi.spyOn(stage.funding.app.get(Payments, { strict: false }), 'preparePayments').mockRejectedValueOnce(
      new Error('died'),
    );
    await expect(stage.funding.tick('pledges.close')).rejects.toThrow('died');
    await giveUp(killed);
    await went(frozen, 'method_required', 'pledged', 'frozen', 'released');
  });
});

/** The platform stops a close, and its owner gives the campaign up; the processor hears of it later. */
async function giveUp(campaignId: string): Promise<void> {
  got(await stage.funding.campaigns.suspend(stage.operator, campaignId, 'for legal reasons'));
  got(await stage.funding.campaigns.cancel(stage.owner, campaignId, 'it is over'));
  stage.dies('submitCancels');
  await stage.funding.relay();
  await stage.funding.tick('pledges.wind-up');
}

it('is refused every other step in every state that it rests in, and nothing at all changes', async () => {
  // In these a pledge is only between two steps of one close, or of one transaction.
  const passing: readonly string[] = ['frozen', 'funded'];
  const declined = await stage.pledge(ada, kept, 2_000n);
  await stage.confirm(declined.secret, METHOD.declined);
  rests(declined.id, 'errored');
  const leaving = await stage.paid(ada, kept, 2_000n);
  stage.dies('submitRefund');
  await refund(leaving);
  rests(leaving, 'refund_pending');
  rests(await stage.paid(ada, kept, 2_000n, METHOD.dispute), 'disputed');
  rests(await stage.saved(ada, await stage.allOrNothing(), 6_000n), 'pledged');
  rests((await stage.pledge(ada, kept, 2_000n)).id, 'created');
  rests((await stage.pledge(ada, kept, 150_000_000n)).id, 'method_required');
  for (const [state, { id }] of resting) expect(`${state} ${await stage.state(id)}`).toBe(`${state} ${state}`);
  expect([...resting.keys()].sort()).toEqual(
    cashPledgeMachine.states.filter((state) => !passing.includes(state)).sort(),
  );
  await stage.funding.settle();
  const before = await stage.steps.everything();
  for (const [state, { id, donor }] of resting)
    for (const [mutation, states] of Object.entries(DONOR_MAY))
      if (!states.includes(state))
        expect([state, mutation, await stage.ask(mutation, donor, id)]).toEqual([
          state,
          mutation,
          ['PLEDGE_STATE_INVALID'],
        ]);
  expect(await stage.steps.everything()).toEqual(before);
});

it('took every step of the machine, and no other', async () => {
  const begun = [...(await stage.steps.begun('cash_pledge'))].map((state) => `created ${state}`);
  const taken = new Set([
    ...(await stage.steps.taken('cash_pledge')),
    ...begun.filter((step) => step !== 'created created'),
  ]);
  expect([...taken].sort()).toEqual([...stepsOf(cashPledgeMachine.transitions)].sort());
});
