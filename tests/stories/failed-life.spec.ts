import { afterAll, beforeAll, expect, it } from 'vitest';
import { CARD } from '../integration/funding.stage.js';
import { CARD_THAT_FAILS, Life } from './life.stage.js';

/*
 * The life of a campaign that fails. All or nothing, $100.00. Ada and Bob save their cards, Cleo sends a bank transfer.
 * At the deadline Bob's card is refused, again and again, until his pledge is dropped; with what is left the goal is
 * missed. Nobody is paid out, and everybody has his money back, the transfer too.
 */

let life: Life;
beforeAll(async () => {
  life = await Life.begin();
});
afterAll(() => life.end());

it('a failed campaign gives everything back', async () => {
  const [ada, bob, cleo] = [
    await life.stage.person('Ada'),
    await life.stage.person('Bob'),
    await life.stage.person('Cleo'),
  ];
  const id = await life.campaign('WHALE', { fundingModel: 'ALL_OR_NOTHING', cashGoalMinor: '10000' });
  await life.card(ada, id, '4000', CARD.good);
  await life.card(bob, id, '5000', CARD_THAT_FAILS);
  const cleos = await life.pledge(cleo, id, '2000', { rail: 'BANK_TRANSFER' });
  expect(cleos.transfer).toEqual({ currency: 'USD' });
  await life.wire(cleo, '2000');
  expect((await life.campaignNow(id)).progress.cashCaptured).toEqual({ decimal: '20.00' });

  await life.days(30);
  expect(await life.state(id)).toBe('SETTLING');
  expect((await life.campaignNow(id)).progress.cashCaptured).toEqual({ decimal: '60.00' });
  await life.days(2);
  await life.days(2);
  await life.days(3);
  expect(await life.campaignNow(id)).toMatchObject({
    state: 'REFUNDED',
    progress: { cashCaptured: { decimal: '60.00' }, cashRefunded: { decimal: '60.00' }, cashBackers: 0 },
  });
  expect(await life.tranches(id)).toEqual([]);
  const refused = await life.ask(
    'pledgeCashCreate',
    { campaignId: id, amountMinor: '500', currency: 'USD', idempotencyKey: 'too-late' },
    'pledge { id }',
    ada,
  );
  expect(refused.userErrors[0].code).toBe('PLEDGE_CAMPAIGN_CLOSED');
  expect(await life.faults()).toEqual([]);
  life.cast.set(ada.pseudonym, 'ADA').set(bob.pseudonym, 'BOB').set(cleo.pseudonym, 'CLEO');
  expect(await life.journal()).toMatchInlineSnapshot(`
    "
    reason                                  debit                               credit                              amount
    --------------------------------------  ----------------------------------  ----------------------------------  ------
    bank transfer applied at the processor  processor:available:USD             donor_cash_balance:USD                2000
    bank transfer applied                   donor:CLEO:unapplied_cash:USD       campaign:WHALE:escrow:USD             2000
    bank transfer received                  donor_cash_balance:USD              donor:CLEO:unapplied_cash:USD         2000
    bank transfer received                  donor_cash_balance:USD              donor:CLEO:unapplied_cash:USD         2000
    card payment captured                   processor:available:USD             campaign:WHALE:escrow:USD             4000
    cash pledge charging                    memo:pledged:USD                    campaign:WHALE:pledged:USD            5000
    cash pledge charging                    memo:pledged:USD                    campaign:WHALE:pledged:USD            5000
    cash pledge charging                    memo:pledged:USD                    campaign:WHALE:pledged:USD            5000
    cash pledge collected                   campaign:WHALE:pledged:USD          memo:pledged:USD                      4000
    cash pledge errored                     campaign:WHALE:pledged:USD          memo:pledged:USD                      5000
    cash pledge errored                     campaign:WHALE:pledged:USD          memo:pledged:USD                      5000
    cash pledge errored                     campaign:WHALE:pledged:USD          memo:pledged:USD                      5000
    cash pledge errored                     campaign:WHALE:pledged:USD          memo:pledged:USD                      5000
    cash pledge funded                      campaign:WHALE:pledged:USD          memo:pledged:USD                      2000
    cash pledge pledged                     memo:pledged:USD                    campaign:WHALE:pledged:USD            4000
    cash pledge pledged                     memo:pledged:USD                    campaign:WHALE:pledged:USD            5000
    cash pledge promised                    memo:pledged:USD                    campaign:WHALE:pledged:USD            2000
    processing fee                          processor:fees:USD                  processor:available:USD                 10
    processing fee                          processor:fees:USD                  processor:available:USD                146
    refund paid                             campaign:WHALE:refunds_payable:USD  processor:available:USD               2000
    refund paid                             campaign:WHALE:refunds_payable:USD  processor:available:USD               4000
    refund requested                        campaign:WHALE:escrow:USD           campaign:WHALE:refunds_payable:USD    2000
    refund requested                        campaign:WHALE:escrow:USD           campaign:WHALE:refunds_payable:USD    4000
    return of a bank transfer paid          cash_returns_payable:USD            donor_cash_balance:USD                2000
    return of a bank transfer requested     donor:CLEO:unapplied_cash:USD       cash_returns_payable:USD              2000
    "
  `);
  expect(await life.balances()).toMatchInlineSnapshot(`
    "
    account                  debits − credits
    -----------------------  ----------------
    processor:available:USD              -156
    processor:fees:USD                    156
    "
  `);
});
