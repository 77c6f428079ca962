import type { Command } from 'commander';
import { createDataSource, explainConnectionFailure } from '#platform';
import { Installation } from '../installation.js';
import { StartError } from '../up/home.js';

const UNREACHABLE = /^(ECONNREFUSED|ENOTFOUND|28P01|28000|3D000|ETIMEDOUT)$/;

/** Applies what is new in `migrations/` and answers its names. Throws a `StartError` when the database can't be reached. */
export async function migrate(databaseUrl: string, packageRoot: string): Promise<string[]> {
  const source = createDataSource({ url: databaseUrl, poolSize: 2, packageRoot });
  try {
    await source.initialize();
    return (await source.runMigrations()).map(({ name }) => name);
  } catch (error) {
    throw UNREACHABLE.test((error as { code?: string }).code ?? '')
      ? new StartError(explainConnectionFailure(error, databaseUrl))
      : error;
  } finally {
    if (source.isInitialized) await source.destroy();
  }
}

/** `commonweights migrate`: for installations whose processes are not started by `commonweights up`. */
export function registerMigrateCommand(program: Command, packageRoot: string): void {
  program
    .command('migrate')
    .description('bring the database up to date; run it before a new release starts')
    .option('--database <url>', 'the database (default: DATABASE_URL, else that of the data folder)')
    .action(async (options: { database?: string }) => {
      const applied = await migrate(options.database ?? new Installation(packageRoot).databaseUrl(), packageRoot);
      for (const name of applied) process.stdout.write(`applied ${name}\n`);
      process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : 'Done.\n');
      process.exitCode = 0;
    });
}
