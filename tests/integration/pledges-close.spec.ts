import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { CARD, FundingStage, type Person, codes, got } from './funding.stage.js';

const DAY_MS = 86_400_000;
/** Cards whose saving succeeds and whose charge does not. */
const CHARGE_FAILS = '4000000000000341';

let stage: FundingStage;
let owner: Person;
let donors: Person[];

beforeAll(async () => {
  stage = await FundingStage.open();
  owner = await stage.person('Ishmael');
  donors = await Promise.all(['Ada', 'Bob', 'Cleo', 'Dan'].map((name) => stage.person(name)));
});
afterAll(() => stage.close());

const allOrNothing = (more: object = {}) =>
  stage.liveCampaign(owner, {
    fundingModel: 'all_or_nothing',
    cashGoalMinor: 5_000n,
    computeGoalMilliseconds: null,
    windows: { settlementWindowSeconds: 7 * 86_400, retryEverySeconds: 2 * 86_400, safetyWindowSeconds: 86_400 },
    ...more,
  });
const statesOf = async (campaignId: string) =>
  (
    await stage.rows<{ state: string }>('SELECT state FROM cash_pledge WHERE campaign_id = $1 ORDER BY id', [
      campaignId,
    ])
  ).map((row) => row.state);
const campaignState = async (id: string) =>
  (await stage.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [id]))[0]?.state;

async function save(who: Person, campaignId: string, amountMinor: bigint, card: string = CARD.good): Promise<string> {
  const made = got(
    await stage.cash.create(who, { campaignId, amountMinor, currency: 'USD', idempotencyKey: randomUUID() }),
  );
  expect(made.payment?.savesMethod).toBe(true);
  await stage.saveCard(made.payment?.clientSecret, card);
  await stage.settle();
  return made.pledge.id;
}

/** Lets the clocks of the close and of payments take turns until nothing moves. */
async function work(rounds = 4): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await stage.relay();
    await stage.tick('pledges.close');
    await stage.tick('payment-sweep');
    await stage.settle();
    await stage.tick('pledges.wind-up');
  }
}

describe('the close of an all-or-nothing campaign', () => {
  it('charges saved cards when it settles and succeeds on the money collected', async () => {
    const campaignId = await allOrNothing();
    const ids = [
      await save(donors[0] as Person, campaignId, 3_000n),
      await save(donors[1] as Person, campaignId, 4_000n),
    ];
    expect(await statesOf(campaignId)).toEqual(['pledged', 'pledged']);
    expect(await stage.violations()).toEqual([]);
    const unfinished = got(
      await stage.cash.create(donors[2] as Person, {
        campaignId,
        amountMinor: 900n,
        currency: 'USD',
        idempotencyKey: randomUUID(),
      }),
    );
    await stage.advance(30 * DAY_MS + 1000);
    await work();
    expect(await statesOf(campaignId)).toEqual(['collected', 'collected', 'cancelled']);
    expect(await campaignState(campaignId)).toBe('succeeded');
    expect(codes(await stage.cash.cancel(donors[0] as Person, ids[0] ?? ''))).toEqual(['PLEDGE_STATE_INVALID']);
    expect(unfinished.pledge.state).toBe('method_required');
    const query = `query Q($id: ID!) { campaign(id: $id) { settlement { phase collected { pledges amount { amountMinor } } } } }`;
    const { data } = await stage.gql(query, { id: toGlobalId('Campaign', campaignId) });
    expect(data.campaign.settlement).toEqual({
      phase: 'finished',
      collected: { pledges: 2, amount: { amountMinor: '7000' } },
    });
    expect(await stage.violations()).toEqual([]);
  });

  it('tries failed charges again, reminds their donors, drops what stays unpaid, and refunds all when the goal is missed', async () => {
    const campaignId = await allOrNothing();
    await save(donors[0] as Person, campaignId, 3_000n);
    const bad = await save(donors[1] as Person, campaignId, 4_000n, CHARGE_FAILS);
    await stage.advance(30 * DAY_MS + 1000);
    await work();
    expect(await statesOf(campaignId)).toEqual(['collected', 'errored']);
    expect(await campaignState(campaignId)).toBe('settling');
    expect(codes(await stage.cash.cancel(donors[1] as Person, bad))).toEqual(['PLEDGE_STATE_INVALID']);
    expect(await stage.violations()).toEqual([]);
    await stage.advance(2 * DAY_MS + 1000);
    await work();
    const [reminders] = await stage.rows(
      `SELECT count(*)::int AS n FROM event_outbox WHERE type = 'pledge.cash.reminder_due' AND payload->>'pledgeId' = $1 AND NOT is_public`,
      [bad],
    );
    expect(reminders?.['n']).toBe(2);
    await stage.advance(6 * DAY_MS);
    await work(6);
    expect(await statesOf(campaignId)).toEqual(['refunded', 'dropped']);
    expect(await campaignState(campaignId)).toBe('refunded');
    const charges = await stage.rows("SELECT status FROM payment WHERE reference = $1 AND status <> 'SUCCEEDED'", [
      bad,
    ]);
    expect(charges).toHaveLength(3);
    expect(await stage.violations()).toEqual([]);
  });

  it('is paid by its donor with another card after a charge failed', async () => {
    const campaignId = await allOrNothing({ cashGoalMinor: 4_000n });
    const ada = donors[0] as Person;
    const id = await save(ada, campaignId, 4_000n, CHARGE_FAILS);
    await stage.advance(30 * DAY_MS + 1000);
    await work();
    expect(await statesOf(campaignId)).toEqual(['errored']);
    const paying = got(await stage.cash.payNow(ada, id));
    expect(paying.payment?.savesMethod).toBe(false);
    expect(codes(await stage.cash.payNow(donors[1] as Person, id))).toEqual(['PLEDGE_FORBIDDEN']);
    await stage.pay(paying.payment?.clientSecret, CARD.good);
    await stage.settle();
    await work();
    expect(await statesOf(campaignId)).toEqual(['collected']);
    expect(await campaignState(campaignId)).toBe('succeeded');
    expect(await stage.violations()).toEqual([]);
  });

  it('charges nobody and lets the saved cards go when the promises are below the goal', async () => {
    const campaignId = await allOrNothing();
    const id = await save(donors[0] as Person, campaignId, 4_999n);
    await stage.advance(30 * DAY_MS + 1000);
    await work();
    expect(await statesOf(campaignId)).toEqual(['released']);
    expect(await campaignState(campaignId)).toBe('refunded');
    expect(await stage.rows('SELECT 1 FROM payment WHERE reference = $1', [id])).toEqual([]);
    const [method] = await stage.rows(
      'SELECT m.state FROM saved_method m JOIN cash_pledge p ON p.saved_method_id = m.id WHERE p.id = $1',
      [id],
    );
    expect(method?.['state']).not.toBe('kept');
    expect(codes(await stage.cash.payNow(donors[0] as Person, id))).toEqual(['PLEDGE_STATE_INVALID']);
    expect(await stage.violations()).toEqual([]);
  });

  it('charges nothing and lets the saved cards go when the campaign is cancelled first', async () => {
    const campaignId = await allOrNothing();
    const id = await save(donors[0] as Person, campaignId, 3_000n);
    got(await stage.campaigns.cancel(owner, campaignId, 'the ship has sunk'));
    await work();
    expect(await statesOf(campaignId)).toEqual(['released']);
    expect(await campaignState(campaignId)).toBe('refunded');
    expect(await stage.rows('SELECT 1 FROM payment WHERE reference = $1', [id])).toEqual([]);
    const kept = await stage.rows(
      "SELECT 1 FROM saved_method m JOIN cash_pledge p ON p.saved_method_id = m.id WHERE p.id = $1 AND m.state = 'kept'",
      [id],
    );
    expect(kept).toEqual([]);
    expect(await stage.violations()).toEqual([]);
  });
});
