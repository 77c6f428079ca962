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
  /** What of an external refund is owed, because escrow did not hold it. */
  readonly owed_minor: bigint;
  /** The case whose set-aside money this refund tries again to give back. */
  readonly case_id: string | null;
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
  readonly stripeRefundId?: string | undefined;
  readonly isExternal: boolean;
  readonly owedMinor?: bigint | undefined;
  readonly caseId?: string | undefined;
}

/** @returns the rows that were added: a key that is taken meanwhile adds none. */
export async function insertRefunds(tx: Tx, refunds: readonly NewRefund[], nextCheckAt: Date): Promise<RefundRow[]> {
  if (refunds.length === 0) return [];
  return tx.query<RefundRow>(
    `INSERT INTO refund (id, payment_id, amount_minor, reason, status, idempotency_key, stripe_refund_id, is_external,
       owed_minor, case_id, created_at, updated_at, next_check_at)
     SELECT n.id, n.payment_id, n.amount, n.reason, 'REQUESTED', n.key, n.stripe_refund_id, n.is_external, n.owed, n.case_id,
            $1, $1, $2
       FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::bigint[],
                   $11::uuid[])
         AS n (id, payment_id, amount, reason, key, stripe_refund_id, is_external, owed, case_id)
     ON CONFLICT (idempotency_key) DO NOTHING RETURNING *`,
    [
      tx.now,
      nextCheckAt,
      refunds.map((r) => r.id),
      refunds.map((r) => r.paymentId),
      refunds.map((r) => r.amountMinor.toString()),
      refunds.map((r) => r.reason),
      refunds.map((r) => r.key),
      refunds.map((r) => r.stripeRefundId ?? null),
      refunds.map((r) => r.isExternal),
      refunds.map((r) => String(r.owedMinor ?? 0n)),
      refunds.map((r) => r.caseId ?? null),
    ],
  );
}

export async function refundsOfPayments(tx: Tx, paymentIds: readonly string[]): Promise<RefundRow[]> {
  return tx.query<RefundRow>('SELECT * FROM refund WHERE payment_id = ANY($1::uuid[])', [paymentIds]);
}

export async function findRefund(tx: Tx, id: string): Promise<RefundRow | undefined> {
  const [row] = await tx.query<RefundRow>('SELECT * FROM refund WHERE id = $1', [id]);
  return row;
}

export async function refundsByKey(tx: Tx, keys: readonly string[]): Promise<Map<string, RefundRow>> {
  const rows = await tx.query<RefundRow>('SELECT * FROM refund WHERE idempotency_key = ANY($1)', [keys]);
  return new Map(rows.map((row) => [row.idempotency_key, row]));
}

/** What was, or is being, given back of payments, minor units, by payment. Call with the payments locked. */
export async function refundedOf(tx: Tx, paymentIds: readonly string[]): Promise<Map<string, bigint>> {
  const rows = await tx.query<{ payment_id: string; sum: string }>(
    `SELECT payment_id, sum(amount_minor)::text AS sum FROM refund r
      WHERE payment_id = ANY($1::uuid[]) AND case_id IS NULL GROUP BY payment_id`,
    [paymentIds],
  );
  return new Map(rows.map((row) => [row.payment_id, BigInt(row.sum)]));
}

/** What refunds that were asked for still have to leave, minor units by currency. */
export async function refundsDue(tx: Tx): Promise<Map<string, bigint>> {
  const rows = await tx.query<{ currency: string; due: string }>(
    `SELECT p.currency, sum(r.amount_minor)::text AS due FROM refund r JOIN payment p ON p.id = r.payment_id
      WHERE r.status IN ('REQUESTED', 'PENDING') GROUP BY p.currency`,
  );
  return new Map(rows.map((row) => [row.currency, BigInt(row.due)]));
}

/** The row as it is after a step. */
export interface RefundMove {
  readonly after: RefundRow;
  readonly nextCheckAt: Date | null;
}

export async function saveRefunds(tx: Tx, moves: readonly RefundMove[]): Promise<void> {
  if (moves.length === 0) return;
  await tx.query(
    `UPDATE refund r SET status = n.status, version = n.version, updated_at = $1, next_check_at = n.next_check_at, checks = 0,
            stripe_refund_id = n.stripe_refund_id, failure_code = n.code, owed_minor = n.owed
       FROM unnest($2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::text[], $7::text[], $8::bigint[])
         AS n (id, status, version, next_check_at, stripe_refund_id, code, owed) WHERE r.id = n.id`,
    [
      tx.now,
      moves.map(({ after }) => after.id),
      moves.map(({ after }) => after.status),
      moves.map(({ after }) => after.version),
      moves.map(({ nextCheckAt }) => nextCheckAt),
      moves.map(({ after }) => after.stripe_refund_id),
      moves.map(({ after }) => after.failure_code),
      moves.map(({ after }) => String(after.owed_minor)),
    ],
  );
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
