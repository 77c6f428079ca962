import { isRefused, type Outcome, refuse } from '#kernel';
import { isFormula } from '#ledger';
import { type CsvMapping, readBankCsv } from './bank-csv.reader.js';
import { type BankStatement, refuseFile } from './bank-statement.rule.js';
import { readCamt053 } from './camt053.reader.js';

export interface StatementFile {
  readonly text: string;
  readonly format: 'camt053' | 'csv';
  /** For CSV alone. */
  readonly mapping: CsvMapping | undefined;
  /** Somebody has looked at names that a spreadsheet would take for formulas: they are taken, as text. */
  readonly formulasAsText?: boolean;
}

/** Reads a file of either form. Refuses `BANK_FILE_INVALID`, `BANK_STATEMENT_UNBALANCED`, `BANK_MAPPING_INVALID`, `BANK_FILE_FORMULA`. */
export function readStatementFile({
  text,
  format,
  mapping,
  formulasAsText = false,
}: StatementFile): Outcome<readonly BankStatement[]> {
  // PostgreSQL keeps no text with this character.
  if (text.includes('\0') || JSON.stringify(mapping ?? '').includes('\\u0000')) {
    return refuseFile('It has a character of value zero.', 'Export it as UTF-8 text.');
  }
  if (format === 'camt053') return readCamt053(text);
  const checked = checkMapping(mapping);
  if (isRefused(checked)) return checked;
  const statement = readBankCsv(text, checked);
  if (isRefused(statement)) return statement;
  const formula = formulasAsText ? undefined : formulaIn(statement);
  return formula === undefined ? [statement] : refuseFormula(formula);
}

/**
 * The first entry with a name or reference that a spreadsheet would run. No bank writes such a name: it is what somebody
 * called himself so that whoever opens the file runs it. Texts may rightly begin so (structured references do).
 */
const formulaIn = ({ entries }: BankStatement): string | undefined =>
  entries.flatMap(({ counterparty, reference }) => [counterparty ?? '', reference]).find((text) => isFormula(text));

const refuseFormula = (text: string): Outcome<never> =>
  refuse({
    code: 'BANK_FILE_FORMULA',
    message: 'A name or reference in the file is a formula to a spreadsheet.',
    // Quoted, so that it is no formula in whatever shows this.
    detail: `It reads ${JSON.stringify(text.slice(0, 80))}.`,
    hint: 'Open the file in no spreadsheet. To take it all the same, say that formulas are to be kept as text.',
  });

function checkMapping(mapping: CsvMapping | undefined): Outcome<CsvMapping> {
  if (mapping === undefined) return wrong('A CSV needs a mapping.', 'Say which column is what.', []);
  if (!/^[A-Z]{3}$/.test(mapping.currency)) {
    return wrong('The mapping names no currency.', 'A currency is three capital letters, like EUR.', ['currency']);
  }
  if (mapping.account.trim() === '') {
    return wrong('The mapping names no account.', 'Give the IBAN or number of the account.', ['account']);
  }
  const { amount, credit, debit } = mapping.columns;
  if (amount === undefined && (credit === undefined || debit === undefined)) {
    return wrong('The mapping names no amount.', 'Name one signed column, or credit and debit.', ['columns', 'amount']);
  }
  return mapping;
}

const wrong = (message: string, hint: string, path: readonly string[]): Outcome<never> =>
  refuse({ code: 'BANK_MAPPING_INVALID', message, hint, path: ['input', 'mapping', ...path] });
