import type { PublishedBudget } from '#catalog';
import type { Tx } from '#platform';
import type { CampaignState, FundingModel } from '../domain/campaign.machine.js';
import type { DraftTerms } from '../domain/campaign-draft.rule.js';
import type { CampaignPlan } from '../domain/campaign-plan.rule.js';

/** A campaign as commands need it. */
export interface CampaignRow {
  readonly id: string;
  readonly slug: string;
  readonly projectId: string;
  readonly recipeId: string;
  readonly title: string;
  readonly summary: string;
  readonly state: CampaignState;
  readonly fundingModel: FundingModel;
  readonly currency: string;
  readonly cashGoalMinor: bigint;
  readonly computeGoalMs: bigint;
  readonly gpuClass: string;
  readonly autoAcceptCompute: boolean;
  /** When it stops taking pledges; moved by suspension, by the extension and by the hard cap. */
  readonly deadline: Date;
  readonly budget: PublishedBudget;
  readonly plan: CampaignPlan;
  readonly hardCapMinor: bigint | null;
  /** The newest version of its terms; 0 before it went live. */
  readonly termsVersion: number;
  readonly createdBy: string;
  readonly trainingRequestedAt: Date | null;
  readonly suspendedFrom: CampaignState | null;
  readonly suspendedAt: Date | null;
  readonly snapshotId: string | null;
  /** Until when the frozen pledges are charged. */
  readonly settlementEndsAt: Date | null;
  readonly extendedAt: Date | null;
  readonly succeededAt: Date | null;
  /** No money leaves before. */
  readonly safetyEndsAt: Date | null;
  /** When the first money left. */
  readonly disbursedAt: Date | null;
  readonly liveAt: Date | null;
  readonly endedAs: 'failed' | 'cancelled' | null;
}

const COLUMNS = `id, slug, project_id AS "projectId", recipe_id AS "recipeId", title, summary, state,
  funding_model AS "fundingModel", currency, cash_goal_minor AS "cashGoalMinor", compute_goal_ms AS "computeGoalMs",
  gpu_class AS "gpuClass", auto_accept_compute AS "autoAcceptCompute", deadline, budget, plan,
  (plan->>'hardCapMinor')::bigint AS "hardCapMinor", terms_version AS "termsVersion", created_by AS "createdBy", training_requested_at AS "trainingRequestedAt",
  suspended_from AS "suspendedFrom", suspended_at AS "suspendedAt", snapshot_id AS "snapshotId",
  settlement_ends_at AS "settlementEndsAt", extended_at AS "extendedAt", succeeded_at AS "succeededAt",
  safety_ends_at AS "safetyEndsAt", disbursed_at AS "disbursedAt", live_at AS "liveAt", ended_as AS "endedAs"`;

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
  c: DraftTerms & {
    id: string;
    slug: string;
    projectId: string;
    recipeId: string;
    autoAcceptCompute: boolean;
    budget: PublishedBudget;
    plan: CampaignPlan;
    createdBy: string;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO campaign (id, slug, project_id, recipe_id, title, summary, state, funding_model, currency,
                           cash_goal_minor, compute_goal_ms, gpu_class, auto_accept_compute, deadline, budget, plan,
                           created_by, created_at)
     VALUES ($1,$2,$3,$4,$5,$6,'draft',$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)`,
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
      JSON.stringify(c.plan),
      c.createdBy,
      tx.now,
    ],
  );
  await tx.query('INSERT INTO campaign_tally (campaign_id) VALUES ($1)', [c.id]);
}

/** Writes everything about a draft that may still change. */
export async function rewriteDraft(
  tx: Tx,
  id: string,
  c: DraftTerms & { autoAcceptCompute: boolean; budget: PublishedBudget; plan: CampaignPlan },
): Promise<void> {
  await tx.query(
    `UPDATE campaign SET title = $2, summary = $3, funding_model = $4, cash_goal_minor = $5, compute_goal_ms = $6,
            deadline = $7, budget = $8, plan = $9, auto_accept_compute = $10 WHERE id = $1`,
    [
      id,
      c.title,
      c.summary,
      c.fundingModel,
      c.cashGoalMinor,
      c.computeGoalMs,
      c.deadline,
      JSON.stringify(c.budget),
      JSON.stringify(c.plan),
      c.autoAcceptCompute,
    ],
  );
}

const ENDS: readonly CampaignState[] = ['failed', 'cancelled', 'completed', 'closed'];

/** Columns that a step may change besides the state. What isn't named stays. */
export interface StateChange {
  readonly reason?: string;
  readonly deadline?: Date;
  readonly suspendedFrom?: CampaignState | null;
  readonly suspendedAt?: Date | null;
  readonly snapshotId?: string;
  readonly settlementEndsAt?: Date;
  readonly extendedAt?: Date;
  readonly succeededAt?: Date;
  readonly safetyEndsAt?: Date;
  readonly endedAs?: 'failed' | 'cancelled';
  readonly failReason?: 'below_goal' | 'nothing_given' | 'collapse';
  readonly termsVersion?: number;
}

const COLUMN_OF: Record<keyof StateChange, string> = {
  reason: 'decision_reason',
  deadline: 'deadline',
  suspendedFrom: 'suspended_from',
  suspendedAt: 'suspended_at',
  snapshotId: 'snapshot_id',
  settlementEndsAt: 'settlement_ends_at',
  extendedAt: 'extended_at',
  succeededAt: 'succeeded_at',
  safetyEndsAt: 'safety_ends_at',
  endedAs: 'ended_as',
  failReason: 'fail_reason',
  termsVersion: 'terms_version',
};

/** Writes the state that a step led to. The database refuses a step that the machine doesn't know. */
export async function writeState(tx: Tx, id: string, state: CampaignState, change: StateChange = {}): Promise<void> {
  const params: unknown[] = [id, state, tx.now, ENDS.includes(state)];
  const sets = Object.entries(change).map(
    ([field, value]) => `${COLUMN_OF[field as keyof StateChange]} = $${params.push(value)}`,
  );
  await tx.query(
    `UPDATE campaign SET ${['state = $2', ...sets].join(', ')},
            live_at = CASE WHEN $2 = 'live' THEN coalesce(live_at, $3) ELSE live_at END,
            ended_at = CASE WHEN $4 THEN coalesce(ended_at, $3) ELSE ended_at END
      WHERE id = $1`,
    params,
  );
}

export async function recordRun(tx: Tx, campaignId: string, runId: string): Promise<void> {
  await tx.query(
    `INSERT INTO campaign_run (run_id, campaign_id, recorded_at) VALUES ($1, $2, $3) ON CONFLICT (run_id) DO NOTHING`,
    [runId, campaignId, tx.now],
  );
}

/** A run of the campaign that has begun and not ended, if there is one. */
export async function openRun(tx: Tx, campaignId: string): Promise<string | undefined> {
  const [row] = await tx.query<{ runId: string }>(
    `SELECT run_id AS "runId" FROM campaign_run WHERE campaign_id = $1 AND ended_at IS NULL ORDER BY recorded_at DESC LIMIT 1`,
    [campaignId],
  );
  return row?.runId;
}
