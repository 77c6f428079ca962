import type { Rail } from '#payments';
import type { Tx } from '#platform';
import type { PledgePlanState } from '../domain/plan.machine.js';

/** A monthly pledge. Amount in minor units of its currency, a month. */
export interface PlanRow {
  readonly id: string;
  readonly campaignId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly rail: Rail;
  readonly termsVersion: number;
  readonly isAnonymous: boolean;
  readonly displayName: string | null;
  readonly idempotencyKey: string;
  readonly state: PledgePlanState;
  readonly savedMethodId: string | null;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly nextMonth: number;
  readonly nextDueAt: Date | null;
  readonly noticedMonth: number;
}

const COLUMNS = `id, campaign_id AS "campaignId", contributor_id AS "contributorId", pseudonym,
  amount_minor AS "amountMinor", currency, rail, terms_version AS "termsVersion", is_anonymous AS "isAnonymous",
  display_name AS "displayName", idempotency_key AS "idempotencyKey", state, saved_method_id AS "savedMethodId",
  starts_at AS "startsAt", ends_at AS "endsAt", next_month AS "nextMonth", next_due_at AS "nextDueAt",
  noticed_month AS "noticedMonth"`;

type NewPlan = Omit<PlanRow, 'state' | 'savedMethodId' | 'nextMonth' | 'nextDueAt' | 'noticedMonth' | 'startsAt'>;

/** The plan, or undefined when its key was used before. */
export async function insertPlan(tx: Tx, plan: NewPlan): Promise<PlanRow | undefined> {
  const [row] = await tx.query<PlanRow>(
    `INSERT INTO pledge_plan (id, campaign_id, contributor_id, pseudonym, amount_minor, currency, rail, terms_version,
       is_anonymous, display_name, idempotency_key, state, starts_at, ends_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'method_required', $13, $12, $13)
     ON CONFLICT (contributor_id, idempotency_key) DO NOTHING RETURNING ${COLUMNS}`,
    [
      plan.id,
      plan.campaignId,
      plan.contributorId,
      plan.pseudonym,
      plan.amountMinor,
      plan.currency,
      plan.rail,
      plan.termsVersion,
      plan.isAnonymous,
      plan.displayName,
      plan.idempotencyKey,
      plan.endsAt,
      tx.now,
    ],
  );
  return row;
}

export async function planByKey(tx: Tx, contributorId: string, key: string): Promise<PlanRow | undefined> {
  const [row] = await tx.query<PlanRow>(
    `SELECT ${COLUMNS} FROM pledge_plan WHERE contributor_id = $1 AND idempotency_key = $2`,
    [contributorId, key],
  );
  return row;
}

export async function lockPlan(tx: Tx, id: string): Promise<PlanRow | undefined> {
  const [row] = await tx.query<PlanRow>(`SELECT ${COLUMNS} FROM pledge_plan WHERE id = $1 FOR UPDATE`, [id]);
  return row;
}

/** Active plans of which a month is due. */
export async function duePlans(tx: Tx, limit: number): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `SELECT id FROM pledge_plan WHERE state = 'active' AND next_due_at <= $1 ORDER BY next_due_at LIMIT $2`,
    [tx.now, limit],
  );
  return rows.map(({ id }) => id);
}

/** Active plans whose next month begins before the moment and whose donors were not told of it yet, held. */
export function plansToNotice(tx: Tx, before: Date, limit: number): Promise<PlanRow[]> {
  return tx.query<PlanRow>(
    `SELECT ${COLUMNS} FROM pledge_plan
      WHERE state = 'active' AND next_due_at <= $1 AND noticed_month < next_month ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [before, limit],
  );
}

export async function markNoticed(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.query('UPDATE pledge_plan SET noticed_month = next_month WHERE id = ANY($1)', [ids]);
}

/** The plan goes on to its next month; null when this was its last. */
export async function advancePlan(tx: Tx, id: string, next: { month: number; dueAt: Date } | null): Promise<void> {
  await tx.query(
    `UPDATE pledge_plan SET next_month = coalesce($2, next_month), next_due_at = $3,
            state = CASE WHEN $3::timestamptz IS NULL THEN 'ended' ELSE state END,
            ended_at = CASE WHEN $3::timestamptz IS NULL THEN $4::timestamptz END
      WHERE id = $1`,
    [id, next?.month ?? null, next?.dueAt ?? null, tx.now],
  );
}

export async function stopPlan(tx: Tx, id: string): Promise<void> {
  await tx.query(`UPDATE pledge_plan SET state = 'stopped', next_due_at = NULL, ended_at = $2 WHERE id = $1`, [
    id,
    tx.now,
  ]);
}

/**
 * Keeps the method that a plan is charged with; the first one makes it active, its first month due at once.
 * @returns methods that are not needed any more.
 */
export async function savePlanMethod(tx: Tx, planId: string, savedMethodId: string): Promise<string[]> {
  const plan = await lockPlan(tx, planId);
  if (!plan) throw new Error(`there is no plan ${planId}`);
  if (plan.state === 'stopped' || plan.state === 'ended') return [savedMethodId];
  await tx.query(
    `UPDATE pledge_plan SET saved_method_id = $2, state = 'active', next_due_at = coalesce(next_due_at, starts_at)
      WHERE id = $1`,
    [planId, savedMethodId],
  );
  return plan.savedMethodId === null || plan.savedMethodId === savedMethodId ? [] : [plan.savedMethodId];
}

/** A person's plans, newest first. */
export function plansOf(tx: Tx, contributorId: string): Promise<PlanRow[]> {
  return tx.query<PlanRow>(`SELECT ${COLUMNS} FROM pledge_plan WHERE contributor_id = $1 ORDER BY id DESC LIMIT 200`, [
    contributorId,
  ]);
}

/** What those of the plans were charged with whose last month has begun. */
export async function methodsOfEndedPlans(tx: Tx, planIds: readonly string[]): Promise<string[]> {
  if (planIds.length === 0) return [];
  const rows = await tx.query<{ id: string }>(
    `SELECT saved_method_id AS id FROM pledge_plan WHERE id = ANY($1) AND state = 'ended' AND saved_method_id IS NOT NULL`,
    [planIds],
  );
  return rows.map((row) => row.id);
}
