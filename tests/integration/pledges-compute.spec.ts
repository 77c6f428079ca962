import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { FundingStage, type Person, codes, got } from './funding.stage.js';

let stage: FundingStage;
let owner: Person;
let dora: Person;
let campaignId: string;

beforeAll(async () => {
  stage = await FundingStage.open();
  owner = await stage.person('Ishmael');
  dora = await stage.person('Dora Donor');
  campaignId = await stage.liveCampaign(owner);
});
afterAll(() => stage.close());

const offer = (more: object = {}) => ({
  gpuClass: 'cpu',
  count: 1,
  milliseconds: 60_000n,
  idempotencyKey: randomUUID(),
  ...more,
});
const stateOf = async (id: string) =>
  (await stage.rows('SELECT state FROM compute_pledge WHERE id = $1', [id]))[0]?.['state'];
const balanceOf = (code: string) => stage.db.uow.read((tx) => stage.ledger.balance(tx, code));

/** What a run does with a commitment: takes what it used, and says so when it is settled. */
async function deliver(pledgeId: string, ms: bigint, runId: string, acceptedMs = ms): Promise<void> {
  await book(pledgeId, ms, runId);
  await judge(pledgeId, ms, acceptedMs, runId);
}

async function book(pledgeId: string, ms: bigint, runId: string = randomUUID()): Promise<void> {
  const commitment = `pledge:${pledgeId}:commitment:cpu`;
  const delivered = `run:${runId}:delivered:cpu`;
  got(
    await stage.db.uow.run('deliver', async (tx) => {
      await stage.ledger.openAccounts(tx, [{ code: delivered, unit: 'gpu_second:cpu', limit: 'none' }]);
      return stage.ledger.post(tx, [
        { key: randomUUID(), kind: 'posted', debit: commitment, credit: delivered, amount: ms, reason: 'test' },
      ]);
    }),
  );
}

async function judge(
  pledgeId: string,
  deliveredMs: bigint,
  acceptedMs: bigint,
  runId: string = randomUUID(),
): Promise<void> {
  await stage.db.uow.run('settle', async (tx) =>
    tx.emit({
      type: 'usage.settled',
      aggregateType: 'run',
      aggregateId: runId,
      payload: { pledgeId, runId, acceptedMs: String(acceptedMs), deliveredMs: String(deliveredMs) },
      isPublic: true,
    }),
  );
  await stage.relay();
}

describe('a compute pledge', () => {
  it('is an offer in memo accounts until a maintainer accepts it, then a commitment', async () => {
    const made = got(await stage.compute.create(dora, campaignId, offer({ availability: 'FREQ=DAILY;BYHOUR=20,21' })));
    expect(made.state).toBe('offered');
    expect(await stage.violations()).toEqual([]);
    expect(codes(await stage.compute.accept(dora, made.id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    got(await stage.compute.accept(owner, made.id));
    expect(await stateOf(made.id)).toBe('accepted');
    expect(await balanceOf(`pledge:${made.id}:commitment:cpu`)).toMatchObject({ creditsPosted: 60_000n });
    expect(codes(await stage.compute.accept(owner, made.id))).toEqual(['PLEDGE_STATE_INVALID']);
    expect(await stage.violations()).toEqual([]);
  });

  it('is accepted at once where the campaign says so', async () => {
    const open = await stage.liveCampaign(owner, { autoAcceptCompute: true });
    const made = got(await stage.compute.create(dora, open, offer()));
    expect(made.state).toBe('accepted');
    expect(await stage.violations()).toEqual([]);
  });

  it('moves on as its time is delivered, and is fulfilled with the last of it', async () => {
    const made = got(await stage.compute.create(dora, campaignId, offer()));
    got(await stage.compute.accept(owner, made.id));
    const runId = randomUUID();
    await deliver(made.id, 20_000n, runId);
    expect(await stateOf(made.id)).toBe('delivering');
    await deliver(made.id, 40_000n, runId);
    expect(await stateOf(made.id)).toBe('fulfilled');
    const [row] = await stage.rows('SELECT accepted_ms FROM compute_pledge WHERE id = $1', [made.id]);
    expect(row?.['accepted_ms']).toBe(60_000n);
    const [event] = await stage.rows("SELECT payload FROM event_outbox WHERE type = 'pledge.compute.fulfilled'");
    expect(event?.['payload']).toMatchObject({
      pledgeId: made.id,
      contributor: dora.pseudonym,
      class: 'cpu',
      count: 1,
    });
    expect(await stage.violations()).toEqual([]);
  });

  it('is withdrawn: what was delivered stays given, the rest goes back', async () => {
    const made = got(await stage.compute.create(dora, campaignId, offer()));
    got(await stage.compute.accept(owner, made.id));
    await deliver(made.id, 10_000n, randomUUID());
    expect(codes(await stage.compute.withdraw(owner, made.id))).toEqual(['PLEDGE_FORBIDDEN']);
    got(await stage.compute.withdraw(dora, made.id));
    expect(await stateOf(made.id)).toBe('withdrawn');
    const [row] = await stage.rows('SELECT returned_ms FROM compute_pledge WHERE id = $1', [made.id]);
    expect(row?.['returned_ms']).toBe(50_000n);
    expect(await stage.violations()).toEqual([]);
  });

  it('is not withdrawn while a lease holds some of it', async () => {
    const made = got(await stage.compute.create(dora, campaignId, offer()));
    got(await stage.compute.accept(owner, made.id));
    await deliver(made.id, 1n, 'lease-test');
    const key = randomUUID();
    const reserve = { key, kind: 'pending' as const, amount: 5_000n, reason: 'lease' };
    got(
      await stage.db.uow.run('reserve', (tx) =>
        stage.ledger.post(tx, [
          { ...reserve, debit: `pledge:${made.id}:commitment:cpu`, credit: 'run:lease-test:delivered:cpu' },
        ]),
      ),
    );
    expect(codes(await stage.compute.withdraw(dora, made.id))).toEqual(['PLEDGE_RESERVED']);
    expect(await stateOf(made.id)).toBe('delivering');
  });

  it('is declined by a maintainer', async () => {
    const made = got(await stage.compute.create(dora, campaignId, offer()));
    expect(codes(await stage.compute.decline(dora, made.id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    got(await stage.compute.decline(owner, made.id));
    expect(await stateOf(made.id)).toBe('lapsed');
    expect(codes(await stage.compute.decline(owner, made.id))).toEqual(['PLEDGE_STATE_INVALID']);
    expect(await stage.violations()).toEqual([]);
  });

  it('is the same pledge when the key is sent again', async () => {
    const asked = offer();
    const outcomes = await Promise.all([1, 2, 3].map(() => stage.compute.create(dora, campaignId, asked)));
    expect(new Set(outcomes.map((o) => got(o).id)).size).toBe(1);
    expect(codes(await stage.compute.create(dora, campaignId, { ...asked, count: 2 }))).toEqual([
      'PLEDGE_IDEMPOTENCY_MISMATCH',
    ]);
  });
});

describe('a join token for a compute pledge', () => {
  const tokenFor = async (pledgeId: string, who: Person) => {
    const { data } = await stage.gql(
      `mutation ($input: NodeJoinTokenCreateInput!) {
         nodeJoinTokenCreate(input: $input) { token userErrors { code path } } }`,
      { input: { name: 'Attic', computePledgeId: toGlobalId('ComputePledge', pledgeId) } },
      who,
    );
    return data.nodeJoinTokenCreate;
  };
  const tokens = async () => (await stage.rows('SELECT count(*) AS n FROM node_join_token'))[0]?.['n'];
  const refused = (code: string) => ({ token: null, userErrors: [{ code, path: ['input', 'computePledgeId'] }] });

  it('is made for the donor, before and after the campaign accepts', async () => {
    const made = got(await stage.compute.create(dora, campaignId, offer()));
    expect(await tokenFor(made.id, dora)).toMatchObject({ token: expect.stringMatching(/^cwj_/), userErrors: [] });
    got(await stage.compute.accept(owner, made.id));
    expect(await tokenFor(made.id, dora)).toMatchObject({ userErrors: [] });
  });

  it("is refused for an unknown pledge, another's, and one that has ended; no token is made", async () => {
    const made = got(await stage.compute.create(dora, campaignId, offer()));
    const before = await tokens();
    expect(await tokenFor(randomUUID(), dora)).toEqual(refused('PLEDGE_NOT_FOUND'));
    expect(await tokenFor(made.id, owner)).toEqual(refused('PLEDGE_FORBIDDEN'));
    got(await stage.compute.withdraw(dora, made.id));
    expect(await tokenFor(made.id, dora)).toEqual(refused('PLEDGE_STATE_INVALID'));
    expect(await tokens()).toBe(before);
  });
});

describe('when the campaign is complete', () => {
  it('who delivered accepted work has fulfilled the pledge and the rest goes back; who gave nothing lapses', async () => {
    const campaign = await stage.liveCampaign(owner, { autoAcceptCompute: true });
    const emil = await stage.person('Emil Empty');
    const rita = await stage.person('Rita Rejected');
    const pledge = async (who: Person) => got(await stage.compute.create(who, campaign, offer())).id;
    const [gave, idle, wasted] = [await pledge(dora), await pledge(emil), await pledge(rita)];
    await deliver(gave, 20_000n, randomUUID());
    await deliver(wasted, 5_000n, randomUUID(), 0n);
    // Delivered, and no settlement has judged it yet.
    const late = await pledge(dora);
    await book(late, 1_000n);
    await stage.rows(`UPDATE campaign SET state = 'succeeded' WHERE id = $1`, [campaign]);
    await stage.rows(`UPDATE campaign SET state = 'training' WHERE id = $1`, [campaign]);
    await stage.rows(`UPDATE campaign SET state = 'completed' WHERE id = $1`, [campaign]);

    await stage.tick('pledges.wind-up');
    expect(await stateOf(gave)).toBe('fulfilled');
    expect(await stateOf(idle)).toBe('lapsed');
    expect(await stateOf(wasted)).toBe('lapsed');
    expect(await stateOf(late), 'waits for the verdict').toBe('accepted');
    await judge(late, 1_000n, 1_000n);
    await stage.tick('pledges.wind-up');
    expect(await stateOf(late)).toBe('fulfilled');

    const [event] = await stage.rows(
      "SELECT payload FROM event_outbox WHERE type = 'pledge.compute.fulfilled' AND payload->>'pledgeId' = $1",
      [gave],
    );
    expect(event?.['payload']).toEqual({
      pledgeId: gave,
      campaignId: campaign,
      contributor: dora.pseudonym,
      class: 'cpu',
      count: 1,
      milliseconds: '20000',
      returnedMs: '40000',
    });
    const returning = await stage.rows(
      `SELECT amount, reason FROM ledger_transfer WHERE key IN ('pledge:' || $1 || ':given_back', 'pledge:' || $1 || ':uncommitted')`,
      [gave],
    );
    const wentBack = { amount: 40_000n, reason: 'what was not needed went back' };
    expect(returning).toEqual([wentBack, wentBack]);
    const [tally] = await stage.rows('SELECT compute_backers FROM campaign_tally WHERE campaign_id = $1', [campaign]);
    expect(tally, 'Dora, once').toEqual({ compute_backers: 1 });
    expect(await stage.violations()).toEqual([]);
  });
});

describe('a compute pledge is refused', () => {
  it.each([
    ['PLEDGE_CLASS_UNKNOWN', { gpuClass: 'abacus' }],
    ['PLEDGE_CLASS_MISMATCH', { gpuClass: 'l40s' }],
    ['PLEDGE_COUNT_INVALID', { count: 70_000 }],
    ['PLEDGE_AVAILABILITY_INVALID', { availability: 'at night' }],
    ['PLEDGE_REGION_INVALID', { region: 'the moon!' }],
    ['PLEDGE_IDEMPOTENCY_KEY_INVALID', { idempotencyKey: '' }],
    ['AMOUNT_OUT_OF_RANGE', { milliseconds: 10n ** 30n }],
    ['AMOUNT_OUT_OF_RANGE', { milliseconds: -1n }],
  ])('%s', async (code, more) => {
    const [before] = await stage.rows('SELECT count(*) n FROM compute_pledge');
    expect(codes(await stage.compute.create(dora, campaignId, offer(more)))).toEqual([code]);
    expect((await stage.rows('SELECT count(*) n FROM compute_pledge'))[0]).toEqual(before);
  });

  it('by unknown ids, and by campaigns that ended', async () => {
    expect(codes(await stage.compute.create(dora, randomUUID(), offer()))).toEqual(['PLEDGE_CAMPAIGN_NOT_FOUND']);
    for (const step of ['accept', 'decline', 'withdraw'] as const)
      expect(codes(await stage.compute[step](owner, randomUUID()))).toEqual(['PLEDGE_NOT_FOUND']);
    const over = await stage.liveCampaign(owner);
    const made = got(await stage.compute.create(dora, over, offer()));
    got(await stage.campaigns.cancel(owner, over, 'no longer needed'));
    expect(codes(await stage.compute.create(dora, over, offer()))).toEqual(['PLEDGE_CAMPAIGN_CLOSED']);
    expect(codes(await stage.compute.accept(owner, made.id))).toEqual(['PLEDGE_CAMPAIGN_CLOSED']);
    await stage.tick('pledges.wind-up');
    expect(await stateOf(made.id)).toBe('lapsed');
    expect(await stage.violations()).toEqual([]);
  });
});
