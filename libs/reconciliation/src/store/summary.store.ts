import type { Tx } from '#platform';
import type { DifferenceKind } from '../domain/comparison.rule.js';

/** What each side says, minor units of one currency. */
export interface SummaryRow {
  readonly currency: string;
  readonly booked_at_processor: string;
  readonly said_by_processor: string;
  readonly booked_in_transit: string;
  readonly booked_at_bank: string;
  readonly said_by_bank: string;
  readonly donor_cash: string;
  readonly donor_cash_said: string;
  readonly fees: string;
  /** Until when the processor's movements were read, and until when its events were compared with the inbox. */
  readonly read_until: Date | null;
  readonly events_until: Date | null;
}

/** What is open, and how far the processor was read. */
export interface StandingRow {
  readonly oldest_opened_at: Date | null;
  readonly read_until: Date | null;
  readonly events_until: Date | null;
  /** When all sides were compared last. */
  readonly ran_at: Date | null;
  /** Differences that are there still, and right as they stand. */
  readonly explained: number;
}

export async function saveRun(tx: Tx): Promise<void> {
  await tx.query(
    `INSERT INTO reconciliation_run (id, ran_at) VALUES (1, $1)
     ON CONFLICT (id) DO UPDATE SET ran_at = greatest(reconciliation_run.ran_at, excluded.ran_at)`,
    [tx.now],
  );
}

/** What is open of a unit: how many cases, and the sum of their differences, each counted above zero. */
export interface OpenDifference {
  readonly unit: string;
  readonly cases: number;
  readonly difference: string;
}

export async function openDifferences(tx: Tx): Promise<OpenDifference[]> {
  return tx.query<OpenDifference>(
    `SELECT unit, count(*)::int AS cases, sum(abs(expected::numeric - found))::text AS difference FROM reconciliation_case
      WHERE state IN ('open', 'assigned', 'reopened') GROUP BY unit ORDER BY unit`,
  );
}

/** Milliseconds of ended leases of a class, as each place that keeps them says. */
export interface GpuSides {
  readonly class: string;
  readonly booked: string;
  readonly metered: string;
  readonly recorded: string;
}

export async function readGpuSides(tx: Tx): Promise<GpuSides[]> {
  return tx.query<GpuSides>(
    `SELECT l.gpu_class AS class, coalesce(sum(d.amount), 0)::text AS booked, coalesce(sum(l.delivered_ms), 0)::text AS metered,
            coalesce(sum(u.delivered_ms), 0)::text AS recorded
       FROM lease l
       LEFT JOIN usage_record u ON u.lease_id = l.id
       LEFT JOIN ledger_transfer d ON d.key = 'lease:' || l.id || ':deliver'
      WHERE l.ended_at IS NOT NULL GROUP BY 1 ORDER BY 1`,
  );
}

export async function readStanding(tx: Tx): Promise<StandingRow> {
  const [row] = await tx.query<StandingRow>(
    `SELECT (SELECT min(opened_at) FROM reconciliation_case WHERE state IN ('open', 'assigned', 'reopened')) AS oldest_opened_at,
            (SELECT read_until FROM processor_watermark) AS read_until,
            (SELECT compared_until FROM stripe_backfill) AS events_until,
            (SELECT ran_at FROM reconciliation_run) AS ran_at,
            (SELECT count(*)::int FROM reconciliation_case WHERE state = 'explained') AS explained`,
  );
  if (!row) throw new Error('a row of constants is always there');
  return row;
}

export async function countOpenCases(tx: Tx): Promise<{ kind: DifferenceKind; open: number }[]> {
  return tx.query<{ kind: DifferenceKind; open: number }>(
    `SELECT kind, count(*)::int AS open FROM reconciliation_case
      WHERE state IN ('open', 'assigned', 'reopened') GROUP BY kind ORDER BY kind`,
  );
}

export async function readSummary(tx: Tx): Promise<SummaryRow[]> {
  return tx.query<SummaryRow>(
    `WITH held AS (SELECT code, unit, debits_posted - credits_posted AS minor FROM ledger_account
                    WHERE code ~ '^(processor:(available|fees)|bank:(in_transit|operating)|donor_cash_balance):[A-Z]{3}$'),
          said AS (SELECT currency, sum(amount_minor - fee_minor) AS minor FROM processor_entry GROUP BY currency),
          bank AS (SELECT currency, sum(amount_minor) AS minor FROM bank_line GROUP BY currency),
          cash AS (SELECT currency, sum(net_minor) AS minor FROM processor_cash_entry GROUP BY currency),
          every AS (SELECT unit AS currency FROM held UNION SELECT currency FROM said UNION SELECT currency FROM bank
                     UNION SELECT currency FROM cash)
     SELECT currency,
            coalesce((SELECT minor FROM held WHERE code = 'processor:available:' || currency), 0)::text AS booked_at_processor,
            coalesce((SELECT minor FROM said s WHERE s.currency = every.currency), 0)::text AS said_by_processor,
            coalesce((SELECT minor FROM held WHERE code = 'bank:in_transit:' || currency), 0)::text AS booked_in_transit,
            coalesce((SELECT minor FROM held WHERE code = 'bank:operating:' || currency), 0)::text AS booked_at_bank,
            coalesce((SELECT minor FROM bank b WHERE b.currency = every.currency), 0)::text AS said_by_bank,
            coalesce((SELECT minor FROM held WHERE code = 'donor_cash_balance:' || currency), 0)::text AS donor_cash,
            coalesce((SELECT minor FROM cash c WHERE c.currency = every.currency), 0)::text AS donor_cash_said,
            coalesce((SELECT minor FROM held WHERE code = 'processor:fees:' || currency), 0)::text AS fees,
            (SELECT read_until FROM processor_watermark) AS read_until,
            (SELECT compared_until FROM stripe_backfill) AS events_until
       FROM every ORDER BY currency`,
  );
}
