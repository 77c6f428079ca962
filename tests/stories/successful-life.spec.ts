import { afterAll, beforeAll, expect, it } from 'vitest';
import { CARD } from '../integration/funding.stage.js';
import { BANK, Life } from './life.stage.js';

/*
 * The life of a campaign that succeeds. All or nothing, $100.00. Two cards are saved, one of them of a bank that asks its
 * holder when it is charged; he confirms. After the safety window the money leaves, approved by somebody who does not
 * receive it, and what is held back for disputes follows when nobody can dispute any more.
 */

let life: Life;
beforeAll(async () => {
  life = await Life.begin();
});
afterAll(() => life.end());

it('a successful campaign is charged once, and paid out', async () => {
  const [ada, bob, rita] = [
    await life.stage.person('Ada'),
    await life.stage.person('Bob'),
    await life.stage.person('Rita'),
  ];
  const id = await life.campaign('WHALE', { fundingModel: 'ALL_OR_NOTHING', cashGoalMinor: '10000' });
  await life.member(id, rita, ['reviewer']);
  await life.card(ada, id, '7000', CARD.good);
  const bobs = await life.card(bob, id, '4000', '4000002760003184');
  await life.payoutAccount(id, BANK.good);
  await life.days(30);
  expect(await life.state(id)).toBe('SETTLING');
  const now = await life.act('pledgePayNow', { pledgeId: bobs }, 'payment { clientSecret } pledge { state }', bob);
  expect(now.pledge.state).toBe('NEEDS_ACTION');
  const { nextUrl } = await life.stage.pay(now.payment.clientSecret, CARD.challenge);
  await life.confirm(nextUrl ?? '');
  await life.work();
  expect(await life.campaignNow(id)).toMatchObject({
    state: 'SUCCEEDED',
    progress: { cashCaptured: { decimal: '110.00' } },
  });
  const [first] = await life.tranches(id);
  expect(first?.state).toBe('PLANNED');
  await life.days(14);
  expect((await life.tranches(id))[0]?.state).toBe('EVIDENCE_SUBMITTED');
  const approval = { trancheId: first?.id, reason: 'Its terms are kept.' };
  await life.act('disbursementApprove', approval, 'disbursement { state }', rita);
  await life.work();
  expect((await life.tranches(id))[0]).toMatchObject({ state: 'SUCCEEDED', amount: { decimal: '104.56' } });
  expect(await life.faults()).toEqual([]);
  expect(await life.journal()).toMatchInlineSnapshot(`
    "
    reason                                 debit                               credit                              amount
    -------------------------------------  ----------------------------------  ----------------------------------  ------
    card payment captured                  processor:available:USD             campaign:WHALE:escrow:USD             4000
    card payment captured                  processor:available:USD             campaign:WHALE:escrow:USD             7000
    cash pledge collected                  campaign:WHALE:pledged:USD          memo:pledged:USD                      4000
    cash pledge collected                  campaign:WHALE:pledged:USD          memo:pledged:USD                      7000
    cash pledge pledged                    memo:pledged:USD                    campaign:WHALE:pledged:USD            4000
    cash pledge pledged                    memo:pledged:USD                    campaign:WHALE:pledged:USD            7000
    held back for disputes                 campaign:WHALE:escrow:USD           campaign:WHALE:dispute_reserve:USD     165
    payout arrived                         campaign:WHALE:payouts_payable:USD  campaign:WHALE:released:USD          10456
    payout arrived                         grants_paid:USD                     bank:in_transit:USD                  10456
    payout on its way                      bank:in_transit:USD                 processor:available:USD              10456
    payout owed                            campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD   10456
    processing fee                         processor:fees:USD                  processor:available:USD                146
    processing fee                         processor:fees:USD                  processor:available:USD                233
    processing fees borne by the campaign  campaign:WHALE:escrow:USD           campaign:WHALE:fees_borne:USD          379
    set aside for a payout                 campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD   10456
    "
  `);
  expect(await life.balances()).toMatchInlineSnapshot(`
    "
    account                             debits − credits
    ----------------------------------  ----------------
    campaign:WHALE:dispute_reserve:USD              -165
    campaign:WHALE:fees_borne:USD                   -379
    campaign:WHALE:released:USD                   -10456
    grants_paid:USD                                10456
    processor:available:USD                          165
    processor:fees:USD                               379
    "
  `);
});
