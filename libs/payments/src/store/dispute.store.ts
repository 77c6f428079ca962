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
