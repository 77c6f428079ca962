import type { Tx } from '#platform';

/**
 * By how much the books may hold more at the processor than the rows of payments say, because two persons corrected
 * what the rows can't know: where a subject was corrected, the processor's word counts in place of the row's. Minor units
 * by currency; a currency without a correction is missing.
 */
export async function correctedMinor(tx: Tx): Promise<Map<string, bigint>> {
  const rows = await tx.query<{ currency: string; minor: string }>(
    `WITH corrected AS (
       SELECT DISTINCT t.unit AS currency, split_part(t.refs->>'reconciles', ':', 1) AS kind, split_part(t.refs->>'reconciles', ':', 2) AS id
         FROM ledger_transfer t
         JOIN ledger_account a ON a.id IN (t.debit_account_id, t.credit_account_id) AND a.code = 'processor:available:' || t.unit
        WHERE starts_with(t.key, 'correction:')
     ), known AS (
       SELECT c.currency, ARRAY[p.stripe_charge_id] AS sources,
              CASE WHEN p.status = 'SUCCEEDED' THEN p.amount_minor - p.fee_minor ELSE 0 END AS row_minor
         FROM corrected c JOIN payment p ON c.kind = 'payment' AND p.id::text = c.id
       UNION ALL
       SELECT c.currency, ARRAY[r.stripe_refund_id], CASE WHEN r.status = 'SUCCEEDED' THEN -r.amount_minor ELSE 0 END
         FROM corrected c JOIN refund r ON c.kind = 'refund' AND r.id::text = c.id
       UNION ALL
       SELECT c.currency, ARRAY[d.stripe_dispute_id],
              CASE WHEN d.status IN ('OPEN', 'WON', 'LOST') THEN d.reinstated_minor - d.amount_minor - d.fee_minor ELSE 0 END
         FROM corrected c JOIN dispute d ON c.kind = 'dispute' AND d.id::text = c.id
       UNION ALL
       SELECT c.currency, ARRAY[a.stripe_transfer_id, a.stripe_reversal_id],
              CASE WHEN a.status IN ('TRANSFERRED', 'IN_TRANSIT', 'RETURNING', 'SUCCEEDED') THEN -a.amount_minor ELSE 0 END
         FROM corrected c JOIN payout_attempt a ON c.kind = 'transfer' AND a.id::text = c.id
     ), apart AS (
       SELECT k.currency, coalesce((SELECT sum(e.amount_minor - e.fee_minor) FROM processor_entry e
                WHERE e.source_id = ANY (k.sources) AND e.currency = k.currency), 0) - k.row_minor AS minor
         FROM known k
       UNION ALL
       SELECT c.currency, e.amount_minor - e.fee_minor FROM corrected c JOIN processor_entry e ON c.kind = 'entry' AND e.id = c.id
     )
     SELECT currency, sum(minor)::text AS minor FROM apart GROUP BY currency`,
  );
  return new Map(rows.map(({ currency, minor }) => [currency, BigInt(minor)]));
}
