import type { Tx } from '#platform';
import type { CashApplication } from '../payment-listener.port.js';

export interface NewReceipt {
  readonly id: string;
  readonly contributorPseudonym: string;
  readonly stripeCustomerId: string;
  readonly stripeTransactionId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly receivedAt: Date;
  /** It came back from a payment, and is on its way to the donor. */
  readonly isReturned: boolean;
}

/** Whoever books cash of a donor holds this, so that two never give the same cash away. */
export async function lockDonor(tx: Tx, pseudonym: string): Promise<boolean> {
  const rows = await tx.query('SELECT 1 FROM payment_customer WHERE contributor_pseudonym = $1 FOR UPDATE', [
    pseudonym,
  ]);
  return rows.length > 0;
}

/** @returns those that were not known, in the order given. */
export async function insertReceipts(tx: Tx, receipts: readonly NewReceipt[]): Promise<NewReceipt[]> {
  const added: NewReceipt[] = [];
  for (const receipt of receipts) {
    const rows = await tx.query(
      `INSERT INTO cash_receipt (id, contributor_pseudonym, stripe_customer_id, stripe_transaction_id, currency, amount_minor,
         received_at, booked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (stripe_transaction_id) DO NOTHING RETURNING 1`,
      [
        receipt.id,
        receipt.contributorPseudonym,
        receipt.stripeCustomerId,
        receipt.stripeTransactionId,
        receipt.currency,
        receipt.amountMinor.toString(),
        receipt.receivedAt,
        tx.now,
      ],
    );
    if (rows.length > 0) added.push(receipt);
  }
  return added;
}

/** What stands unapplied for a donor, minor units by currency. */
export async function unappliedOf(tx: Tx, pseudonym: string): Promise<Map<string, bigint>> {
  const rows = await tx.query<{ currency: string; left: string }>(
    `SELECT currency, sum(amount)::text AS left FROM (
       SELECT currency, amount_minor AS amount FROM cash_receipt WHERE contributor_pseudonym = $1
       UNION ALL SELECT currency, -amount_minor FROM cash_application WHERE contributor_pseudonym = $1
       UNION ALL SELECT currency, -amount_minor FROM cash_return
                  WHERE contributor_pseudonym = $1 AND status NOT IN ('FAILED', 'CANCELED')) moves
      GROUP BY currency ORDER BY currency`,
    [pseudonym],
  );
  return new Map(rows.map((row) => [row.currency, BigInt(row.left)]));
}

/** @returns false when it was applied before under this key. */
export async function insertApplication(tx: Tx, id: string, applied: CashApplication): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO cash_application (id, contributor_pseudonym, currency, reference, application_key, purpose, beneficiary_id,
       amount_minor, applied_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (reference, application_key) DO NOTHING RETURNING 1`,
    [
      id,
      applied.contributorPseudonym,
      applied.currency,
      applied.reference,
      applied.applicationKey,
      applied.purpose,
      applied.beneficiaryId,
      applied.amountMinor.toString(),
      tx.now,
    ],
  );
  return rows.length > 0;
}

/** The number that the next payment of a reference may have. */
export async function nextInstalment(tx: Tx, reference: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    'SELECT coalesce(max(instalment), 0)::int + 1 AS n FROM payment WHERE reference = $1',
    [reference],
  );
  return row?.n ?? 1;
}

export type CashReturnStatus = 'REQUESTED' | 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';

export interface CashReturnRow {
  readonly id: string;
  readonly contributor_pseudonym: string;
  readonly currency: string;
  readonly amount_minor: bigint;
  readonly reason: string;
  readonly status: CashReturnStatus;
  readonly idempotency_key: string;
  readonly stripe_refund_id: string | null;
  readonly created_at: Date;
  readonly checks: number;
}

export async function insertCashReturn(
  tx: Tx,
  back: { id: string; pseudonym: string; currency: string; amountMinor: bigint; reason: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO cash_return (id, contributor_pseudonym, currency, amount_minor, reason, status, idempotency_key, created_at,
       updated_at, next_check_at) VALUES ($1, $2, $3, $4, $5, 'REQUESTED', $7, $6, $6, $6)`,
    [
      back.id,
      back.pseudonym,
      back.currency,
      back.amountMinor.toString(),
      back.reason,
      tx.now,
      `cash_return:${back.id}`,
    ],
  );
}

export async function findCashReturn(tx: Tx, id: string): Promise<CashReturnRow | undefined> {
  const [row] = await tx.query<CashReturnRow>('SELECT * FROM cash_return WHERE id = $1', [id]);
  return row;
}

export async function lockCashReturn(tx: Tx, id: string): Promise<CashReturnRow | undefined> {
  const [row] = await tx.query<CashReturnRow>('SELECT * FROM cash_return WHERE id = $1 FOR UPDATE', [id]);
  return row;
}

export async function changeCashReturn(
  tx: Tx,
  id: string,
  change: {
    status: CashReturnStatus;
    stripeRefundId: string | undefined;
    code: string | undefined;
    nextCheckAt: Date | null;
  },
): Promise<void> {
  await tx.query(
    `UPDATE cash_return SET status = $2, updated_at = $3, next_check_at = $4, checks = 0,
            stripe_refund_id = coalesce(stripe_refund_id, $5), failure_code = coalesce($6, failure_code) WHERE id = $1`,
    [id, change.status, tx.now, change.nextCheckAt, change.stripeRefundId ?? null, change.code ?? null],
  );
}

export async function postponeCashReturn(tx: Tx, id: string, nextCheckAt: Date): Promise<void> {
  await tx.query(
    `UPDATE cash_return SET next_check_at = $2, checks = checks + 1 WHERE id = $1 AND next_check_at IS NOT NULL`,
    [id, nextCheckAt],
  );
}

export async function claimDueCashReturns(tx: Tx, limit: number, leaseUntil: Date): Promise<CashReturnRow[]> {
  return tx.query<CashReturnRow>(
    `UPDATE cash_return SET next_check_at = $2
      WHERE id IN (SELECT id FROM cash_return WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $3
                   FOR UPDATE SKIP LOCKED) RETURNING *`,
    [tx.now, leaseUntil, limit],
  );
}
