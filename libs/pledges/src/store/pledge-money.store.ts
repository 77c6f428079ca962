import type { Tx } from '#platform';

/** A part of a pledge that was charged. */
export interface ChargeRow {
  readonly paymentId: string;
  readonly pledgeId: string;
  readonly rail: string;
  readonly instalment: number;
  readonly amountMinor: bigint;
}

/** Writes charges down; the database refuses a second one of an instalment. */
export async function insertCharges(tx: Tx, charges: readonly ChargeRow[]): Promise<void> {
  if (charges.length === 0) return;
  await tx.query(
    `INSERT INTO cash_pledge_charge (payment_id, pledge_id, rail, instalment, amount_minor, captured_at)
     SELECT u.*, $6 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::bigint[]) u`,
    [
      charges.map((c) => c.paymentId),
      charges.map((c) => c.pledgeId),
      charges.map((c) => c.rail),
      charges.map((c) => c.instalment),
      charges.map((c) => String(c.amountMinor)),
      tx.now,
    ],
  );
}

/**
 * What the pledges were charged, oldest first, with what was asked back of each. A refund that failed counts: its money
 * stays set aside until its case is closed.
 */
export async function chargesOf(
  tx: Tx,
  pledgeIds: readonly string[],
): Promise<(ChargeRow & { readonly returnedMinor: bigint })[]> {
  return tx.query(
    `SELECT c.payment_id AS "paymentId", c.pledge_id AS "pledgeId", c.rail, c.instalment, c.amount_minor AS "amountMinor",
            coalesce((SELECT sum(r.amount_minor) FROM cash_pledge_refund r
                       WHERE r.payment_id = c.payment_id), 0)::bigint AS "returnedMinor"
       FROM cash_pledge_charge c WHERE c.pledge_id = ANY($1) ORDER BY c.pledge_id, c.instalment`,
    [pledgeIds],
  );
}

/** Cash that was applied to a pledge. */
export interface ApplicationRow {
  readonly applicationKey: string;
  readonly pledgeId: string;
  readonly amountMinor: bigint;
}

export async function insertApplications(tx: Tx, applications: readonly ApplicationRow[]): Promise<void> {
  if (applications.length === 0) return;
  await tx.query(
    `INSERT INTO cash_pledge_application (application_key, pledge_id, amount_minor, applied_at)
     SELECT u.*, $4 FROM unnest($1::text[], $2::uuid[], $3::bigint[]) u`,
    [
      applications.map((a) => a.applicationKey),
      applications.map((a) => a.pledgeId),
      applications.map((a) => String(a.amountMinor)),
      tx.now,
    ],
  );
}

export type RefundState = 'requested' | 'paid' | 'failed';

export interface RefundRow {
  readonly refundId: string;
  readonly pledgeId: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly state: RefundState;
  readonly reason: string;
  readonly failureCode?: string;
}

/** Writes refunds down as they stand, each once. */
export async function recordRefunds(tx: Tx, refunds: readonly RefundRow[]): Promise<void> {
  if (refunds.length === 0) return;
  await tx.query(
    `INSERT INTO cash_pledge_refund (refund_id, pledge_id, payment_id, amount_minor, state, reason, failure_code,
                                     requested_at, settled_at)
     SELECT u.*, $8::timestamptz, CASE WHEN u.state = 'requested' THEN NULL ELSE $8::timestamptz END
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[])
         AS u (refund, pledge, payment, amount, state, reason, failure)
     ON CONFLICT (refund_id) DO UPDATE SET state = excluded.state, failure_code = excluded.failure_code,
       settled_at = excluded.settled_at`,
    [
      refunds.map((r) => r.refundId),
      refunds.map((r) => r.pledgeId),
      refunds.map((r) => r.paymentId),
      refunds.map((r) => String(r.amountMinor)),
      refunds.map((r) => r.state),
      refunds.map((r) => r.reason),
      refunds.map((r) => r.failureCode ?? null),
      tx.now,
    ],
  );
}

/** The states of refunds that are known, held. */
export async function refundStates(tx: Tx, refundIds: readonly string[]): Promise<Map<string, RefundState>> {
  if (refundIds.length === 0) return new Map();
  const known = await tx.query<{ id: string; state: RefundState }>(
    'SELECT refund_id AS id, state FROM cash_pledge_refund WHERE refund_id = ANY($1) ORDER BY refund_id FOR UPDATE',
    [refundIds],
  );
  return new Map(known.map(({ id, state }) => [id, state]));
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

/** Payments of the pledges that are under way, or that their donor may still confirm; without a method those that he does. */
export function openPaymentsOf(
  tx: Tx,
  pledgeIds: readonly string[],
): Promise<{ pledgeId: string; savedMethodId: string | null }[]> {
  return tx.query<{ pledgeId: string; savedMethodId: string | null }>(
    `SELECT reference AS "pledgeId", saved_method_id AS "savedMethodId" FROM payment
      WHERE reference = ANY($1) AND status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED')`,
    [pledgeIds],
  );
}

/** Those of the pledges whose campaign gives everything back. */
export async function pledgesOfEnded(tx: Tx, pledgeIds: readonly string[]): Promise<string[]> {
  if (pledgeIds.length === 0) return [];
  const rows = await tx.query<{ id: string }>(
    `SELECT p.id FROM cash_pledge p JOIN campaign c ON c.id = p.campaign_id
      WHERE p.id = ANY($1) AND c.state IN ('failed', 'cancelled', 'refunding', 'refunded')`,
    [pledgeIds],
  );
  return rows.map((row) => row.id);
}
