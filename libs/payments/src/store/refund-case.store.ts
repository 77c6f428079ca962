import type { Tx } from '#platform';
import type { RefundCaseState, RefundCaseResolution } from '../domain/refund-case.machine.js';

export interface RefundCaseRow {
  readonly id: string;
  readonly refund_id: string;
  readonly payment_id: string;
  readonly beneficiary_id: string;
  readonly amount_minor: bigint;
  readonly currency: string;
  readonly failure_code: string;
  readonly state: RefundCaseState;
  readonly resolution: RefundCaseResolution | null;
  readonly owner: string | null;
  readonly note: string | null;
  readonly retry_refund_id: string | null;
  readonly opened_at: Date;
  readonly taken_at: Date | null;
  readonly resolved_at: Date | null;
}

export interface NewRefundCase {
  readonly id: string;
  readonly refundId: string;
  readonly paymentId: string;
  readonly beneficiaryId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly failureCode: string;
}

/** One case a refund, however often its failure is heard of. */
export async function openRefundCase(tx: Tx, opened: NewRefundCase): Promise<void> {
  await tx.query(
    `INSERT INTO refund_case (id, refund_id, payment_id, beneficiary_id, amount_minor, currency, failure_code, opened_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (refund_id) DO NOTHING`,
    [
      opened.id,
      opened.refundId,
      opened.paymentId,
      opened.beneficiaryId,
      opened.amountMinor.toString(),
      opened.currency,
      opened.failureCode,
      tx.now,
    ],
  );
}

export async function lockRefundCase(tx: Tx, id: string): Promise<RefundCaseRow | undefined> {
  const [row] = await tx.query<RefundCaseRow>('SELECT * FROM refund_case WHERE id = $1 FOR UPDATE', [id]);
  return row;
}

export async function takeRefundCase(tx: Tx, id: string, owner: string): Promise<RefundCaseRow> {
  const [row] = await tx.query<RefundCaseRow>(
    "UPDATE refund_case SET state = 'taken', owner = $2, taken_at = $3 WHERE id = $1 RETURNING *",
    [id, owner, tx.now],
  );
  if (row === undefined) throw new Error(`refund case ${id} vanished`);
  return row;
}

export async function resolveRefundCase(
  tx: Tx,
  id: string,
  end: { resolution: RefundCaseResolution; note: string; retryRefundId: string | undefined },
): Promise<RefundCaseRow> {
  const [row] = await tx.query<RefundCaseRow>(
    `UPDATE refund_case SET state = 'resolved', resolution = $2, note = $3, retry_refund_id = $4, resolved_at = $5
      WHERE id = $1 RETURNING *`,
    [id, end.resolution, end.note, end.retryRefundId ?? null, tx.now],
  );
  if (row === undefined) throw new Error(`refund case ${id} vanished`);
  return row;
}

export interface RefundCasePage {
  readonly first: number;
  /** Cases opened after this one, by id: ids grow with time. */
  readonly after?: string | undefined;
  /** The campaigns or pools whose cases are asked for; all of them when undefined. */
  readonly beneficiaryIds?: readonly string[] | undefined;
  readonly unresolvedOnly: boolean;
}

/** Oldest first: what waits longest is on top. One row more than asked for tells that there are more. */
export async function pageOfRefundCases(tx: Tx, page: RefundCasePage): Promise<RefundCaseRow[]> {
  return tx.query<RefundCaseRow>(
    `SELECT * FROM refund_case
      WHERE ($1::uuid IS NULL OR id > $1) AND ($2::uuid[] IS NULL OR beneficiary_id = ANY($2))
        AND (NOT $3 OR state <> 'resolved') ORDER BY id LIMIT ${Math.trunc(page.first) + 1}`,
    [page.after ?? null, page.beneficiaryIds ?? null, page.unresolvedOnly],
  );
}
