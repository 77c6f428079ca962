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
}

export async function readStanding(tx: Tx): Promise<StandingRow> {
  const [row] = await tx.query<StandingRow>(
    `SELECT (SELECT min(opened_at) FROM reconciliation_case WHERE state IN ('open', 'assigned', 'reopened')) AS oldest_opened_at,
            (SELECT read_until FROM processor_watermark) AS read_until,
            (SELECT compared_until FROM stripe_backfill) AS events_until`,
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
          every AS (SELECT unit AS currency FROM held UNION SELECT currency FROM said UNION SELECT currency FROM bank)
     SELECT currency,
            coalesce((SELECT minor FROM held WHERE code = 'processor:available:' || currency), 0)::text AS booked_at_processor,
            coalesce((SELECT minor FROM said s WHERE s.currency = every.currency), 0)::text AS said_by_processor,
            coalesce((SELECT minor FROM held WHERE code = 'bank:in_transit:' || currency), 0)::text AS booked_in_transit,
            coalesce((SELECT minor FROM held WHERE code = 'bank:operating:' || currency), 0)::text AS booked_at_bank,
            coalesce((SELECT minor FROM bank b WHERE b.currency = every.currency), 0)::text AS said_by_bank,
            coalesce((SELECT minor FROM held WHERE code = 'donor_cash_balance:' || currency), 0)::text AS donor_cash,
            coalesce((SELECT minor FROM held WHERE code = 'processor:fees:' || currency), 0)::text AS fees,
            (SELECT read_until FROM processor_watermark) AS read_until,
            (SELECT compared_until FROM stripe_backfill) AS events_until
       FROM every ORDER BY currency`,
  );
}
