import { afterAll, beforeAll, expect, it } from 'vitest';
import { CARD, type Person } from '../integration/funding.stage.js';
import { Life } from './life.stage.js';

/*
 * The life of campaigns that are extended. All or nothing, $100.00, and the terms tolerate a tenth missing. Ada gives $60
 * and Bob $32; eight dollars are missing at the deadline, so both campaigns are extended. Ada lets her money wait, Bob
 * doesn't, and goes with his. Cleo pledges in the extension: $40 saves the one, $10 doesn't save the other.
 */

let life: Life;
let ada: Person;
let bob: Person;
let cleo: Person;
beforeAll(async () => {
  life = await Life.begin();
  [ada, bob, cleo] = [await life.stage.person('Ada'), await life.stage.person('Bob'), await life.stage.person('Cleo')];
});
afterAll(() => life.end());

const answer = async (who: Person, campaignId: string, agrees: boolean): Promise<string[]> => {
  const payload = await life.ask('campaignExtensionConsent', { campaignId, agrees }, 'campaign { state }', who);
  return payload.userErrors.map((each: { code: string }) => each.code);
};
const myPledges = async (who: Person): Promise<string[]> => {
  const { data } = await life.stage.gql('{ myPledges { cash { edges { node { state } } } } }', {}, who);
  return data.myPledges.cash.edges.map(({ node }: { node: { state: string } }) => node.state);
};

it('whoever agrees waits, whoever does not goes with his money, and the verdict counts on nobody who left', async () => {
  const terms = {
    fundingModel: 'ALL_OR_NOTHING',
    cashGoalMinor: '10000',
    extensionToleranceBp: 1_000,
    extensionDays: 14,
  };
  const saved = await life.campaign('SAVED', terms);
  const lost = await life.campaign('LOST', terms);
  for (const id of [saved, lost]) {
    await life.card(ada, id, '6000', CARD.good);
    await life.card(bob, id, '3200', CARD.good);
  }
  expect(await answer(ada, saved, true)).toEqual(['CAMPAIGN_EXTENSION_NOT_OPEN']);
  await life.days(30);
  for (const id of [saved, lost]) {
    expect(await life.campaignNow(id)).toMatchObject({
      state: 'EXTENDED',
      progress: { cashCaptured: { decimal: '92.00' } },
    });
    expect(await answer(cleo, id, true)).toEqual(['CAMPAIGN_BACKER_REQUIRED']);
    expect(await answer(ada, id, true)).toEqual([]);
  }
  expect(await answer(bob, saved, false)).toEqual([]);
  await life.card(cleo, saved, '4000', CARD.good);
  await life.card(cleo, lost, '1000', CARD.good);
  await life.days(14);
  // $132 were collected of the one, of which Bob has $32 back; $102 of the other, of which $70 would have been left.
  expect(await life.campaignNow(saved)).toMatchObject({
    state: 'SUCCEEDED',
    progress: { cashCaptured: { decimal: '132.00' }, cashRefunded: { decimal: '32.00' }, cashBackers: 2 },
  });
  expect(await life.campaignNow(lost)).toMatchObject({
    state: 'REFUNDED',
    failReason: 'below_goal',
    progress: { cashCaptured: { decimal: '102.00' }, cashRefunded: { decimal: '102.00' }, cashBackers: 0 },
  });
  expect(await life.stage.rows("SELECT 1 FROM event_outbox WHERE type = 'campaign.collapsed'")).toEqual([]);
  expect([await myPledges(ada), await myPledges(bob), await myPledges(cleo)]).toEqual([
    ['REFUNDED', 'COLLECTED'],
    ['REFUNDED', 'REFUNDED'],
    ['REFUNDED', 'COLLECTED'],
  ]);
  expect(await answer(ada, saved, false)).toEqual(['CAMPAIGN_EXTENSION_NOT_OPEN']);
  expect(await life.faults()).toEqual([]);
});
