import type { Tx } from '#platform';

export type ExclusionKind = 'donor' | 'gift' | 'campaign';
export type ExclusionState = 'standing' | 'appealed' | 'upheld' | 'lifted';

export interface ExclusionRow {
  readonly id: string;
  readonly roundId: string;
  readonly kind: ExclusionKind;
  readonly subjectId: string;
  readonly reason: string;
  readonly state: ExclusionState;
  readonly excludedBy: string;
  readonly excludedAt: Date;
  readonly appellantId: string | null;
  readonly appeal: string | null;
  readonly appealedAt: Date | null;
  readonly decidedBy: string | null;
  readonly decision: string | null;
  readonly decidedAt: Date | null;
}
const EXCLUSION = `id, round_id AS "roundId", kind, subject_id AS "subjectId", reason, state, excluded_by AS "excludedBy",
  excluded_at AS "excludedAt", appellant_id AS "appellantId", appeal, appealed_at AS "appealedAt", decided_by AS "decidedBy",
  decision, decided_at AS "decidedAt"`;

/** False when the subject is excluded already. */
export async function insertExclusion(
  tx: Tx,
  e: Pick<ExclusionRow, 'id' | 'roundId' | 'kind' | 'subjectId' | 'reason' | 'excludedBy'>,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO match_exclusion (id, round_id, kind, subject_id, reason, state, excluded_by, excluded_at)
     VALUES ($1, $2, $3, $4, $5, 'standing', $6, $7)
     ON CONFLICT ON CONSTRAINT match_exclusion_round_id_kind_subject_id_uq DO NOTHING RETURNING id`,
    [e.id, e.roundId, e.kind, e.subjectId, e.reason, e.excludedBy, tx.now],
  );
  return rows.length > 0;
}

export async function findExclusion(tx: Tx, id: string): Promise<ExclusionRow | undefined> {
  return (await tx.query<ExclusionRow>(`SELECT ${EXCLUSION} FROM match_exclusion WHERE id = $1`, [id]))[0];
}

export async function exclusionsOf(tx: Tx, roundIds: readonly string[]): Promise<ExclusionRow[]> {
  return tx.query<ExclusionRow>(
    `SELECT ${EXCLUSION} FROM match_exclusion WHERE round_id = ANY($1) ORDER BY id LIMIT 5000`,
    [roundIds],
  );
}

export async function writeAppeal(tx: Tx, id: string, appellantId: string, appeal: string): Promise<void> {
  await tx.query(
    `UPDATE match_exclusion SET state = 'appealed', appellant_id = $2, appeal = $3, appealed_at = $4 WHERE id = $1`,
    [id, appellantId, appeal, tx.now],
  );
}

export async function writeDecision(
  tx: Tx,
  id: string,
  state: 'upheld' | 'lifted',
  decidedBy: string,
  decision: string,
): Promise<void> {
  await tx.query(
    'UPDATE match_exclusion SET state = $2, decided_by = $3, decision = $4, decided_at = $5 WHERE id = $1',
    [id, state, decidedBy, decision, tx.now],
  );
}

/** Whether the subject is something of the round. */
export async function isSubject(tx: Tx, roundId: string, kind: ExclusionKind, subjectId: string): Promise<boolean> {
  const sql = {
    campaign: 'SELECT 1 FROM match_round_campaign WHERE round_id = $1 AND campaign_id = $2',
    gift: `SELECT 1 FROM match_round_campaign c JOIN cash_pledge p ON p.campaign_id = c.campaign_id
            WHERE c.round_id = $1 AND p.id = $2`,
    donor: `SELECT 1 FROM match_round_campaign c JOIN cash_pledge p ON p.campaign_id = c.campaign_id
             WHERE c.round_id = $1 AND p.pseudonym = $2 LIMIT 1`,
  }[kind];
  return (await tx.query(sql, [roundId, subjectId])).length > 0;
}

/** The exclusions of a round that concern this person, by one statement; what {@link ownerOf} says of each. */
export async function ownExclusions(
  tx: Tx,
  roundId: string,
  person: { readonly pseudonym: string; readonly contributorId: string },
): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    `SELECT e.id FROM match_exclusion e
       LEFT JOIN cash_pledge p ON e.kind = 'gift' AND p.id = e.subject_id
       LEFT JOIN campaign c ON e.kind = 'campaign' AND c.id = e.subject_id
      WHERE e.round_id = $1
        AND ((e.kind = 'donor' AND e.subject_id = $2) OR p.pseudonym = $2
             OR EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = c.project_id AND m.contributor_id = $3
                         AND m.role IN ('owner', 'treasurer')))`,
    [roundId, person.pseudonym, person.contributorId],
  );
  return new Set(rows.map((row) => row.id));
}

/** Whose the subject is: the donor himself, the giver of the gift, or the project of the campaign. */
export async function ownerOf(
  tx: Tx,
  kind: ExclusionKind,
  subjectId: string,
): Promise<{ pseudonym?: string; projectId?: string }> {
  if (kind === 'donor') return { pseudonym: subjectId };
  const [row] = await tx.query<{ owner: string }>(
    kind === 'gift'
      ? 'SELECT pseudonym AS owner FROM cash_pledge WHERE id = $1'
      : 'SELECT project_id AS owner FROM campaign WHERE id = $1',
    [subjectId],
  );
  if (!row) return {};
  return kind === 'gift' ? { pseudonym: row.owner } : { projectId: row.owner };
}

export interface ResultRow {
  readonly roundId: string;
  readonly version: number;
  readonly roundSha256: string;
  readonly resultSha256: string;
  readonly roundFile: string;
  readonly resultFile: string;
  readonly computedAt: Date;
}

export async function insertResult(tx: Tx, r: Omit<ResultRow, 'computedAt'>): Promise<void> {
  await tx.query(
    `INSERT INTO match_result (round_id, version, round_sha256, result_sha256, round_file, result_file, computed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [r.roundId, r.version, r.roundSha256, r.resultSha256, r.roundFile, r.resultFile, tx.now],
  );
}

/** Newest first. */
export async function resultsOf(tx: Tx, roundIds: readonly string[]): Promise<ResultRow[]> {
  return tx.query<ResultRow>(
    `SELECT round_id AS "roundId", version, round_sha256 AS "roundSha256", result_sha256 AS "resultSha256",
            round_file AS "roundFile", result_file AS "resultFile", computed_at AS "computedAt"
       FROM match_result WHERE round_id = ANY($1) ORDER BY round_id, version DESC`,
    [roundIds],
  );
}
