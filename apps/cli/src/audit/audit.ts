import type { Command } from 'commander';
import { isRefused, systemClock } from '#kernel';
import { type InvariantCheck, type InvariantResult, UnitOfWork, createDataSource } from '#platform';
import { INVARIANTS } from '../../../invariants.js';
import { Installation } from '../installation.js';

export interface AuditLine {
  readonly check: InvariantCheck;
  readonly result: InvariantResult;
}

/** Runs every invariant check of every room, each in a read-only snapshot of its own. */
export async function audit(databaseUrl: string, packageRoot: string): Promise<AuditLine[]> {
  const dataSource = await createDataSource({ url: databaseUrl, poolSize: 2, packageRoot }).initialize();
  try {
    const uow = new UnitOfWork(dataSource, systemClock);
    const lines: AuditLine[] = [];
    for (const check of [...INVARIANTS].sort((a, b) => a.invariant - b.invariant)) {
      const result = await uow.read((tx) => check.run(tx));
      if (isRefused(result)) throw new Error('a check was refused');
      lines.push({ check, result });
    }
    return lines;
  } finally {
    await dataSource.destroy();
  }
}

/** Prints the audit, a line a check, and answers whether every check holds. */
export async function printAudit(
  databaseUrl: string,
  packageRoot: string,
  print: (line: string) => void,
): Promise<boolean> {
  const lines = await audit(databaseUrl, packageRoot);
  print('');
  print('Audit: every invariant re-derived from the tables');
  for (const { check, result } of lines) {
    const figures = Object.entries(result.figures ?? {}).map(([name, value]) => `${name} ${value}`);
    print(
      `  ${result.ok ? '✓' : '✗'} ${check.invariant}. ${check.description}${figures.length > 0 ? `  [${figures.join(', ')}]` : ''}`,
    );
    for (const violation of result.violations.slice(0, 20)) print(`      ${violation}`);
    if (result.violations.length > 20) print(`      … and ${result.violations.length - 20} more`);
  }
  const failed = lines.filter(({ result }) => !result.ok).length;
  print(failed === 0 ? `  ${lines.length} checks, all hold.` : `  ${failed} of ${lines.length} checks FAILED.`);
  return failed === 0;
}

/** `commonweights audit`: exit 0 when every invariant holds, 1 when one does not. */
export function registerAuditCommand(program: Command, packageRoot: string): void {
  program
    .command('audit')
    .description('check every invariant against the live tables; exit 1 if one fails')
    .option('--database <url>', 'the database to audit (default: DATABASE_URL, else that of the data folder)')
    .option('--json', 'print the results as JSON', false)
    .action(async (options: { database?: string; json: boolean }) => {
      const url = options.database ?? new Installation(packageRoot).databaseUrl();
      if (!options.json) {
        process.exitCode = (await printAudit(url, packageRoot, (line) => process.stdout.write(`${line}\n`))) ? 0 : 1;
        return;
      }
      const lines = await audit(url, packageRoot);
      const rows = lines.map(({ check, result }) => ({
        name: check.name,
        invariant: check.invariant,
        description: check.description,
        ...result,
      }));
      process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      process.exitCode = lines.every(({ result }) => result.ok) ? 0 : 1;
    });
}
