import type { FundingStage } from '../integration/funding.stage.js';

/** Ids of this story and the names it gives them. */
export type Cast = ReadonlyMap<string, string>;

const named = (text: string, cast: Cast): string =>
  [...cast].reduce((told, [id, name]) => told.replaceAll(id, name), text);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === cells.length - 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
};

interface Entry {
  readonly reason: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
}

/**
 * The journal from the first transfer to the last: reason, debit, credit, amount in minor units. `sorted` where several
 * things happen at once, so that the order of their transfers says nothing.
 */
export async function printJournal(stage: FundingStage, cast: Cast, sorted = false): Promise<string> {
  const entries = await stage.rows<Entry>(
    `SELECT t.reason, d.code AS debit, c.code AS credit, t.amount FROM ledger_transfer t
       JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account c ON c.id = t.credit_account_id
      ORDER BY t.seq`,
  );
  const rows = entries.map((e) => [e.reason, named(e.debit, cast), named(e.credit, cast), String(e.amount)]);
  return table(
    ['reason', 'debit', 'credit', 'amount'],
    sorted ? rows.toSorted((a, b) => (a.join(' ') < b.join(' ') ? -1 : 1)) : rows,
  );
}

interface Standing {
  readonly code: string;
  readonly net: bigint;
}

/** What every account comes to: debits less credits. Accounts that come to nothing are left out. */
export async function printBalances(stage: FundingStage, cast: Cast): Promise<string> {
  const rows = await stage.rows<Standing>(
    `SELECT code, debits_posted - credits_posted AS net FROM ledger_account
      WHERE debits_posted <> credits_posted ORDER BY unit DESC, code COLLATE "C"`,
  );
  const lines = rows.map((row) => [named(row.code, cast), String(row.net)] as const);
  return table(
    ['account', 'debits − credits'],
    lines.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
