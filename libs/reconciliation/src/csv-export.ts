import { csvCell } from '#ledger';
import type { UnitOfWork } from '#platform';
import { casesAfter, type CaseRow } from './store/case.store.js';
import { matchesAfter, type MatchRow } from './store/match.store.js';

/*
 * RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it, and so does one that begins
 * with an apostrophe: taking one apostrophe off gives every original back. Whole numbers are written by us and stand as
 * they are, negative ones too.
 */

export const EXPORTS = ['cases', 'matches'] as const;
export type ExportName = (typeof EXPORTS)[number];

type Value = string | bigint | boolean | Date | null;
type Columns<R> = readonly (readonly [name: string, of: (row: R) => Value])[];

const CASES: Columns<CaseRow> = [
  ['id', (row) => row.id],
  ['kind', (row) => row.kind],
  ['subject', (row) => row.subject],
  ['unit', (row) => row.unit],
  ['expected', (row) => row.expected],
  ['found', (row) => row.found],
  ['difference', (row) => row.found - row.expected],
  ['state', (row) => row.state],
  ['owner', (row) => row.owner],
  ['note', (row) => row.note],
  ['opened_at', (row) => row.opened_at],
  ['changed_at', (row) => row.changed_at],
];

const MATCHES: Columns<MatchRow> = [
  ['id', (row) => row.id],
  ['bank_line', (row) => row.line_id],
  ['account', (row) => row.account],
  ['reference', (row) => row.reference],
  ['booked_on', (row) => row.booked_on],
  ['currency', (row) => row.currency],
  ['amount_minor', (row) => row.amount_minor],
  ['counterparty', (row) => row.counterparty],
  ['text', (row) => row.texts.join('\n')],
  ['payout', (row) => row.payout_id],
  ['transfer_key', (row) => row.ledger_key],
  ['matched_by', (row) => row.matched_by],
  ['matched_at', (row) => row.matched_at],
  ['note', (row) => row.note],
  ['undone_at', (row) => row.undone_at],
  ['undone_by', (row) => row.undone_by],
  ['undone_reason', (row) => row.undone_reason],
];

const PAGE = 1_000;

/** Every case, or every match with those undone, as lines of a CSV, each with its line end. */
export async function* exportLines(uow: UnitOfWork, name: ExportName): AsyncGenerator<string> {
  if (name === 'cases') yield* lines(CASES, (after) => uow.read((tx) => casesAfter(tx, after, PAGE)));
  else yield* lines(MATCHES, (after) => uow.read((tx) => matchesAfter(tx, after, PAGE)));
}

async function* lines<R extends { readonly id: string }>(
  columns: Columns<R>,
  read: (after: string | undefined) => Promise<R[]>,
): AsyncGenerator<string> {
  yield `${columns.map(([name]) => name).join(',')}\r\n`;
  for (let after: string | undefined; ;) {
    const rows = await read(after);
    for (const row of rows) yield `${columns.map(([, of]) => written(of(row))).join(',')}\r\n`;
    after = rows.at(-1)?.id;
    if (rows.length < PAGE) return;
  }
}

function written(value: Value): string {
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return csvCell(value instanceof Date ? value.toISOString() : value);
}
