import type { Tx } from '#platform';
import type { DisputeStatus } from '../domain/dispute.machine.js';
import type { Parts } from '../domain/postings.rule.js';

export interface DisputeRow {
  readonly id: string;
  readonly payment_id: string;
  readonly stripe_dispute_id: string;
  readonly amount_minor: bigint;
  readonly fee_minor: bigint;
  readonly reinstated_minor: bigint;
  readonly lost_reserve_minor: bigint;
  readonly lost_escrow_minor: bigint;
  readonly lost_debt_minor: bigint;
  readonly status: DisputeStatus;
}

/** Call with the payments locked: that is what keeps two observers of one dispute apart. */
export async function disputesOfPayments(tx: Tx, paymentIds: readonly string[]): Promise<DisputeRow[]> {
  return tx.query<DisputeRow>('SELECT * FROM dispute WHERE payment_id = ANY($1::uuid[])', [paymentIds]);
}

export interface DisputeState {
  readonly id: string;
  readonly paymentId: string;
  readonly stripeDisputeId: string;
  readonly amountMinor: bigint;
  readonly reinstatedMinor: bigint;
  readonly feeMinor: bigint;
  /** Where what was lost came from. */
  readonly lost: Parts;
  readonly reason: string;
  readonly stripeStatus: string;
  readonly status: DisputeStatus;
  readonly openedAt: Date;
  readonly respondBy: Date | null;
}

export async function saveDispute(tx: Tx, state: DisputeState): Promise<void> {
  const closed = state.status === 'WON' || state.status === 'LOST' || state.status === 'CLOSED';
  await tx.query(
    `INSERT INTO dispute (id, payment_id, stripe_dispute_id, amount_minor, fee_minor, reason, stripe_status, status,
       opened_at, respond_by, closed_at, updated_at, reinstated_minor, lost_reserve_minor, lost_escrow_minor, lost_debt_minor)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
     ON CONFLICT (stripe_dispute_id) DO UPDATE SET amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor,
       reinstated_minor = excluded.reinstated_minor, lost_reserve_minor = excluded.lost_reserve_minor,
       lost_escrow_minor = excluded.lost_escrow_minor, lost_debt_minor = excluded.lost_debt_minor,
       stripe_status = excluded.stripe_status, status = excluded.status, respond_by = excluded.respond_by,
       closed_at = coalesce(dispute.closed_at, excluded.closed_at), updated_at = excluded.updated_at`,
    [
      state.id,
      state.paymentId,
      state.stripeDisputeId,
      state.amountMinor.toString(),
      state.feeMinor.toString(),
      state.reason,
      state.stripeStatus,
      state.status,
      state.openedAt,
      state.respondBy,
      closed ? tx.now : null,
      tx.now,
      state.reinstatedMinor.toString(),
      state.lost.reserve.toString(),
      state.lost.escrow.toString(),
      state.lost.debt.toString(),
    ],
  );
}

/** Those of the payments whose money a bank holds, or kept. */
export async function disputedAmong(tx: Tx, paymentIds: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ payment_id: string }>(
    "SELECT DISTINCT payment_id FROM dispute WHERE payment_id = ANY($1::uuid[]) AND status IN ('OPEN', 'LOST')",
    [paymentIds],
  );
  return new Set(rows.map((row) => row.payment_id));
}

/** A dispute as those see it who answer the bank. */
export interface DisputeCaseRow {
  readonly id: string;
  readonly payment_id: string;
  readonly beneficiary_id: string;
  readonly stripe_dispute_id: string;
  readonly rail: string;
  readonly amount_minor: bigint;
  readonly fee_minor: bigint;
  readonly reinstated_minor: bigint;
  readonly currency: string;
  readonly reason: string;
  readonly stripe_status: string;
  readonly status: DisputeStatus;
  readonly opened_at: Date;
  readonly respond_by: Date | null;
  readonly closed_at: Date | null;
  readonly owner: string | null;
  readonly taken_at: Date | null;
  readonly answered_at: Date | null;
}

const CASE = `SELECT d.id, d.payment_id, p.beneficiary_id, d.stripe_dispute_id, p.rail, d.amount_minor, d.fee_minor,
    d.reinstated_minor, p.currency, d.reason, d.stripe_status, d.status, d.opened_at, d.respond_by, d.closed_at, d.owner,
    d.taken_at, d.answered_at
  FROM dispute d JOIN payment p ON p.id = d.payment_id`;

export async function disputeCase(tx: Tx, id: string, lock = false): Promise<DisputeCaseRow | undefined> {
  const [row] = await tx.query<DisputeCaseRow>(`${CASE} WHERE d.id = $1 ${lock ? 'FOR UPDATE OF d' : ''}`, [id]);
  return row;
}

/** Oldest first; ids grow with time. One row more than asked for tells that there are more. */
export async function pageOfDisputes(
  tx: Tx,
  page: {
    readonly first: number;
    readonly after: string | undefined;
    /** The campaigns or pools whose disputes are asked for; all of them when undefined. */
    readonly beneficiaryIds: readonly string[] | undefined;
    readonly openOnly: boolean;
  },
): Promise<DisputeCaseRow[]> {
  return tx.query<DisputeCaseRow>(
    `${CASE} WHERE ($1::uuid IS NULL OR d.id > $1) AND ($2::uuid[] IS NULL OR p.beneficiary_id = ANY($2))
        AND (NOT $3 OR d.closed_at IS NULL) ORDER BY d.id LIMIT ${Math.trunc(page.first) + 1}`,
    [page.after ?? null, page.beneficiaryIds ?? null, page.openOnly],
  );
}

export async function takeDispute(tx: Tx, id: string, owner: string): Promise<void> {
  await tx.query('UPDATE dispute SET owner = $2, taken_at = $3 WHERE id = $1', [id, owner, tx.now]);
}

export async function markDisputeAnswered(tx: Tx, id: string): Promise<void> {
  await tx.query('UPDATE dispute SET answered_at = $2 WHERE id = $1', [id, tx.now]);
}
