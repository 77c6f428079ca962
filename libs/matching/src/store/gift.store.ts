import type { Tx } from '#platform';

export interface GiftRow {
  readonly pledgeId: string;
  readonly campaignId: string;
  readonly pseudonym: string;
  readonly amountMinor: bigint;
}

/**
 * Cash pledges collected within a window and still held, for the campaigns of a round: what was pledged in the
 * campaign's currency, less what was refunded or taken back.
 */
export const COLLECTED = `
  SELECT p.id AS pledge_id, p.campaign_id, p.pseudonym, div(p.counted_minor::numeric * (p.collected_minor - p.refunded_minor - p.disputed_minor), p.amount_minor)::bigint
         AS amount_minor
    FROM match_round_campaign c JOIN cash_pledge p ON p.campaign_id = c.campaign_id
   WHERE c.round_id = $1 AND p.collected_at >= $2 AND p.collected_at < $3
     AND p.state = 'collected' AND p.collected_minor > p.refunded_minor + p.disputed_minor`;

/** Copies the gifts as they stand, for ever. */
export async function freezeGifts(tx: Tx, roundId: string, from: Date, to: Date): Promise<void> {
  await tx.query(
    `INSERT INTO match_gift (round_id, pledge_id, campaign_id, pseudonym, amount_minor)
     SELECT $1, g.pledge_id, g.campaign_id, g.pseudonym, g.amount_minor FROM (${COLLECTED}) g`,
    [roundId, from, to],
  );
}

export async function frozenGifts(tx: Tx, roundId: string): Promise<GiftRow[]> {
  return tx.query<GiftRow>(
    `SELECT pledge_id AS "pledgeId", campaign_id AS "campaignId", pseudonym, amount_minor AS "amountMinor"
       FROM match_gift WHERE round_id = $1 ORDER BY pledge_id`,
    [roundId],
  );
}

/** The gifts so far of a round that is open. */
export async function giftsSoFar(tx: Tx, roundId: string, from: Date, to: Date): Promise<GiftRow[]> {
  return tx.query<GiftRow>(
    `SELECT pledge_id AS "pledgeId", campaign_id AS "campaignId", pseudonym, amount_minor AS "amountMinor"
       FROM (${COLLECTED}) g`,
    [roundId, from, to],
  );
}

export interface GiftSum {
  readonly campaignId: string;
  readonly giftCount: number;
  readonly giftsMinor: bigint;
}

/** Gifts by campaign: as copied at the cut-off, or so far. */
export async function giftSums(
  tx: Tx,
  round: { readonly id: string; readonly opensAt: Date; readonly closesAt: Date; readonly closedAt: Date | null },
): Promise<GiftSum[]> {
  const sums = `SELECT g.campaign_id AS "campaignId", count(*)::int AS "giftCount", sum(g.amount_minor)::bigint AS "giftsMinor"`;
  return round.closedAt === null
    ? tx.query<GiftSum>(`${sums} FROM (${COLLECTED}) g GROUP BY 1`, [round.id, round.opensAt, round.closesAt])
    : tx.query<GiftSum>(`${sums} FROM match_gift g WHERE g.round_id = $1 GROUP BY 1`, [round.id]);
}
