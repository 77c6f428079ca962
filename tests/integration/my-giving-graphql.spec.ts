/** What a donor sees and does of what he gave, and what a treasurer does about disputes, through GraphQL. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { StatementsModule } from '#reports';
import { PledgePlanCommands } from '../../libs/pledges/src/plan.commands.js';
import { CARD, FundingStage, type Loose, type Person, got } from './funding.stage.js';

let stage: FundingStage;
let home: string;
let owner: Person;
let ada: Person;
let bob: Person;
let atOnce: string;
let atClose: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'cw-giving-'));
  stage = await FundingStage.open({}, { modules: [StatementsModule], env: { COMMONWEIGHTS_HOME: home } });
  owner = await stage.person('Ishmael');
  ada = await stage.person('Ada Lovelace');
  bob = await stage.person('Bob');
  const deadline = stage.inDays(60);
  atOnce = await stage.liveCampaign(owner, { title: 'At once', fundingModel: 'keep_it_all', deadline });
  atClose = await stage.liveCampaign(owner, { title: 'At its close', fundingModel: 'all_or_nothing', deadline });
});
afterAll(async () => {
  await stage.close();
  await rm(home, { recursive: true, force: true });
});

async function ask(query: string, as?: Person, variables: object = {}): Promise<Loose> {
  const { data, errors } = await stage.gql<Loose>(query, variables, as);
  if (errors) throw new Error(errors.map((error) => error.message).join('; '));
  return data;
}
const change = async (name: string, input: object, as: Person, type?: string): Promise<Loose> => {
  const asked = type ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation ($input: ${asked}!) { ${name}(input: $input) { userErrors { code path } } }`;
  return (await ask(query, as, { input }))[name].userErrors;
};
const pledge = (id: string): string => toGlobalId('CashPledge', id);
const stateOf = async (id: string) => (await stage.rows('SELECT state FROM cash_pledge WHERE id = $1', [id]))[0];

const saved = () =>
  ask('{ mySavedMethods { nodes { id rail brand last4 expires uses { pledgeId planId campaign { title } } } } }', ada);

async function promise(campaignId: string): Promise<string> {
  const input = { campaignId, amountMinor: 2_500n, currency: 'USD', idempotencyKey: randomUUID() };
  const made = got(await stage.cash.create(ada, input));
  await stage.saveCard(made.payment?.clientSecret, CARD.good);
  await stage.settle();
  return made.pledge.id;
}

describe('one’s own receipts, years, invoices and accounts', () => {
  it('are connections of addresses that answer their reader and nobody else', async () => {
    const first = await stage.give(ada, atOnce, 12_345n);
    const second = await stage.give(ada, atOnce, 500n);
    await change('pledgeRefund', { pledgeId: pledge(second) }, ada);
    await stage.tick('payment-sweep');
    await stage.settle();
    const invoice = { organisation: 'Whale Foundation', address: 'Pequod 1' };
    const wired = { campaignId: atOnce, amountMinor: 900n, currency: 'USD', idempotencyKey: randomUUID(), invoice };
    const billed = got(await stage.cash.create(ada, { ...wired, rail: 'bank_transfer' })).pledge.id;

    const query = `query ($after: String) {
      myReceipts(first: 1, after: $after) { nodes { pledgeId number version campaignTitle received { decimal } net { decimal }
        refunded { decimal } downloads { format url } } pageInfo { hasNextPage endCursor } } }`;
    const { myReceipts: newest } = await ask(query, ada);
    expect(newest.nodes).toMatchObject([
      { pledgeId: pledge(second), version: 2, refunded: { decimal: '5.00' }, net: { decimal: '0.00' } },
    ]);
    const { myReceipts: older } = await ask(query, ada, { after: newest.pageInfo.endCursor });
    expect(older).toMatchObject({
      nodes: [{ pledgeId: pledge(first), campaignTitle: 'At once', received: { decimal: '123.45' } }],
      pageInfo: { hasNextPage: false },
    });

    const all = await ask(
      `{ myYearlySummaries { nodes { year isRunning downloads { format url } } }
         myInvoices { nodes { pledgeId number organisation amount { decimal } paid { decimal } downloads { format url } } } }`,
      ada,
    );
    expect(all.myYearlySummaries.nodes).toMatchObject([{ year: stage.now().getUTCFullYear(), isRunning: true }]);
    expect(all.myInvoices.nodes).toMatchObject([
      {
        pledgeId: pledge(billed),
        organisation: 'Whale Foundation',
        amount: { decimal: '9.00' },
        paid: { decimal: '0.00' },
      },
    ]);
    const { campaignAccounts } = await ask(
      '{ campaignAccounts(first: 5) { nodes { campaignTitle downloads { format url } } } }',
      owner,
    );
    expect(campaignAccounts.nodes.map((each: Loose) => each.campaignTitle)).toEqual(['At its close', 'At once']);

    const formats = (list: Loose[]) =>
      list.map(({ downloads }) => downloads.map((each: Loose) => each.format).join(' '));
    expect(
      formats([older.nodes[0], ...all.myYearlySummaries.nodes, ...all.myInvoices.nodes, campaignAccounts.nodes[0]]),
    ).toEqual(['pdf json', 'pdf json csv', 'pdf json', 'pdf json csv']);
  });

  it('are empty for somebody else, and closed to nobody', async () => {
    const lists = ['myReceipts', 'myYearlySummaries', 'myInvoices', 'campaignAccounts'];
    for (const list of lists) {
      expect([list, (await ask(`{ ${list} { nodes { downloads { url } } } }`, bob))[list].nodes]).toEqual([list, []]);
      const { errors } = await stage.gql(`{ ${list} { nodes { downloads { url } } } }`);
      expect([list, errors?.[0]?.extensions?.['code']]).toEqual([list, 'UNAUTHENTICATED']);
    }
    const { errors } = await stage.gql('{ myYearlySummaries(after: "eA") { nodes { year } } }', {}, bob);
    expect(errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
  });
});

describe('saved cards', () => {
  it('are shown as their bank prints them, with what they wait for, and their removal withdraws that', async () => {
    const id = await promise(atClose);
    const [method] = (await saved()).mySavedMethods.nodes;
    expect(method).toMatchObject({
      rail: 'CARD',
      brand: 'visa',
      last4: '4242',
      expires: '2040-12',
      uses: [{ pledgeId: pledge(id), planId: null, campaign: { title: 'At its close' } }],
    });
    expect(await change('savedMethodRemove', { methodId: method.id }, bob)).toMatchObject([
      { code: 'PLEDGE_METHOD_NOT_FOUND', path: ['input', 'methodId'] },
    ]);
    expect(await change('savedMethodRemove', { methodId: method.id }, ada)).toEqual([]);
    expect(await stateOf(id)).toEqual({ state: 'cancelled' });
    expect((await saved()).mySavedMethods.nodes).toEqual([]);
    await stage.tick('payment-sweep');
    expect(await stage.violations()).toEqual([]);
  });

  it('stop their monthly pledge with them, which names its campaign until then', async () => {
    const plans = stage.app.get(PledgePlanCommands, { strict: false });
    const months = { campaignId: atOnce, amountMinor: 700n, currency: 'USD', idempotencyKey: randomUUID() };
    const { setup } = got(await plans.create(ada, { ...months, endsAt: stage.inDays(100) }));
    await stage.saveCard(setup?.clientSecret, CARD.good);
    await stage.settle();
    const list = () => ask('{ myPledgePlans { state campaign { title slug } } }', ada);
    expect((await list()).myPledgePlans).toMatchObject([{ state: 'ACTIVE', campaign: { title: 'At once' } }]);
    const [method] = (await saved()).mySavedMethods.nodes;
    expect(await change('savedMethodRemove', { methodId: method.id }, ada)).toEqual([]);
    expect((await list()).myPledgePlans).toMatchObject([{ state: 'STOPPED' }]);
  });

  it('stay while the list of a close is final', async () => {
    const id = await promise(atClose);
    const [method] = (await saved()).mySavedMethods.nodes;
    await stage.rows("UPDATE cash_pledge SET state = 'frozen', snapshot_id = id WHERE id = $1", [id]);
    expect(await change('savedMethodRemove', { methodId: method.id }, ada)).toMatchObject([
      { code: 'PLEDGE_METHOD_IN_USE' },
    ]);
    expect((await saved()).mySavedMethods.nodes).toHaveLength(1);
    expect(await stateOf(id)).toEqual({ state: 'frozen' });
  });
});

describe('how one is named', () => {
  it('changes for a pledge and for the account, and only by oneself', async () => {
    const id = await stage.give(ada, atOnce, 4_200n);
    const shown = async () =>
      (
        await ask(
          'query ($id: ID!) { campaign(id: $id) { pledges(first: 1) { nodes { contributor { displayName } } } } }',
          undefined,
          {
            id: toGlobalId('Campaign', atOnce),
          },
        )
      ).campaign.pledges.nodes[0].contributor.displayName;
    expect(await shown()).toBe('Ada Lovelace');
    expect(await change('profileUpdate', { displayName: 'Countess' }, ada)).toEqual([]);
    expect(await shown()).toBe('Countess');
    expect(await change('profileUpdate', { displayName: ' ' }, ada)).toMatchObject([{ code: 'TEXT_LENGTH' }]);
    const set = (more: object, as: Person) =>
      change('pledgeNameSet', { pledgeId: pledge(id), anonymous: false, ...more }, as);
    expect(await set({ displayName: 'A. L.' }, ada)).toEqual([]);
    expect(await shown()).toBe('A. L.');
    expect(await set({ anonymous: true }, ada)).toEqual([]);
    expect(await shown()).toBe('Anonymous');
    expect(await set({}, bob)).toMatchObject([{ code: 'PLEDGE_NOT_FOUND' }]);
    expect(await set({ displayName: 'x'.repeat(81) }, ada)).toMatchObject([{ code: 'PLEDGE_TEXT_INVALID' }]);
  });
});

describe('a dispute', () => {
  const queue = async (as: Person, openOnly = true) =>
    (
      await ask(
        `query ($openOnly: Boolean) { disputes(openOnly: $openOnly) { nodes { id state answerDue owner amount { decimal } reason } } }`,
        as,
        { openOnly },
      )
    ).disputes.nodes;
  const take = (id: string, as: Person) => change('disputeTake', { disputeId: id }, as, 'DisputeStepInput');
  const accept = (id: string, as: Person) => change('disputeAccept', { disputeId: id }, as, 'DisputeStepInput');
  const answer = (id: string, text: string, as: Person) => change('disputeAnswer', { disputeId: id, answer: text }, as);

  it('is taken in hand by a treasurer and answered once; what the bank decides is in the books', async () => {
    const id = await stage.give(bob, atOnce, 5_000n, CARD.dispute);
    await stage.settle();
    const [open] = await queue(owner);
    expect(open).toMatchObject({ state: 'OPEN', answerDue: true, owner: null, amount: { decimal: '50.00' } });
    expect(await queue(ada)).toEqual([]);
    expect(await take(open.id, ada)).toMatchObject([{ code: 'DISPUTE_NOT_FOUND' }]);
    expect(await answer(open.id, 'winning_evidence', owner)).toMatchObject([{ code: 'DISPUTE_NOT_TAKEN' }]);
    expect(await take(open.id, owner)).toEqual([]);
    expect(await answer(open.id, '  ', owner)).toMatchObject([
      { code: 'DISPUTE_ANSWER_INVALID', path: ['input', 'answer'] },
    ]);
    expect(await answer(open.id, 'He agreed to version 1 of the terms: winning_evidence', owner)).toEqual([]);
    expect(await answer(open.id, 'winning_evidence', owner)).toMatchObject([{ code: 'DISPUTE_NO_ANSWER_DUE' }]);
    await stage.settle();
    expect(await queue(owner)).toEqual([]);
    expect(await queue(owner, false)).toMatchObject([{ state: 'WON', answerDue: false, owner: owner.pseudonym }]);
    expect(await take(open.id, owner)).toMatchObject([{ code: 'DISPUTE_CLOSED' }]);
    expect(await stateOf(id)).toEqual({ state: 'collected' });
    expect(await stage.violations()).toEqual([]);
  });

  it('is left to its payer by an operator', async () => {
    const operator = await stage.person('Olga Operator', 'operator');
    const id = await stage.give(bob, atOnce, 600n, CARD.dispute);
    await stage.settle();
    const [open] = await queue(operator);
    expect(await take(open.id, operator)).toEqual([]);
    expect(await accept(open.id, operator)).toEqual([]);
    await stage.settle();
    expect(await stateOf(id)).toEqual({ state: 'charged_back' });
    expect(await stage.violations()).toEqual([]);
  });

  const sandbox = (control: string, body: object) =>
    fetch(`${stage.sandbox.url}/_sandbox/${control}`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_funding', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('says when the processor can’t be reached, and counts the same answer once', async () => {
    await stage.give(bob, atOnce, 800n, CARD.dispute);
    await stage.settle();
    const [open] = await queue(owner);
    await take(open.id, owner);
    await sandbox('faults', { dropAnswers: 5 });
    expect(await answer(open.id, 'losing_evidence', owner)).toMatchObject([{ code: 'DISPUTE_PROCESSOR_AWAY' }]);
    await sandbox('faults', { dropAnswers: 0 });
    const again = await answer(open.id, 'losing_evidence', owner);
    // The bank may have decided on the answer that was executed though nobody heard of it.
    expect([[], ['DISPUTE_NO_ANSWER_DUE']]).toContainEqual(again.map((error: Loose) => error.code));
    await stage.settle();
    expect((await queue(owner, false)).at(-1)).toMatchObject({ state: 'LOST' });
  });

  it('says why the processor refused, when the bank decided before anybody here heard of it', async () => {
    await stage.give(bob, atOnce, 900n, CARD.dispute);
    await stage.settle();
    const [open] = await queue(owner);
    await take(open.id, owner);
    const [row] = await stage.rows<{ id: string }>(
      'SELECT stripe_dispute_id AS id FROM dispute WHERE amount_minor = 900',
    );
    await sandbox('chaos', { paused: true });
    const decided = await sandbox('disputes/decide', { dispute: row?.id, outcome: 'lost' });
    expect(await decided.json()).toMatchObject({ status: 'lost' });
    expect(await answer(open.id, 'too late', owner)).toMatchObject([{ code: 'DISPUTE_PROCESSOR_REFUSED' }]);
    await sandbox('chaos', { paused: false });
    await stage.settle();
    expect(await queue(owner)).toEqual([]);
  });
});
