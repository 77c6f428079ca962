export { type CsvMapping } from './bank/bank-csv.reader.js';
export { readStatementFile } from './bank/statement-file.reader.js';
export { importStatements } from './bank-import.js';
export { Reconciler } from './reconciler.js';
export { type SummaryRow } from './store/summary.store.js';
export { CaseCommands } from './case.commands.js';
export { ReconciliationModule } from './reconciliation.module.js';
