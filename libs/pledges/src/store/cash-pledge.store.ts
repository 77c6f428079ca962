import type { Tx } from '#platform';
import type { CashPledgeState } from '../domain/cash-pledge.machine.js';

export interface CashPledgeRow {
  readonly id: string;
  readonly campaignId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly state: CashPledgeState;
  readonly isAnonymous: boolean;
  readonly idempotencyKey: string;
  readonly promises: number;
  readonly isPromised: boolean;
  readonly paymentId: string | null;
  readonly failureCode: string | null;
  readonly feeMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly createdAt: Date;
}

const CASH_COLUMNS = `id, campaign_id AS "campaignId", contributor_id AS "contributorId", pseudonym,
  amount_minor AS "amountMinor", currency, state, is_anonymous AS "isAnonymous", idempotency_key AS "idempotencyKey",
  promises, is_promised AS "isPromised", payment_id AS "paymentId", failure_code AS "failureCode", fee_minor AS "feeMinor",
  refunded_minor AS "refundedMinor", disputed_minor AS "disputedMinor", created_at AS "createdAt"`;

export interface NewCashPledge {
  readonly id: string;
  readonly campaignId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly isAnonymous: boolean;
  readonly idempotencyKey: string;
}

export const keyOf = (p: { contributorId: string; idempotencyKey: string }): string =>
  `${p.contributorId} ${p.idempotencyKey}`;

/** Pledges that were made under these keys before. */
export async function findByKeys(
  tx: Tx,
  keys: readonly { contributorId: string; idempotencyKey: string }[],
): Promise<Map<string, CashPledgeRow>> {
  const rows = await tx.query<CashPledgeRow>(
    `SELECT ${CASH_COLUMNS} FROM cash_pledge
      WHERE (contributor_id, idempotency_key) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))`,
    [keys.map((k) => k.contributorId), keys.map((k) => k.idempotencyKey)],
  );
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** Inserts a batch by one statement. Answers those that were new; a key that another writer used meanwhile is left out. */
export async function insertCashPledges(
  tx: Tx,
  pledges: readonly NewCashPledge[],
): Promise<Map<string, CashPledgeRow>> {
  if (pledges.length === 0) return new Map();
  const rows = await tx.query<CashPledgeRow>(
    `INSERT INTO cash_pledge (id, campaign_id, contributor_id, pseudonym, amount_minor, currency, is_anonymous,
                              idempotency_key, state, created_at, updated_at)
     SELECT u.*, 'created', $9, $9
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::boolean[], $8::text[]) u
     ON CONFLICT (contributor_id, idempotency_key) DO NOTHING RETURNING ${CASH_COLUMNS}`,
    [
      pledges.map((p) => p.id),
      pledges.map((p) => p.campaignId),
      pledges.map((p) => p.contributorId),
      pledges.map((p) => p.pseudonym),
      pledges.map((p) => String(p.amountMinor)),
      pledges.map((p) => p.currency),
      pledges.map((p) => p.isAnonymous),
      pledges.map((p) => p.idempotencyKey),
      tx.now,
    ],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

export async function lockCashPledge(tx: Tx, id: string): Promise<CashPledgeRow | undefined> {
  return (await tx.query<CashPledgeRow>(`SELECT ${CASH_COLUMNS} FROM cash_pledge WHERE id = $1 FOR UPDATE`, [id]))[0];
}

/** What a step changes of a pledge, its state aside. */
export interface CashPledgeChange {
  readonly state?: CashPledgeState;
  readonly promises?: number;
  readonly isPromised?: boolean;
  readonly paymentId?: string;
  readonly failureCode?: string | null;
  readonly feeMinor?: bigint;
  readonly refundedMinor?: bigint;
  readonly disputedMinor?: bigint;
  readonly capturedAt?: Date;
}

export async function changeCashPledge(tx: Tx, row: CashPledgeRow, change: CashPledgeChange): Promise<CashPledgeRow> {
  const [changed] = await tx.query<CashPledgeRow>(
    `UPDATE cash_pledge SET state = $2, promises = $3, is_promised = $4, payment_id = $5, failure_code = $6, fee_minor = $7,
            refunded_minor = $8, disputed_minor = $9, captured_at = coalesce($10, captured_at), updated_at = $11
      WHERE id = $1 RETURNING ${CASH_COLUMNS}`,
    [
      row.id,
      change.state ?? row.state,
      change.promises ?? row.promises,
      change.isPromised ?? row.isPromised,
      change.paymentId ?? row.paymentId,
      change.failureCode === undefined ? row.failureCode : change.failureCode,
      change.feeMinor ?? row.feeMinor,
      change.refundedMinor ?? row.refundedMinor,
      change.disputedMinor ?? row.disputedMinor,
      change.capturedAt ?? null,
      tx.now,
    ],
  );
  if (!changed) throw new Error(`cash pledge ${row.id} vanished`);
  return changed;
}

export type RefundState = 'requested' | 'paid' | 'failed';

/** Records a refund's state; answers the state before, undefined when it was unknown. */
export async function recordRefund(
  tx: Tx,
  refund: {
    refundId: string;
    pledgeId: string;
    amountMinor: bigint;
    state: RefundState;
    reason: string;
    failureCode?: string;
  },
): Promise<RefundState | undefined> {
  const [known] = await tx.query<{ state: RefundState }>(
    'SELECT state FROM cash_pledge_refund WHERE refund_id = $1 FOR UPDATE',
    [refund.refundId],
  );
  await tx.query(
    `INSERT INTO cash_pledge_refund (refund_id, pledge_id, amount_minor, state, reason, failure_code, requested_at, settled_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz, CASE WHEN $4 = 'requested' THEN NULL ELSE $7::timestamptz END)
     ON CONFLICT (refund_id) DO UPDATE SET state = excluded.state, failure_code = excluded.failure_code,
       settled_at = excluded.settled_at`,
    [
      refund.refundId,
      refund.pledgeId,
      refund.amountMinor,
      refund.state,
      refund.reason,
      refund.failureCode ?? null,
      tx.now,
    ],
  );
  return known?.state;
}

export interface DisputeRow {
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly state: 'open' | 'won' | 'lost';
}

export async function findDispute(tx: Tx, disputeId: string): Promise<DisputeRow | undefined> {
  const [row] = await tx.query<DisputeRow>(
    `SELECT amount_minor AS "amountMinor", fee_minor AS "feeMinor", state FROM cash_pledge_dispute
      WHERE dispute_id = $1 FOR UPDATE`,
    [disputeId],
  );
  return row;
}

export async function openDispute(
  tx: Tx,
  dispute: { disputeId: string; pledgeId: string; amountMinor: bigint; feeMinor: bigint },
): Promise<void> {
  await tx.query(
    `INSERT INTO cash_pledge_dispute (dispute_id, pledge_id, amount_minor, fee_minor, state, opened_at)
     VALUES ($1, $2, $3, $4, 'open', $5)`,
    [dispute.disputeId, dispute.pledgeId, dispute.amountMinor, dispute.feeMinor, tx.now],
  );
}

export async function closeDispute(tx: Tx, disputeId: string, state: 'won' | 'lost'): Promise<void> {
  await tx.query('UPDATE cash_pledge_dispute SET state = $2, closed_at = $3 WHERE dispute_id = $1', [
    disputeId,
    state,
    tx.now,
  ]);
}
