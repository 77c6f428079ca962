import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomUUID } from 'node:crypto';
import { campaignChart } from '#campaigns';
import { ExchangeCommands } from '#disbursements';
import { ExchangeRates } from '#payments';
import { toGlobalId } from '#platform';
import { DAY_MS, DisbursementStage } from './disbursements.stage.js';
import { CARD, codes, got } from './funding.stage.js';

let stage: DisbursementStage;

beforeAll(async () => {
  stage = await DisbursementStage.open();
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

async function importRates(usd: string): Promise<void> {
  const rates = stage.funding.app.get(ExchangeRates, { strict: false });
  const day = stage.funding.now().toISOString().slice(0, 10);
  const csv = `Date,USD,JPY,GBP\n${day},${usd},160.00,0.8500\n`;
  got(await stage.funding.db.uow.run('rates', (tx) => rates.importEcb(tx, csv)));
}
async function give(campaignId: string, amountMinor: bigint, currency: string): Promise<void> {
  const who = await stage.funding.person(`Backer in ${currency}`);
  const made = got(
    await stage.funding.cash.create(who, { campaignId, amountMinor, currency, idempotencyKey: randomUUID() }),
  );
  await stage.funding.pay(made.payment?.clientSecret, CARD.good);
  await stage.funding.settle();
}
async function holds(campaignId: string, account: 'escrow' | 'disputeReserve', currency: string): Promise<bigint> {
  const code = campaignChart.of(campaignId, '', currency)[account];
  const found = (await stage.funding.db.uow.read((tx) => stage.funding.ledger.balances(tx, [code]))).get(code);
  return found === undefined ? 0n : found.creditsPosted - found.debitsPosted;
}

describe('money of another currency', () => {
  it('is exchanged into that of the payouts by the rate of a day, once, and beside its reserve', async () => {
    const exchanges = stage.funding.app.get(ExchangeCommands, { strict: false });
    const { treasurer, maintainer } = stage.people;
    await importRates('1.1000');
    const id = await stage.campaign({});
    await give(id, 5_001n, 'EUR');
    await give(id, 5_000n, 'GBP');
    await stage.funding.give(await stage.funding.person('Backer 0'), id, 5_000n);
    await stage.connect(id);
    const euros = { campaignId: id, currency: 'EUR', amountMinor: 1_000n };
    const key = randomUUID();
    expect(codes(await exchanges.exchange(treasurer, euros, key))).toEqual(['DISBURSEMENT_SAFETY_WINDOW_OPEN']);
    expect(codes(await exchanges.preview(treasurer, euros))).toEqual(['DISBURSEMENT_SAFETY_WINDOW_OPEN']);
    await stage.funding.advance(14 * DAY_MS + 60_000);
    await stage.work();
    expect(codes(await exchanges.preview(treasurer, euros))).toEqual(['RATE_STALE']);
    await importRates('1.1001');
    // 1.5 % of 50.01 euros, rounded up, stay for disputes.
    expect(await holds(id, 'disputeReserve', 'EUR')).toBe(76n);
    const free = await holds(id, 'escrow', 'EUR');
    const before = await holds(id, 'escrow', 'USD');
    const offer = got(await exchanges.preview(treasurer, { ...euros, amountMinor: free }));
    expect(offer).toMatchObject({ getMinor: (free * 11_001n) / 10_000n, rate: '1.1001', availableMinor: free });
    for (const amountMinor of [free + 1n, 0n, -1n]) {
      expect(codes(await exchanges.exchange(treasurer, { ...euros, amountMinor }, key))).toEqual([
        'DISBURSEMENT_EXCHANGE_AMOUNT',
      ]);
    }
    for (const currency of ['USD', 'JPY', 'eur', 'XXX']) {
      expect(codes(await exchanges.exchange(treasurer, { ...euros, currency }, key))).toEqual([
        'DISBURSEMENT_CURRENCY_INVALID',
      ]);
    }
    expect(codes(await exchanges.exchange(maintainer, euros, key))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await exchanges.exchange(treasurer, euros, 'short'))).toEqual(['DISBURSEMENT_EXCHANGE_CONFLICT']);
    expect(codes(await exchanges.exchange(treasurer, { ...euros, campaignId: randomUUID() }, key))).toEqual([
      'DISBURSEMENT_NOT_FOUND',
    ]);
    expect(await holds(id, 'escrow', 'USD')).toBe(before);

    const all = { ...euros, amountMinor: free };
    const both = await Promise.all([1, 2, 3].map(() => exchanges.exchange(treasurer, all, key)));
    for (const one of both) expect(got(one).getMinor).toBe(offer.getMinor);
    expect(codes(await exchanges.exchange(treasurer, euros, key))).toEqual(['DISBURSEMENT_EXCHANGE_CONFLICT']);
    expect(await holds(id, 'escrow', 'EUR')).toBe(0n);
    expect(await holds(id, 'disputeReserve', 'EUR')).toBe(76n);
    expect(await holds(id, 'escrow', 'USD')).toBe(before + offer.getMinor);
    expect((await stage.events(id)).filter((type) => type === 'exchanged')).toHaveLength(1);
    expect(await stage.violations()).toEqual([]);

    // A rate across two currencies is a quotient; its text is cut, the amount floored once.
    const query = /* GraphQL */ `
      query ($input: DisbursementExchangePreviewInput!) {
        disbursementExchangePreview(input: $input) {
          exchange {
            rate
            rateExact
            gets {
              amountMinor
            }
          }
          userErrors {
            code
            path
          }
        }
      }
    `;
    const input = { campaignId: toGlobalId('Campaign', id), currency: 'GBP', amountMinor: '1000' };
    const seen = await stage.funding.gql(query, { input }, treasurer);
    expect(seen.data.disbursementExchangePreview).toEqual({
      exchange: { rate: '1.294235294117', rateExact: '1.1001/0.8500', gets: { amountMinor: '1294' } },
      userErrors: [],
    });
    const mutation = query.replace('query', 'mutation').replaceAll('ExchangePreview', 'Exchange');
    const made = await stage.funding.gql(mutation, { input: { ...input, idempotencyKey: randomUUID() } }, treasurer);
    expect(made.data.disbursementExchange.exchange.gets.amountMinor).toBe('1294');
    const nobody = await stage.funding.gql(query, { input });
    expect(nobody.errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');

    // What was exchanged is paid out, once the processor holds the dollars too: here from another campaign.
    const other = await stage.campaign({});
    await stage.funding.give(await stage.funding.person('Backer 1'), other, 20_000n);
    await stage.approved(id, 1);
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('succeeded');
  });
});
