import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Argument, type Command } from 'commander';
import { systemClock } from '#kernel';
import { ProcessorStatements, Reconciliation } from '#payments';
import { UnitOfWork, createDataSource } from '#platform';
import { type ExportName, EXPORTS, exportLines, Reconciler } from '#reconciliation';
import { withDatabase } from '../database.js';
import { Installation } from '../installation.js';
import { StartError } from '../up/home.js';

/** `commonweights reconcile`: exit 0 when books, Stripe, bank and meters agree, 1 when they differ or can't be compared. */
export function registerReconcileCommand(program: Command, packageRoot: string): void {
  const reconcile = program
    .command('reconcile')
    .description("compare the books with Stripe, the bank's statements and the meters; exit 1 if they differ")
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
        const open = await showCases(new Reconciler(uow, ProcessorStatements.of(uow, settings))).catch(uncomparable);
        process.exitCode = ok && open === 0 ? 0 : 1;
      } finally {
        await dataSource.destroy();
      }
    });
  reconcile
    .command('export')
    .description('write every case, or every match of a bank line, to a CSV that no spreadsheet runs')
    .addArgument(new Argument('<what>', 'cases or matches').choices(EXPORTS))
    .requiredOption('--out <file>', 'where to write it')
    .option('--database <url>', 'the database (default: DATABASE_URL, else that of the data folder)')
    .action(async (what: ExportName, options: { out: string; database?: string }, command: Command) => {
      // The command above has this option too, and takes it first.
      const { database } = command.optsWithGlobals<{ database?: string }>();
      const url = database ?? new Installation(packageRoot).databaseUrl();
      const rows = await withDatabase(url, packageRoot, (uow) => writeLines(options.out, exportLines(uow, what)));
      process.stdout.write(`✓ ${rows} ${what} written to ${options.out}\n`);
    });
}

/** @returns how many lines were written below the head. */
async function writeLines(path: string, lines: AsyncIterable<string>): Promise<number> {
  const file = createWriteStream(path);
  const opened = once(file, 'open');
  await opened.catch((error: unknown) => {
    throw new StartError(`The file could not be written: ${(error as Error).message}`);
  });
  let written = -1;
  for await (const line of lines) {
    if (!file.write(line)) await once(file, 'drain');
    written += 1;
  }
  file.end();
  await once(file, 'finish');
  return written;
}

/** @returns how many cases are open. */
async function showCases(reconciler: Reconciler): Promise<number> {
  const { open, read, matched } = await reconciler.run();
  for (const row of await reconciler.summary()) {
    const { currency } = row;
    process.stdout.write(
      `  ${currency}: at Stripe ${row.booked_at_processor} booked, ${row.said_by_processor} said; in transit ${row.booked_in_transit}; at the bank ${row.booked_at_bank} booked, ${row.said_by_bank} said\n`,
    );
  }
  process.stdout.write(`  ${read} movements read, ${matched} bank lines matched, ${open.length} cases open\n`);
  for (const { kind, subject, unit, expected, found, opened_at: openedAt } of open) {
    const since = openedAt.toISOString().slice(0, 16);
    process.stdout.write(`✗ ${kind} ${subject}: ${found} ${unit} where ${expected} is expected, since ${since}\n`);
  }
  return open.length;
}

function uncomparable(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new StartError(`Books and balance could not be compared: ${why}`);
}
