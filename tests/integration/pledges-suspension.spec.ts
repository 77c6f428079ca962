import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PledgePlanCommands } from '../../libs/pledges/src/plan.commands.js';
import { type Person, codes, got } from './funding.stage.js';
import { DAY_MS, METHOD, PledgesStage } from './pledges.stage.js';

let stage: PledgesStage;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  stage = await PledgesStage.open();
  ada = await stage.funding.person('Ada');
  bob = await stage.funding.person('Bob');
});
afterAll(async () => {
  expect(await stage.funding.violations()).toEqual([]);
  await stage.close();
});

async function suspend(campaignId: string): Promise<void> {
  got(await stage.funding.campaigns.suspend(stage.operator, campaignId, 'for legal reasons'));
  await stage.funding.relay();
}
async function resume(campaignId: string): Promise<void> {
  got(await stage.funding.campaigns.resume(stage.operator, campaignId));
  await stage.funding.relay();
}
const intents = async (campaignId: string): Promise<number> =>
  (
    await stage.rows('SELECT 1 FROM payment WHERE beneficiary_id = $1 AND stripe_payment_intent_id IS NOT NULL', [
      campaignId,
    ])
  ).length;
const endsAt = async (campaignId: string): Promise<number> =>
  (
    await stage.rows<{ at: Date }>('SELECT settlement_ends_at AS at FROM campaign WHERE id = $1', [campaignId])
  )[0]?.at.getTime() ?? 0;

describe('a suspension', () => {
  it('in the midst of a close stops every charge that was not begun, and the close goes on where it was', async () => {
    const id = await stage.allOrNothing();
    const [first, second] = [await stage.saved(ada, id, 3_000n), await stage.saved(bob, id, 3_000n)];
    const failing = await stage.saved(bob, id, 500n, METHOD.chargeFails);
    await stage.funding.pass(31 * DAY_MS);
    await stage.funding.tick('campaigns.deadline');
    await stage.funding.relay();
    await stage.funding.tick('pledges.close');
    await stage.charge(failing);
    // One charge was made and declined, two are written down and not made.
    expect(await Promise.all([first, second, failing].map((each) => stage.state(each)))).toEqual([
      'charging',
      'charging',
      'errored',
    ]);
    const before = await endsAt(id);
    await suspend(id);
    await stage.days(20);
    expect(await intents(id)).toBe(1);
    expect(await Promise.all([first, second, failing].map((each) => stage.state(each)))).toEqual([
      'charging',
      'charging',
      'errored',
    ]);
    expect(await stage.campaignState(id)).toBe('suspended');
    await resume(id);
    expect((await endsAt(id)) - before).toBeGreaterThanOrEqual(20 * DAY_MS);
    await stage.work();
    expect(await Promise.all([first, second, failing].map((each) => stage.state(each)))).toEqual([
      'collected',
      'collected',
      'errored',
    ]);
    await stage.days(8);
    expect(await stage.state(failing)).toBe('dropped');
    expect(await stage.campaignState(id)).toBe('succeeded');
  });

  it('keeps its charges from being made for good when the campaign is given up', async () => {
    const id = await stage.allOrNothing();
    const pledge = await stage.saved(ada, id, 6_000n);
    await stage.funding.pass(31 * DAY_MS);
    await stage.funding.tick('campaigns.deadline');
    await stage.funding.relay();
    await stage.funding.tick('pledges.close');
    await suspend(id);
    got(await stage.funding.campaigns.cancel(stage.owner, id, 'it is over'));
    await stage.work(3);
    await stage.days(1);
    expect(await stage.rows("SELECT 1 FROM payment WHERE reference = $1 AND status = 'SUCCEEDED'", [pledge])).toEqual(
      [],
    );
    expect(await stage.campaignState(id)).toBe('refunded');
  });

  it('keeps donors from paying, and charges a card that was saved meanwhile when it is over', async () => {
    const id = await stage.keepsAll();
    const declined = await stage.pledge(ada, id, 2_000n);
    await stage.confirm(declined.secret, METHOD.declined);
    const large = await stage.pledge(bob, id, 150_000_000n);
    await suspend(id);
    const before = await stage.steps.everything();
    expect(await stage.ask('pledgePayNow', ada, declined.id)).toEqual(['PLEDGE_CAMPAIGN_CLOSED']);
    const asked = { campaignId: id, amountMinor: 2_000n, currency: 'USD', idempotencyKey: randomUUID() };
    expect(codes(await stage.funding.cash.create(ada, asked))).toEqual(['PLEDGE_CAMPAIGN_CLOSED']);
    expect(await stage.steps.everything()).toEqual(before);
    await stage.confirm(large.secret, METHOD.good);
    await stage.work();
    expect(await stage.state(large.id)).toBe('pledged');
    await resume(id);
    await stage.funding.tick('pledges.charging');
    await stage.work();
    expect(await stage.state(large.id)).toBe('collected');
  });

  it('forgets no charge that was to be tried again', async () => {
    const id = await stage.keepsAll();
    const failing = await stage.saved(bob, id, 150_000_000n, METHOD.chargeFails);
    await stage.work();
    expect(await stage.state(failing)).toBe('errored');
    const tries = async () => (await stage.rows('SELECT 1 FROM payment WHERE reference = $1', [failing])).length;
    const before = await tries();
    await suspend(id);
    await stage.days(5);
    expect(await tries()).toBe(before);
    await resume(id);
    await stage.days(3);
    expect(await tries()).toBeGreaterThan(before);
  });

  it('ends no monthly pledge, and charges its month when it is over', async () => {
    const plans = stage.funding.app.get(PledgePlanCommands, { strict: false });
    const id = await stage.keepsAll();
    const terms = { campaignId: id, amountMinor: 1_000n, currency: 'USD', idempotencyKey: randomUUID() };
    const begun = got(await plans.create(ada, { ...terms, endsAt: stage.funding.inDays(150) }));
    await stage.confirm(begun.setup?.clientSecret, METHOD.good);
    await suspend(id);
    const months = async () => {
      await stage.funding.tick('pledges.plans');
      await stage.work();
      return (
        await stage.rows<{ state: string }>('SELECT state FROM cash_pledge WHERE plan_id = $1 ORDER BY plan_month', [
          begun.plan.id,
        ])
      ).map(({ state }) => state);
    };
    expect(await months()).toEqual([]);
    await stage.days(2);
    await resume(id);
    expect(await months()).toEqual(['collected']);
  });

  it('lets no bank transfer expire: its time moves by as long as it stood', async () => {
    const id = await stage.keepsAll({ deadline: stage.funding.inDays(10) });
    const wired = await stage.pledge(bob, id, 4_000n, { rail: 'bank_transfer' });
    await suspend(id);
    await stage.days(30);
    expect(await stage.state(wired.id)).toBe('instructions_issued');
    await resume(id);
    await stage.days(1);
    expect(await stage.state(wired.id)).toBe('instructions_issued');
    await stage.wire(bob, 4_000n);
    expect(await stage.state(wired.id)).toBe('collected');
  });
});
