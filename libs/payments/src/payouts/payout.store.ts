import type { Tx } from '#platform';
import type { Payout } from './payout-listener.port.js';
import type { PayoutAttemptStatus, PayoutStatus } from './payout.machine.js';
import type { PayoutTerms } from './payout.postings.js';

export interface PayoutRow {
  readonly id: string;
  readonly reference: string;
  readonly project_id: string;
  readonly beneficiary_id: string;
  readonly amount_minor: bigint;
  readonly currency: string;
  readonly escrow_account: string;
  readonly from_account: string;
  readonly released_account: string;
  readonly status: PayoutStatus;
}

export interface AttemptRow {
  readonly id: string;
  readonly payout_id: string;
  readonly part: number;
  readonly number: number;
  readonly amount_minor: bigint;
  readonly status: PayoutAttemptStatus;
  readonly version: number;
  readonly idempotency_key: string;
  readonly stripe_account_id: string;
  readonly stripe_transfer_id: string | null;
  readonly stripe_payout_id: string | null;
  readonly stripe_reversal_id: string | null;
  readonly arrival_at: Date | null;
  readonly failure_code: string | null;
  readonly failure_message: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly checks: number;
}

export const toPayout = (row: PayoutRow): Payout => ({
  id: row.id,
  reference: row.reference,
  projectId: row.project_id,
  beneficiaryId: row.beneficiary_id,
  amountMinor: row.amount_minor,
  currency: row.currency,
  status: row.status,
});

/** What is booked for one part of a payout. */
export const termsOf = (payout: PayoutRow, attempt: Pick<AttemptRow, 'id' | 'amount_minor'>): PayoutTerms => ({
  payoutId: payout.id,
  attemptId: attempt.id,
  beneficiaryId: payout.beneficiary_id,
  amountMinor: attempt.amount_minor,
  currency: payout.currency,
  escrowAccount: payout.escrow_account,
  fromAccount: payout.from_account,
  releasedAccount: payout.released_account,
});

export async function insertPayout(tx: Tx, payout: Omit<PayoutRow, 'status'>): Promise<void> {
  await tx.query(
    `INSERT INTO payout (id, reference, project_id, beneficiary_id, amount_minor, currency, escrow_account, from_account,
                         released_account, status, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'PREPARED', $10, $10)`,
    [
      payout.id,
      payout.reference,
      payout.project_id,
      payout.beneficiary_id,
      payout.amount_minor.toString(),
      payout.currency,
      payout.escrow_account,
      payout.from_account,
      payout.released_account,
      tx.now,
    ],
  );
}

export interface NewAttempt {
  readonly id: string;
  readonly part: number;
  readonly amount_minor: bigint;
}

/** One try of each of these parts, under one new number. */
export async function insertAttempts(
  tx: Tx,
  payoutId: string,
  stripeAccountId: string,
  attempts: readonly NewAttempt[],
  firstCheckAt: Date,
): Promise<void> {
  await tx.query(
    `INSERT INTO payout_attempt (id, payout_id, part, number, amount_minor, status, idempotency_key, stripe_account_id,
                                 created_at, updated_at, next_check_at)
     SELECT t.id, $1::uuid, t.part, n.number, t.amount, 'LOCAL', 'payout:' || t.id::text, $2, $3, $3, $4
       FROM unnest($5::uuid[], $6::int[], $7::bigint[]) AS t (id, part, amount)
       CROSS JOIN (SELECT coalesce(max(number), 0) + 1 AS number FROM payout_attempt WHERE payout_id = $1) n`,
    [
      payoutId,
      stripeAccountId,
      tx.now,
      firstCheckAt,
      attempts.map(({ id }) => id),
      attempts.map(({ part }) => part),
      attempts.map(({ amount_minor }) => amount_minor.toString()),
    ],
  );
}

/** The payout held against every other change until the unit of work ends. */
export async function lockPayout(tx: Tx, id: string): Promise<PayoutRow | undefined> {
  return (await tx.query<PayoutRow>('SELECT * FROM payout WHERE id = $1 FOR UPDATE', [id]))[0];
}

export async function findPayoutByReference(tx: Tx, reference: string): Promise<PayoutRow | undefined> {
  return (await tx.query<PayoutRow>('SELECT * FROM payout WHERE reference = $1', [reference]))[0];
}

export async function findAttempt(tx: Tx, id: string): Promise<AttemptRow | undefined> {
  return (await tx.query<AttemptRow>('SELECT * FROM payout_attempt WHERE id = $1', [id]))[0];
}

/** The last try of each part, in the order of the parts. */
export function lastAttempts(tx: Tx, payoutId: string): Promise<AttemptRow[]> {
  return tx.query<AttemptRow>(
    'SELECT DISTINCT ON (part) * FROM payout_attempt WHERE payout_id = $1 ORDER BY part, number DESC',
    [payoutId],
  );
}

/** Why a payout has failed: what its last failed part said. */
export async function failureOf(tx: Tx, payoutId: string): Promise<{ code: string; message: string }> {
  const [row] = await tx.query<{ code: string; message: string | null }>(
    `SELECT failure_code AS code, failure_message AS message FROM payout_attempt
      WHERE payout_id = $1 AND status = 'FAILED' ORDER BY updated_at DESC, number DESC, part LIMIT 1`,
    [payoutId],
  );
  return { code: row?.code ?? 'unknown', message: row?.message ?? '' };
}

/** What has arrived of payouts and not come back, minor units by payout. */
export async function arrivedOf(tx: Tx, payoutIds: readonly string[]): Promise<Map<string, bigint>> {
  const rows = await tx.query<{ id: string; arrived: string }>(
    `SELECT payout_id AS id, sum(amount_minor)::text AS arrived FROM payout_attempt
      WHERE payout_id = ANY($1) AND status = 'SUCCEEDED' GROUP BY payout_id`,
    [payoutIds],
  );
  return new Map(rows.map((row) => [row.id, BigInt(row.arrived)]));
}

/** Whether something of these payouts arrived so lately that a bank may still send it back. */
export async function mayReturn(tx: Tx, payoutIds: readonly string[], since: Date): Promise<boolean> {
  const found = await tx.query(
    `SELECT 1 FROM payout_attempt WHERE payout_id = ANY($1) AND status = 'SUCCEEDED' AND updated_at > $2 LIMIT 1`,
    [payoutIds, since],
  );
  return found.length > 0;
}

/** Attempts of payouts, the first one first. */
export function attemptsOf(tx: Tx, payoutIds: readonly string[]): Promise<AttemptRow[]> {
  return tx.query<AttemptRow>(
    'SELECT * FROM payout_attempt WHERE payout_id = ANY($1) ORDER BY payout_id, number, part',
    [payoutIds],
  );
}

/** The attempt and its payout, both held. */
export async function lockAttempt(tx: Tx, id: string): Promise<{ attempt: AttemptRow; payout: PayoutRow } | undefined> {
  const found = await findAttempt(tx, id);
  const payout = found === undefined ? undefined : await lockPayout(tx, found.payout_id);
  if (payout === undefined) return undefined;
  const [attempt] = await tx.query<AttemptRow>('SELECT * FROM payout_attempt WHERE id = $1 FOR UPDATE', [id]);
  return attempt === undefined ? undefined : { attempt, payout };
}

export interface AttemptChange {
  readonly status: PayoutAttemptStatus;
  readonly nextCheckAt: Date | null;
  readonly transferId?: string | undefined;
  readonly payoutId?: string | undefined;
  readonly reversalId?: string | undefined;
  readonly arrivalAt?: Date | undefined;
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
}

export async function changeAttempt(tx: Tx, attempt: AttemptRow, change: AttemptChange): Promise<AttemptRow> {
  const [row] = await tx.query<AttemptRow>(
    `UPDATE payout_attempt SET status = $2, next_check_at = $3, checks = 0, version = version + 1, updated_at = $4,
            stripe_transfer_id = coalesce($5, stripe_transfer_id), stripe_payout_id = coalesce($6, stripe_payout_id),
            stripe_reversal_id = coalesce($7, stripe_reversal_id), arrival_at = coalesce($8, arrival_at),
            failure_code = coalesce($9, failure_code), failure_message = coalesce($10, failure_message)
      WHERE id = $1 RETURNING *`,
    [
      attempt.id,
      change.status,
      change.nextCheckAt,
      tx.now,
      change.transferId ?? null,
      change.payoutId ?? null,
      change.reversalId ?? null,
      change.arrivalAt ?? null,
      change.failure?.code ?? null,
      change.failure?.message ?? null,
    ],
  );
  if (row === undefined) throw new Error(`attempt ${attempt.id} is gone`);
  return row;
}

export async function postponeAttempt(tx: Tx, id: string, at: Date | null): Promise<void> {
  await tx.query('UPDATE payout_attempt SET next_check_at = $2, checks = checks + 1 WHERE id = $1', [id, at]);
}

/** Attempts whose time has come, leased so that no second worker takes them. */
export function claimDueAttempts(tx: Tx, limit: number, leaseUntil: Date): Promise<AttemptRow[]> {
  return tx.query<AttemptRow>(
    `UPDATE payout_attempt SET next_check_at = $2
      WHERE id IN (SELECT id FROM payout_attempt WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT ${limit}
                    FOR UPDATE SKIP LOCKED)
      RETURNING *`,
    [tx.now, leaseUntil],
  );
}

export async function attemptByStripeObject(tx: Tx, objectId: string): Promise<AttemptRow | undefined> {
  return (
    await tx.query<AttemptRow>(
      'SELECT * FROM payout_attempt WHERE stripe_payout_id = $1 OR stripe_transfer_id = $1 LIMIT 1',
      [objectId],
    )
  )[0];
}
