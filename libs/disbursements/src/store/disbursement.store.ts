import type { Tx } from '#platform';
import type { EvidenceKind, EvidenceTerms } from '../domain/evidence.rule.js';
import type { TrancheState } from '../domain/tranche.machine.js';

export interface PlanRow {
  readonly campaignId: string;
  readonly projectId: string;
  readonly currency: string;
  readonly state: 'open' | 'closed' | 'canceled';
  readonly termsVersion: number;
  readonly approvalsRequired: number;
  /** Pseudonyms; none: every reviewer and treasurer. */
  readonly approvers: readonly string[];
  readonly reserveDays: Readonly<Record<string, number>>;
  readonly goalMinor: bigint;
  readonly firstNetMinor: bigint | null;
  readonly sizeAt: Date | null;
  readonly plannedAt: Date;
  readonly endedAt: Date | null;
}

export interface TrancheRow {
  readonly id: string;
  readonly campaignId: string;
  readonly number: number;
  readonly title: string;
  readonly shareBp: number;
  readonly isRemainder: boolean;
  readonly budgetKind: string | null;
  readonly evidenceKind: EvidenceKind;
  readonly evidenceTerms: EvidenceTerms;
  readonly state: TrancheState;
  readonly heldReason: string | null;
  readonly amountMinor: bigint | null;
  readonly netMinor: bigint | null;
  readonly evidenceId: string | null;
  readonly reservations: number;
  readonly payoutId: string | null;
  readonly reservedAt: Date | null;
  readonly endedAt: Date | null;
}

export const PLAN_COLUMNS = `campaign_id AS "campaignId", project_id AS "projectId", currency, state,
  terms_version AS "termsVersion", approvals_required AS "approvalsRequired", approvers, reserve_days AS "reserveDays",
  goal_minor AS "goalMinor", first_net_minor AS "firstNetMinor", size_at AS "sizeAt", planned_at AS "plannedAt",
  ended_at AS "endedAt"`;
export const TRANCHE_COLUMNS = `id, campaign_id AS "campaignId", number, title, share_bp AS "shareBp",
  is_remainder AS "isRemainder", budget_kind AS "budgetKind", evidence_kind AS "evidenceKind",
  evidence_terms AS "evidenceTerms", state, held_reason AS "heldReason", amount_minor AS "amountMinor",
  net_minor AS "netMinor", evidence_id AS "evidenceId", reservations, payout_id AS "payoutId",
  reserved_at AS "reservedAt", ended_at AS "endedAt"`;

/** The plan held against every other change until the unit of work ends. */
export async function lockPlan(tx: Tx, campaignId: string): Promise<PlanRow | undefined> {
  return (
    await tx.query<PlanRow>(`SELECT ${PLAN_COLUMNS} FROM disbursement WHERE campaign_id = $1 FOR UPDATE`, [campaignId])
  )[0];
}

export async function findPlan(tx: Tx, campaignId: string): Promise<PlanRow | undefined> {
  return (await tx.query<PlanRow>(`SELECT ${PLAN_COLUMNS} FROM disbursement WHERE campaign_id = $1`, [campaignId]))[0];
}

/** The plan and one of its tranches, the plan held. */
export async function lockTranche(
  tx: Tx,
  trancheId: string,
): Promise<{ plan: PlanRow; tranche: TrancheRow } | undefined> {
  const found = await findTranche(tx, trancheId);
  const plan = found && (await lockPlan(tx, found.campaignId));
  const tranche = plan && (await findTranche(tx, trancheId));
  return plan && tranche ? { plan, tranche } : undefined;
}

export async function findTranche(tx: Tx, id: string): Promise<TrancheRow | undefined> {
  return (await tx.query<TrancheRow>(`SELECT ${TRANCHE_COLUMNS} FROM disbursement_tranche WHERE id = $1`, [id]))[0];
}

export async function trancheOfPayout(tx: Tx, payoutId: string): Promise<TrancheRow | undefined> {
  return (
    await tx.query<TrancheRow>(`SELECT ${TRANCHE_COLUMNS} FROM disbursement_tranche WHERE payout_id = $1 FOR UPDATE`, [
      payoutId,
    ])
  )[0];
}

export function tranchesOf(tx: Tx, campaignId: string): Promise<TrancheRow[]> {
  return tx.query<TrancheRow>(
    `SELECT ${TRANCHE_COLUMNS} FROM disbursement_tranche WHERE campaign_id = $1 ORDER BY number`,
    [campaignId],
  );
}

/** Adds a plan. @returns false when the campaign has one. */
export async function insertPlan(
  tx: Tx,
  plan: Pick<
    PlanRow,
    | 'campaignId'
    | 'projectId'
    | 'currency'
    | 'termsVersion'
    | 'approvalsRequired'
    | 'approvers'
    | 'reserveDays'
    | 'goalMinor'
  >,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO disbursement (campaign_id, project_id, currency, state, terms_version, approvals_required, approvers,
                               reserve_days, goal_minor, planned_at)
     VALUES ($1, $2, $3, 'open', $4, $5, $6::uuid[], $7, $8, $9) ON CONFLICT (campaign_id) DO NOTHING RETURNING campaign_id`,
    [
      plan.campaignId,
      plan.projectId,
      plan.currency,
      plan.termsVersion,
      plan.approvalsRequired,
      plan.approvers,
      JSON.stringify(plan.reserveDays),
      plan.goalMinor.toString(),
      tx.now,
    ],
  );
  return rows.length > 0;
}

export type NewTranche = Pick<
  TrancheRow,
  'id' | 'number' | 'title' | 'shareBp' | 'isRemainder' | 'budgetKind' | 'evidenceKind' | 'evidenceTerms'
>;

export async function insertTranches(tx: Tx, campaignId: string, tranches: readonly NewTranche[]): Promise<void> {
  await tx.query(
    `INSERT INTO disbursement_tranche (id, campaign_id, number, title, share_bp, is_remainder, budget_kind, evidence_kind,
                                       evidence_terms, state)
     SELECT id, $2, number, title, share_bp, is_remainder, budget_kind, evidence_kind, evidence_terms, 'planned'
       FROM jsonb_to_recordset($1) AS t (id uuid, number int, title text, share_bp int, is_remainder boolean,
                                         budget_kind text, evidence_kind text, evidence_terms jsonb)`,
    [
      JSON.stringify(
        tranches.map((t) => ({
          id: t.id,
          number: t.number,
          title: t.title,
          share_bp: t.shareBp,
          is_remainder: t.isRemainder,
          budget_kind: t.budgetKind,
          evidence_kind: t.evidenceKind,
          evidence_terms: t.evidenceTerms,
        })),
      ),
      campaignId,
    ],
  );
}

export interface TrancheChange {
  readonly heldReason?: string | null;
  readonly amountMinor?: bigint;
  readonly netMinor?: bigint;
  readonly evidenceId?: string | null;
  readonly payoutId?: string;
  readonly isReserved?: boolean;
}

/** Writes the state that a step led to. The database refuses a step that the machine doesn't know. */
export async function writeTranche(tx: Tx, id: string, state: TrancheState, change: TrancheChange = {}): Promise<void> {
  await tx.query(
    `UPDATE disbursement_tranche SET state = $2::text,
            held_reason = CASE WHEN $3::boolean THEN $4::text ELSE held_reason END,
            amount_minor = coalesce($5::bigint, amount_minor), net_minor = coalesce($6::bigint, net_minor),
            evidence_id = CASE WHEN $7::boolean THEN $8::uuid ELSE evidence_id END, payout_id = coalesce($9::uuid, payout_id),
            reservations = reservations + CASE WHEN $10::boolean THEN 1 ELSE 0 END,
            reserved_at = CASE WHEN $10::boolean THEN $11::timestamptz ELSE reserved_at END,
            ended_at = CASE WHEN $2::text IN ('succeeded', 'canceled') THEN $11::timestamptz END
      WHERE id = $1`,
    [
      id,
      state,
      change.heldReason !== undefined,
      change.heldReason ?? null,
      change.amountMinor?.toString() ?? null,
      change.netMinor?.toString() ?? null,
      change.evidenceId !== undefined,
      change.evidenceId ?? null,
      change.payoutId ?? null,
      change.isReserved ?? false,
      tx.now,
    ],
  );
}

export async function endPlan(tx: Tx, campaignId: string, state: 'closed' | 'canceled'): Promise<void> {
  await tx.query('UPDATE disbursement SET state = $2, ended_at = $3 WHERE campaign_id = $1', [
    campaignId,
    state,
    tx.now,
  ]);
}

/** Remembers what was collected net when the first tranche was reserved; the database refuses less than the goal. */
export async function recordFirstNet(tx: Tx, campaignId: string, netMinor: bigint): Promise<void> {
  await tx.query('UPDATE disbursement SET first_net_minor = $2 WHERE campaign_id = $1 AND first_net_minor IS NULL', [
    campaignId,
    netMinor.toString(),
  ]);
}

export async function scheduleSizing(tx: Tx, campaignId: string, at: Date): Promise<void> {
  await tx.query(`UPDATE disbursement SET size_at = $2 WHERE campaign_id = $1 AND state = 'open'`, [campaignId, at]);
}

/** What counts towards the goal, in the campaign's currency: the tally that campaigns keeps of every currency. */
export async function countedNetMinor(tx: Tx, campaignId: string): Promise<bigint> {
  const [row] = await tx.query<{ net: bigint }>(
    `SELECT captured_minor - refunded_minor - disputed_minor AS net FROM campaign_tally WHERE campaign_id = $1`,
    [campaignId],
  );
  return row?.net ?? 0n;
}
