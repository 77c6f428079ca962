import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { moneyFacts } from '../../libs/reports/src/domain/money-facts.js';
import { csvText } from '../../libs/reports/src/render/csv.js';
import { CARD, type Loose } from '../integration/funding.stage.js';
import { Life } from './life.stage.js';

/*
 * $200,000,000 as the public record tells it: a bank transfer of $150,000,000 in two pieces, another of $47,000,000,
 * $3,000,000 by card. What the report says of money, fees too, is what the campaign's page and its books say.
 */

let life: Life;
beforeAll(async () => {
  life = await Life.begin();
});
afterAll(() => life.end());

interface PublicEvent {
  readonly type: string;
  readonly payload: Record<string, unknown>;
  readonly at: string;
}

it('the report of $200,000,000 and its CSV agree with page and books to the cent', async () => {
  const { stage } = life;
  const id = await life.campaign('WHALE', { fundingModel: 'KEEP_IT_ALL', cashGoalMinor: '20000000000' });
  const [fund, trust, ada] = [await stage.person('A Fund'), await stage.person('A Trust'), await stage.person('Ada')];
  await life.pledge(fund, id, '15000000000', { rail: 'BANK_TRANSFER' });
  await life.wire(fund, '9999999999');
  await life.wire(fund, '5000000001');
  await life.pledge(trust, id, '4700000000', { rail: 'BANK_TRANSFER' });
  await life.wire(trust, '4700000000');
  const carded = await life.pledge(ada, id, '300000000');
  await stage.saveCard(carded.payment.clientSecret, CARD.good);
  await life.work();
  await life.work();

  const query = `query Q($id: ID!) { campaign(id: $id) { progress { cashCaptured { amountMinor } cashFees { amountMinor } }
    pledges { nodes { state instalments collected { amountMinor } } } } }`;
  const { campaign } = (await stage.gql(query, { id })).data;
  expect(campaign.progress.cashCaptured.amountMinor).toBe('20000000000');
  expect(campaign.pledges.nodes.map((p: Loose) => [p.state, p.instalments, p.collected.amountMinor])).toEqual([
    ['COLLECTED', 4, '300000000'],
    ['COLLECTED', 1, '4700000000'],
    ['COLLECTED', 1, '15000000000'],
  ]);

  const events = await stage.rows<PublicEvent>(
    `SELECT type, payload, to_char(occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at
       FROM event_outbox WHERE is_public ORDER BY position`,
  );
  const facts = moneyFacts(events.map((event, index) => ({ ...event, index }) as never));
  const fees = campaign.progress.cashFees.amountMinor as string;
  expect(facts).toMatchObject({
    pledgedMinor: '20000000000',
    capturedMinor: '20000000000',
    feesMinor: fees,
    balanceMinor: String(20_000_000_000n - BigInt(fees)),
  });
  const movements = facts.movements.map((m) => [m.kind, m.amountMinor, m.feeMinor]);
  const rows = parse(csvText(['kind', 'amount', 'fee'], movements), { from: 2 }) as string[][];
  const sum = (column: number) => rows.reduce((total, row) => total + BigInt(row[column] ?? ''), 0n);
  expect([sum(1), sum(2)]).toEqual([20_000_000_000n, BigInt(fees)]);

  const [booked] = await stage.rows<{ fees: string }>(
    "SELECT (debits_posted - credits_posted)::text AS fees FROM ledger_account WHERE code = 'processor:fees:USD'",
  );
  expect(booked?.fees).toBe(fees);
  expect(await life.faults()).toEqual([]);
});
