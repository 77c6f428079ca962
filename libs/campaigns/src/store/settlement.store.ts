import type { Tx } from '#platform';

/** Records that the pledges were frozen. Round 2 is the one after the extension. */
export async function insertSettlement(
  tx: Tx,
  s: {
    readonly campaignId: string;
    readonly snapshotId: string;
    readonly round: 1 | 2;
    readonly cause: string;
    readonly promisedMinor: bigint;
    readonly collectedMinor: bigint;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO campaign_settlement (snapshot_id, campaign_id, round, cause, frozen_at, promised_minor, collected_minor)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [s.snapshotId, s.campaignId, s.round, s.cause, tx.now, s.promisedMinor, s.collectedMinor],
  );
}

/** Writes down what the frozen pledges came to. */
export async function concludeSettlement(
  tx: Tx,
  snapshotId: string,
  judged: {
    readonly verdict: 'succeeded' | 'failed' | 'extended';
    readonly cashMinor: bigint;
    readonly computeMs: bigint;
  },
): Promise<void> {
  await tx.query(
    `UPDATE campaign_settlement SET judged_at = $2, verdict = $3, judged_cash_minor = $4, judged_compute_ms = $5
      WHERE snapshot_id = $1`,
    [snapshotId, tx.now, judged.verdict, judged.cashMinor, judged.computeMs],
  );
}

/** Records stretch goals as reached and answers the numbers of those that weren't before. */
export async function recordStretch(tx: Tx, campaignId: string, numbers: readonly number[]): Promise<number[]> {
  const rows = await tx.query<{ number: number }>(
    `INSERT INTO campaign_stretch (campaign_id, number, reached_at) SELECT $1, n, $3 FROM unnest($2::integer[]) n
     ON CONFLICT DO NOTHING RETURNING number`,
    [campaignId, numbers, tx.now],
  );
  return rows.map((row) => row.number).sort((a, b) => a - b);
}

/** Keeps a backer's answer; a later one takes the place of an earlier. */
export async function writeConsent(tx: Tx, campaignId: string, contributorId: string, agrees: boolean): Promise<void> {
  await tx.query(
    `INSERT INTO campaign_extension_consent (campaign_id, contributor_id, agrees, decided_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (campaign_id, contributor_id) DO UPDATE SET agrees = $3, decided_at = $4`,
    [campaignId, contributorId, agrees, tx.now],
  );
}

/** Those of the people who agreed to the extension. */
export async function consentsOf(tx: Tx, campaignId: string, contributorIds: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    `SELECT contributor_id AS id FROM campaign_extension_consent
      WHERE campaign_id = $1 AND agrees AND contributor_id = ANY($2)`,
    [campaignId, contributorIds],
  );
  return new Set(rows.map((row) => row.id));
}
