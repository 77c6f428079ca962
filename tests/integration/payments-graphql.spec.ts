import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  refundCaseResolve,
  refundCasesQuery,
  refundCaseTake,
} from '../../apps/dashboard/src/api/refund-case.documents.js';
import { FundingStage, type Person } from './funding.stage.js';

let stage: FundingStage;
let operator: Person;
let ada: Person;
beforeAll(async () => {
  stage = await FundingStage.open();
  operator = await stage.person('Olga Operator', 'operator');
  ada = await stage.person('Ada');
});
afterAll(() => stage.close());

const QUOTE = `query Q($amountMinor: BigInt!, $currency: String!) { railQuote(amountMinor: $amountMinor, currency: $currency) {
  rail available reason charges fee { amountMinor currency } minimumMinor ceilingMinor settleBusinessDays disputeWindowDays canBeSaved } }`;
const IMPORT = `mutation I($input: ExchangeRatesImportInput!) { exchangeRatesImport(input: $input) {
  read added userErrors { code path } } }`;
const RATE =
  'query R($base: String!, $quote: String!) { exchangeRate(base: $base, quote: $quote) { rate asOf source } }';

describe('through GraphQL', () => {
  it('anybody sees what each rail would make of $150,000,000 before paying', async () => {
    const { data } = await stage.gql(QUOTE, { amountMinor: '15000000000', currency: 'USD' });
    const by = new Map((data.railQuote as { rail: string }[]).map((quote) => [quote.rail, quote]));
    expect(by.get('CARD')).toMatchObject({ available: true, charges: 151, ceilingMinor: '99999999' });
    expect(by.get('BANK_TRANSFER')).toMatchObject({ fee: { amountMinor: '75001', currency: 'USD' } });
    expect(by.get('SEPA_DEBIT')).toMatchObject({ available: false, reason: 'CURRENCY_UNSUPPORTED', charges: 0 });
    const wrong = await stage.gql(QUOTE, { amountMinor: '1', currency: 'dollars' });
    expect(wrong.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
  });

  it('an operator imports rates, and nobody else', async () => {
    const today = stage.now().toISOString().slice(0, 10);
    const input = { csv: `Date,USD\n${today},1.0843\n` };
    expect((await stage.gql(IMPORT, { input }, ada)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    expect((await stage.gql(IMPORT, { input }, operator)).data.exchangeRatesImport).toEqual({
      read: 1,
      added: 1,
      userErrors: [],
    });
    const refused = await stage.gql(IMPORT, { input: { csv: 'x' } }, operator);
    expect(refused.data.exchangeRatesImport.userErrors).toEqual([
      { code: 'RATES_FILE_INVALID', path: ['input', 'csv'] },
    ]);
    expect((await stage.gql(RATE, { base: 'EUR', quote: 'USD' })).data.exchangeRate).toEqual({
      rate: '1.0843',
      asOf: today,
      source: 'ECB eurofxref',
    });
    expect((await stage.gql(RATE, { base: 'EUR', quote: 'CHF' })).data.exchangeRate).toBeNull();
  });

  it('failed refunds are listed and decided with the questions of the dashboard', async () => {
    const list = await stage.gql(refundCasesQuery, { first: 20, unresolvedOnly: true }, operator);
    expect(list.errors).toBeUndefined();
    expect(list.data.refundCases.edges).toEqual([]);
    expect((await stage.gql(refundCasesQuery, { first: 20 })).errors?.[0]?.extensions?.['code']).toBe(
      'UNAUTHENTICATED',
    );
    const take = await stage.gql(refundCaseTake, { input: { refundCaseId: 'x' } }, operator);
    expect(take.data.refundCaseTake.userErrors[0].code).toBe('ID_INVALID');
    const end = { refundCaseId: 'x', resolution: 'RETRIED', note: 'again' };
    const resolve = await stage.gql(refundCaseResolve, { input: end }, operator);
    expect(resolve.data.refundCaseResolve.userErrors[0].code).toBe('ID_INVALID');
    const plan = await stage.gql('{ refundTopUpPlan { due { amountMinor } } }', {}, operator);
    expect(plan.data.refundTopUpPlan).toEqual([]);
  });
});
