// The door of the reports room on a server. What needs no server is in `browser.ts`.
export { type Check, verifySignedReport } from './domain/signed-report.js';
export { readSignedStatement, verifySignedStatement } from './domain/signed-statement.js';
export { attachedJson } from './render/pdf-attachment.js';
export { embeddedJson } from './render/html.js';
export { type Format, isRenderedFrom } from './render/renderings.js';
export { isStatementRenderedFrom, STATEMENT_CSV_HEAD } from './render/statement-renderings.js';
export { type Published, type PublishInput, ReportCommands } from './report.commands.js';
export { ReportQueries } from './report.queries.js';
export { reportInvariants } from './reports.invariants.js';
export { ReportsModule } from './reports.module.js';
export { StatementsModule } from './statements.module.js';
