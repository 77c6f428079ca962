import type { Tx } from '#platform';
import type { ReserveSizing } from '../domain/dispute-reserve.rule.js';

/** One rail of a sizing as it was written down; amounts as decimal text. */
export interface SizedRail {
  readonly rail: string;
  readonly openMinor: string;
  readonly disputedMinor: string;
  readonly rateBp: number;
  readonly windowDays: number | null;
  readonly windowEndsAt: string | null;
  readonly needMinor: string;
}

export interface SizingRow {
  readonly currency: string;
  readonly number: number;
  readonly exposures: readonly SizedRail[];
  readonly targetMinor: bigint;
  readonly movedMinor: bigint;
  readonly heldMinor: bigint;
  readonly sizedAt: Date;
}

const COLUMNS = `currency, number, exposures, target_minor AS "targetMinor", moved_minor AS "movedMinor",
  held_minor AS "heldMinor", sized_at AS "sizedAt"`;

export async function lastSizing(tx: Tx, campaignId: string, currency: string): Promise<SizingRow | undefined> {
  return (
    await tx.query<SizingRow>(
      `SELECT ${COLUMNS} FROM disbursement_reserve WHERE campaign_id = $1 AND currency = $2
        ORDER BY number DESC LIMIT 1`,
      [campaignId, currency],
    )
  )[0];
}

/** The newest sizing of each currency. */
export function lastSizings(tx: Tx, campaignId: string): Promise<SizingRow[]> {
  return tx.query<SizingRow>(
    `SELECT DISTINCT ON (currency) ${COLUMNS} FROM disbursement_reserve WHERE campaign_id = $1
      ORDER BY currency, number DESC`,
    [campaignId],
  );
}

export async function insertSizing(
  tx: Tx,
  input: {
    campaignId: string;
    currency: string;
    number: number;
    windowDays: Readonly<Record<string, number>>;
    sizing: ReserveSizing;
  },
): Promise<void> {
  const { sizing } = input;
  const exposures = sizing.needs.map((need): SizedRail => ({
    rail: need.rail,
    openMinor: String(need.openMinor),
    disputedMinor: String(need.disputedMinor),
    rateBp: need.rateBp,
    windowDays: input.windowDays[need.rail] ?? null,
    windowEndsAt: need.windowEndsAt?.toISOString() ?? null,
    needMinor: String(need.needMinor),
  }));
  await tx.query(
    `INSERT INTO disbursement_reserve (campaign_id, currency, number, exposures, target_minor, moved_minor, held_minor,
                                       sized_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      input.campaignId,
      input.currency,
      input.number,
      JSON.stringify(exposures),
      sizing.targetMinor.toString(),
      sizing.moveMinor.toString(),
      sizing.targetMinor.toString(),
      tx.now,
    ],
  );
}
