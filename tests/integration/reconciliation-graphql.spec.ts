import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { toGlobalId } from '#platform';
import { ReconciliationModule } from '#reconciliation';
import {
  bankLineMatch,
  bankLinesQuery,
  bankLineUnmatch,
  bankStatementImport,
  reconciliationCaseAssign,
  reconciliationCaseExplain,
  reconciliationCaseQuery,
  reconciliationCorrectionApprove,
  reconciliationCorrectionPropose,
  reconciliationCorrectionReject,
  reconciliationCorrectionWithdraw,
  reconciliationQuery,
  reconciliationStatusQuery,
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
      [bankLineMatch, { lineId: 'x', payoutId: 'x', note: 'x' }],
      [bankLineUnmatch, { lineId: 'x', reason: 'x' }],
      [reconciliationCorrectionPropose, { caseId: 'x', debit: 'a', credit: 'b', amountMinor: '1', reason: 'x' }],
      [reconciliationCorrectionApprove, { correctionId: 'x' }],
      [reconciliationCorrectionReject, { correctionId: 'x', note: 'x' }],
      [reconciliationCorrectionWithdraw, { correctionId: 'x', note: 'x' }],
    ] as const) {
      expect((await stage.gql(document, { input }, ada)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    }
  });

  it('tells everybody whether all sides agree, and nothing else', async () => {
    const { data, errors } = await stage.gql(reconciliationStatusQuery);
    expect(errors).toBeUndefined();
    expect(data.reconciliationStatus).toMatchObject({
      comparedAt: null,
      explainedCases: 0,
      openDifferences: [{ unit: 'USD', cases: 3, difference: String(3n * (9_007_199_254_740_993n - 100n)) }],
    });
    for (const [document, variables] of [
      [reconciliationCaseQuery, { id: 'x' }],
      [bankLinesQuery, { first: 1 }],
    ] as const) {
      expect((await stage.gql(document, variables, ada)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
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
    // It is no agreement: the difference is there still.
    expect((await stage.gql(reconciliationStatusQuery)).data.reconciliationStatus.explainedCases).toBe(1);
  });

  it('gives a case to another operator, and to nobody else', async () => {
    const caseId = await idOf('payment:2');
    const give = async (to: string) =>
      (await stage.gql(reconciliationCaseAssign, { input: { caseId, to } }, olga)).data.reconciliationCaseAssign;
    expect((await give(ada.pseudonym)).userErrors[0]).toMatchObject({
      code: 'RECONCILIATION_ASSIGNEE_UNKNOWN',
      path: ['input', 'to'],
    });
    expect((await give('nobody')).userErrors[0].code).toBe('RECONCILIATION_ASSIGNEE_UNKNOWN');
    expect((await give(omar.pseudonym)).reconciliationCase.owner).toBe(omar.pseudonym);
    const { data } = await stage.gql(reconciliationCaseQuery, { id: caseId }, olga);
    expect(
      data.reconciliationCase.steps.map((step: { state: string; owner: string | null }) => [step.state, step.owner]),
    ).toEqual([
      ['OPEN', null],
      ['ASSIGNED', omar.pseudonym],
    ]);
    expect(data.reconciliationSummary.operators.map((each: { pseudonym: string }) => each.pseudonym)).toEqual(
      expect.arrayContaining([olga.pseudonym, omar.pseudonym]),
    );
    expect((await stage.gql(reconciliationCaseQuery, { id: 'x' }, olga)).data.reconciliationCase).toBeNull();
  });

  it('corrects by two persons', async () => {
    const caseId = await idOf('payment:2');
    const { data } = await stage.gql(reconciliationCaseQuery, { id: caseId }, omar);
    const { account, isDebit, amountMinor, counterAccounts } = data.reconciliationCase.neededCorrection;
    // The books have a fee that is too high, so more than they say is at the processor.
    expect([account, isDebit, amountMinor]).toEqual(['processor:available:USD', true, '9007199254740893']);
    const input = {
      caseId,
      debit: account,
      credit: counterAccounts[0],
      amountMinor,
      reason: 'The fee of another month.',
    };
    const send = async (document: string, more: object, as: Person) =>
      Object.values((await stage.gql(document, { input: more }, as)).data)[0] as {
        correction: { id: string; state: string } | null;
        userErrors: { code: string }[];
      };
    const proposed = await send(reconciliationCorrectionPropose, input, omar);
    expect(proposed).toMatchObject({ correction: { state: 'PROPOSED' }, userErrors: [] });
    const correctionId = proposed.correction?.id;
    expect((await send(reconciliationCorrectionApprove, { correctionId }, omar)).userErrors[0]?.code).toBe(
      'RECONCILIATION_CORRECTION_OWN',
    );
    expect((await send(reconciliationCorrectionWithdraw, { correctionId, note: 'x' }, olga)).userErrors[0]?.code).toBe(
      'RECONCILIATION_CORRECTION_NOT_OWN',
    );
    expect(await send(reconciliationCorrectionReject, { correctionId, note: 'Which month?' }, olga)).toMatchObject({
      correction: { state: 'REJECTED' },
    });
    const again = await send(reconciliationCorrectionPropose, input, omar);
    const posted = await send(reconciliationCorrectionApprove, { correctionId: again.correction?.id }, olga);
    expect(posted).toMatchObject({ correction: { state: 'POSTED' }, userErrors: [] });
    const after = (await stage.gql(reconciliationCaseQuery, { id: caseId }, omar)).data.reconciliationCase;
    expect(after).toMatchObject({ reconciliationCase: { state: 'CORRECTED' }, neededCorrection: null });
    expect(after.corrections.map((each: { state: string }) => each.state)).toEqual(['REJECTED', 'POSTED']);
    expect((await send(reconciliationCorrectionApprove, { correctionId: 'x' }, olga)).userErrors[0]?.code).toBe(
      'ID_INVALID',
    );
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

  it('refuses a formula in a name or reference, and takes it as text when somebody has looked', async () => {
    const mapping = { ...MAPPING, columns: { ...MAPPING.columns, counterparty: 'Name', reference: 'Ref', texts: [] } };
    const file = (name: string, reference: string) =>
      `Buchung;Betrag;Name;Ref\n25.11.2026;3,00;"${name}";"${reference}"\n`;
    for (const formula of ['=1+1', '+1', '-1', '@A1']) {
      for (const text of [file(formula, 'r'), file('n', formula)]) {
        const refused = await bring({ text, format: 'CSV', mapping });
        expect(refused.userErrors[0]).toMatchObject({
          code: 'BANK_FILE_FORMULA',
          detail: expect.stringContaining(JSON.stringify(formula)),
          path: ['input', 'text'],
        });
      }
    }
    expect(await stage.rows('SELECT 1 FROM bank_line WHERE amount_minor = 300')).toEqual([]);
    const text = file('=1+1', 'r');
    expect(await bring({ text, format: 'CSV', mapping, formulasAsText: true })).toMatchObject({ lines: 1 });
    expect(await stage.rows('SELECT counterparty FROM bank_line WHERE amount_minor = 300')).toEqual([
      { counterparty: '=1+1' },
    ]);
  });

  it('pages bank lines, and matches one with a transfer that is in the books, once', async () => {
    const lines = (await stage.gql(bankLinesQuery, { first: 1, matched: false }, olga)).data.bankLines;
    expect([lines.edges.length, lines.pageInfo.hasNextPage]).toEqual([1, true]);
    const { id: lineId } = lines.edges[0].node;
    await stage.db.uow.run('book', async (tx) => {
      const [debit, credit] = ['bank:operating:EUR', 'other_income:EUR'];
      const accounts = [debit, credit].map((code) => ({ code, unit: 'EUR', limit: 'none' as const }));
      await stage.ledger.openAccounts(tx, accounts);
      return stage.ledger.post(tx, [{ key: 'gift', kind: 'posted', debit, credit, amount: 300n, reason: 'gift' }]);
    });
    const [transfer] = await stage.rows<{ id: string }>("SELECT id FROM ledger_transfer WHERE key = 'gift'");
    const transferId = toGlobalId('LedgerTransfer', transfer?.id ?? '');
    const match = async (more: object = {}) =>
      (await stage.gql(bankLineMatch, { input: { lineId, transferId, note: 'The gift by post.', ...more } }, olga)).data
        .bankLineMatch;
    expect((await match({ lineId: 'x' })).userErrors[0].code).toBe('ID_INVALID');
    expect((await match({ transferId: 'x' })).userErrors[0].code).toBe('ID_INVALID');
    expect(await match()).toMatchObject({ bankLine: { match: { ledgerKey: 'gift', payoutId: null } }, userErrors: [] });
    expect((await match()).userErrors[0].code).toBe('BANK_LINE_MATCHED');
    const undo = (await stage.gql(bankLineUnmatch, { input: { lineId, reason: 'It was another.' } }, omar)).data;
    expect(undo.bankLineUnmatch).toMatchObject({ bankLine: { match: null }, userErrors: [] });
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
