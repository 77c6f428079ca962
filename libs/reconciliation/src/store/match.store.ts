import type { Tx } from '#platform';

export interface LineRow {
  readonly id: string;
  readonly account: string;
  readonly reference: string;
  readonly booked_on: string;
  readonly currency: string;
  readonly amount_minor: bigint;
  readonly texts: readonly string[];
  readonly counterparty: string | null;
  /** The match that holds; null without one. */
  readonly match_id: string | null;
  readonly payout_id: string | null;
  readonly ledger_key: string | null;
  readonly matched_by: string | null;
  readonly note: string | null;
  readonly matched_at: Date | null;
}

const LINE = `SELECT l.id, l.account, l.reference, l.booked_on::text AS booked_on, l.currency, l.amount_minor, l.texts,
       l.counterparty, m.id AS match_id, m.payout_id, m.ledger_key, m.matched_by, m.note, m.matched_at
  FROM bank_line l LEFT JOIN bank_match m ON m.line_id = l.id AND m.undone_at IS NULL`;

export async function findLine(tx: Tx, id: string): Promise<LineRow | undefined> {
  const [row] = await tx.query<LineRow>(`${LINE} WHERE l.id = $1`, [id]);
  return row;
}

/** Newest first. One row more than asked for tells that there are more. */
export async function pageOfLines(
  tx: Tx,
  page: { first: number; after: string | undefined; matched: boolean | undefined },
): Promise<LineRow[]> {
  return tx.query<LineRow>(
    `${LINE} WHERE ($1::uuid IS NULL OR l.id < $1) AND ($2::boolean IS NULL OR (m.id IS NOT NULL) = $2)
      ORDER BY l.id DESC LIMIT ${Math.trunc(page.first) + 1}`,
    [page.after ?? null, page.matched ?? null],
  );
}

export interface NewMatch {
  readonly id: string;
  readonly lineId: string;
  readonly payoutId: string | null;
  readonly ledgerKey: string;
  /** A pseudonym; null when the comparison found it. */
  readonly by: string | null;
  readonly note: string | null;
}

/** @returns false when the line, or the transfer, has a match already. */
export async function insertMatch(tx: Tx, match: NewMatch): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO bank_match (id, line_id, payout_id, ledger_key, matched_by, note, matched_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING 1`,
    [match.id, match.lineId, match.payoutId, match.ledgerKey, match.by, match.note, tx.now],
  );
  return rows.length > 0;
}

export async function undoMatch(tx: Tx, matchId: string, by: string, reason: string): Promise<void> {
  await tx.query('UPDATE bank_match SET undone_at = $2, undone_by = $3, undone_reason = $4 WHERE id = $1', [
    matchId,
    tx.now,
    by,
    reason,
  ]);
}

/** What is still missing of a payout at the bank, minor units by currency; empty when it is unknown. */
export async function missingOfPayout(tx: Tx, payoutId: string): Promise<{ currency: string; missing: bigint }[]> {
  const rows = await tx.query<{ currency: string; missing: string }>(
    `SELECT e.currency, (-sum(e.amount_minor) - coalesce((
              SELECT sum(l.amount_minor) FROM bank_match m JOIN bank_line l ON l.id = m.line_id
               WHERE m.payout_id = $1 AND m.undone_at IS NULL AND l.currency = e.currency), 0)
            - coalesce((
              SELECT sum(CASE WHEN t.credit_account_id = a.id THEN t.amount ELSE -t.amount END) FROM ledger_transfer t
                JOIN ledger_account a ON a.id IN (t.debit_account_id, t.credit_account_id)
               WHERE starts_with(t.key, 'correction:') AND t.refs->>'reconciles' = 'payout:' || $1
                 AND a.code = 'bank:in_transit:' || e.currency), 0))::text AS missing
       FROM processor_entry e
      WHERE e.source_id = $1 AND e.type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal')
      GROUP BY e.currency`,
    [payoutId],
  );
  return rows.map(({ currency, missing }) => ({ currency, missing: BigInt(missing) }));
}

export interface BankTransfer {
  readonly id: string;
  readonly key: string;
  readonly unit: string;
  readonly reason: string;
  readonly recorded_at: Date;
  /** What it did to the bank account: positive came in. */
  readonly moved: bigint;
  readonly is_matched: boolean;
}

/** Transfers that this room books for lines by itself stand for no other line. */
const AT_BANK = `SELECT t.id, t.key, t.unit, t.reason, t.recorded_at,
       (CASE WHEN t.debit_account_id = a.id THEN t.amount ELSE -t.amount END) AS moved,
       EXISTS (SELECT 1 FROM bank_match m WHERE m.ledger_key = t.key AND m.undone_at IS NULL) AS is_matched
  FROM ledger_account a JOIN ledger_transfer t ON a.id IN (t.debit_account_id, t.credit_account_id)
 WHERE a.code = 'bank:operating:' || t.unit AND t.kind IN ('posted', 'post_pending')
   AND t.key !~ '^(bank_line|bank_match|correction):'`;

export async function findBankTransfer(tx: Tx, id: string): Promise<BankTransfer | undefined> {
  const [row] = await tx.query<BankTransfer>(`${AT_BANK} AND t.id = $1`, [id]);
  return row;
}

export interface Candidate {
  readonly payout_id: string | null;
  readonly transfer_id: string | null;
  readonly what: string;
  readonly at: Date;
}

/** What a line may be: payouts of which exactly its amount is missing, and transfers of it that no line stands for. */
export async function candidatesOf(tx: Tx, line: LineRow): Promise<Candidate[]> {
  return tx.query<Candidate>(
    `WITH arrived AS (
       SELECT m.payout_id, sum(l.amount_minor) AS minor FROM bank_match m JOIN bank_line l ON l.id = m.line_id
        WHERE m.undone_at IS NULL AND l.currency = $1 GROUP BY 1)
     (SELECT e.source_id AS payout_id, NULL::uuid AS transfer_id, 'payout of the processor' AS what, min(e.occurred_at) AS at
        FROM processor_entry e LEFT JOIN arrived a ON a.payout_id = e.source_id
       WHERE e.currency = $1 AND e.source_id IS NOT NULL
         AND e.type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal')
       GROUP BY e.source_id, a.minor HAVING -sum(e.amount_minor) - coalesce(a.minor, 0) = $2::bigint
       ORDER BY at DESC LIMIT 20)
     UNION ALL
     (SELECT NULL, id, reason, recorded_at FROM (${AT_BANK} AND t.unit = $1 AND t.amount = abs($2::bigint)) t
       WHERE moved = $2::bigint AND NOT is_matched ORDER BY recorded_at DESC LIMIT 20)`,
    [line.currency, line.amount_minor.toString()],
  );
}

export interface MatchRow {
  readonly id: string;
  readonly line_id: string;
  readonly account: string;
  readonly reference: string;
  readonly booked_on: string;
  readonly currency: string;
  readonly amount_minor: bigint;
  readonly counterparty: string | null;
  readonly texts: readonly string[];
  readonly payout_id: string | null;
  readonly ledger_key: string;
  readonly matched_by: string | null;
  readonly matched_at: Date;
  readonly note: string | null;
  readonly undone_at: Date | null;
  readonly undone_by: string | null;
  readonly undone_reason: string | null;
}

/** Every match, those undone included, in the order of their ids. */
export async function matchesAfter(tx: Tx, after: string | undefined, limit: number): Promise<MatchRow[]> {
  return tx.query<MatchRow>(
    `SELECT m.id, m.line_id, l.account, l.reference, l.booked_on::text AS booked_on, l.currency, l.amount_minor, l.counterparty,
            l.texts, m.payout_id, m.ledger_key, m.matched_by, m.matched_at, m.note, m.undone_at, m.undone_by, m.undone_reason
       FROM bank_match m JOIN bank_line l ON l.id = m.line_id
      WHERE $1::uuid IS NULL OR m.id > $1 ORDER BY m.id LIMIT ${Math.trunc(limit)}`,
    [after ?? null],
  );
}
