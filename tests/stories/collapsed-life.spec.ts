import { afterAll, beforeAll, expect, it } from 'vitest';
import { CARD } from '../integration/funding.stage.js';
import { Life } from './life.stage.js';

/*
 * The life of a campaign that collapses. It reaches its $100.00 exactly, and before the first money leaves one of its
 * backers has his money back. It stands below its goal, fails after all, and refunds the others too.
 */

let life: Life;
beforeAll(async () => {
  life = await Life.begin();
});
afterAll(() => life.end());

it('a campaign that falls below its goal before any money left fails and refunds everybody', async () => {
  const [ada, bob] = [await life.stage.person('Ada'), await life.stage.person('Bob')];
  const id = await life.campaign('WHALE', { fundingModel: 'ALL_OR_NOTHING', cashGoalMinor: '10000' });
  await life.card(ada, id, '6000', CARD.good);
  const bobs = await life.card(bob, id, '4000', CARD.good);
  await life.days(30);
  expect(await life.state(id)).toBe('SUCCEEDED');
  await life.days(3);
  await life.act('pledgeRefund', { pledgeId: bobs }, 'pledge { state }', bob);
  await life.work();
  expect(await life.campaignNow(id)).toMatchObject({
    state: 'REFUNDED',
    progress: { cashCaptured: { decimal: '100.00' }, cashRefunded: { decimal: '100.00' }, cashBackers: 0 },
  });
  expect((await life.tranches(id)).every((tranche) => tranche.state === 'CANCELED')).toBe(true);
  await life.days(20);
  expect(await life.state(id)).toBe('REFUNDED');
  expect(await life.faults()).toEqual([]);
  expect(await life.journal()).toMatchInlineSnapshot(`
    "
    reason                 debit                               credit                              amount
    ---------------------  ----------------------------------  ----------------------------------  ------
    card payment captured  processor:available:USD             campaign:WHALE:escrow:USD             4000
    card payment captured  processor:available:USD             campaign:WHALE:escrow:USD             6000
    cash pledge collected  campaign:WHALE:pledged:USD          memo:pledged:USD                      4000
    cash pledge collected  campaign:WHALE:pledged:USD          memo:pledged:USD                      6000
    cash pledge pledged    memo:pledged:USD                    campaign:WHALE:pledged:USD            4000
    cash pledge pledged    memo:pledged:USD                    campaign:WHALE:pledged:USD            6000
    processing fee         processor:fees:USD                  processor:available:USD                146
    processing fee         processor:fees:USD                  processor:available:USD                204
    refund paid            campaign:WHALE:refunds_payable:USD  processor:available:USD               4000
    refund paid            campaign:WHALE:refunds_payable:USD  processor:available:USD               6000
    refund requested       campaign:WHALE:escrow:USD           campaign:WHALE:refunds_payable:USD    4000
    refund requested       campaign:WHALE:escrow:USD           campaign:WHALE:refunds_payable:USD    6000
    "
  `);
  expect(await life.balances()).toMatchInlineSnapshot(`
    "
    account                  debits − credits
    -----------------------  ----------------
    processor:available:USD              -350
    processor:fees:USD                    350
    "
  `);
});
