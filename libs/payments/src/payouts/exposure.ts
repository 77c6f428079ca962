import { Injectable } from '@nestjs/common';
import type { Tx } from '#platform';

/** What payers of one beneficiary may still take back, on one rail in one currency. Minor units of that currency. */
export interface RailExposure {
  readonly rail: string;
  readonly currency: string;
  /** Captured, less what was or is being given back and what is in dispute, within the rail's window. */
  readonly openMinor: bigint;
  /** In disputes that are open. */
  readonly disputedMinor: bigint;
  /** When the last window of what is open closes; undefined when nothing is open. */
  readonly windowEndsAt: Date | undefined;
}

/** A rail that has no window of its own counts as the longest. */
const LONGEST_DAYS = 120;

/** How much of what was collected may still be taken back. */
@Injectable()
export class Exposure {
  /** As of `tx.now`, for a campaign (or pool) and windows in days by rail. Rails with nothing collected are missing. */
  async open(tx: Tx, beneficiaryId: string, windowDays: Readonly<Record<string, number>>): Promise<RailExposure[]> {
    const rows = await tx.query<{
      rail: string;
      currency: string;
      open: string;
      disputed: string;
      windowEndsAt: Date | null;
    }>(
      `SELECT rail, currency, coalesce(sum(rest) FILTER (WHERE ends > $3), 0)::text AS open,
              coalesce(sum(disputed), 0)::text AS disputed, max(ends) FILTER (WHERE ends > $3 AND rest > 0) AS "windowEndsAt"
         FROM (SELECT p.rail, p.currency, coalesce(d.open, 0) AS disputed,
                      greatest(p.amount_minor - coalesce(r.back, 0) - coalesce(d.open, 0) - coalesce(d.lost, 0), 0) AS rest,
                      p.captured_at + make_interval(days => coalesce(($2::jsonb ->> p.rail)::int, $4)) AS ends
                 FROM payment p
                 LEFT JOIN LATERAL (SELECT sum(amount_minor) AS back FROM refund
                                     WHERE payment_id = p.id AND status NOT IN ('FAILED', 'CANCELED')) r ON true
                 LEFT JOIN LATERAL (SELECT sum(amount_minor) FILTER (WHERE status = 'OPEN') AS open,
                                           sum(amount_minor) FILTER (WHERE status = 'LOST') AS lost
                                      FROM dispute WHERE payment_id = p.id) d ON true
                WHERE p.beneficiary_id = $1 AND p.status = 'SUCCEEDED') one
        GROUP BY rail, currency ORDER BY rail, currency`,
      [beneficiaryId, JSON.stringify(windowDays), tx.now, LONGEST_DAYS],
    );
    return rows.map((row) => ({
      rail: row.rail,
      currency: row.currency,
      openMinor: BigInt(row.open),
      disputedMinor: BigInt(row.disputed),
      windowEndsAt: row.windowEndsAt ?? undefined,
    }));
  }

  /** What the processor took for the payments of a beneficiary and for their disputes, minor units by currency. */
  async fees(tx: Tx, beneficiaryId: string): Promise<Map<string, bigint>> {
    const rows = await tx.query<{ currency: string; fees: string }>(
      `SELECT p.currency, (sum(p.fee_minor) + coalesce(sum(d.fees), 0))::text AS fees
         FROM payment p
         LEFT JOIN LATERAL (SELECT sum(fee_minor) AS fees FROM dispute
                             WHERE payment_id = p.id AND status IN ('OPEN', 'WON', 'LOST')) d ON true
        WHERE p.beneficiary_id = $1 AND p.status = 'SUCCEEDED' GROUP BY p.currency`,
      [beneficiaryId],
    );
    return new Map(rows.map((row) => [row.currency, BigInt(row.fees)]));
  }
}
