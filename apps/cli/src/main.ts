import 'reflect-metadata';
import { Command } from 'commander';
import { findPackageRoot } from '#platform';
import { registerAuditCommand } from './audit/audit.js';
import { registerLedgerCommands } from './ledger/ledger.command.js';
import { registerLogCommands } from './log/log.command.js';
import { registerMatchCommands } from './match/match.command.js';
import { registerMigrateCommand } from './migrate/migrate.command.js';
import { registerBankCommand } from './bank/bank.command.js';
import { registerRatesCommand } from './rates/rates.command.js';
import { registerReconcileCommand } from './reconcile/reconcile.command.js';
import { StartError } from './up/home.js';
import { registerUpCommand } from './up/up.command.js';
import { registerVerifyCommands } from './verify/verify.command.js';

const packageRoot = findPackageRoot();

const program = new Command('commonweights')
  .description('Communities fund, schedule, verify and release open frontier model training together.')
  .showHelpAfterError('(add --help for what is possible)')
  .configureOutput({ outputError: (text, write) => write(text) });

registerUpCommand(program, packageRoot);
registerMigrateCommand(program, packageRoot);
registerAuditCommand(program, packageRoot);
registerRatesCommand(program, packageRoot);
registerBankCommand(program, packageRoot);
registerReconcileCommand(program, packageRoot);
registerMatchCommands(program);
registerVerifyCommands(program);
registerLogCommands(program);
registerLedgerCommands(program, packageRoot);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.stderr.write(`${error instanceof StartError ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exitCode = 1;
}
// Commands end when their work does; what is left open (a keep-alive connection) must not hold the process.
if (process.exitCode !== undefined) process.exit();
