import type { Tx, Viewer } from '#platform';

export interface TermsVersionRow {
  readonly version: number;
  readonly sha256: Buffer;
  readonly content: string;
  readonly cause: string;
  readonly createdAt: Date;
}

/** Every version of a campaign's terms, newest first. */
export function termsVersions(tx: Tx, campaignId: string): Promise<TermsVersionRow[]> {
  return tx.query<TermsVersionRow>(
    `SELECT version, sha256, content, cause, created_at AS "createdAt" FROM campaign_terms WHERE campaign_id = $1
      ORDER BY version DESC`,
    [campaignId],
  );
}

export interface SettlementRow {
  readonly snapshotId: string;
  readonly round: number;
  readonly cause: string;
  readonly frozenAt: Date;
  readonly promisedMinor: bigint;
  readonly collectedMinor: bigint;
  readonly judgedAt: Date | null;
  readonly verdict: string | null;
  readonly judgedCashMinor: bigint | null;
  readonly judgedComputeMs: bigint | null;
  readonly currency: string;
  readonly gpuClass: string;
}

/** When the pledges were frozen and what came of it, oldest first: at most two. */
export function settlements(tx: Tx, campaignId: string): Promise<SettlementRow[]> {
  return tx.query<SettlementRow>(
    `SELECT s.snapshot_id AS "snapshotId", s.round, s.cause, s.frozen_at AS "frozenAt", s.promised_minor AS "promisedMinor",
            s.collected_minor AS "collectedMinor", s.judged_at AS "judgedAt", s.verdict,
            s.judged_cash_minor AS "judgedCashMinor", s.judged_compute_ms AS "judgedComputeMs", c.currency,
            c.gpu_class AS "gpuClass"
       FROM campaign_settlement s JOIN campaign c ON c.id = s.campaign_id WHERE s.campaign_id = $1 ORDER BY s.round`,
    [campaignId],
  );
}

/** Whether a pledge of this person holds, and what he answered to the extension. */
export async function standingOf(
  tx: Tx,
  viewer: Viewer,
  campaignId: string,
): Promise<{ backs: boolean; consents: boolean | null }> {
  if (viewer.kind === 'anonymous') return { backs: false, consents: null };
  const [row] = await tx.query<{ backs: boolean; consents: boolean | null }>(
    `SELECT EXISTS (SELECT 1 FROM campaign_backer WHERE campaign_id = $1 AND contributor_id = $2 AND holding > 0) AS backs,
            (SELECT agrees FROM campaign_extension_consent WHERE campaign_id = $1 AND contributor_id = $2) AS consents`,
    [campaignId, viewer.contributorId],
  );
  return row ?? { backs: false, consents: null };
}
