import { isRefused, type Outcome, refuse } from '#kernel';
import type { Tx } from '#platform';
import type { BankStatement } from './bank/bank-statement.rule.js';
import { insertLines, insertStatement, knownLines } from './store/bank.store.js';

export interface Imported {
  readonly statements: number;
  readonly lines: number;
  /** Lines that another file had brought. */
  readonly known: number;
}

/**
 * Takes the statements of a file, all or none. A statement that was taken is taken once; a line that two files have is
 * one line. Refusals: BANK_LINE_CONFLICT.
 */
export async function importStatements(tx: Tx, statements: readonly BankStatement[]): Promise<Outcome<Imported>> {
  let [taken, lines, known] = [0, 0, 0];
  for (const statement of statements) {
    const before = await knownBefore(tx, statement);
    if (isRefused(before)) return before;
    const id = await insertStatement(tx, statement);
    known += before.size;
    if (id === undefined) {
      if (before.size < statement.entries.length)
        return changed(statement, 'it has entries now that it had not before');
      continue;
    }
    taken += 1;
    const fresh = statement.entries.filter((entry) => !before.has(entry.reference));
    await insertLines(tx, id, statement, fresh);
    lines += fresh.length;
  }
  return { statements: taken, lines, known };
}

async function knownBefore(tx: Tx, statement: BankStatement): Promise<Outcome<Set<string>>> {
  const byReference = new Map(statement.entries.map((entry) => [entry.reference, entry]));
  const before = await knownLines(tx, statement.account, [...byReference.keys()]);
  for (const line of before) {
    const entry = byReference.get(line.reference);
    const isSame =
      line.amount === entry?.amountMinor.toString() &&
      line.currency === statement.currency &&
      line.booked_on === entry.bookedOn;
    if (!isSame)
      return changed(statement, `entry ${line.reference.slice(0, 80)} was ${line.amount} on ${line.booked_on}`);
  }
  return new Set(before.map((line) => line.reference));
}

const changed = (statement: BankStatement, detail: string): Outcome<never> =>
  refuse({
    code: 'BANK_LINE_CONFLICT',
    message: 'The bank says something else now than in an earlier file.',
    detail: `Statement ${statement.statementId}: ${detail}.`,
    hint: 'Nothing of this file was taken. Ask the bank which of the two is right.',
  });
