import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseGlobalId } from '#platform';
import { CARD } from '../integration/funding.stage.js';
import { Life } from './life.stage.js';

/*
 * $200,000,000 for one run. An institution sends $150,000,000 by bank transfer, in one piece; a card pays $3,000,000 in
 * four charges; another institution sends the rest. Every cent is asked for, held and told as it was given, in GraphQL
 * and in the books.
 */

let life: Life;
beforeAll(async () => {
  life = await Life.begin();
});
afterAll(() => life.end());

it('a campaign of $200,000,000 loses no cent on its way', async () => {
  const { stage } = life;
  const [bank, ada, fund] = await Promise.all(['A Bank', 'Ada', 'A Fund'].map((name) => life.stage.person(name)));
  if (!bank || !ada || !fund) throw new Error('somebody is missing');
  const id = await life.campaign('WHALE', { fundingModel: 'KEEP_IT_ALL', cashGoalMinor: '20000000000' });

  const wired = await life.pledge(bank, id, '15000000000', { rail: 'BANK_TRANSFER' });
  await life.wire(bank, '15000000000');
  const card = await life.pledge(ada, id, '300000000');
  expect(card.payment.savesMethod).toBe(true);
  await stage.saveCard(card.payment.clientSecret, CARD.good);
  await life.work();
  await life.pledge(fund, id, '4700000001', { rail: 'BANK_TRANSFER' });
  await life.wire(fund, '4700000001');

  const query = `query Q($id: ID!) { campaign(id: $id) { state cashGoal { amountMinor decimal } progress { cashCaptured { amountMinor decimal } cashBackers } } }`;
  expect((await stage.gql(query, { id })).data.campaign).toEqual({
    state: 'SUCCEEDED',
    cashGoal: { amountMinor: '20000000000', decimal: '200000000.00' },
    progress: { cashCaptured: { amountMinor: '20000000001', decimal: '200000000.01' }, cashBackers: 3 },
  });
  const pledge = `query Q($id: ID!) { node(id: $id) { ... on CashPledge { state amount { amountMinor } } } }`;
  expect((await stage.gql(pledge, { id: wired.pledge.id }, bank)).data.node).toEqual({
    state: 'COLLECTED',
    amount: { amountMinor: '15000000000' },
  });
  const charges = await stage.rows<{ amount: string; n: string }>(
    `SELECT amount_minor::text AS amount, count(*)::text AS n FROM payment WHERE reference = $1 AND status = 'SUCCEEDED' GROUP BY 1 ORDER BY 1`,
    [parseGlobalId(card.pledge.id as string)?.id],
  );
  expect(charges.reduce((sum, { amount, n }) => sum + BigInt(amount) * BigInt(n), 0n)).toBe(300_000_000n);
  expect(charges.every(({ amount }) => BigInt(amount) <= 99_999_999n)).toBe(true);
  const escrow = `query Q($code: String!) { ledgerAccount(code: $code) { creditsPosted debitsPosted } }`;
  const { data } = await stage.gql(escrow, { code: `campaign:${parseGlobalId(id)?.id}:escrow:USD` });
  expect(BigInt(data.ledgerAccount.creditsPosted) - BigInt(data.ledgerAccount.debitsPosted)).toBe(20_000_000_001n);
  expect(await life.faults()).toEqual([]);
});
