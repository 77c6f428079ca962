import type { Command } from 'commander';
import { ExchangeRates } from '#payments';
import { orStop, readNamedFile, withDatabase } from '../database.js';
import { Installation } from '../installation.js';

/** `commonweights rates import FILE`: stores reference rates; exit 1 when the file is refused. */
export function registerRatesCommand(program: Command, packageRoot: string): void {
  const rates = program.command('rates').description('exchange rates by which gifts in other currencies count');
  rates
    .command('import')
    .description("store the European Central Bank's reference rates: eurofxref.csv or eurofxref-hist.csv, unzipped")
    .argument('<file>', 'the CSV file')
    .option('--database <url>', 'the database (default: DATABASE_URL, else that of the data folder)')
    .action(async (file: string, options: { database?: string }) => {
      const csv = readNamedFile(file);
      const url = options.database ?? new Installation(packageRoot).databaseUrl();
      const outcome = await withDatabase(url, packageRoot, (uow) =>
        uow.run('rates-import', (tx) => new ExchangeRates().importEcb(tx, csv)),
      );
      const { read, added } = orStop(outcome);
      process.stdout.write(
        `✓ ${read === 1 ? 'One rate' : `${read} rates`} read, ${added === 0 ? 'none' : added} of them new.\n`,
      );
    });
}
