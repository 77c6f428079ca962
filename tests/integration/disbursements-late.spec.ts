import { afterAll, beforeAll, expect, it } from 'vitest';
import { campaignChart } from '#campaigns';
import { DAY_MS, DisbursementStage } from './disbursements.stage.js';
import { got } from './funding.stage.js';

/* What banks say of campaigns that are over reaches their books, and never their state. */

let stage: DisbursementStage;
beforeAll(async () => {
  stage = await DisbursementStage.open();
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

const stateOf = async (id: string) =>
  (await stage.funding.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [id]))[0]?.state;
const told = async (id: string) =>
  (await stage.funding.rows("SELECT 1 FROM event_outbox WHERE aggregate_id = $1 AND type LIKE 'campaign.%'", [id]))
    .length;
const owed = async (id: string): Promise<bigint> => {
  const code = campaignChart.of(id, '', 'USD').debt;
  const found = (await stage.funding.db.uow.read((tx) => stage.funding.ledger.balances(tx, [code]))).get(code);
  return found === undefined ? 0n : found.debitsPosted - found.creditsPosted;
};
const paymentOf = async (id: string, amountMinor: bigint) =>
  (
    await stage.funding.rows<{ id: string; intent: string }>(
      'SELECT id, stripe_payment_intent_id AS intent FROM payment WHERE beneficiary_id = $1 AND amount_minor = $2',
      [id, amountMinor],
    )
  )[0];

it('a dispute that is lost after a campaign was closed is its debt, and takes nothing from any other', async () => {
  const [id, other] = [await stage.succeeded(), await stage.succeeded()];
  for (const number of [1, 2, 3]) await stage.approved(id, number);
  await stage.funding.advance(14 * DAY_MS + 60_000);
  await stage.work();
  await stage.funding.advance(110 * DAY_MS);
  await stage.work();
  const remainder = await stage.tranche(id, 4);
  for (const approver of [stage.people.first, stage.people.second])
    got(await stage.evidence.approve(approver, remainder.id, 'All windows are closed.'));
  await stage.work();
  await stage.funding.advance(9 * DAY_MS);
  await stage.work();
  expect(await stateOf(id)).toBe('closed');
  const [before, others, tranches] = [await told(id), await stage.holds(other, 'escrow'), await stage.states(id)];
  const payment = await paymentOf(id, 6_000n);
  await stage.control('disputes', { paymentIntent: payment?.intent });
  await stage.funding.settle();
  const [dispute] = await stage.funding.rows<{ id: string }>(
    'SELECT stripe_dispute_id AS id FROM dispute WHERE payment_id = $1',
    [payment?.id],
  );
  await stage.funding.closeDispute(dispute?.id ?? '', 'lost');
  await stage.funding.settle();
  expect(await stateOf(id)).toBe('closed');
  expect(await owed(id)).toBe(6_000n);
  expect(await told(id)).toBe(before);
  expect(await stage.states(id)).toEqual(tranches);
  expect(await stage.holds(other, 'escrow')).toBe(others);
});

it('a refund that the bank sends back after a campaign was refunded waits for a person, and the campaign stays', async () => {
  const id = await stage.campaign({});
  const backer = await stage.funding.person('Backer 0');
  const pledge = await stage.funding.give(backer, id, 2_000n);
  await stage.funding.advance(31 * DAY_MS);
  for (let round = 0; round < 3; round += 1) {
    for (const clock of ['pledges.close', 'pledges.wind-up', 'payment-sweep']) await stage.funding.tick(clock);
    await stage.funding.settle();
  }
  expect(await stateOf(id)).toBe('refunded');
  const before = await told(id);
  const payment = await paymentOf(id, 2_000n);
  const [refund] = await stage.funding.rows<{ id: string }>(
    'SELECT stripe_refund_id AS id FROM refund WHERE payment_id = $1',
    [payment?.id],
  );
  await stage.control('refunds', { refund: refund?.id, outcome: 'failed' });
  await stage.funding.settle();
  await stage.funding.tick('pledges.wind-up');
  expect(await stateOf(id)).toBe('refunded');
  expect(await told(id)).toBe(before);
  expect(await stage.funding.rows('SELECT state FROM cash_pledge WHERE id = $1', [pledge])).toEqual([
    { state: 'refund_stuck' },
  ]);
  expect(await stage.funding.rows('SELECT state FROM refund_case WHERE payment_id = $1', [payment?.id])).toEqual([
    { state: 'open' },
  ]);
});
