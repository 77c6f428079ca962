import type { Tx } from '#platform';

/** The four counters of an account, in minor units of its unit. */
export interface Balance {
  readonly debitsPending: bigint;
  readonly debitsPosted: bigint;
  readonly creditsPending: bigint;
  readonly creditsPosted: bigint;
}

interface BalanceRow {
  code: string;
  debits_pending: bigint;
  debits_posted: bigint;
  credits_pending: bigint;
  credits_posted: bigint;
}

const byCode = (rows: readonly BalanceRow[]): Map<string, Balance> =>
  new Map(
    rows.map((row) => [
      row.code,
      {
        debitsPending: row.debits_pending,
        debitsPosted: row.debits_posted,
        creditsPending: row.credits_pending,
        creditsPosted: row.credits_posted,
      },
    ]),
  );

/**
 * Columns of the balance of `ledger_account a` as of a moment given as SQL: the stored counters less what expired but
 * was not written down yet. So an expiry is true at its instant for every reader, whatever the worker does.
 */
export const presentBalance = (moment: string): string => `
  a.debits_pending - coalesce((SELECT sum(e.amount) FROM ledger_expiry e
    WHERE e.debit_account_id = a.id AND e.expires_at <= ${moment}), 0)::bigint AS debits_pending,
  a.debits_posted,
  a.credits_pending - coalesce((SELECT sum(e.amount) FROM ledger_expiry e
    WHERE e.credit_account_id = a.id AND e.expires_at <= ${moment}), 0)::bigint AS credits_pending,
  a.credits_posted`;

/** Whether `ledger_account a` is closed as of a moment given as SQL. What closed it may have expired unnoticed. */
export const presentlyClosed = (moment: string): string => `
  (a.closed_by IS NOT NULL
    AND NOT EXISTS (SELECT FROM ledger_expiry e WHERE e.transfer_id = a.closed_by AND e.expires_at <= ${moment}))`;

/** Those of the accounts that are closed as of `tx.now`. */
export async function closedAmong(tx: Tx, codes: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ code: string }>(
    `SELECT a.code FROM ledger_account a WHERE a.code = ANY ($1::text[]) AND ${presentlyClosed('$2::timestamptz')}`,
    [codes, tx.now],
  );
  return new Set(rows.map((row) => row.code));
}

export async function readBalances(tx: Tx, codes: readonly string[]): Promise<Map<string, Balance>> {
  return byCode(
    await tx.query<BalanceRow>(
      `SELECT a.code, ${presentBalance('$2::timestamptz')} FROM ledger_account a WHERE a.code = ANY ($1::text[])`,
      [codes, tx.now],
    ),
  );
}

/**
 * One index look-up on each side of the account finds its newest entry not after the moment; the counters after it are
 * in the row, so the cost does not grow with the account's history.
 */
export async function readBalancesAt(tx: Tx, codes: readonly string[], at: Date): Promise<Map<string, Balance>> {
  return byCode(
    await tx.query<BalanceRow>(
      `SELECT a.code, b.debits_posted, b.credits_posted,
         b.debits_pending - (x.open_debits + x.late_debits)::bigint AS debits_pending,
         b.credits_pending - (x.open_credits + x.late_credits)::bigint AS credits_pending
       FROM ledger_account a
       CROSS JOIN LATERAL (
         SELECT * FROM (
           (SELECT debit_version AS version, debit_debits_pending AS debits_pending, debit_debits_posted AS debits_posted,
                   debit_credits_pending AS credits_pending, debit_credits_posted AS credits_posted
            FROM ledger_transfer WHERE debit_account_id = a.id AND recorded_at <= $2
            ORDER BY recorded_at DESC, debit_version DESC LIMIT 1)
           UNION ALL
           (SELECT credit_version, credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted
            FROM ledger_transfer WHERE credit_account_id = a.id AND recorded_at <= $2
            ORDER BY recorded_at DESC, credit_version DESC LIMIT 1)
           UNION ALL SELECT 0, 0, 0, 0, 0
         ) newest ORDER BY version DESC LIMIT 1
       ) b
       CROSS JOIN LATERAL (
         SELECT
           coalesce((SELECT sum(e.amount) FROM ledger_expiry e JOIN ledger_transfer p ON p.id = e.transfer_id
             WHERE e.debit_account_id = a.id AND e.expires_at <= $2 AND p.recorded_at <= $2), 0) AS open_debits,
           coalesce((SELECT sum(e.amount) FROM ledger_expiry e JOIN ledger_transfer p ON p.id = e.transfer_id
             WHERE e.credit_account_id = a.id AND e.expires_at <= $2 AND p.recorded_at <= $2), 0) AS open_credits,
           coalesce((SELECT sum(t.amount) FROM ledger_transfer t WHERE t.kind = 'expired' AND t.debit_account_id = a.id
             AND t.recorded_at > $2 AND t.expires_at <= $2), 0) AS late_debits,
           coalesce((SELECT sum(t.amount) FROM ledger_transfer t WHERE t.kind = 'expired' AND t.credit_account_id = a.id
             AND t.recorded_at > $2 AND t.expires_at <= $2), 0) AS late_credits
       ) x
       WHERE a.code = ANY ($1::text[])`,
      [codes, at],
    ),
  );
}
