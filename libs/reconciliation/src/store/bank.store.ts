import { newId } from '#kernel';
import type { Tx } from '#platform';
import type { BankEntry, BankStatement } from '../bank/bank-statement.rule.js';

/** @returns the id under which the statement is kept; undefined when it was taken before. */
export async function insertStatement(tx: Tx, statement: BankStatement): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(
    `INSERT INTO bank_statement (id, statement_id, account, currency, opening_minor, closing_minor, imported_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, statement_id) DO NOTHING RETURNING id`,
    [
      newId(),
      statement.statementId,
      statement.account,
      statement.currency,
      statement.openingMinor?.toString() ?? null,
      statement.closingMinor?.toString() ?? null,
      tx.now,
    ],
  );
  return row?.id;
}

interface KnownLine {
  readonly reference: string;
  readonly currency: string;
  readonly amount: string;
  readonly booked_on: string;
}

export async function knownLines(tx: Tx, account: string, references: readonly string[]): Promise<KnownLine[]> {
  return tx.query<KnownLine>(
    `SELECT reference, currency, amount_minor::text AS amount, booked_on::text AS booked_on FROM bank_line
      WHERE account = $1 AND reference = ANY($2)`,
    [account, references],
  );
}

export async function insertLines(
  tx: Tx,
  statementId: string,
  of: Pick<BankStatement, 'account' | 'currency'>,
  entries: readonly BankEntry[],
): Promise<void> {
  for (const entry of entries) {
    await tx.query(
      `INSERT INTO bank_line (id, statement_id, account, reference, booked_on, currency, amount_minor, is_reversal, texts, counterparty)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        newId(),
        statementId,
        of.account,
        entry.reference,
        entry.bookedOn,
        of.currency,
        entry.amountMinor.toString(),
        entry.isReversal,
        entry.texts,
        entry.counterparty ?? null,
      ],
    );
  }
}
