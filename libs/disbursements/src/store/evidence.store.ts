import type { Tx } from '#platform';
import type { EvidenceKind } from '../domain/evidence.rule.js';

export interface EvidenceFile {
  readonly name: string;
  readonly sha256: string;
  /** Decimal text. */
  readonly bytes: string;
}

export interface EvidenceRow {
  readonly id: string;
  readonly trancheId: string;
  readonly round: number;
  readonly kind: EvidenceKind;
  readonly submittedBy: string | null;
  readonly pseudonym: string | null;
  readonly submittedAt: Date;
  readonly checkpointId: string | null;
  readonly runId: string | null;
  readonly tokens: bigint | null;
  readonly manifestSha256: string | null;
  readonly value: string | null;
  readonly report: string;
  readonly files: readonly EvidenceFile[];
  readonly closesAt: Date | null;
  readonly electorate: number | null;
  readonly yesVotes: number | null;
  readonly noVotes: number | null;
  readonly outcome: 'voting' | 'open' | 'accepted' | 'rejected';
  readonly judgedAt: Date | null;
}

export interface ApprovalRow {
  readonly evidenceId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly approves: boolean;
  readonly reason: string;
  readonly at: Date;
}

const EVIDENCE_COLUMNS = `id, tranche_id AS "trancheId", round, kind, submitted_by AS "submittedBy", pseudonym,
  submitted_at AS "submittedAt", checkpoint_id AS "checkpointId", run_id AS "runId", tokens,
  manifest_sha256 AS "manifestSha256", value, report, files, closes_at AS "closesAt", electorate,
  yes_votes AS "yesVotes", no_votes AS "noVotes", outcome, judged_at AS "judgedAt"`;
const APPROVAL_COLUMNS =
  'evidence_id AS "evidenceId", contributor_id AS "contributorId", pseudonym, approves, reason, at';

export async function findEvidence(tx: Tx, id: string): Promise<EvidenceRow | undefined> {
  return (await tx.query<EvidenceRow>(`SELECT ${EVIDENCE_COLUMNS} FROM disbursement_evidence WHERE id = $1`, [id]))[0];
}

/** Evidence of these tranches, the first round first. */
export function evidenceOf(tx: Tx, trancheIds: readonly string[]): Promise<EvidenceRow[]> {
  return tx.query<EvidenceRow>(
    `SELECT ${EVIDENCE_COLUMNS} FROM disbursement_evidence WHERE tranche_id = ANY($1) ORDER BY tranche_id, round`,
    [trancheIds],
  );
}

export function approvalsOf(tx: Tx, evidenceIds: readonly string[]): Promise<ApprovalRow[]> {
  return tx.query<ApprovalRow>(
    `SELECT ${APPROVAL_COLUMNS} FROM disbursement_approval WHERE evidence_id = ANY($1) ORDER BY evidence_id, at, id`,
    [evidenceIds],
  );
}

export type NewEvidence = Pick<
  EvidenceRow,
  'id' | 'trancheId' | 'kind' | 'submittedBy' | 'pseudonym' | 'report' | 'files'
> &
  Partial<
    Pick<EvidenceRow, 'checkpointId' | 'runId' | 'tokens' | 'manifestSha256' | 'value' | 'closesAt' | 'electorate'>
  >;

export async function insertEvidence(tx: Tx, e: NewEvidence): Promise<void> {
  await tx.query(
    `INSERT INTO disbursement_evidence (id, tranche_id, round, kind, submitted_by, pseudonym, submitted_at, checkpoint_id,
       run_id, tokens, manifest_sha256, value, report, files, closes_at, electorate, outcome)
     SELECT $1::uuid, $2::uuid, coalesce(max(round), 0) + 1, $3::text, $4::uuid, $5::uuid, $6::timestamptz, $7::uuid, $8::uuid,
            $9::bigint, $10::text, $11::text, $12::text, $13::jsonb, $14::timestamptz, $15::int, $16::text
       FROM disbursement_evidence WHERE tranche_id = $2`,
    [
      e.id,
      e.trancheId,
      e.kind,
      e.submittedBy,
      e.pseudonym,
      tx.now,
      e.checkpointId ?? null,
      e.runId ?? null,
      e.tokens?.toString() ?? null,
      e.manifestSha256 ?? null,
      e.value ?? null,
      e.report,
      JSON.stringify(e.files),
      e.closesAt ?? null,
      e.electorate ?? null,
      e.kind === 'vote' ? 'voting' : 'open',
    ],
  );
}

export async function judgeEvidence(tx: Tx, id: string, outcome: 'accepted' | 'rejected'): Promise<void> {
  await tx.query('UPDATE disbursement_evidence SET outcome = $2, judged_at = $3 WHERE id = $1', [id, outcome, tx.now]);
}

/** Records how the vote went and, when it was won, opens the evidence to its approvers. */
export async function countVotes(
  tx: Tx,
  id: string,
  votes: { electorate: number; yes: number; no: number },
  isWon: boolean,
): Promise<void> {
  await tx.query(
    `UPDATE disbursement_evidence SET electorate = $2, yes_votes = $3, no_votes = $4, outcome = $5::text,
            judged_at = CASE WHEN $5::text = 'rejected' THEN $6::timestamptz END WHERE id = $1`,
    [id, votes.electorate, votes.yes, votes.no, isWon ? 'open' : 'rejected', tx.now],
  );
}

export async function insertApproval(
  tx: Tx,
  a: { id: string; evidenceId: string; contributorId: string; pseudonym: string; approves: boolean; reason: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO disbursement_approval (id, evidence_id, contributor_id, pseudonym, approves, reason, at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [a.id, a.evidenceId, a.contributorId, a.pseudonym, a.approves, a.reason, tx.now],
  );
}

/** @returns false when this person has voted already. */
export async function insertBallot(
  tx: Tx,
  evidenceId: string,
  contributorId: string,
  inFavour: boolean,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO disbursement_ballot (evidence_id, contributor_id, in_favour, at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (evidence_id, contributor_id) DO NOTHING RETURNING evidence_id`,
    [evidenceId, contributorId, inFavour, tx.now],
  );
  return rows.length > 0;
}

export async function ballotsOf(tx: Tx, evidenceId: string): Promise<{ yes: number; no: number }> {
  const [row] = await tx.query<{ yes: number; no: number }>(
    `SELECT count(*) FILTER (WHERE in_favour)::int AS yes, count(*) FILTER (WHERE NOT in_favour)::int AS no
       FROM disbursement_ballot WHERE evidence_id = $1`,
    [evidenceId],
  );
  return row ?? { yes: 0, no: 0 };
}

export interface PromotedCheckpoint {
  readonly runId: string;
  readonly tokens: bigint;
  readonly manifestSha256: string;
}

/** A checkpoint that a run of this campaign promoted. `campaign_run` is written by campaigns when the run is made. */
export async function promotedCheckpoint(
  tx: Tx,
  campaignId: string,
  checkpointId: string,
): Promise<PromotedCheckpoint | undefined> {
  return (
    await tx.query<PromotedCheckpoint>(
      `SELECT c.run_id AS "runId", c.tokens, c.manifest_sha256 AS "manifestSha256"
         FROM disbursement_checkpoint c JOIN campaign_run r ON r.run_id = c.run_id
        WHERE c.checkpoint_id = $1 AND r.campaign_id = $2`,
      [checkpointId, campaignId],
    )
  )[0];
}

/** Whether the checkpoint stands, or stood and was not rejected, as evidence of another tranche of the campaign. */
export async function isCheckpointUsed(tx: Tx, tranche: { id: string; campaignId: string }, checkpointId: string) {
  const [row] = await tx.query(
    `SELECT 1 FROM disbursement_evidence e JOIN disbursement_tranche t ON t.id = e.tranche_id
      WHERE e.checkpoint_id = $1 AND t.campaign_id = $2 AND t.id <> $3 AND e.outcome <> 'rejected' LIMIT 1`,
    [checkpointId, tranche.campaignId, tranche.id],
  );
  return row !== undefined;
}

/** Cash backers of a campaign, from the counter that campaigns keeps: whoever has a pledge that holds. */
export async function backersOf(tx: Tx, campaignId: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM campaign_backer WHERE campaign_id = $1 AND kind = 'cash' AND holding > 0`,
    [campaignId],
  );
  return row?.n ?? 0;
}

export async function isBacker(tx: Tx, campaignId: string, contributorId: string): Promise<boolean> {
  const [row] = await tx.query(
    `SELECT 1 FROM campaign_backer WHERE campaign_id = $1 AND contributor_id = $2 AND kind = 'cash' AND holding > 0`,
    [campaignId, contributorId],
  );
  return row !== undefined;
}
