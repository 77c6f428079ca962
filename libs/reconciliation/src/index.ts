export { type CsvMapping, readBankCsv } from './bank/bank-csv.reader.js';
export { readCamt053 } from './bank/camt053.reader.js';
export { importStatements } from './bank-import.js';
export { Reconciler } from './reconciler.js';
export { type SummaryRow } from './store/summary.store.js';
export { CaseCommands } from './case.commands.js';
export { ReconciliationModule } from './reconciliation.module.js';
