import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { ReconciliationModule } from '#reconciliation';
import {
  bankStatementImport,
  reconciliationCaseAssign,
  reconciliationCaseExplain,
  reconciliationQuery,
} from '../../apps/dashboard/src/api/reconciliation.documents.js';
import { FundingStage, type Person } from './funding.stage.js';

let stage: FundingStage;
let olga: Person;
let omar: Person;
let ada: Person;
beforeAll(async () => {
  stage = await FundingStage.open({}, { modules: [ReconciliationModule] });
  olga = await stage.person('Olga Operator', 'operator');
  omar = await stage.person('Omar Operator', 'operator');
  ada = await stage.person('Ada');
  for (const [kind, subject] of [
    ['fee_differs', 'payment:1'],
    ['fee_differs', 'payment:2'],
    ['duplicate', 'bank_line:3'],
  ]) {
    await stage.rows(
      `INSERT INTO reconciliation_case (id, kind, subject, unit, expected, found, opened_at, changed_at)
       VALUES ($1, $2, $3, 'USD', 100, 9007199254740993, $4, $4)`,
      [newId(), kind, subject, stage.now()],
    );
  }
}, 60_000);
afterAll(() => stage.close());

const ask = (more: object = {}, as?: Person) => stage.gql(reconciliationQuery, { first: 20, ...more }, as);
const idOf = async (subject: string): Promise<string> => {
  const { data } = await ask({ states: ['OPEN', 'ASSIGNED', 'EXPLAINED'] }, olga);
  const nodes = data.reconciliationCases.edges as { node: { id: string; subject: string } }[];
  return nodes.find(({ node }) => node.subject === subject)?.node.id ?? '';
};
const assign = async (caseId: string, as: Person) =>
  (await stage.gql(reconciliationCaseAssign, { input: { caseId } }, as)).data.reconciliationCaseAssign;
const explain = async (caseId: string, note: string, as: Person) =>
  (await stage.gql(reconciliationCaseExplain, { input: { caseId, note } }, as)).data.reconciliationCaseExplain;
const bring = async (input: object) => (await stage.gql(bankStatementImport, { input }, olga)).data.bankStatementImport;

const MAPPING = {
  account: 'DE89',
  currency: 'EUR',
  delimiter: 'SEMICOLON',
  dayForm: 'DAY_MONTH_YEAR_POINTS',
  decimalSign: 'COMMA',
  columns: { bookedOn: 'Buchung', amount: 'Betrag', texts: ['Zweck'] },
};
const CSV = 'Buchung;Betrag;Zweck\n23.11.2026;1.234,50;gift\n24.11.2026;-2,00;fee\n';

describe('reconciliation through GraphQL', () => {
  it('is for operators', async () => {
    const codeOf = async (as?: Person) => (await ask({}, as)).errors?.[0]?.extensions?.['code'];
    expect([await codeOf(), await codeOf(ada)]).toEqual(['UNAUTHENTICATED', 'FORBIDDEN']);
    for (const [document, input] of [
      [reconciliationCaseAssign, { caseId: 'x' }],
      [reconciliationCaseExplain, { caseId: 'x', note: 'x' }],
      [bankStatementImport, { text: '', format: 'CAMT053' }],
    ] as const) {
      expect((await stage.gql(document, { input }, ada)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    }
  });

  it('shows what is open by kind, and how old the oldest is', async () => {
    const { data, errors } = await ask({}, olga);
    expect(errors).toBeUndefined();
    expect(data.reconciliationSummary.openCases).toEqual([
      { kind: 'DUPLICATE', open: 1 },
      { kind: 'FEE_DIFFERS', open: 2 },
    ]);
    expect(Date.parse(data.reconciliationSummary.oldestOpenedAt)).toBeLessThanOrEqual(stage.now().getTime());
  });

  it('pages cases, exact to the unit', async () => {
    const one = (await ask({ first: 2 }, olga)).data.reconciliationCases;
    expect(one.edges[0].node).toMatchObject({ expected: '100', found: '9007199254740993', unit: 'USD', state: 'OPEN' });
    const two = (await ask({ first: 2, after: one.pageInfo.endCursor }, olga)).data.reconciliationCases;
    expect([one.edges.length, two.edges.length, two.pageInfo.hasNextPage]).toEqual([2, 1, false]);
    expect((await ask({ after: 'YQ' }, olga)).errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
    expect((await ask({ states: ['CORRECTED'] }, olga)).data.reconciliationCases.edges).toEqual([]);
  });

  it('lets one operator at a time decide', async () => {
    const id = await idOf('payment:1');
    expect((await explain(id, 'why', olga)).userErrors[0].code).toBe('RECONCILIATION_CASE_NOT_YOURS');
    expect((await assign(id, olga)).reconciliationCase).toMatchObject({ state: 'ASSIGNED', owner: olga.pseudonym });
    expect((await assign(id, omar)).reconciliationCase.owner).toBe(omar.pseudonym);
    expect((await explain(id, 'why', olga)).userErrors[0].code).toBe('RECONCILIATION_CASE_NOT_YOURS');
    expect((await explain(id, ' ', omar)).userErrors[0]).toMatchObject({
      code: 'RECONCILIATION_NOTE_INVALID',
      path: ['input', 'note'],
    });
    expect((await explain(id, 'The bank says so.', omar)).reconciliationCase.state).toBe('EXPLAINED');
    expect((await assign(id, olga)).userErrors[0].code).toBe('RECONCILIATION_CASE_CLOSED');
    expect((await assign('x', olga)).userErrors[0].code).toBe('ID_INVALID');
    const { data } = await ask({ states: ['EXPLAINED'] }, olga);
    expect(data.reconciliationCases.edges[0].node.note).toBe('The bank says so.');
  });

  it('takes a bank file once', async () => {
    const file = { text: CSV, format: 'CSV', mapping: MAPPING };
    expect(await bring(file)).toEqual({ statements: 1, lines: 2, known: 0, userErrors: [] });
    expect(await bring(file)).toEqual({ statements: 0, lines: 0, known: 2, userErrors: [] });
    const { data } = await ask({}, olga);
    expect(data.reconciliationSummary.figures).toContainEqual(
      expect.objectContaining({ saidByBank: { amountMinor: '123250', currency: 'EUR' } }),
    );
  });

  it.each([
    ['a CSV without a mapping', { mapping: null }, 'BANK_MAPPING_INVALID', 'mapping'],
    ['no currency', { mapping: { ...MAPPING, currency: 'euro' } }, 'BANK_MAPPING_INVALID', 'currency'],
    ['no account', { mapping: { ...MAPPING, account: ' ' } }, 'BANK_MAPPING_INVALID', 'account'],
    [
      'no amount',
      { mapping: { ...MAPPING, columns: { bookedOn: 'Buchung', texts: [] } } },
      'BANK_MAPPING_INVALID',
      'amount',
    ],
    ['an amount beyond 64 bits', { text: CSV.replace('1.234', '9999999999999999999') }, 'BANK_FILE_INVALID', 'text'],
    ['a character of value zero', { text: CSV.replace('gift', 'gi\0ft') }, 'BANK_FILE_INVALID', 'text'],
    [
      'a reference without end',
      {
        text: CSV.replace('gift', 'g'.repeat(9_000)),
        mapping: { ...MAPPING, columns: { ...MAPPING.columns, reference: 'Zweck' } },
      },
      'BANK_FILE_INVALID',
      'text',
    ],
    ['no XML', { format: 'CAMT053' }, 'BANK_FILE_INVALID', 'text'],
  ])('refuses %s', async (_, wrong, code, field) => {
    const before = await stage.rows('SELECT id FROM bank_line');
    const refused = await bring({ text: CSV, format: 'CSV', mapping: MAPPING, ...wrong });
    expect(refused).toMatchObject({ statements: null, lines: null, known: null });
    expect([refused.userErrors[0].code, refused.userErrors[0].path.at(-1)]).toEqual([code, field]);
    expect(await stage.rows('SELECT id FROM bank_line')).toHaveLength(before.length);
  });
});
