import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CampaignResolver } from '../../libs/campaigns/src/graphql/campaign.resolver.js';
import { eventually } from '../../libs/testkit/src/index.js';
import { ANONYMOUS, toGlobalId } from '#platform';
import { FundingStage, type Loose, type Person, got, inDays } from './funding.stage.js';

let stage: FundingStage;
let owner: Person;
let operator: Person;
beforeAll(async () => {
  stage = await FundingStage.open();
  owner = await stage.person('Ishmael');
  operator = await stage.person('Olga Operator', 'operator');
});
afterAll(() => stage.close());

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
              state: 'COLLECTED',
              contributor: { displayName: 'Anonymous', pseudonym: null },
            },
          ],
        },
        computePledges: { nodes: [{ class: 'cpu', count: 2, state: 'ACCEPTED' }] },
        events: { pageInfo: { hasNextPage: true } },
      },
    });
    expect(data['campaign'].events.nodes[0]).toMatchObject({
      type: 'campaign.succeeded',
      summary: 'Reached its goals',
    });
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
    const rows = () =>
      stage.rows(`SELECT (SELECT count(*) FROM cash_pledge) AS pledges, (SELECT count(*) FROM payment) AS payments,
                         (SELECT count(*) FROM ledger_transfer) AS transfers, (SELECT count(*) FROM event_outbox) AS events`);
    const before = await rows();
    for (const amountMinor of [100, 1.5, '1.5', '-1.5', '1e3', String(10n ** 30n)])
      expect(
        (await stage.gql(cash, { input: { ...input, amountMinor } }, owner)).errors?.[0]?.extensions,
      ).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await rows()).toEqual(before);
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
