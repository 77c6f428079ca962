import type { Tx } from '#platform';
import type { RefundStatus } from '../domain/refund.machine.js';

export interface RefundRow {
  readonly id: string;
  readonly payment_id: string;
  readonly amount_minor: bigint;
  readonly reason: string;
  readonly status: RefundStatus;
  readonly version: number;
  readonly idempotency_key: string;
  readonly stripe_refund_id: string | null;
  readonly failure_code: string | null;
  readonly created_at: Date;
  readonly checks: number;
}

export interface NewRefund {
  readonly id: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly reason: string;
  /** Ours, when the caller has one to repeat the request with; the id otherwise. */
  readonly key: string;
  readonly stripeRefundId?: string;
  readonly isExternal: boolean;
}

export async function insertRefund(tx: Tx, refund: NewRefund, nextCheckAt: Date): Promise<RefundRow> {
  const [row] = await tx.query<RefundRow>(
    `INSERT INTO refund (id, payment_id, amount_minor, reason, status, idempotency_key, stripe_refund_id, is_external,
       created_at, updated_at, next_check_at)
     VALUES ($1, $2, $3, $4, 'REQUESTED', $5, $6, $7, $8, $8, $9) RETURNING *`,
    [
      refund.id,
      refund.paymentId,
      refund.amountMinor.toString(),
      refund.reason,
      refund.key,
      refund.stripeRefundId ?? null,
      refund.isExternal,
      tx.now,
      nextCheckAt,
    ],
  );
  if (row === undefined) throw new Error(`refund ${refund.id} was not stored`);
  return row;
}

export async function findRefund(tx: Tx, id: string): Promise<RefundRow | undefined> {
  const [row] = await tx.query<RefundRow>('SELECT * FROM refund WHERE id = $1', [id]);
  return row;
}

export async function findRefundByKey(tx: Tx, key: string): Promise<RefundRow | undefined> {
  const [row] = await tx.query<RefundRow>('SELECT * FROM refund WHERE idempotency_key = $1', [key]);
  return row;
}

export async function findRefundAtStripe(tx: Tx, stripeRefundId: string): Promise<RefundRow | undefined> {
  const [row] = await tx.query<RefundRow>('SELECT * FROM refund WHERE stripe_refund_id = $1', [stripeRefundId]);
  return row;
}

/** What was, or is being, given back of a payment, minor units. Call with the payment locked. */
export async function refundedMinor(tx: Tx, paymentId: string): Promise<bigint> {
  const [row] = await tx.query<{ sum: string }>(
    `SELECT coalesce(sum(amount_minor), 0)::text AS sum FROM refund
      WHERE payment_id = $1 AND status NOT IN ('FAILED', 'CANCELED')`,
    [paymentId],
  );
  return BigInt(row?.sum ?? '0');
}

export async function changeRefund(
  tx: Tx,
  row: RefundRow,
  change: { status: RefundStatus; stripeRefundId?: string; failureCode?: string; nextCheckAt: Date | null },
): Promise<RefundRow> {
  const [changed] = await tx.query<RefundRow>(
    `UPDATE refund SET status = $2, version = version + 1, updated_at = $3, next_check_at = $4, checks = 0,
            stripe_refund_id = coalesce(stripe_refund_id, $5), failure_code = coalesce($6, failure_code)
      WHERE id = $1 RETURNING *`,
    [row.id, change.status, tx.now, change.nextCheckAt, change.stripeRefundId ?? null, change.failureCode ?? null],
  );
  if (changed === undefined) throw new Error(`refund ${row.id} vanished`);
  return changed;
}

/** Nothing changed since `version`; look again later. A refund that did change has its own time set. */
export async function postponeRefund(tx: Tx, id: string, version: number, nextCheckAt: Date): Promise<void> {
  await tx.query('UPDATE refund SET next_check_at = $3, checks = checks + 1 WHERE id = $1 AND version = $2', [
    id,
    version,
    nextCheckAt,
  ]);
}

export async function claimDueRefunds(tx: Tx, limit: number, leaseUntil: Date): Promise<RefundRow[]> {
  return tx.query<RefundRow>(
    `UPDATE refund SET next_check_at = $2
      WHERE id IN (SELECT id FROM refund WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $3 FOR UPDATE SKIP LOCKED)
      RETURNING *`,
    [tx.now, leaseUntil, limit],
  );
}
