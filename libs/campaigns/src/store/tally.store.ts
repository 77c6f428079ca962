import type { Tx } from '#platform';

/** What happened to a campaign's money, as differences in minor units of the campaign's currency. */
export interface TallyChange {
  /** Promised and not yet captured or given up. */
  readonly promisedMinor?: bigint;
  readonly capturedMinor?: bigint;
  readonly refundedMinor?: bigint;
  readonly disputedMinor?: bigint;
  readonly feesMinor?: bigint;
  /** Came from a matching pool. */
  readonly matchedMinor?: bigint;
}

export interface Tally {
  readonly promisedMinor: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly feesMinor: bigint;
  readonly matchedMinor: bigint;
}

export async function changeTally(tx: Tx, campaignId: string, change: TallyChange): Promise<void> {
  await tx.query(
    `UPDATE campaign_tally SET captured_minor = captured_minor + $2, refunded_minor = refunded_minor + $3,
            disputed_minor = disputed_minor + $4, fees_minor = fees_minor + $5, promised_minor = promised_minor + $6,
            matched_minor = matched_minor + $7
      WHERE campaign_id = $1`,
    [
      campaignId,
      change.capturedMinor ?? 0n,
      change.refundedMinor ?? 0n,
      change.disputedMinor ?? 0n,
      change.feesMinor ?? 0n,
      change.promisedMinor ?? 0n,
      change.matchedMinor ?? 0n,
    ],
  );
}

const NOTHING: Tally = {
  promisedMinor: 0n,
  capturedMinor: 0n,
  refundedMinor: 0n,
  disputedMinor: 0n,
  feesMinor: 0n,
  matchedMinor: 0n,
};

/** The totals; `held` keeps them from changing until the unit of work ends. */
export async function readTally(tx: Tx, campaignId: string, held = false): Promise<Tally> {
  const [row] = await tx.query<Tally>(
    `SELECT promised_minor AS "promisedMinor", captured_minor AS "capturedMinor", refunded_minor AS "refundedMinor",
            disputed_minor AS "disputedMinor", fees_minor AS "feesMinor", matched_minor AS "matchedMinor"
       FROM campaign_tally WHERE campaign_id = $1${held ? ' FOR UPDATE' : ''}`,
    [campaignId],
  );
  return row ?? NOTHING;
}

/** A pledge of this person that holds, one more (+1) or one less (-1). */
export interface BackerChange {
  readonly campaignId: string;
  readonly contributorId: string;
  readonly kind: 'cash' | 'compute';
  readonly delta: 1 | -1;
}

/**
 * Changes how many pledges of which people hold, however many at once. A person counts as one backer however many
 * pledges he made.
 */
export async function changeBackers(tx: Tx, changes: readonly BackerChange[]): Promise<void> {
  if (changes.length === 0) return;
  const asked = [
    changes.map((c) => c.campaignId),
    changes.map((c) => c.contributorId),
    changes.map((c) => c.kind),
    changes.map((c) => c.delta),
  ];
  // Rows are touched in one order, so that two batches with the same people wait for one another instead of for good.
  const sums = `SELECT campaign_id, contributor_id, kind, sum(delta)::integer AS delta
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[]) x(campaign_id, contributor_id, kind, delta)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
  await tx.query(
    `INSERT INTO campaign_backer (campaign_id, contributor_id, kind, holding)
     SELECT campaign_id, contributor_id, kind, 0 FROM (${sums}) s ON CONFLICT DO NOTHING`,
    asked,
  );
  await tx.query(
    `WITH sums AS (${sums}), held AS (
       SELECT b.campaign_id, b.contributor_id, b.kind, b.holding, s.delta FROM sums s
         JOIN campaign_backer b USING (campaign_id, contributor_id, kind) ORDER BY 1, 2, 3 FOR UPDATE OF b
     ), changed AS (
       UPDATE campaign_backer b SET holding = h.holding + h.delta FROM held h
        WHERE (b.campaign_id, b.contributor_id, b.kind) = (h.campaign_id, h.contributor_id, h.kind)
     ), counts AS (
       SELECT campaign_id, sum(n) FILTER (WHERE kind = 'cash') AS cash, sum(n) FILTER (WHERE kind = 'compute') AS compute
         FROM (SELECT campaign_id, kind, (holding + delta > 0)::integer - (holding > 0)::integer AS n FROM held) x
        GROUP BY campaign_id HAVING count(*) FILTER (WHERE n <> 0) > 0
     )
     UPDATE campaign_tally t SET cash_backers = t.cash_backers + coalesce(c.cash, 0),
            compute_backers = t.compute_backers + coalesce(c.compute, 0)
       FROM counts c WHERE t.campaign_id = c.campaign_id`,
    asked,
  );
}

export async function isBacker(tx: Tx, campaignId: string, contributorId: string): Promise<boolean> {
  const rows = await tx.query(
    'SELECT 1 FROM campaign_backer WHERE campaign_id = $1 AND contributor_id = $2 AND holding > 0 LIMIT 1',
    [campaignId, contributorId],
  );
  return rows.length > 0;
}
