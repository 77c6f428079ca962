import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomUUID } from 'node:crypto';
import { parseGlobalId, toGlobalId } from '#platform';
import { CARD, FundingStage, type Person, inDays } from '../integration/funding.stage.js';
import { printBalances, printJournal } from './journal.printer.js';

/*
 * Five people give to one campaign by GraphQL and card alone. One pays; one's card is refused and his second one is
 * good; one confirms at her bank; one changes her mind; one disputes and the bank sides with him. A donor offers a
 * machine. Then the books are printed: every cent can be followed with a finger.
 */

let stage: FundingStage;
beforeAll(async () => {
  stage = await FundingStage.open();
});
afterAll(() => stage.close());

const cast = new Map<string, string>();
const idOf = (globalId: string): string => parseGlobalId(globalId)?.id ?? '';

async function mutate(name: string, type: string, input: object, fields: string, as: Person) {
  const query = `mutation M($input: ${type}!) { ${name}(input: $input) { ${fields} userErrors { code message } } }`;
  const { data, errors } = await stage.gql(query, { input }, as);
  expect(errors).toBeUndefined();
  expect(data[name].userErrors).toEqual([]);
  return data[name];
}

async function openCampaign(owner: Person, operator: Person): Promise<string> {
  const { projectId, recipeId } = await stage.project(owner);
  const input = {
    projectId: toGlobalId('Project', projectId),
    recipeId: toGlobalId('Recipe', recipeId),
    title: 'A whale of a model',
    summary: 'One book, read by many machines.',
    fundingModel: 'KEEP_IT_ALL',
    cashGoalMinor: '9000',
    computeGoalMilliseconds: '600000',
    deadline: inDays(30).toISOString(),
  };
  const { campaign } = await mutate('campaignCreate', 'CampaignCreateInput', input, 'campaign { id }', owner);
  await mutate('campaignSubmit', 'CampaignStepInput', { campaignId: campaign.id }, 'campaign { state }', owner);
  await mutate('campaignApprove', 'CampaignStepInput', { campaignId: campaign.id }, 'campaign { state }', operator);
  cast.set(idOf(campaign.id), 'WHALE');
  return campaign.id as string;
}

async function pledge(who: Person, campaignId: string, amountMinor: string, cards: readonly string[]): Promise<string> {
  const input = { campaignId, amountMinor, currency: 'USD', idempotencyKey: randomUUID() };
  const made = await mutate(
    'pledgeCashCreate',
    'PledgeCashCreateInput',
    input,
    'pledge { id } payment { clientSecret }',
    who,
  );
  for (const card of cards) {
    const { nextUrl } = await stage.pay(made.payment.clientSecret, card);
    await stage.settle();
    if (nextUrl) {
      const body = JSON.stringify({ outcome: 'complete' });
      await fetch(nextUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      await stage.settle();
    }
  }
  return made.pledge.id as string;
}

it('the money of one campaign, followed to the cent', async () => {
  const owner = await stage.person('Ishmael');
  const campaignId = await openCampaign(owner, await stage.person('Olga Operator', 'operator'));
  const people = await Promise.all(['Ada', 'Bob', 'Cleo', 'Dora', 'Emil'].map((name) => stage.person(name)));
  const [ada, bob, cleo, dora, emil] = people as [Person, Person, Person, Person, Person];

  await pledge(ada, campaignId, '5000', [CARD.good]);
  await pledge(bob, campaignId, '3000', [CARD.declined, CARD.good]);
  await pledge(cleo, campaignId, '2000', [CARD.challenge]);
  const regretted = await pledge(dora, campaignId, '1000', [CARD.good]);
  await mutate('pledgeRefund', 'PledgeRefundInput', { pledgeId: regretted }, 'pledge { state }', dora);
  await stage.settle();
  await pledge(emil, campaignId, '4000', [CARD.dispute]);
  const [dispute] = await stage.rows<{ id: string }>('SELECT stripe_dispute_id AS id FROM dispute');
  await stage.closeDispute(dispute?.id ?? '', 'lost');
  await stage.settle();

  const offer = { campaignId, class: 'cpu', count: 1, milliseconds: '600000', idempotencyKey: randomUUID() };
  const offered = await mutate('pledgeComputeCreate', 'PledgeComputeCreateInput', offer, 'pledge { id }', dora);
  cast.set(idOf(offered.pledge.id as string), 'DORAS-MACHINE');
  await mutate('pledgeComputeAccept', 'PledgeStepInput', { pledgeId: offered.pledge.id }, 'pledge { state }', owner);
  await stage.relay();

  const query = `query Q($id: ID!) { campaign(id: $id) { state progress { cashCaptured { decimal } cashRefunded { decimal }
    cashDisputed { decimal } cashFees { decimal } cashHeld { decimal } cashBackers computePledged { seconds } computeBackers } } }`;
  const { data } = await stage.gql(query, { id: campaignId });
  expect(data.campaign).toEqual({
    state: 'SUCCEEDED',
    progress: {
      cashCaptured: { decimal: '150.00' },
      cashRefunded: { decimal: '10.00' },
      cashDisputed: { decimal: '40.00' },
      cashFees: { decimal: '20.85' },
      cashHeld: { decimal: '79.15' },
      cashBackers: 3,
      computePledged: { seconds: '600' },
      computeBackers: 1,
    },
  });
  expect(await stage.violations()).toEqual([]);
  expect(`\n${await printJournal(stage, cast, true)}\n`).toMatchInlineSnapshot(`
    "
    reason                         debit                               credit                                amount
    -----------------------------  ----------------------------------  ------------------------------------  ------
    card payment captured          processor:available:USD             campaign:WHALE:escrow:USD               1000
    card payment captured          processor:available:USD             campaign:WHALE:escrow:USD               2000
    card payment captured          processor:available:USD             campaign:WHALE:escrow:USD               3000
    card payment captured          processor:available:USD             campaign:WHALE:escrow:USD               4000
    card payment captured          processor:available:USD             campaign:WHALE:escrow:USD               5000
    cash pledge collected          campaign:WHALE:pledged:USD          memo:pledged:USD                        1000
    cash pledge collected          campaign:WHALE:pledged:USD          memo:pledged:USD                        2000
    cash pledge collected          campaign:WHALE:pledged:USD          memo:pledged:USD                        4000
    cash pledge collected          campaign:WHALE:pledged:USD          memo:pledged:USD                        5000
    cash pledge errored            campaign:WHALE:pledged:USD          memo:pledged:USD                        3000
    cash pledge promised           memo:pledged:USD                    campaign:WHALE:pledged:USD              1000
    cash pledge promised           memo:pledged:USD                    campaign:WHALE:pledged:USD              2000
    cash pledge promised           memo:pledged:USD                    campaign:WHALE:pledged:USD              3000
    cash pledge promised           memo:pledged:USD                    campaign:WHALE:pledged:USD              4000
    cash pledge promised           memo:pledged:USD                    campaign:WHALE:pledged:USD              5000
    compute committed              compute:donors:cpu                  pledge:DORAS-MACHINE:commitment:cpu   600000
    compute committed to campaign  memo:compute_committed:cpu          campaign:WHALE:compute_committed:cpu  600000
    compute pledge accepted        campaign:WHALE:compute_offered:cpu  memo:compute_offered:cpu              600000
    compute pledge offered         memo:compute_offered:cpu            campaign:WHALE:compute_offered:cpu    600000
    dispute fee                    processor:dispute_fees:USD          processor:available:USD                 1500
    dispute lost                   campaign:WHALE:escrow:USD           disputes_receivable:USD                 4000
    dispute opened                 disputes_receivable:USD             processor:available:USD                 4000
    processing fee                 processor:fees:USD                  processor:available:USD                  117
    processing fee                 processor:fees:USD                  processor:available:USD                  146
    processing fee                 processor:fees:USD                  processor:available:USD                  175
    processing fee                 processor:fees:USD                  processor:available:USD                   59
    processing fee                 processor:fees:USD                  processor:available:USD                   88
    refund paid                    campaign:WHALE:refunds_payable:USD  processor:available:USD                 1000
    refund requested               campaign:WHALE:escrow:USD           campaign:WHALE:refunds_payable:USD      1000
    "
  `);
  expect(`\n${await printBalances(stage, cast)}\n`).toMatchInlineSnapshot(`
    "
    account                               debits − credits
    ------------------------------------  ----------------
    campaign:WHALE:compute_committed:cpu           -600000
    campaign:WHALE:escrow:USD                       -10000
    compute:donors:cpu                              600000
    memo:compute_committed:cpu                      600000
    pledge:DORAS-MACHINE:commitment:cpu            -600000
    processor:available:USD                           7915
    processor:dispute_fees:USD                        1500
    processor:fees:USD                                 585
    "
  `);
});
