import { isRefused, type Outcome, refuse } from '#kernel';
import { type CsvMapping, readBankCsv } from './bank-csv.reader.js';
import { type BankStatement, refuseFile } from './bank-statement.rule.js';
import { readCamt053 } from './camt053.reader.js';

export interface StatementFile {
  readonly text: string;
  readonly format: 'camt053' | 'csv';
  /** For CSV alone. */
  readonly mapping: CsvMapping | undefined;
}

/** Reads a file of either form. Refuses `BANK_FILE_INVALID`, `BANK_STATEMENT_UNBALANCED`, `BANK_MAPPING_INVALID`. */
export function readStatementFile({ text, format, mapping }: StatementFile): Outcome<readonly BankStatement[]> {
  // PostgreSQL keeps no text with this character.
  if (text.includes('\0') || JSON.stringify(mapping ?? '').includes('\\u0000')) {
    return refuseFile('It has a character of value zero.', 'Export it as UTF-8 text.');
  }
  if (format === 'camt053') return readCamt053(text);
  const checked = checkMapping(mapping);
  if (isRefused(checked)) return checked;
  const statement = readBankCsv(text, checked);
  return isRefused(statement) ? statement : [statement];
}

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
