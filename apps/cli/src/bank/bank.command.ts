import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { isRefused, type Outcome, systemClock } from '#kernel';
import { UnitOfWork, createDataSource } from '#platform';
import { type CsvMapping, importStatements, readBankCsv, readCamt053 } from '#reconciliation';
import { Installation } from '../installation.js';
import { StartError } from '../up/home.js';

interface ImportOptions {
  format?: string;
  mapping?: string;
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
    .option('--database <url>', 'the database (default: DATABASE_URL, else that of the data folder)')
    .action(async (file: string, options: ImportOptions) => {
      const statements = orStop(readStatements(file, options));
      const url = options.database ?? new Installation(packageRoot).databaseUrl();
      const dataSource = await createDataSource({ url, poolSize: 2, packageRoot })
        .initialize()
        .catch((error: unknown) => {
          throw new StartError(
            `The database can't be reached: ${error instanceof Error ? error.message : String(error)}`,
          );
        });
      try {
        const uow = new UnitOfWork(dataSource, systemClock);
        const taken = orStop(await uow.run('bank-import', (tx) => importStatements(tx, statements)));
        process.stdout.write(
          `✓ ${taken.statements} statements taken, ${taken.lines} new lines, ${taken.known} known before.\n`,
        );
      } finally {
        await dataSource.destroy();
      }
    });
}

function readStatements(file: string, options: ImportOptions) {
  const format = options.format ?? (file.toLowerCase().endsWith('.csv') ? 'csv' : 'camt053');
  if (format === 'camt053') return readCamt053(read(file));
  if (format !== 'csv') throw new StartError(`There is no format ${format}: use camt053 or csv.`);
  if (options.mapping === undefined) throw new StartError('A CSV file needs --mapping FILE.');
  const statement = readBankCsv(read(file), mappingOf(options.mapping));
  return isRefused(statement) ? statement : [statement];
}

const DELIMITERS: readonly unknown[] = [',', ';', '\t'];
const DAY_FORMS: readonly unknown[] = ['YYYY-MM-DD', 'DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY'];

function mappingOf(file: string): CsvMapping {
  let mapping: Partial<CsvMapping>;
  try {
    mapping = JSON.parse(read(file)) as Partial<CsvMapping>;
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

function orStop<T>(outcome: Outcome<T>): T {
  if (!isRefused(outcome)) return outcome;
  const { message, detail, hint } = outcome.first;
  throw new StartError([message, detail, hint].filter((text) => text !== undefined).join('\n'));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new StartError(`The file can't be read: ${file}`);
  }
}
