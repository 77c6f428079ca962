import type { Command } from 'commander';
import { systemClock } from '#kernel';
import { Reconciliation } from '#payments';
import { UnitOfWork, createDataSource } from '#platform';
import { Installation } from '../installation.js';
import { StartError } from '../up/home.js';

/** `commonweights reconcile`: exit 0 when books and Stripe agree, 1 when they differ or can't be compared. */
export function registerReconcileCommand(program: Command, packageRoot: string): void {
  program
    .command('reconcile')
    .description("compare the books with Stripe's own balance; exit 1 if they differ")
    .option('--database <url>', 'the database (default: DATABASE_URL, else that of the data folder)')
    .action(async (options: { database?: string }) => {
      const installation = new Installation(packageRoot);
      const url = options.database ?? installation.databaseUrl();
      const settings = installation.stripe();
      const dataSource = await createDataSource({ url, poolSize: 2, packageRoot }).initialize().catch(uncomparable);
      try {
        const uow = new UnitOfWork(dataSource, systemClock);
        const { ok, violations, figures = {} } = await Reconciliation.of(uow, settings).compare().catch(uncomparable);
        for (const [name, minor] of Object.entries(figures)) process.stdout.write(`  ${name}: ${minor}\n`);
        for (const violation of violations) process.stdout.write(`✗ ${violation}\n`);
        process.stdout.write(
          ok
            ? "✓ The books agree with Stripe's balance. Figures are minor units (cents).\n"
            : 'A payment in flight differs for a moment: ask again in a minute. What stays is an error; see docs/operations.md.\n',
        );
        process.exitCode = ok ? 0 : 1;
      } finally {
        await dataSource.destroy();
      }
    });
}

function uncomparable(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new StartError(`Books and balance could not be compared: ${why}`);
}
