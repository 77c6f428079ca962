import { afterAll, beforeAll, expect, it } from 'vitest';
import { CARD } from '../integration/funding.stage.js';
import { BANK, Life } from './life.stage.js';

/*
 * The life of a campaign in tranches. $100.00, half after a report that two others approve, half after a vote of the
 * backers. The first payout comes back, because the bank account was closed, and is sent again. Late, after the money has
 * left, a backer disputes his payment and wins: the loss is taken from what was held back, and what that does not cover
 * the campaign owes.
 */

let life: Life;
beforeAll(async () => {
  life = await Life.begin();
});
afterAll(() => life.end());

const REPORT = 'The first thousand steps are done, and the loss falls as the plan says.';
const TRANCHES = [
  {
    title: 'Half at the start',
    shareBp: 5000,
    budgetKind: 'COMPUTE',
    evidence: { kind: 'MILESTONE_REPORT', description: 'What was trained.' },
  },
  {
    title: 'Half by vote',
    shareBp: 5000,
    budgetKind: 'PEOPLE',
    evidence: { kind: 'VOTE', quorumBp: 5000, majorityBp: 5000, votingSeconds: 3 * 86_400 },
  },
];

it('a campaign in tranches pays by evidence, and answers for a late dispute', async () => {
  const { stage } = life;
  const [ada, bob, rita, rob, mia] = await Promise.all(
    ['Ada', 'Bob', 'Rita', 'Rob', 'Mia'].map((name) => stage.person(name)),
  );
  if (!ada || !bob || !rita || !rob || !mia) throw new Error('somebody is missing');
  const id = await life.campaign('WHALE', {
    fundingModel: 'TRANCHES',
    cashGoalMinor: '10000',
    tranches: TRANCHES,
    approvalsRequired: 2,
  });
  for (const reviewer of [rita, rob]) await life.member(id, reviewer, ['reviewer']);
  await life.member(id, mia, ['maintainer']);
  await life.card(ada, id, '6000', CARD.good);
  await life.card(bob, id, '4000', CARD.good);
  expect(await life.state(id)).toBe('SUCCEEDED');
  await life.payoutAccount(id, BANK.closed);

  const approve = async (trancheId: string, reason: string) => {
    for (const reviewer of [rita, rob])
      await life.act('disbursementApprove', { trancheId, reason }, 'disbursement { state }', reviewer);
    await life.work();
  };
  const [first, second] = await life.tranches(id);
  await life.act('disbursementEvidenceSubmit', { trancheId: first?.id, report: REPORT }, 'disbursement { state }', mia);
  await approve(first?.id ?? '', 'The logs bear it out.');
  await life.days(14);
  expect((await life.tranches(id))[0]).toMatchObject({ state: 'FAILED' });
  await life.payoutAccount(id, BANK.good);
  await life.act('disbursementRetry', { trancheId: first?.id }, 'disbursement { state }', life.owner);
  await life.work();
  expect((await life.tranches(id))[0]).toMatchObject({ state: 'SUCCEEDED' });

  await life.act(
    'disbursementEvidenceSubmit',
    { trancheId: second?.id, report: REPORT },
    'disbursement { state }',
    mia,
  );
  const vote = { trancheId: second?.id, inFavour: true };
  await life.act('disbursementVote', vote, 'disbursement { state }', ada);
  const again = await life.ask('disbursementVote', vote, 'disbursement { state }', ada);
  expect(again.userErrors[0].code).toBe('DISBURSEMENT_VOTED_ALREADY');
  await life.act('disbursementVote', vote, 'disbursement { state }', bob);
  await life.days(3);
  await approve(second?.id ?? '', 'The backers want it.');
  expect((await life.tranches(id)).slice(0, 2).map((tranche) => tranche.state)).toEqual(['SUCCEEDED', 'SUCCEEDED']);

  const [payment] = await stage.rows<{ charge: string }>(
    'SELECT stripe_charge_id AS charge FROM payment WHERE amount_minor = 4000',
  );
  await fetch(`${stage.sandbox.url}/_sandbox/disputes`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_funding', 'content-type': 'application/json' },
    body: JSON.stringify({ charge: payment?.charge }),
  });
  await life.work();
  const [dispute] = await stage.rows<{ id: string }>('SELECT stripe_dispute_id AS id FROM dispute');
  await stage.closeDispute(dispute?.id ?? '', 'lost');
  await life.work();
  expect(await life.state(id)).toBe('SUCCEEDED');
  expect(await life.faults()).toEqual([]);
  expect(await life.journal()).toMatchInlineSnapshot(`
    "
    reason                                 debit                               credit                              amount
    -------------------------------------  ----------------------------------  ----------------------------------  ------
    card payment captured                  processor:available:USD             campaign:WHALE:escrow:USD             4000
    card payment captured                  processor:available:USD             campaign:WHALE:escrow:USD             6000
    cash pledge collected                  campaign:WHALE:pledged:USD          memo:pledged:USD                      4000
    cash pledge collected                  campaign:WHALE:pledged:USD          memo:pledged:USD                      6000
    cash pledge promised                   memo:pledged:USD                    campaign:WHALE:pledged:USD            4000
    cash pledge promised                   memo:pledged:USD                    campaign:WHALE:pledged:USD            6000
    dispute fee                            processor:dispute_fees:USD          processor:available:USD               1500
    dispute lost                           campaign:WHALE:dispute_reserve:USD  disputes_receivable:USD                150
    dispute lost, more than was held       campaign:WHALE:debt:USD             disputes_receivable:USD               3850
    dispute opened                         disputes_receivable:USD             processor:available:USD               4000
    held back for disputes                 campaign:WHALE:escrow:USD           campaign:WHALE:dispute_reserve:USD     150
    payout arrived                         campaign:WHALE:payouts_payable:USD  campaign:WHALE:released:USD           4750
    payout arrived                         campaign:WHALE:payouts_payable:USD  campaign:WHALE:released:USD           4750
    payout arrived                         grants_paid:USD                     bank:in_transit:USD                   4750
    payout arrived                         grants_paid:USD                     bank:in_transit:USD                   4750
    payout failed                          campaign:WHALE:payouts_payable:USD  campaign:WHALE:escrow:USD             4750
    payout failed                          processor:available:USD             bank:in_transit:USD                   4750
    payout on its way                      bank:in_transit:USD                 processor:available:USD               4750
    payout on its way                      bank:in_transit:USD                 processor:available:USD               4750
    payout on its way                      bank:in_transit:USD                 processor:available:USD               4750
    payout owed                            campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD    4750
    payout owed                            campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD    4750
    payout owed                            campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD    4750
    processing fee                         processor:fees:USD                  processor:available:USD                146
    processing fee                         processor:fees:USD                  processor:available:USD                204
    processing fees borne by the campaign  campaign:WHALE:escrow:USD           campaign:WHALE:fees_borne:USD          350
    set aside for a payout                 campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD    4750
    set aside for a payout                 campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD    4750
    set aside for a payout                 campaign:WHALE:escrow:USD           campaign:WHALE:payouts_payable:USD    4750
    "
  `);
  expect(await life.balances()).toMatchInlineSnapshot(`
    "
    account                        debits − credits
    -----------------------------  ----------------
    campaign:WHALE:debt:USD                    3850
    campaign:WHALE:fees_borne:USD              -350
    campaign:WHALE:released:USD               -9500
    grants_paid:USD                            9500
    processor:available:USD                   -5350
    processor:dispute_fees:USD                 1500
    processor:fees:USD                          350
    "
  `);
});
