import type { Tx } from '#platform';
import type { BankLine, BankPayout } from '../domain/bank-match.rule.js';
import type { DonorCash, GpuReading, Movement } from '../domain/comparison.rule.js';

interface MovementRow {
  readonly side: 'ledger' | 'processor';
  readonly subject: string;
  readonly currency: string;
  readonly amount: string;
  readonly fee: string;
  readonly newest: Date;
  readonly net: boolean;
}

/**
 * The sums of every subject on which books and processor are not equal: the comparison itself is made of them, so that
 * a million subjects that agree stay in the database. A refund that its bank has not finished is on both sides known and
 * left out while its amount is right.
 */
const DIFFERING = `
  WITH own AS (
    SELECT CASE WHEN t.refs ? 'reconciles' THEN t.refs->>'reconciles'
                WHEN t.refs ? 'refund' THEN 'refund:' || (t.refs->>'refund')
                WHEN t.refs ? 'dispute' THEN 'dispute:' || (t.refs->>'dispute')
                WHEN t.refs ? 'processor_payout' THEN 'payout:' || (t.refs->>'processor_payout')
                WHEN t.key LIKE 'payout:%' THEN 'transfer:' || split_part(t.key, ':', 2)
                WHEN t.refs ? 'payment' THEN 'payment:' || (t.refs->>'payment')
                ELSE 'booking:' || t.key END AS subject,
           t.unit AS currency, (t.key ~ ':fee(_returned.*)?$') AS is_fee,
           (t.key ~ '^correction:.*:net$') AS is_net,
           CASE WHEN t.debit_account_id = a.id THEN t.amount ELSE -t.amount END AS moved, t.recorded_at AS at
      FROM ledger_account a
      JOIN ledger_transfer t ON a.id IN (t.debit_account_id, t.credit_account_id)
     WHERE a.code LIKE 'processor:available:%' AND t.kind IN ('posted', 'post_pending')
  ), booked AS (
    SELECT subject, currency, coalesce(sum(moved) FILTER (WHERE NOT is_fee), 0) AS amount,
           coalesce(-sum(moved) FILTER (WHERE is_fee), 0) AS fee, max(at) AS newest, bool_or(is_net) AS is_net
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
     WHERE CASE WHEN b.is_net THEN b.amount - b.fee <> coalesce(t.amount - t.fee, 0)
                WHEN b.subject IS NULL OR t.subject IS NULL THEN true
                ELSE b.amount <> t.amount OR b.fee <> t.fee END
       AND NOT coalesce(t.is_under_way AND b.subject IS NULL, false)
  )
  SELECT 'ledger' AS side, subject, currency, amount::text, fee::text, newest, is_net AS net FROM booked
   WHERE subject IN (SELECT subject FROM differing)
  UNION ALL
  SELECT 'processor', subject, currency, amount::text, fee::text, newest, false FROM theirs
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
        isNet: row.net,
      }));
  return { ledger: of('ledger'), processor: of('processor') };
}

/** Every payout to the platform's bank, with what two persons corrected of it. */
export async function bankPayouts(tx: Tx): Promise<BankPayout[]> {
  const rows = await tx.query<{ id: string; currency: string; amount: string; at: Date; corrected: string }>(
    `WITH corrected AS (
       SELECT t.refs->>'reconciles' AS subject, t.unit,
              sum(CASE WHEN t.credit_account_id = a.id THEN t.amount ELSE -t.amount END) AS minor
         FROM ledger_transfer t
         JOIN ledger_account a ON a.id IN (t.debit_account_id, t.credit_account_id) AND a.code LIKE 'bank:in_transit:%'
        WHERE starts_with(t.key, 'correction:') GROUP BY 1, 2)
     SELECT source_id AS id, currency, (-sum(amount_minor))::text AS amount, min(occurred_at) AS at,
            coalesce((SELECT minor FROM corrected c WHERE c.subject = 'payout:' || source_id AND c.unit = currency), 0)::text
              AS corrected
       FROM processor_entry
      WHERE type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal') AND source_id IS NOT NULL
      GROUP BY source_id, currency`,
  );
  return rows.map(({ id, currency, amount, at, corrected }) => ({
    payoutId: id,
    currency,
    amountMinor: BigInt(amount),
    atMs: at.getTime(),
    correctedMinor: BigInt(corrected),
  }));
}

interface LineRow {
  readonly id: string;
  readonly currency: string;
  readonly amount: string;
  readonly texts: string[];
  readonly payout: string | null;
  readonly booked: boolean;
  readonly apart: string[];
}

export async function bankLines(tx: Tx): Promise<BankLine[]> {
  const rows = await tx.query<LineRow>(
    `SELECT l.id, l.currency, l.amount_minor::text AS amount, l.texts, m.payout_id AS payout,
            (m.id IS NOT NULL AND m.payout_id IS NULL) AS booked,
            ARRAY(SELECT u.payout_id FROM bank_match u
                   WHERE u.line_id = l.id AND u.undone_at IS NOT NULL AND u.payout_id IS NOT NULL) AS apart
       FROM bank_line l LEFT JOIN bank_match m ON m.line_id = l.id AND m.undone_at IS NULL ORDER BY l.booked_on, l.id`,
  );
  return rows.map(({ id, currency, amount, texts, payout, booked, apart }) => ({
    lineId: id,
    currency,
    amountMinor: BigInt(amount),
    texts,
    matchedWith: payout ?? undefined,
    isBooked: booked,
    apartFrom: apart,
  }));
}

interface CashRow {
  readonly pseudonym: string;
  readonly currency: string;
  readonly said: string;
  readonly booked: string;
  readonly at: Date;
}

/**
 * Donors whose cash is not the same at the processor and in the books. The processor still holds what is applied until
 * the payment that moves it has succeeded, and what goes back until it was told of the return. A donor of whom something
 * moved after he was read is left to the next reading.
 */
export async function differingDonorCash(tx: Tx): Promise<DonorCash[]> {
  const rows = await tx.query<CashRow>(
    `WITH said AS (
       SELECT contributor_pseudonym AS donor, currency, sum(net_minor) AS minor, max(occurred_at) AS at
         FROM processor_cash_entry GROUP BY 1, 2
     ), moves AS (
       SELECT contributor_pseudonym AS donor, currency, amount_minor AS minor, applied_at AS at FROM cash_application
       UNION ALL SELECT contributor_pseudonym, currency, -amount_minor, updated_at FROM payment
                  WHERE rail = 'bank_transfer' AND status = 'SUCCEEDED'
       UNION ALL SELECT contributor_pseudonym, currency, CASE WHEN status = 'REQUESTED' THEN amount_minor ELSE 0 END, updated_at
                  FROM cash_return
     ), booked AS (
       SELECT donor, currency, sum(minor) AS minor, max(at) AS at FROM (
         SELECT split_part(code, ':', 2)::uuid AS donor, unit AS currency, credits_posted - debits_posted AS minor,
                CASE WHEN isfinite(touched_at) THEN touched_at ELSE opened_at END AS at
           FROM ledger_account WHERE code ~ '^donor:[0-9a-f-]{36}:unapplied_cash:[A-Z]{3}$'
         UNION ALL SELECT * FROM moves) held GROUP BY 1, 2
     )
     SELECT donor::text AS pseudonym, currency, coalesce(s.minor, 0)::text AS said, coalesce(b.minor, 0)::text AS booked,
            greatest(s.at, b.at) AS at
       FROM said s FULL JOIN booked b USING (donor, currency)
       JOIN payment_customer c ON c.contributor_pseudonym = donor
       JOIN processor_cash_reading r ON r.stripe_customer_id = c.stripe_customer_id
       LEFT JOIN donor_cash_moved m ON m.contributor_pseudonym = donor
      WHERE coalesce(s.minor, 0) <> coalesce(b.minor, 0) AND m.moved_at IS NOT DISTINCT FROM r.books_moved_at`,
  );
  return rows.map(({ pseudonym, currency, said, booked, at }) => ({
    pseudonym,
    currency,
    atProcessor: BigInt(said),
    booked: BigInt(booked),
    atMs: at.getTime(),
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
