import type { Tx } from '#platform';

/** What happened to a campaign's money, as differences in minor units of the campaign's currency. */
export interface TallyChange {
  /** Promised and not yet captured or given up. */
  readonly promisedMinor?: bigint;
  readonly capturedMinor?: bigint;
  readonly refundedMinor?: bigint;
  readonly disputedMinor?: bigint;
  readonly feesMinor?: bigint;
}

export interface Tally {
  readonly promisedMinor: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly feesMinor: bigint;
}

export async function changeTally(tx: Tx, campaignId: string, change: TallyChange): Promise<void> {
  await tx.query(
    `UPDATE campaign_tally SET captured_minor = captured_minor + $2, refunded_minor = refunded_minor + $3,
            disputed_minor = disputed_minor + $4, fees_minor = fees_minor + $5, promised_minor = promised_minor + $6
      WHERE campaign_id = $1`,
    [
      campaignId,
      change.capturedMinor ?? 0n,
      change.refundedMinor ?? 0n,
      change.disputedMinor ?? 0n,
      change.feesMinor ?? 0n,
      change.promisedMinor ?? 0n,
    ],
  );
}

const NOTHING: Tally = { promisedMinor: 0n, capturedMinor: 0n, refundedMinor: 0n, disputedMinor: 0n, feesMinor: 0n };

/** The totals; `held` keeps them from changing until the unit of work ends. */
export async function readTally(tx: Tx, campaignId: string, held = false): Promise<Tally> {
  const [row] = await tx.query<Tally>(
    `SELECT promised_minor AS "promisedMinor", captured_minor AS "capturedMinor", refunded_minor AS "refundedMinor",
            disputed_minor AS "disputedMinor", fees_minor AS "feesMinor"
       FROM campaign_tally WHERE campaign_id = $1${held ? ' FOR UPDATE' : ''}`,
    [campaignId],
  );
  return row ?? NOTHING;
}

/**
 * One more (+1) or one less (-1) pledge of this person that holds. A person counts as one backer however many pledges
 * he made.
 */
export async function changeBacker(
  tx: Tx,
  campaignId: string,
  contributorId: string,
  kind: 'cash' | 'compute',
  delta: 1 | -1,
): Promise<void> {
  const [row] = await tx.query<{ holding: number }>(
    `INSERT INTO campaign_backer (campaign_id, contributor_id, kind, holding) VALUES ($1, $2, $3, greatest($4, 0))
     ON CONFLICT (campaign_id, contributor_id, kind) DO UPDATE SET holding = campaign_backer.holding + $4
     RETURNING holding`,
    [campaignId, contributorId, kind, delta],
  );
  const appeared = delta === 1 && row?.holding === 1;
  const vanished = delta === -1 && row?.holding === 0;
  if (!appeared && !vanished) return;
  const column = kind === 'cash' ? 'cash_backers' : 'compute_backers';
  await tx.query(`UPDATE campaign_tally SET ${column} = ${column} + $2 WHERE campaign_id = $1`, [campaignId, delta]);
}

export async function isBacker(tx: Tx, campaignId: string, contributorId: string): Promise<boolean> {
  const rows = await tx.query(
    'SELECT 1 FROM campaign_backer WHERE campaign_id = $1 AND contributor_id = $2 AND holding > 0 LIMIT 1',
    [campaignId, contributorId],
  );
  return rows.length > 0;
}
