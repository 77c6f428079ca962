import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { type Outcome } from '#kernel';
import {
  type BankEntry,
  type BankStatement,
  checkStatement,
  isDay,
  minorUnits,
  refuseFile,
} from './bank-statement.rule.js';

/** How a bank writes its CSV: the names of its columns, and its way with days and decimals. */
export interface CsvMapping {
  /** IBAN or number of the account, since the file seldom says. */
  readonly account: string;
  readonly currency: string;
  readonly delimiter: ',' | ';' | '\t';
  readonly dayForm: 'YYYY-MM-DD' | 'DD.MM.YYYY' | 'DD/MM/YYYY' | 'MM/DD/YYYY';
  readonly decimalSign: '.' | ',';
  readonly columns: {
    readonly bookedOn: string;
    /** One signed column, or two unsigned ones. */
    readonly amount?: string | undefined;
    readonly credit?: string | undefined;
    readonly debit?: string | undefined;
    readonly reference?: string | undefined;
    readonly counterparty?: string | undefined;
    readonly texts: readonly string[];
  };
}

/**
 * Reads a bank's CSV by its mapping. A line without a reference of the bank's is known by the digest of what it says
 * and by its place among equal lines of its day, so that files that overlap are taken once.
 * Refuses `BANK_FILE_INVALID`.
 */
export function readBankCsv(text: string, mapping: CsvMapping): Outcome<BankStatement> {
  let rows: Record<string, string>[];
  try {
    rows = parse(text, {
      bom: true,
      columns: true,
      delimiter: mapping.delimiter,
      skip_empty_lines: true,
      trim: true,
      max_record_size: 100_000,
    });
  } catch (error) {
    return refuseFile((error as Error).message.slice(0, 200), 'Check the delimiter and the quotes.');
  }
  const first = rows[0];
  if (!first) return refuseFile('There is no line in it.', 'Give a file with a head line and at least one entry.');
  const { columns } = mapping;
  const named = [
    columns.bookedOn,
    columns.amount,
    columns.credit,
    columns.debit,
    columns.reference,
    columns.counterparty,
  ];
  const missing = [...named, ...columns.texts].filter((name) => name !== undefined && !(name in first));
  if (missing.length > 0) {
    return refuseFile(`It has no column ${missing.join(', ')}.`, `Its columns are ${Object.keys(first).join(', ')}.`);
  }
  const entries: BankEntry[] = [];
  const equal = new Map<string, number>();
  for (const [index, row] of rows.entries()) {
    const bookedOn = dayOf(row[columns.bookedOn] ?? '', mapping.dayForm);
    const amountMinor = amountOf(row, mapping);
    if (bookedOn === undefined) {
      return refuseFile(
        `Line ${index + 2}: "${row[columns.bookedOn] ?? ''}" is no day.`,
        `Days look like ${mapping.dayForm}.`,
      );
    }
    if (amountMinor === undefined) {
      return refuseFile(
        `Line ${index + 2}: it has no ${mapping.currency} amount.`,
        `Amounts look like 1234${mapping.decimalSign}50; say which column, or which two.`,
      );
    }
    if (amountMinor === 0n) continue;
    const texts = columns.texts.map((name) => row[name] ?? '').filter((each) => each !== '');
    const counterparty = columns.counterparty ? row[columns.counterparty] : undefined;
    const given = columns.reference ? row[columns.reference] : undefined;
    const line = JSON.stringify([bookedOn, String(amountMinor), counterparty ?? '', texts]);
    const place = (equal.get(line) ?? 0) + 1;
    equal.set(line, place);
    entries.push({
      reference: given || `${createHash('sha256').update(line).digest('hex').slice(0, 32)}#${place}`,
      bookedOn,
      amountMinor,
      isReversal: false,
      texts,
      counterparty: counterparty || undefined,
    });
  }
  return checkStatement({
    statementId: `csv:${createHash('sha256').update(text).digest('hex')}`,
    account: mapping.account.replace(/\s/g, ''),
    currency: mapping.currency,
    openingMinor: undefined,
    closingMinor: undefined,
    entries,
  });
}

const ORDER: Readonly<Record<CsvMapping['dayForm'], readonly [year: number, month: number, day: number]>> = {
  'YYYY-MM-DD': [0, 1, 2],
  'DD.MM.YYYY': [2, 1, 0],
  'DD/MM/YYYY': [2, 1, 0],
  'MM/DD/YYYY': [2, 0, 1],
};

function dayOf(text: string, form: CsvMapping['dayForm']): string | undefined {
  const sign = form.replace(/[YMD]/g, '')[0] ?? '-';
  const parts = text.trim().split(sign);
  const [year, month, day] = ORDER[form].map((at) => parts[at] ?? '');
  const iso = `${year}-${month?.padStart(2, '0')}-${day?.padStart(2, '0')}`;
  return parts.length === 3 && isDay(iso) ? iso : undefined;
}

function amountOf(row: Record<string, string>, { columns, currency, decimalSign }: CsvMapping): bigint | undefined {
  const read = (name: string | undefined): bigint | undefined => {
    const text = (name === undefined ? '' : (row[name] ?? '')).replace(/[\s'’]/g, '');
    if (text === '') return 0n;
    const plain = decimalSign === ',' ? text.replaceAll('.', '').replace(',', '.') : text.replaceAll(',', '');
    return minorUnits(plain.replace(/^\+/, ''), currency);
  };
  if (columns.amount !== undefined) return (row[columns.amount] ?? '') === '' ? undefined : read(columns.amount);
  const [credit, debit] = [read(columns.credit), read(columns.debit)];
  if (credit === undefined || debit === undefined || (credit === 0n) === (debit === 0n)) return undefined;
  const size = (value: bigint): bigint => (value < 0n ? -value : value);
  return credit === 0n ? -size(debit) : size(credit);
}
