import type { InvariantCheck } from '#platform';

const check = (name: string, description: string, sql: string): InvariantCheck => ({
  name,
  invariant: 2,
  description,
  async run(tx) {
    const rows = await tx.query<{ violation: string }>(`${sql} LIMIT 50`);
    return { ok: rows.length === 0, violations: rows.map((row) => row.violation) };
  },
});

/** A difference that nobody has taken in hand for so long is a broken promise, and shown as one. */
const UNOWNED_DAYS_MAX = 7;

/** What must hold of matches, cases and corrections, derived from the tables again. */
export const reconciliationInvariants: readonly InvariantCheck[] = [
  check(
    'reconciliation.matched-once',
    'A bank line has at most one match, and a transfer stands for at most one line.',
    `SELECT 'bank line ' || line_id || ' is matched ' || count(*) || ' times' AS violation
       FROM bank_match WHERE undone_at IS NULL GROUP BY line_id HAVING count(*) > 1
     UNION ALL
     SELECT 'transfer ' || ledger_key || ' stands for ' || count(*) || ' lines'
       FROM bank_match WHERE undone_at IS NULL GROUP BY ledger_key HAVING count(*) > 1`,
  ),
  check(
    'reconciliation.pairs-sum-to-zero',
    'What a matched bank line says is what its transfer moved at the bank, to the unit; lines of a payout add up to no more than it.',
    `SELECT 'bank line ' || l.id || ' is ' || l.amount_minor || ' ' || l.currency || ', its transfer ' || m.ledger_key || ' moved ' ||
            coalesce(t.moved::text, 'nothing') AS violation
       FROM bank_match m JOIN bank_line l ON l.id = m.line_id
       LEFT JOIN LATERAL (
         SELECT CASE WHEN x.debit_account_id = a.id THEN x.amount ELSE -x.amount END AS moved
           FROM ledger_transfer x JOIN ledger_account a
             ON a.id IN (x.debit_account_id, x.credit_account_id) AND a.code = 'bank:operating:' || l.currency
          WHERE x.key = m.ledger_key) t ON true
      WHERE m.undone_at IS NULL AND t.moved IS DISTINCT FROM l.amount_minor
     UNION ALL
     SELECT 'payout ' || s.payout_id || ' is ' || p.minor || ' ' || s.currency || ', its lines are ' || s.minor
       FROM (SELECT m.payout_id, l.currency, sum(l.amount_minor) AS minor FROM bank_match m JOIN bank_line l ON l.id = m.line_id
              WHERE m.undone_at IS NULL AND m.payout_id IS NOT NULL GROUP BY 1, 2) s
       CROSS JOIN LATERAL (
         SELECT coalesce(-sum(e.amount_minor), 0) AS minor FROM processor_entry e
          WHERE e.source_id = s.payout_id AND e.currency = s.currency
            AND e.type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal')) p
      WHERE abs(s.minor) > abs(p.minor) OR sign(s.minor) <> sign(p.minor)`,
  ),
  check(
    'reconciliation.undone-is-booked-back',
    'A match with a payout that was undone is booked back, whole.',
    `SELECT 'match ' || m.id || ' is undone and ' || CASE WHEN b.id IS NULL THEN 'not' ELSE 'wrongly' END || ' booked back' AS violation
       FROM bank_match m JOIN ledger_transfer t ON t.key = m.ledger_key
       LEFT JOIN ledger_transfer b ON b.key = 'bank_match:' || m.id || ':undone'
      WHERE m.undone_at IS NOT NULL AND m.payout_id IS NOT NULL
        AND (b.id IS NULL OR (b.debit_account_id, b.credit_account_id, b.amount) <> (t.credit_account_id, t.debit_account_id, t.amount))`,
  ),
  check(
    'reconciliation.lines-accounted',
    'A bank line that was there at the last comparison is matched, or is a case.',
    `SELECT 'bank line ' || l.id || ' is neither matched nor a case' AS violation
       FROM bank_line l JOIN bank_statement s ON s.id = l.statement_id JOIN reconciliation_run r ON s.imported_at < r.ran_at
      WHERE NOT EXISTS (SELECT 1 FROM bank_match m WHERE m.line_id = l.id AND (m.undone_at IS NULL OR m.undone_at >= r.ran_at))
        AND NOT EXISTS (SELECT 1 FROM reconciliation_case c WHERE c.subject = 'bank_line:' || l.id AND c.state <> 'corrected')`,
  ),
  check(
    'reconciliation.cases-owned',
    `No difference waits for more than ${UNOWNED_DAYS_MAX} days without somebody who has it in hand.`,
    `SELECT 'case ' || id || ' (' || kind || ') has nobody since ' || changed_at::date AS violation
       FROM reconciliation_case
      WHERE state IN ('open', 'reopened') AND changed_at < now() - interval '${UNOWNED_DAYS_MAX} days'`,
  ),
  check(
    'reconciliation.corrected-by-two',
    'Every correction in the books was proposed by one person and decided by another, and moved what they said.',
    `SELECT 'correction ' || t.key || ' was not decided by two persons as it stands' AS violation
       FROM ledger_transfer t
       JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account k ON k.id = t.credit_account_id
      WHERE starts_with(t.key, 'correction:') AND NOT EXISTS (
        SELECT 1 FROM reconciliation_correction c
         WHERE c.id::text = split_part(t.key, ':', 2) AND c.state = 'posted' AND c.decided_by <> c.proposed_by
           AND (c.debit, c.credit, c.amount_minor) = (d.code, k.code, t.amount))
     UNION ALL
     SELECT 'correction ' || c.id || ' is posted and not in the books'
       FROM reconciliation_correction c
      WHERE c.state = 'posted' AND NOT EXISTS (
        SELECT 1 FROM ledger_transfer t
         WHERE starts_with(t.key, 'correction:') AND split_part(t.key, ':', 2) = c.id::text)`,
  ),
];
