import type { Tx } from '#platform';

export const PAYOUT_ACCOUNT_STATUSES = ['CREATED', 'ONBOARDING', 'ENABLED', 'RESTRICTED'] as const;
export type PayoutAccountStatus = (typeof PAYOUT_ACCOUNT_STATUSES)[number];

export interface PayoutAccountRow {
  readonly id: string;
  readonly project_id: string;
  readonly country: string;
  readonly stripe_account_id: string | null;
  readonly idempotency_key: string;
  readonly status: PayoutAccountStatus;
  readonly requirements_due: number;
  readonly disabled_reason: string | null;
  readonly payee_contributor_id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export async function findAccount(tx: Tx, projectId: string): Promise<PayoutAccountRow | undefined> {
  return (await tx.query<PayoutAccountRow>('SELECT * FROM payout_account WHERE project_id = $1', [projectId]))[0];
}

export async function findAccountAtStripe(tx: Tx, stripeAccountId: string): Promise<PayoutAccountRow | undefined> {
  return (
    await tx.query<PayoutAccountRow>('SELECT * FROM payout_account WHERE stripe_account_id = $1', [stripeAccountId])
  )[0];
}

/** Adds the account of a project; one that is there stays. */
export async function insertAccount(
  tx: Tx,
  account: { id: string; projectId: string; country: string; payeeId: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO payout_account (id, project_id, country, idempotency_key, status, payee_contributor_id, created_at,
                                 updated_at)
     VALUES ($1, $2, $3, 'payout-account:' || $1::uuid::text, 'CREATED', $4, $5, $5) ON CONFLICT (project_id) DO NOTHING`,
    [account.id, account.projectId, account.country, account.payeeId, tx.now],
  );
}

export interface ObservedAccount {
  readonly stripeAccountId: string;
  readonly status: PayoutAccountStatus;
  readonly requirementsDue: number;
  readonly disabledReason: string | null;
}

/** @returns the row when something has changed. */
export async function recordAccount(
  tx: Tx,
  id: string,
  observed: ObservedAccount,
): Promise<PayoutAccountRow | undefined> {
  const [row] = await tx.query<PayoutAccountRow>(
    `UPDATE payout_account SET stripe_account_id = $2, status = $3, requirements_due = $4, disabled_reason = $5,
            updated_at = $6
      WHERE id = $1 AND (stripe_account_id IS NULL OR stripe_account_id = $2)
        AND (stripe_account_id, status, requirements_due, disabled_reason) IS DISTINCT FROM ($2, $3, $4, $5)
      RETURNING *`,
    [id, observed.stripeAccountId, observed.status, observed.requirementsDue, observed.disabledReason, tx.now],
  );
  return row;
}
