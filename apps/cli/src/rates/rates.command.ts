import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { isRefused, systemClock } from '#kernel';
import { ExchangeRates } from '#payments';
import { UnitOfWork, createDataSource } from '#platform';
import { Installation } from '../installation.js';
import { StartError } from '../up/home.js';

/** `commonweights rates import FILE`: stores reference rates; exit 1 when the file is refused. */
export function registerRatesCommand(program: Command, packageRoot: string): void {
  const rates = program.command('rates').description('exchange rates by which gifts in other currencies count');
  rates
    .command('import')
    .description("store the European Central Bank's reference rates: eurofxref.csv or eurofxref-hist.csv, unzipped")
    .argument('<file>', 'the CSV file')
    .option('--database <url>', 'the database (default: DATABASE_URL, else that of the data folder)')
    .action(async (file: string, options: { database?: string }) => {
      const csv = read(file);
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
        const outcome = await uow.run('rates-import', (tx) => new ExchangeRates().importEcb(tx, csv));
        if (isRefused(outcome)) {
          const { message, detail, hint } = outcome.first;
          throw new StartError([message, detail, hint].filter((line) => line !== undefined).join('\n'));
        }
        process.stdout.write(`✓ ${outcome.read} rates read, ${outcome.added} of them new.\n`);
      } finally {
        await dataSource.destroy();
      }
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new StartError(`The file can't be read: ${file}`);
  }
}
