import type { Tx } from '#platform';
import type { RoundState } from '../domain/round.machine.js';
import type { RoundTerms } from '../file/round-file.reader.js';

export interface RoundRow {
  readonly id: string;
  readonly poolId: string;
  readonly slug: string;
  readonly title: string;
  readonly summary: string;
  readonly state: RoundState;
  readonly currency: string;
  readonly poolMinor: bigint;
  readonly rule: RoundTerms;
  readonly opensAt: Date;
  readonly closesAt: Date;
  readonly reviewSeconds: bigint;
  readonly salt: string;
  readonly createdBy: string;
  readonly closedAt: Date | null;
  readonly computedAt: Date | null;
  readonly finalAt: Date | null;
  readonly paidAt: Date | null;
  readonly paidMinor: bigint | null;
  readonly cancelReason: string | null;
  /** Whoever manages the pool. */
  readonly poolCreatedBy: string;
}
const ROUND = `r.id, r.pool_id AS "poolId", r.slug, r.title, r.summary, r.state, r.currency, r.pool_minor AS "poolMinor",
  r.rule, r.opens_at AS "opensAt", r.closes_at AS "closesAt", r.review_seconds AS "reviewSeconds", r.salt,
  r.created_by AS "createdBy", r.closed_at AS "closedAt", r.computed_at AS "computedAt", r.final_at AS "finalAt",
  r.paid_at AS "paidAt", r.paid_minor AS "paidMinor", r.cancel_reason AS "cancelReason", p.created_by AS "poolCreatedBy"`;
const FROM = 'FROM match_round r JOIN match_pool p ON p.id = r.pool_id';

export type NewRound = Pick<
  RoundRow,
  | 'id'
  | 'poolId'
  | 'slug'
  | 'title'
  | 'summary'
  | 'currency'
  | 'poolMinor'
  | 'rule'
  | 'opensAt'
  | 'closesAt'
  | 'reviewSeconds'
  | 'salt'
  | 'createdBy'
>;

export async function insertRound(tx: Tx, r: NewRound): Promise<void> {
  await tx.query(
    `INSERT INTO match_round (id, pool_id, slug, title, summary, state, currency, pool_minor, rule, opens_at, closes_at,
                              review_seconds, salt, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, 'draft', $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      r.id,
      r.poolId,
      r.slug,
      r.title,
      r.summary,
      r.currency,
      r.poolMinor,
      JSON.stringify(r.rule),
      r.opensAt,
      r.closesAt,
      r.reviewSeconds,
      r.salt,
      r.createdBy,
      tx.now,
    ],
  );
}

/** The round, held against every other change until the unit of work ends. */
export async function lockRound(tx: Tx, id: string): Promise<RoundRow | undefined> {
  return (await tx.query<RoundRow>(`SELECT ${ROUND} ${FROM} WHERE r.id = $1 FOR UPDATE OF r`, [id]))[0];
}

export async function findRound(tx: Tx, by: { id: string } | { slug: string }): Promise<RoundRow | undefined> {
  const [column, value] = 'id' in by ? ['id', by.id] : ['slug', by.slug];
  return (await tx.query<RoundRow>(`SELECT ${ROUND} ${FROM} WHERE r.${column} = $1`, [value]))[0];
}

/** Whose drafts are shown: nobody's, those of one manager's pools, or all. */
export interface DraftsOf {
  readonly managerId?: string;
  readonly all?: boolean;
}

/** Newest first, from below the id `before`. Drafts only for who manages the pool, or all for operators. */
export async function listRounds(
  tx: Tx,
  filter: { before?: string | undefined; limit: number; draftsOf: DraftsOf },
): Promise<RoundRow[]> {
  return tx.query<RoundRow>(
    `SELECT ${ROUND} ${FROM}
      WHERE ($1::uuid IS NULL OR r.id < $1) AND (r.state <> 'draft' OR $3::boolean OR p.created_by = $2::uuid)
      ORDER BY r.id DESC LIMIT $4`,
    [filter.before ?? null, filter.draftsOf.managerId ?? null, filter.draftsOf.all ?? false, filter.limit],
  );
}

/** Rounds that wait for the clock. */
export async function roundsDue(tx: Tx): Promise<{ id: string; state: RoundState }[]> {
  return tx.query<{ id: string; state: RoundState }>(
    `SELECT id, state FROM match_round r
      WHERE (state = 'open' AND closes_at <= $1) OR state IN ('closed', 'final')
         OR (state = 'computed' AND closed_at + review_seconds * interval '1 second' <= $1
             AND NOT EXISTS (SELECT 1 FROM match_exclusion e WHERE e.round_id = r.id AND e.state = 'appealed'))
      ORDER BY id LIMIT 20`,
    [tx.now],
  );
}

export async function writeRoundState(
  tx: Tx,
  id: string,
  to: RoundState,
  more: { paidMinor?: bigint } = {},
): Promise<void> {
  await tx.query(
    `UPDATE match_round SET state = $2, paid_minor = coalesce($3, paid_minor),
            closed_at = CASE WHEN $2 = 'closed' THEN $4 ELSE closed_at END,
            computed_at = CASE WHEN $2 = 'computed' THEN $4 ELSE computed_at END,
            final_at = CASE WHEN $2 = 'final' THEN $4 ELSE final_at END,
            paid_at = CASE WHEN $2 = 'paid' THEN $4 ELSE paid_at END WHERE id = $1`,
    [id, to, more.paidMinor ?? null, tx.now],
  );
}

export interface RoundCampaignRow {
  readonly roundId: string;
  readonly campaignId: string;
  readonly capMinor: bigint | null;
  readonly matchMinor: bigint | null;
  readonly paidMinor: bigint | null;
}
const CAMPAIGN = `round_id AS "roundId", campaign_id AS "campaignId", cap_minor AS "capMinor", match_minor AS "matchMinor",
  paid_minor AS "paidMinor"`;

export async function campaignsOf(tx: Tx, roundIds: readonly string[]): Promise<RoundCampaignRow[]> {
  return tx.query<RoundCampaignRow>(
    `SELECT ${CAMPAIGN} FROM match_round_campaign WHERE round_id = ANY($1) ORDER BY round_id, campaign_id`,
    [roundIds],
  );
}

export async function setCampaigns(
  tx: Tx,
  roundId: string,
  campaigns: readonly { readonly campaignId: string; readonly capMinor: bigint | null }[],
): Promise<void> {
  await tx.query('DELETE FROM match_round_campaign WHERE round_id = $1', [roundId]);
  await tx.query(
    `INSERT INTO match_round_campaign (round_id, campaign_id, cap_minor)
     SELECT $1, * FROM unnest($2::uuid[], $3::bigint[])`,
    [roundId, campaigns.map((c) => c.campaignId), campaigns.map((c) => c.capMinor)],
  );
}

export async function writeMatches(
  tx: Tx,
  roundId: string,
  column: 'match_minor' | 'paid_minor',
  amounts: ReadonlyMap<string, bigint>,
): Promise<void> {
  await tx.query(
    `UPDATE match_round_campaign c SET ${column} = x.amount
       FROM unnest($2::uuid[], $3::bigint[]) AS x(campaign_id, amount)
      WHERE c.round_id = $1 AND c.campaign_id = x.campaign_id`,
    [roundId, [...amounts.keys()], [...amounts.values()]],
  );
}

export async function insertScores(
  tx: Tx,
  roundId: string,
  recordedBy: string,
  source: string,
  scores: readonly { readonly id: string; readonly pseudonym: string; readonly score: string }[],
): Promise<void> {
  await tx.query(
    `INSERT INTO match_score (id, round_id, pseudonym, score, source, recorded_by, recorded_at)
     SELECT x.id, $1, x.pseudonym, x.score, $2, $3, $4 FROM unnest($5::uuid[], $6::uuid[], $7::text[]) AS x(id, pseudonym, score)`,
    [
      roundId,
      source,
      recordedBy,
      tx.now,
      scores.map((s) => s.id),
      scores.map((s) => s.pseudonym),
      scores.map((s) => s.score),
    ],
  );
}

/** The latest score of each person in the round. */
export async function scoresOf(tx: Tx, roundId: string): Promise<{ pseudonym: string; score: string }[]> {
  return tx.query(
    `SELECT DISTINCT ON (pseudonym) pseudonym, score FROM match_score WHERE round_id = $1 ORDER BY pseudonym, id DESC`,
    [roundId],
  );
}

export async function setGroups(
  tx: Tx,
  roundId: string,
  members: readonly { readonly groupId: string; readonly pseudonym: string }[],
): Promise<void> {
  await tx.query('DELETE FROM match_group_member WHERE round_id = $1', [roundId]);
  await tx.query(
    `INSERT INTO match_group_member (round_id, group_id, pseudonym)
     SELECT DISTINCT $1::uuid, x.group_id, x.pseudonym FROM unnest($2::text[], $3::uuid[]) AS x(group_id, pseudonym)`,
    [roundId, members.map((m) => m.groupId), members.map((m) => m.pseudonym)],
  );
}

export async function groupsOf(tx: Tx, roundId: string): Promise<{ groupId: string; pseudonym: string }[]> {
  return tx.query(
    'SELECT group_id AS "groupId", pseudonym FROM match_group_member WHERE round_id = $1 ORDER BY group_id, pseudonym',
    [roundId],
  );
}
