import type { Tx } from '#platform';
import type { DisputeStatus } from '../domain/dispute.machine.js';

export interface DisputeRow {
  readonly id: string;
  readonly payment_id: string;
  readonly stripe_dispute_id: string;
  readonly amount_minor: bigint;
  readonly fee_minor: bigint;
  readonly status: DisputeStatus;
}

/** Call with the payment locked: that is what keeps two observers of one dispute apart. */
export async function findDispute(tx: Tx, stripeDisputeId: string): Promise<DisputeRow | undefined> {
  const [row] = await tx.query<DisputeRow>('SELECT * FROM dispute WHERE stripe_dispute_id = $1', [stripeDisputeId]);
  return row;
}

export interface DisputeState {
  readonly id: string;
  readonly paymentId: string;
  readonly stripeDisputeId: string;
  readonly amountMinor: bigint;
  readonly reinstatedMinor: bigint;
  readonly feeMinor: bigint;
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
       opened_at, respond_by, closed_at, updated_at, reinstated_minor)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     ON CONFLICT (stripe_dispute_id) DO UPDATE SET amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor,
       reinstated_minor = excluded.reinstated_minor,
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
    ],
  );
}

/** True while a bank holds the money of a payment. */
export async function hasOpenDispute(tx: Tx, paymentId: string): Promise<boolean> {
  const rows = await tx.query("SELECT 1 FROM dispute WHERE payment_id = $1 AND status IN ('OPEN', 'LOST') LIMIT 1", [
    paymentId,
  ]);
  return rows.length > 0;
}
