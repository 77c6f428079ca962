import type { Tx } from '#platform';
import type { ProjectSums } from '../engine/sums.rule.js';
import { COLLECTED } from './gift.store.js';

/** What counts in a round, besides its gifts. Weights in millionths. */
export interface CountingTerms {
  readonly roundId: string;
  readonly from: Date;
  readonly to: Date;
  readonly capPerDonorMinor: bigint | undefined;
  readonly minimumPerDonorMinor: bigint | undefined;
  readonly defaultWeight: bigint;
  readonly weights: ReadonlyMap<string, bigint>;
  readonly excluded: Readonly<Record<'donor' | 'gift' | 'campaign', readonly string[]>>;
}

/**
 * The sums of each campaign of a round, by the database: a million gifts come to a thousand rows. Gifts of a donor to a
 * campaign are one, as in the engine; roots are in floating point.
 */
export async function countedSums(tx: Tx, terms: CountingTerms): Promise<Map<string, ProjectSums>> {
  const rows = await tx.query<{ campaignId: string; donors: number; counted: string; roots: string }>(
    `WITH gift AS (
       SELECT g.* FROM (${COLLECTED}) g
        WHERE g.pseudonym <> ALL($4::uuid[]) AND g.pledge_id <> ALL($5::uuid[]) AND g.campaign_id <> ALL($6::uuid[])
     ), donor AS (
       SELECT campaign_id, pseudonym, sum(amount_minor) AS amount FROM gift GROUP BY 1, 2
     ), enough AS (
       SELECT pseudonym FROM donor WHERE $7::numeric > 0 GROUP BY 1 HAVING sum(amount) < $7::numeric
     ), counted AS (
       SELECT d.campaign_id, least(d.amount, $8::numeric) * coalesce(w.weight, $9::bigint) AS amount
         FROM donor d LEFT JOIN unnest($10::uuid[], $11::bigint[]) AS w (pseudonym, weight) USING (pseudonym)
        WHERE NOT EXISTS (SELECT 1 FROM enough e WHERE e.pseudonym = d.pseudonym)
     )
     SELECT campaign_id AS "campaignId", count(*)::int AS donors, sum(amount)::text AS counted,
            trunc((sum(sqrt(amount::float8)) * 1e6)::numeric)::text AS roots
       FROM counted WHERE amount > 0 GROUP BY 1`,
    [
      terms.roundId,
      terms.from,
      terms.to,
      terms.excluded.donor,
      terms.excluded.gift,
      terms.excluded.campaign,
      terms.minimumPerDonorMinor ?? 0n,
      terms.capPerDonorMinor ?? null,
      terms.defaultWeight,
      [...terms.weights.keys()],
      [...terms.weights.values()],
    ],
  );
  return new Map(
    rows.map((row) => [
      row.campaignId,
      { donors: row.donors, counted: BigInt(row.counted.split('.')[0] ?? '0'), roots: BigInt(row.roots) },
    ]),
  );
}

/** What one donor gave so far: to a campaign, and in the whole round; excluded gifts are left out. */
export async function giftsOfDonor(
  tx: Tx,
  terms: CountingTerms,
  donor: { readonly contributorId: string; readonly campaignId: string },
): Promise<{ here: bigint; all: bigint }> {
  const [row] = await tx.query<{ here: string; all: string }>(
    `SELECT coalesce(sum(g.amount_minor) FILTER (WHERE g.campaign_id = $6), 0)::text AS here,
            coalesce(sum(g.amount_minor), 0)::text AS all
       FROM (${COLLECTED} AND p.contributor_id = $4) g
      WHERE g.pledge_id <> ALL($5::uuid[]) AND g.campaign_id <> ALL($7::uuid[])`,
    [
      terms.roundId,
      terms.from,
      terms.to,
      donor.contributorId,
      terms.excluded.gift,
      donor.campaignId,
      terms.excluded.campaign,
    ],
  );
  return { here: BigInt(row?.here ?? '0'), all: BigInt(row?.all ?? '0') };
}

/** How many gifts a round has so far, counted up to a limit. */
export async function giftCount(tx: Tx, terms: CountingTerms, limit: number): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (${COLLECTED} LIMIT ${Math.trunc(limit)}) g`,
    [terms.roundId, terms.from, terms.to],
  );
  return row?.count ?? 0;
}
