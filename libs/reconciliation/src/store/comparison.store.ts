import type { Tx } from '#platform';
import type { BankLine, BankPayout, GpuReading, Movement } from '../domain/comparison.rule.js';

interface MovementRow {
  readonly side: 'ledger' | 'processor';
  readonly subject: string;
  readonly currency: string;
  readonly amount: string;
  readonly fee: string;
  readonly newest: Date;
}

/**
 * The sums of every subject on which books and processor are not equal: the comparison itself is made of them, so that
 * a million subjects that agree stay in the database. A refund that its bank has not finished is on both sides known and
 * left out while its amount is right.
 */
const DIFFERING = `
  WITH own AS (
    SELECT CASE WHEN t.refs ? 'refund' THEN 'refund:' || (t.refs->>'refund')
                WHEN t.refs ? 'dispute' THEN 'dispute:' || (t.refs->>'dispute')
                WHEN t.refs ? 'processor_payout' THEN 'payout:' || (t.refs->>'processor_payout')
                WHEN t.key LIKE 'payout:%' THEN 'transfer:' || split_part(t.key, ':', 2)
                WHEN t.refs ? 'payment' THEN 'payment:' || (t.refs->>'payment')
                ELSE 'booking:' || t.key END AS subject,
           t.unit AS currency, (t.key ~ ':fee(_returned.*)?$') AS is_fee,
           CASE WHEN t.debit_account_id = a.id THEN t.amount ELSE -t.amount END AS moved, t.recorded_at AS at
      FROM ledger_account a
      JOIN ledger_transfer t ON a.id IN (t.debit_account_id, t.credit_account_id)
     WHERE a.code LIKE 'processor:available:%' AND t.kind IN ('posted', 'post_pending')
  ), booked AS (
    SELECT subject, currency, coalesce(sum(moved) FILTER (WHERE NOT is_fee), 0) AS amount,
           coalesce(-sum(moved) FILTER (WHERE is_fee), 0) AS fee, max(at) AS newest
      FROM own GROUP BY subject, currency
  ), theirs AS (
    SELECT coalesce('payment:' || p.id, 'refund:' || r.id, 'dispute:' || d.id, 'transfer:' || x.id,
                    CASE WHEN e.type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal')
                         THEN 'payout:' || coalesce(e.source_id, e.id) END,
                    'entry:' || e.id) AS subject,
           e.currency, sum(e.amount_minor) AS amount, sum(e.fee_minor) AS fee, max(e.occurred_at) AS newest,
           bool_or(r.status IN ('REQUESTED', 'PENDING') AND -e.amount_minor = r.amount_minor) AS is_under_way
      FROM processor_entry e
      LEFT JOIN payment p ON p.stripe_charge_id = e.source_id
      LEFT JOIN refund r ON r.stripe_refund_id = e.source_id
      LEFT JOIN dispute d ON d.stripe_dispute_id = e.source_id
      LEFT JOIN payout_attempt x ON e.source_id IN (x.stripe_transfer_id, x.stripe_reversal_id)
     GROUP BY 1, 2
  ), differing AS (
    SELECT coalesce(b.subject, t.subject) AS subject
      FROM booked b FULL JOIN theirs t ON t.subject = b.subject AND t.currency = b.currency
     WHERE (b.subject IS NULL OR t.subject IS NULL OR b.amount <> t.amount OR b.fee <> t.fee)
       AND NOT coalesce(t.is_under_way AND b.subject IS NULL, false)
  )
  SELECT 'ledger' AS side, subject, currency, amount::text, fee::text, newest FROM booked
   WHERE subject IN (SELECT subject FROM differing)
  UNION ALL
  SELECT 'processor', subject, currency, amount::text, fee::text, newest FROM theirs
   WHERE subject IN (SELECT subject FROM differing)`;

export async function differingMovements(tx: Tx): Promise<{ ledger: Movement[]; processor: Movement[] }> {
  const rows = await tx.query<MovementRow>(DIFFERING);
  const of = (side: MovementRow['side']): Movement[] =>
    rows
      .filter((row) => row.side === side)
      .map((row) => ({
        subject: row.subject,
        currency: row.currency,
        amountMinor: BigInt(row.amount),
        feeMinor: BigInt(row.fee),
        atMs: row.newest.getTime(),
      }));
  return { ledger: of('ledger'), processor: of('processor') };
}

/** Payouts that the bank has not wholly shown yet, and those that unmatched lines may name. */
export async function bankPayouts(tx: Tx): Promise<BankPayout[]> {
  const rows = await tx.query<{ id: string; currency: string; amount: string; at: Date }>(
    `SELECT source_id AS id, currency, (-sum(amount_minor))::text AS amount, min(occurred_at) AS at
       FROM processor_entry
      WHERE type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal') AND source_id IS NOT NULL
      GROUP BY source_id, currency`,
  );
  return rows.map(({ id, currency, amount, at }) => ({
    payoutId: id,
    currency,
    amountMinor: BigInt(amount),
    atMs: at.getTime(),
  }));
}

export async function bankLines(tx: Tx): Promise<BankLine[]> {
  const rows = await tx.query<{ id: string; currency: string; amount: string; texts: string[]; payout: string | null }>(
    `SELECT l.id, l.currency, l.amount_minor::text AS amount, l.texts, m.payout_id AS payout
       FROM bank_line l LEFT JOIN bank_match m ON m.line_id = l.id ORDER BY l.booked_on, l.id`,
  );
  return rows.map(({ id, currency, amount, texts, payout }) => ({
    lineId: id,
    currency,
    amountMinor: BigInt(amount),
    texts,
    matchedWith: payout ?? undefined,
  }));
}

type ReadingRow = Readonly<Record<keyof GpuReading, string>>;

/** Ended leases whose time is not the same everywhere. The last heartbeat bounds what can have been delivered. */
export async function differingGpuTime(tx: Tx): Promise<GpuReading[]> {
  const rows = await tx.query<ReadingRow>(
    `SELECT * FROM (
       SELECT l.id AS "leaseId", coalesce(d.amount, 0)::text AS booked, l.delivered_ms::text AS metered,
              coalesce(u.delivered_ms, 0)::text AS recorded, coalesce(a.amount, 0)::text AS "acceptedBooked",
              coalesce(u.accepted_ms, 0)::text AS "acceptedRecorded",
              (coalesce(greatest(0, floor(extract(epoch FROM date_trunc('milliseconds', l.last_beat_at) - date_trunc('milliseconds', l.started_at)) * 1000)), 0)::bigint
                * l.device_count)::text AS beaten
         FROM lease l
         LEFT JOIN usage_record u ON u.lease_id = l.id
         LEFT JOIN ledger_transfer d ON d.key = 'lease:' || l.id || ':deliver'
         LEFT JOIN ledger_transfer a ON a.key = 'lease:' || l.id || ':accept'
        WHERE l.ended_at IS NOT NULL) r
      WHERE booked <> metered OR booked <> recorded OR "acceptedBooked" <> "acceptedRecorded"
         OR booked::bigint > beaten::bigint`,
  );
  return rows.map((row) => ({
    leaseId: row.leaseId,
    booked: BigInt(row.booked),
    metered: BigInt(row.metered),
    recorded: BigInt(row.recorded),
    acceptedBooked: BigInt(row.acceptedBooked),
    acceptedRecorded: BigInt(row.acceptedRecorded),
    beaten: BigInt(row.beaten),
  }));
}
