import type { Tx } from '#platform';

export interface RefundRunRow {
  readonly campaignId: string;
  readonly reason: string;
  readonly finishedAt: Date | null;
}

const COLUMNS = 'campaign_id AS "campaignId", reason, finished_at AS "finishedAt"';

export async function beginRefundRun(tx: Tx, campaignId: string, reason: string): Promise<void> {
  await tx.query(
    `INSERT INTO pledge_refund_run (campaign_id, reason, started_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [campaignId, reason, tx.now],
  );
}

/** Campaigns that ended without their goal and still hold pledges get a run, even where their event was not heard yet. */
export async function beginMissingRuns(tx: Tx): Promise<void> {
  await tx.query(
    `INSERT INTO pledge_refund_run (campaign_id, reason, started_at)
     SELECT c.id, CASE c.state WHEN 'failed' THEN 'the campaign missed its goal' ELSE 'the campaign was cancelled' END, $1
       FROM campaign c
      WHERE c.state IN ('failed', 'cancelled') AND EXISTS (SELECT 1 FROM cash_pledge p WHERE p.campaign_id = c.id)
        AND NOT EXISTS (SELECT 1 FROM pledge_refund_run r WHERE r.campaign_id = c.id)
     ON CONFLICT DO NOTHING`,
    [tx.now],
  );
}

export const openRefundRuns = (tx: Tx): Promise<RefundRunRow[]> =>
  tx.query<RefundRunRow>(`SELECT ${COLUMNS} FROM pledge_refund_run WHERE finished_at IS NULL ORDER BY started_at`);

export async function lockRefundRun(tx: Tx, campaignId: string): Promise<RefundRunRow | undefined> {
  const [row] = await tx.query<RefundRunRow>(
    `SELECT ${COLUMNS} FROM pledge_refund_run WHERE campaign_id = $1 FOR UPDATE`,
    [campaignId],
  );
  return row;
}

/** Pledges of the campaign that are not at their end yet. */
export async function countUnreturned(tx: Tx, campaignId: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM cash_pledge
      WHERE campaign_id = $1 AND state NOT IN ('refunded', 'charged_back', 'cancelled', 'released', 'dropped', 'expired')`,
    [campaignId],
  );
  return row?.n ?? 0;
}

export async function finishRefundRun(tx: Tx, campaignId: string): Promise<void> {
  await tx.query('UPDATE pledge_refund_run SET finished_at = $2 WHERE campaign_id = $1', [campaignId, tx.now]);
}
