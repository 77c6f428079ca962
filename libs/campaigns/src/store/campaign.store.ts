import type { Tx } from '#platform';
import type { CampaignState, FundingModel } from '../domain/campaign.machine.js';
import type { CampaignTerms } from '../domain/campaign-draft.rule.js';

/** A campaign as commands need it. */
export interface CampaignRow {
  readonly id: string;
  readonly slug: string;
  readonly projectId: string;
  readonly recipeId: string;
  readonly title: string;
  readonly state: CampaignState;
  readonly fundingModel: FundingModel;
  readonly currency: string;
  readonly cashGoalMinor: bigint;
  readonly computeGoalMs: bigint;
  readonly gpuClass: string;
  readonly autoAcceptCompute: boolean;
  readonly deadline: Date;
  readonly budget: object;
  readonly createdBy: string;
  readonly trainingRequestedAt: Date | null;
}

const COLUMNS = `id, slug, project_id AS "projectId", recipe_id AS "recipeId", title, state,
  funding_model AS "fundingModel", currency, cash_goal_minor AS "cashGoalMinor", compute_goal_ms AS "computeGoalMs",
  gpu_class AS "gpuClass", auto_accept_compute AS "autoAcceptCompute", deadline, budget, created_by AS "createdBy",
  training_requested_at AS "trainingRequestedAt"`;

/** The campaign, held against every other change until the unit of work ends. */
export async function lockCampaign(tx: Tx, id: string): Promise<CampaignRow | undefined> {
  return (await tx.query<CampaignRow>(`SELECT ${COLUMNS} FROM campaign WHERE id = $1 FOR UPDATE`, [id]))[0];
}

/** The campaigns, held in their present state; others may hold them likewise at the same time. */
export async function shareCampaigns(tx: Tx, ids: readonly string[]): Promise<Map<string, CampaignRow>> {
  const rows = await tx.query<CampaignRow>(`SELECT ${COLUMNS} FROM campaign WHERE id = ANY($1) ORDER BY id FOR SHARE`, [
    ids,
  ]);
  return new Map(rows.map((row) => [row.id, row]));
}

export async function insertCampaign(
  tx: Tx,
  c: CampaignTerms & {
    id: string;
    slug: string;
    projectId: string;
    recipeId: string;
    autoAcceptCompute: boolean;
    budget: object;
    createdBy: string;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO campaign (id, slug, project_id, recipe_id, title, summary, state, funding_model, currency,
                           cash_goal_minor, compute_goal_ms, gpu_class, auto_accept_compute, deadline, budget,
                           created_by, created_at)
     VALUES ($1,$2,$3,$4,$5,$6,'draft',$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)`,
    [
      c.id,
      c.slug,
      c.projectId,
      c.recipeId,
      c.title,
      c.summary,
      c.fundingModel,
      c.currency,
      c.cashGoalMinor,
      c.computeGoalMs,
      c.gpuClass,
      c.autoAcceptCompute,
      c.deadline,
      JSON.stringify(c.budget),
      c.createdBy,
      tx.now,
    ],
  );
  await tx.query('INSERT INTO campaign_tally (campaign_id) VALUES ($1)', [c.id]);
}

const ENDS: readonly CampaignState[] = ['failed', 'cancelled', 'completed'];

/** Writes the state that a step led to. The database refuses a step that the machine doesn't know. */
export async function writeState(
  tx: Tx,
  id: string,
  state: CampaignState,
  reason: string | null = null,
): Promise<void> {
  await tx.query(
    `UPDATE campaign SET state = $2, decision_reason = coalesce($3, decision_reason),
            live_at = CASE WHEN $2 = 'live' THEN coalesce(live_at, $4) ELSE live_at END,
            ended_at = CASE WHEN $5 THEN $4 ELSE ended_at END
      WHERE id = $1`,
    [id, state, reason, tx.now, ENDS.includes(state)],
  );
}

/** What happened to a campaign's money, as differences in minor units. */
export interface TallyChange {
  readonly capturedMinor?: bigint;
  readonly refundedMinor?: bigint;
  readonly disputedMinor?: bigint;
  readonly feesMinor?: bigint;
}

export interface Tally {
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly feesMinor: bigint;
}

export async function changeTally(tx: Tx, campaignId: string, change: TallyChange): Promise<void> {
  await tx.query(
    `UPDATE campaign_tally SET captured_minor = captured_minor + $2, refunded_minor = refunded_minor + $3,
            disputed_minor = disputed_minor + $4, fees_minor = fees_minor + $5
      WHERE campaign_id = $1`,
    [
      campaignId,
      change.capturedMinor ?? 0n,
      change.refundedMinor ?? 0n,
      change.disputedMinor ?? 0n,
      change.feesMinor ?? 0n,
    ],
  );
}

export async function readTally(tx: Tx, campaignId: string): Promise<Tally> {
  const [row] = await tx.query<Tally>(
    `SELECT captured_minor AS "capturedMinor", refunded_minor AS "refundedMinor", disputed_minor AS "disputedMinor",
            fees_minor AS "feesMinor" FROM campaign_tally WHERE campaign_id = $1`,
    [campaignId],
  );
  return row ?? { capturedMinor: 0n, refundedMinor: 0n, disputedMinor: 0n, feesMinor: 0n };
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

export async function recordRun(tx: Tx, campaignId: string, runId: string): Promise<void> {
  await tx.query(
    `INSERT INTO campaign_run (run_id, campaign_id, recorded_at) VALUES ($1, $2, $3) ON CONFLICT (run_id) DO NOTHING`,
    [runId, campaignId, tx.now],
  );
}
