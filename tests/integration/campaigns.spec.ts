import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { IdentityCommands } from '#identity';
import { CampaignResolver } from '../../libs/campaigns/src/graphql/campaign.resolver.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { ANONYMOUS, toGlobalId } from '#platform';
import { campaignMachine } from '../../libs/campaigns/src/domain/campaign.machine.js';
import { CAMPAIGN, FundingStage, type Loose, type Person, codes, got, inDays } from './funding.stage.js';

interface Step {
  from_state: string;
  to_state: string;
}

let stage: FundingStage;
let owner: Person;
let operator: Person;
beforeAll(async () => {
  stage = await FundingStage.open();
  owner = await stage.person('Ishmael');
  operator = await stage.person('Olga Operator', 'operator');
});
afterAll(() => stage.close());

const stateOf = async (id: string) =>
  (await stage.rows('SELECT state FROM campaign WHERE id = $1', [id]))[0]?.['state'];
const emitted = async (id: string) =>
  (
    await stage.rows("SELECT type FROM event_outbox WHERE aggregate_id = $1 AND type LIKE 'campaign.%' ORDER BY seq", [
      id,
    ])
  ).map((row) => String(row['type']));
const draft = async (more: object = {}) => {
  const place = await stage.project(owner);
  return { ...CAMPAIGN, ...place, deadline: inDays(30), ...more };
};
const runEvent = (type: string, campaignId: string, runId: string) =>
  stage.db.uow.run('run', async (tx) =>
    tx.emit({ type, aggregateType: 'run', aggregateId: runId, payload: { runId, campaignId }, isPublic: true }),
  );

describe('the life of a campaign', () => {
  it('goes from draft over review to live, and its accounts exist from then on', async () => {
    const id = got(await stage.campaigns.create(owner, await draft()));
    expect(await stage.rows('SELECT 1 FROM ledger_account WHERE code LIKE $1', [`campaign:${id}:%`])).toHaveLength(0);
    got(await stage.campaigns.submit(owner, id));
    got(await stage.campaigns.approve(operator, id));
    const accounts = await stage.rows('SELECT code FROM ledger_account WHERE code LIKE $1 ORDER BY code', [
      `campaign:${id}:%`,
    ]);
    expect(accounts.map((a) => String(a['code']).split(':').slice(2).join(':'))).toEqual([
      'compute_committed:cpu',
      'compute_offered:cpu',
      'escrow:USD',
      'pledged:USD',
      'refunds_payable:USD',
    ]);
    expect(await emitted(id)).toEqual(['campaign.created', 'campaign.submitted', 'campaign.live']);
    const [live] = await stage.rows(
      "SELECT payload FROM event_outbox WHERE type = 'campaign.live' AND aggregate_id = $1",
      [id],
    );
    expect(live?.['payload']).toMatchObject({
      campaignId: id,
      fundingModel: 'keep_it_all',
      cashGoal: { amountMinor: '10000', currency: 'USD' },
      computeGoal: { milliseconds: '600000', class: 'cpu' },
      budget: { flop: '600000000000' },
    });
  });

  it('succeeds when cash and compute have both come, each to its own goal, and not before', async () => {
    const id = await stage.liveCampaign(owner, { autoAcceptCompute: true });
    await stage.give(owner, id, 10_000n);
    expect(await stateOf(id)).toBe('live');
    const offer = { gpuClass: 'cpu', count: 1, milliseconds: 600_000n, idempotencyKey: randomUUID() };
    got(await stage.compute.create(owner, id, offer));
    await stage.relay();
    expect(await stateOf(id)).toBe('succeeded');
    const [funded] = await stage.rows(
      "SELECT payload FROM event_outbox WHERE type = 'campaign.funded' AND aggregate_id = $1",
      [id],
    );
    expect(funded?.['payload']).toEqual({
      campaignId: id,
      cash: { amountMinor: '10000', currency: 'USD' },
      compute: { milliseconds: '600000', class: 'cpu' },
      goalsReached: true,
    });
    expect(await stage.violations()).toEqual([]);
  });

  it('trains when its run exists, and completes with it', async () => {
    const id = await stage.liveCampaign(owner, { computeGoalMilliseconds: 0n });
    expect(codes(await stage.campaigns.startTraining(owner, id))).toEqual(['CAMPAIGN_STATE_INVALID']);
    await stage.give(owner, id, 10_000n);
    got(await stage.campaigns.startTraining(owner, id));
    expect(codes(await stage.campaigns.startTraining(owner, id))).toEqual(['CAMPAIGN_TRAINING_REQUESTED']);
    const first = randomUUID();
    await runEvent('run.created', id, first);
    await stage.relay();
    expect(await stateOf(id)).toBe('training');
    await runEvent('run.failed', id, first);
    await stage.relay();
    expect(await stateOf(id)).toBe('succeeded');
    got(await stage.campaigns.startTraining(owner, id));
    const second = randomUUID();
    // Out of order: the end is heard of before the beginning.
    await runEvent('run.completed', id, second);
    await runEvent('run.created', id, second);
    await stage.relay();
    expect(await stateOf(id)).toBe('completed');
    expect((await emitted(id)).slice(-3)).toEqual([
      'campaign.training.requested',
      'campaign.training',
      'campaign.completed',
    ]);
  });

  it('keeps what was given at its deadline, and fails with nothing given', async () => {
    const [kept, empty] = [await stage.liveCampaign(owner), await stage.liveCampaign(owner)];
    await stage.give(owner, kept, 500n);
    await stage.rows("UPDATE campaign SET deadline = now() - interval '1 second' WHERE id = ANY($1)", [[kept, empty]]);
    await stage.tick('campaigns.deadline');
    expect([await stateOf(kept), await stateOf(empty)]).toEqual(['succeeded', 'failed']);
    expect((await emitted(empty)).at(-1)).toBe('campaign.failed');
  });

  it('is sent back, suspended, resumed and cancelled with a reason; cancelling refunds everybody', async () => {
    const id = got(await stage.campaigns.create(owner, await draft()));
    got(await stage.campaigns.submit(owner, id));
    got(await stage.campaigns.reject(operator, id, 'the summary is too short'));
    expect(await stateOf(id)).toBe('draft');
    got(await stage.campaigns.update(owner, id, { summary: 'Longer than before.', deadline: inDays(20) }));
    expect(codes(await stage.campaigns.update(owner, id, { title: '', deadline: new Date(0) }))).toEqual([
      'CAMPAIGN_TEXT_INVALID',
      'CAMPAIGN_DEADLINE_INVALID',
    ]);
    expect(codes(await stage.campaigns.update(operator, id, { title: 'Mine' }))).toEqual(['PROJECT_ROLE_REQUIRED']);
    got(await stage.campaigns.submit(owner, id));
    expect(codes(await stage.campaigns.update(owner, id, { title: 'Too late' }))).toEqual(['CAMPAIGN_STATE_INVALID']);
    got(await stage.campaigns.approve(operator, id));
    const pledges = [await stage.give(owner, id, 700n), await stage.give(operator, id, 900n)];
    got(await stage.campaigns.suspend(operator, id, 'under investigation'));
    got(await stage.campaigns.resume(operator, id));
    got(await stage.campaigns.cancel(owner, id, 'the book is out of print'));
    await stage.tick('pledges.wind-up');
    await stage.settle();
    const states = await stage.rows('SELECT state FROM cash_pledge WHERE id = ANY($1)', [pledges]);
    expect(states.map((row) => row['state'])).toEqual(['refunded', 'refunded']);
    expect(await stage.violations()).toEqual([]);
  });
});

describe('a campaign is refused', () => {
  it.each([
    ['CAMPAIGN_FUNDING_MODEL_UNAVAILABLE', { fundingModel: 'all_or_nothing' }],
    ['CAMPAIGN_FUNDING_MODEL_UNAVAILABLE', { fundingModel: 'tranches' }],
    ['CAMPAIGN_CURRENCY_UNSUPPORTED', { currency: 'EUR' }],
    ['CAMPAIGN_GOAL_MISSING', { cashGoalMinor: 0n, computeGoalMilliseconds: null }],
    ['AMOUNT_OUT_OF_RANGE', { cashGoalMinor: -1n }],
    ['AMOUNT_OUT_OF_RANGE', { computeGoalMilliseconds: 10n ** 30n }],
    ['CAMPAIGN_DEADLINE_INVALID', { deadline: new Date(0) }],
    ['CAMPAIGN_DEADLINE_INVALID', { deadline: inDays(400) }],
    ['CAMPAIGN_TEXT_INVALID', { title: '' }],
    ['CAMPAIGN_TEXT_INVALID', { summary: 'x'.repeat(2001) }],
    ['CAMPAIGN_CLASS_MISMATCH', { computeClass: 'l40s' }],
    ['CAMPAIGN_RECIPE_NOT_FOUND', { recipeId: randomUUID() }],
    ['CATALOG_MFU_INVALID', { mfu: '2' }],
    ['PROJECT_ROLE_REQUIRED', { projectId: randomUUID() }],
  ])('%s (case %#)', async (code, more) => {
    const [before] = await stage.rows('SELECT count(*) n FROM campaign');
    expect(codes(await stage.campaigns.create(owner, await draft(more)))).toEqual([code]);
    expect((await stage.rows('SELECT count(*) n FROM campaign'))[0]).toEqual(before);
  });

  it('in every step: unknown, by strangers, by its own maker, in another state, without a reason', async () => {
    const stranger = await stage.person('Mallory');
    const id = got(await stage.campaigns.create(owner, await draft()));
    expect(codes(await stage.campaigns.submit(owner, randomUUID()))).toEqual(['CAMPAIGN_NOT_FOUND']);
    expect(codes(await stage.campaigns.submit(stranger, id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await stage.campaigns.approve(operator, id))).toEqual(['CAMPAIGN_STATE_INVALID']);
    got(await stage.campaigns.submit(owner, id));
    expect(codes(await stage.campaigns.approve(owner, id))).toEqual(['CAMPAIGN_REVIEW_FORBIDDEN']);
    expect(codes(await stage.campaigns.reject(operator, id, ' '))).toEqual(['CAMPAIGN_TEXT_INVALID']);
    expect(codes(await stage.campaigns.suspend(owner, id, 'because'))).toEqual(['CAMPAIGN_OPERATOR_REQUIRED']);
    expect(codes(await stage.campaigns.resume(owner, id))).toEqual(['CAMPAIGN_OPERATOR_REQUIRED']);
    expect(codes(await stage.campaigns.suspend(operator, id, 'because'))).toEqual(['CAMPAIGN_STATE_INVALID']);
    expect(codes(await stage.campaigns.cancel(stranger, id, 'because'))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await stage.campaigns.startTraining(stranger, id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    await stage.rows("UPDATE campaign SET deadline = now() - interval '1 second' WHERE id = $1", [id]);
    expect(codes(await stage.campaigns.approve(operator, id))).toEqual(['CAMPAIGN_DEADLINE_INVALID']);
    expect(await stateOf(id)).toBe('in_review');
  });

  it('a reviewer of the project may approve what somebody else made', async () => {
    const asked = await draft();
    const reviewer = await stage.person('Rita Reviewer');
    const member = { projectId: asked.projectId, contributorId: reviewer.contributorId, roles: ['reviewer'] };
    got(await stage.app.get(IdentityCommands, { strict: false }).setProjectMember(owner, member));
    const id = got(await stage.campaigns.create(owner, asked));
    got(await stage.campaigns.submit(owner, id));
    got(await stage.campaigns.approve(reviewer, id));
    expect(await stateOf(id)).toBe('live');
  });

  it('by the database: steps that the machine does not know, and any change of the terms', async () => {
    const id = await stage.liveCampaign(owner);
    await expect(stage.rows("UPDATE campaign SET state = 'completed' WHERE id = $1", [id])).rejects.toThrow(
      /does not go/,
    );
    await expect(stage.rows('UPDATE campaign SET cash_goal_minor = 1 WHERE id = $1', [id])).rejects.toThrow(
      /immutable/,
    );
    const rows = await stage.rows<Step>('SELECT from_state, to_state FROM campaign_transition');
    expect(new Set(rows.map((r) => `${r.from_state} ${r.to_state}`))).toEqual(
      new Set(campaignMachine.transitions.map((t) => `${t.from} ${t.to}`)),
    );
  });
});

const PAGE = `query Page($first: Int!) { campaigns(first: $first) { nodes { id title state progress { cashCaptured { amountMinor } cashHeld { amountMinor } cashBackers }
  pledges(first: 3) { nodes { amount { amountMinor } state contributor { displayName pseudonym } } pageInfo { hasNextPage } } } } }`;

describe('campaigns in GraphQL', () => {
  it('are made, reviewed, pledged to and read through the public contract', async () => {
    const { projectId, recipeId } = await stage.project(owner);
    const input = {
      projectId: toGlobalId('Project', projectId),
      recipeId: toGlobalId('Recipe', recipeId),
      title: 'Through the front door',
      summary: 'All by GraphQL.',
      fundingModel: 'KEEP_IT_ALL',
      cashGoalMinor: '5000',
      computeGoalMilliseconds: '60000',
      deadline: inDays(3).toISOString(),
    };
    const create = `mutation C($input: CampaignCreateInput!) { campaignCreate(input: $input) { campaign { id slug state budget { lines { code } } recipe { name dataset { licence } } project { viewerRoles } } userErrors { code path } } }`;
    const made = (await stage.gql(create, { input }, owner)).data['campaignCreate'];
    expect(made.userErrors).toEqual([]);
    expect(made.campaign).toMatchObject({
      state: 'DRAFT',
      project: { viewerRoles: ['owner'] },
      recipe: { dataset: { licence: 'Public domain' } },
    });
    const bySlug = 'query S($slug: String!) { campaignBySlug(slug: $slug) { id state } }';
    expect((await stage.gql(bySlug, { slug: made.campaign.slug })).data['campaignBySlug']).toBeNull();
    for (const [step, who] of [
      ['campaignSubmit', owner],
      ['campaignApprove', operator],
    ] as const) {
      const mutation = `mutation M($input: CampaignStepInput!) { ${step}(input: $input) { campaign { state } userErrors { code } } }`;
      const { data } = await stage.gql(mutation, { input: { campaignId: made.campaign.id } }, who);
      expect(data[step].userErrors).toEqual([]);
    }
    expect((await stage.gql(bySlug, { slug: made.campaign.slug })).data['campaignBySlug'].state).toBe('LIVE');
    const cash = `mutation P($input: PledgeCashCreateInput!) { pledgeCashCreate(input: $input) { pledge { id state contributor { displayName } campaign { id } } payment { clientSecret publishableKey apiBase status } userErrors { code path } } }`;
    const pledgeInput = {
      campaignId: made.campaign.id,
      amountMinor: '5000',
      currency: 'USD',
      idempotencyKey: randomUUID(),
      anonymous: true,
    };
    const pledged = (await stage.gql(cash, { input: pledgeInput }, owner)).data['pledgeCashCreate'];
    expect(pledged).toMatchObject({ userErrors: [], pledge: { state: 'CREATED', campaign: { id: made.campaign.id } } });
    await stage.pay(pledged.payment.clientSecret, '4242424242424242');
    await stage.settle();
    const compute = `mutation P($input: PledgeComputeCreateInput!) { pledgeComputeCreate(input: $input) { pledge { id state time { milliseconds seconds class } } userErrors { code } } }`;
    const offerInput = {
      campaignId: made.campaign.id,
      class: 'cpu',
      count: 2,
      milliseconds: '60000',
      idempotencyKey: randomUUID(),
    };
    const offered = (await stage.gql(compute, { input: offerInput }, owner)).data['pledgeComputeCreate'];
    expect(offered.pledge).toMatchObject({
      state: 'OFFERED',
      time: { milliseconds: '60000', seconds: '60', class: 'cpu' },
    });
    const accept = `mutation A($input: PledgeStepInput!) { pledgeComputeAccept(input: $input) { pledge { state } userErrors { code } } }`;
    const accepted = (await stage.gql(accept, { input: { pledgeId: offered.pledge.id } }, owner)).data[
      'pledgeComputeAccept'
    ];
    expect(accepted.pledge.state).toBe('ACCEPTED');
    await stage.relay();
    const read = `query R($id: ID!) { campaign(id: $id) { state cashGoal { amountMinor } computeGoal { milliseconds }
      progress { cashPledged { amountMinor } cashCaptured { decimal } cashFees { amountMinor } computePledged { milliseconds } computeReserved { milliseconds } cashBackers computeBackers }
      pledges { nodes { amount { decimal } state contributor { displayName pseudonym } } }
      computePledges { nodes { class count state reserved { milliseconds } } }
      events(first: 4) { nodes { type summary position } pageInfo { hasNextPage } } } node(id: $id) { id ... on Campaign { title } } }`;
    const { data } = await stage.gql(read, { id: made.campaign.id });
    expect(data).toMatchObject({
      node: { title: 'Through the front door' },
      campaign: {
        state: 'SUCCEEDED',
        progress: {
          cashPledged: { amountMinor: '0' },
          cashCaptured: { decimal: '50.00' },
          computePledged: { milliseconds: '60000' },
          cashBackers: 1,
          computeBackers: 1,
        },
        pledges: {
          nodes: [
            {
              amount: { decimal: '50.00' },
              state: 'CAPTURED',
              contributor: { displayName: 'Anonymous', pseudonym: null },
            },
          ],
        },
        computePledges: { nodes: [{ class: 'cpu', count: 2, state: 'ACCEPTED' }] },
        events: { pageInfo: { hasNextPage: true } },
      },
    });
    expect(data['campaign'].events.nodes[0]).toMatchObject({ type: 'campaign.funded', summary: 'Reached its goals' });
    const mine = await stage.gql(
      '{ myPledges { cash { nodes { contributor { displayName } } } compute { nodes { state } } } }',
      {},
      owner,
    );
    expect(mine.data['myPledges'].cash.nodes[0].contributor.displayName).toBe('Ishmael');
  });

  it('answer refusals with code and path, and need a viewer who may', async () => {
    const cash = `mutation P($input: PledgeCashCreateInput!) { pledgeCashCreate(input: $input) { pledge { id } userErrors { code path hint } } }`;
    const input = {
      campaignId: toGlobalId('Campaign', randomUUID()),
      amountMinor: '100',
      currency: 'USD',
      idempotencyKey: randomUUID(),
    };
    expect((await stage.gql(cash, { input })).errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
    const { data } = await stage.gql(cash, { input }, owner);
    expect(data['pledgeCashCreate'].userErrors).toMatchObject([
      { code: 'PLEDGE_CAMPAIGN_NOT_FOUND', path: ['input', 'campaignId'] },
    ]);
    const wrongId = await stage.gql(
      cash,
      { input: { ...input, campaignId: toGlobalId('Recipe', randomUUID()) } },
      owner,
    );
    expect(wrongId.data['pledgeCashCreate'].userErrors).toMatchObject([{ code: 'ID_INVALID' }]);
    for (const amountMinor of [100, '1.5', '1e3', String(10n ** 30n)])
      expect(
        (await stage.gql(cash, { input: { ...input, amountMinor } }, owner)).errors?.[0]?.extensions,
      ).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('are told of as they change, to whoever subscribes', async () => {
    const campaignId = await stage.liveCampaign(owner, { cashGoalMinor: 10n ** 12n });
    const resolver = stage.app.get(CampaignResolver, { strict: false });
    const changes = resolver.campaignChanged(ANONYMOUS, toGlobalId('Campaign', campaignId));
    const amounts: string[] = [];
    const listening = (async () => {
      for await (const campaign of changes) {
        amounts.push(String(campaign.progress?.cashPledged.amountMinor));
        if (amounts.at(-1) === '4200') return;
      }
    })();
    await eventually('the subscriber has seen the campaign as it is', () => Promise.resolve(amounts.length > 0));
    await eventually('the feed listens', async () => {
      const [row] = await stage.rows<{ n: bigint }>(
        `SELECT count(*) AS n FROM pg_stat_activity
          WHERE application_name = 'commonweights-feed' AND datname = current_database() AND state = 'idle'`,
      );
      return row !== undefined && row.n > 0n;
    });
    const key = randomUUID();
    got(await stage.cash.promise(owner, { campaignId, amountMinor: 4_200n, currency: 'USD', idempotencyKey: key }));
    await stage.relay();
    await listening;
    expect(amounts[0]).toBe('0');
    const nothing = resolver.campaignChanged(ANONYMOUS, toGlobalId('Campaign', randomUUID()));
    expect((await nothing.next()).done).toBe(true);
  });

  it('come as a page with pledges by one statement, and page on', async () => {
    const campaignId = await stage.liveCampaign(owner, { cashGoalMinor: 10n ** 12n });
    for (let n = 0; n < 5; n += 1)
      got(
        await stage.cash.promise(owner, {
          campaignId,
          amountMinor: BigInt(1000 + n),
          currency: 'USD',
          idempotencyKey: randomUUID(),
        }),
      );
    await stage.gql(PAGE, { first: 5 });
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    const { data } = await stage.gql(PAGE, { first: 5 });
    expect(statements).toHaveBeenCalledTimes(1);
    statements.mockRestore();
    const page = data['campaigns'].nodes[0];
    expect(page.pledges.nodes.map((p: Loose) => p.amount.amountMinor)).toEqual(['1004', '1003', '1002']);
    expect(page.pledges.pageInfo.hasNextPage).toBe(true);
    const list = `query L($id: ID!, $after: String) { campaign(id: $id) { a: pledges(first: 2, after: $after) { nodes { amount { amountMinor } } pageInfo { endCursor hasNextPage hasPreviousPage } } b: pledges(first: 1) { nodes { amount { amountMinor } } } } }`;
    let after: string | null = null;
    const seen: string[] = [];
    do {
      const answer: Loose = (await stage.gql(list, { id: page.id, after })).data['campaign'];
      expect(answer.b.nodes[0].amount.amountMinor).toBe('1004');
      seen.push(...answer.a.nodes.map((p: Loose) => p.amount.amountMinor));
      after = answer.a.pageInfo.hasNextPage ? answer.a.pageInfo.endCursor : null;
    } while (after);
    expect(seen).toEqual(['1004', '1003', '1002', '1001', '1000']);
  });

  it('walk all campaigns by cursor, drafts only for those who may see them', async () => {
    const walk = async (as?: Person) => {
      const query = `query W($after: String) { campaigns(first: 4, after: $after) { nodes { id state } pageInfo { endCursor hasNextPage } } }`;
      const found: string[] = [];
      for (let after: string | null = null; ;) {
        const { data }: Loose = await stage.gql(query, { after }, as);
        found.push(...data.campaigns.nodes.map((c: Loose) => c.state));
        if (!data.campaigns.pageInfo.hasNextPage) return found;
        after = data.campaigns.pageInfo.endCursor;
      }
    };
    const [all] = await stage.rows<{ n: number; live: number }>(
      'SELECT count(*)::int AS n, count(live_at)::int AS live FROM campaign',
    );
    expect(await walk()).toHaveLength(all?.live ?? 0);
    expect(await walk(await stage.person('Mallory'))).toHaveLength(all?.live ?? 0);
    expect(await walk(owner)).toHaveLength(all?.n ?? 0);
    expect(await walk(operator)).toHaveLength(all?.n ?? 0);
    expect(await walk()).not.toContain('DRAFT');
  });
});
