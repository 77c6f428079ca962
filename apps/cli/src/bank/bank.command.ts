import type { Command } from 'commander';
import { type CsvMapping, importStatements, readStatementFile } from '#reconciliation';
import { orStop, readNamedFile, withDatabase } from '../database.js';
import { Installation } from '../installation.js';
import { StartError } from '../up/home.js';

interface ImportOptions {
  format?: string;
  mapping?: string;
  formulasAsText?: boolean;
  database?: string;
}

/** `commonweights bank import FILE`: takes a bank's statements; exit 1 when the file is refused. */
export function registerBankCommand(program: Command, packageRoot: string): void {
  const bank = program.command('bank').description("statements of the platform's bank account");
  bank
    .command('import')
    .description('take the statements of a file, all or none; lines that were taken before are known')
    .argument('<file>', 'ISO 20022 camt.053 (XML), or the bank’s CSV')
    .option('--format <format>', 'camt053 or csv (default: by the ending of the file)')
    .option('--mapping <file>', 'for CSV: JSON that says which column is what; see libs/reconciliation/README.md')
    .option('--formulas-as-text', 'take names that a spreadsheet would run as formulas, after you have looked at them')
    .option('--database <url>', 'the database (default: DATABASE_URL, else that of the data folder)')
    .action(async (file: string, options: ImportOptions) => {
      const statements = orStop(readStatements(file, options));
      const url = options.database ?? new Installation(packageRoot).databaseUrl();
      const outcome = await withDatabase(url, packageRoot, (uow) =>
        uow.run('bank-import', (tx) => importStatements(tx, statements)),
      );
      const taken = orStop(outcome);
      process.stdout.write(
        `✓ ${taken.statements} statements taken, ${taken.lines} new lines, ${taken.known} known before.\n`,
      );
    });
}

function readStatements(file: string, options: ImportOptions) {
  const format = options.format ?? (file.toLowerCase().endsWith('.csv') ? 'csv' : 'camt053');
  if (format !== 'camt053' && format !== 'csv') {
    throw new StartError(`There is no format ${format}: use camt053 or csv.`);
  }
  if (format === 'csv' && options.mapping === undefined) throw new StartError('A CSV file needs --mapping FILE.');
  const mapping = options.mapping === undefined ? undefined : mappingOf(options.mapping);
  return readStatementFile({
    text: readNamedFile(file),
    format,
    mapping,
    formulasAsText: options.formulasAsText === true,
  });
}

const DELIMITERS: readonly unknown[] = [',', ';', '\t'];
const DAY_FORMS: readonly unknown[] = ['YYYY-MM-DD', 'DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY'];

function mappingOf(file: string): CsvMapping {
  let mapping: Partial<CsvMapping>;
  try {
    mapping = JSON.parse(readNamedFile(file)) as Partial<CsvMapping>;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The mapping is no JSON: ${file}`);
  }
  const { account, currency, columns } = mapping;
  const isWhole =
    typeof account === 'string' &&
    /^[A-Z]{3}$/.test(currency ?? '') &&
    DELIMITERS.includes(mapping.delimiter) &&
    DAY_FORMS.includes(mapping.dayForm) &&
    (mapping.decimalSign === '.' || mapping.decimalSign === ',') &&
    typeof columns?.bookedOn === 'string' &&
    (typeof columns.amount === 'string' || typeof columns.credit === 'string' || typeof columns.debit === 'string') &&
    Array.isArray(columns.texts);
  if (!isWhole) {
    throw new StartError(
      `The mapping lacks something: account, currency, delimiter (${DELIMITERS.map((d) => JSON.stringify(d)).join(' ')}), dayForm (${DAY_FORMS.join(' ')}), decimalSign, columns.bookedOn, columns.amount or credit and debit, columns.texts.`,
    );
  }
  return mapping as CsvMapping;
}
