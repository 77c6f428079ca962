import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { CARD, FundingStage, type Loose } from '../integration/funding.stage.js';
import { printBalances } from './journal.printer.js';

/*
 * A campaign is given up after three people gave and one machine was promised. Everybody gets his money back, the
 * machine its time, and the books show what the failure cost: the processor's fees, in the open.
 */

let stage: FundingStage;
beforeAll(async () => {
  stage = await FundingStage.open();
});
afterAll(() => stage.close());

it('a cancelled campaign gives everything back, whatever dies on the way', async () => {
  const owner = await stage.person('Ishmael');
  const campaign = await stage.liveCampaign(owner, { cashGoalMinor: 100_000n, autoAcceptCompute: true });
  const campaignId = toGlobalId('Campaign', campaign);
  const people = await Promise.all(['Ada', 'Bob', 'Cleo'].map((name) => stage.person(name)));
  for (const person of people) await stage.give(person, campaign, 2_000n);
  const unpaid = await stage.cash.create(owner, {
    campaignId: campaign,
    amountMinor: 900n,
    currency: 'USD',
    idempotencyKey: randomUUID(),
  });
  const offer = { campaignId, class: 'cpu', count: 1, milliseconds: '60000', idempotencyKey: randomUUID() };
  const mutation =
    'mutation M($input: PledgeComputeCreateInput!) { pledgeComputeCreate(input: $input) { pledge { state } userErrors { code } } }';
  const offered = (await stage.gql(mutation, { input: offer }, people[0])).data.pledgeComputeCreate;
  expect(offered.pledge.state).toBe('ACCEPTED');

  const cancel =
    'mutation M($input: CampaignReasonInput!) { campaignCancel(input: $input) { campaign { state decisionReason } userErrors { code } } }';
  const input = { campaignId, reason: 'The harpooneer has left.' };
  const cancelled = (await stage.gql(cancel, { input }, owner)).data.campaignCancel;
  expect(cancelled.campaign).toEqual({ state: 'CANCELLED', decisionReason: 'The harpooneer has left.' });

  // Money that comes too late: paid, and not heard of yet. Then two clocks at once, as when a worker that seemed dead
  // is still alive.
  if ('payment' in unpaid) await stage.pay(unpaid.payment?.clientSecret, CARD.good);
  await Promise.all([stage.tick('pledges.wind-up'), stage.tick('pledges.wind-up')]);
  await stage.settle();
  for (let round = 0; round < 3; round += 1) {
    await stage.tick('pledges.wind-up');
    await stage.tick('payment-sweep');
    await stage.settle();
  }

  const query = `query Q($id: ID!) { campaign(id: $id) { state progress { cashPledged { amountMinor } cashCaptured { amountMinor }
    cashRefunded { amountMinor } cashFees { amountMinor } cashBackers computePledged { milliseconds } computeBackers }
    pledges { nodes { state refunds { state reason amount { amountMinor } } } } computePledges { nodes { state } } } }`;
  const { data } = await stage.gql(query, { id: campaignId });
  expect(data.campaign.progress).toMatchObject({
    cashPledged: { amountMinor: '0' },
    cashCaptured: { amountMinor: '6900' },
    cashRefunded: { amountMinor: '6900' },
    cashBackers: 0,
    computePledged: { milliseconds: '0' },
    computeBackers: 0,
  });
  expect(data.campaign.pledges.nodes.map((p: Loose) => [p.state, p.refunds.length])).toEqual([
    ['REFUNDED', 1],
    ['REFUNDED', 1],
    ['REFUNDED', 1],
    ['REFUNDED', 1],
  ]);
  expect(data.campaign.computePledges.nodes).toEqual([{ state: 'LAPSED' }]);
  expect(await stage.violations()).toEqual([]);
  expect(`\n${await printBalances(stage, new Map([[campaign, 'WHALE']]))}\n`).toMatchInlineSnapshot(`
    "
    account                  debits − credits
    -----------------------  ----------------
    processor:available:USD              -320
    processor:fees:USD                    320
    "
  `);
});
