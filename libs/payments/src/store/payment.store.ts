import type { Tx } from '#platform';
import type { PaymentStatus } from '../domain/payment.machine.js';
import type { MoneyTerms } from '../domain/postings.rule.js';
import type { Payment, PaymentPurpose, Rail } from '../payment-listener.port.js';

/** The whole row; {@link toPayment} is what others see of it. */
export interface PaymentRow {
  readonly id: string;
  readonly reference: string;
  readonly instalment: number;
  readonly purpose: PaymentPurpose;
  readonly beneficiary_id: string;
  readonly contributor_pseudonym: string;
  readonly rail: Rail;
  readonly saved_method_id: string | null;
  readonly amount_minor: bigint;
  readonly currency: string;
  readonly description: string;
  readonly escrow_account: string;
  readonly refunds_payable_account: string;
  readonly debt_account: string;
  readonly reserve_account: string | null;
  readonly status: PaymentStatus;
  readonly version: number;
  readonly idempotency_key: string;
  readonly stripe_payment_intent_id: string | null;
  readonly stripe_charge_id: string | null;
  readonly fee_minor: bigint | null;
  readonly failure_code: string | null;
  readonly created_at: Date;
  readonly cancel_requested_at: Date | null;
  readonly checks: number;
}

export interface NewPayment {
  readonly id: string;
  readonly reference: string;
  readonly instalment: number;
  readonly purpose: PaymentPurpose;
  readonly beneficiaryId: string;
  readonly contributorPseudonym: string;
  readonly rail: Rail;
  readonly savedMethodId?: string | undefined;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly description: string;
  readonly escrowAccount: string;
  readonly refundsPayableAccount: string;
  readonly debtAccount: string;
  readonly reserveAccount?: string | undefined;
}

export function toPayment(row: PaymentRow): Payment {
  return {
    id: row.id,
    reference: row.reference,
    instalment: row.instalment,
    purpose: row.purpose,
    beneficiaryId: row.beneficiary_id,
    contributorPseudonym: row.contributor_pseudonym,
    rail: row.rail,
    savedMethodId: row.saved_method_id ?? undefined,
    amountMinor: row.amount_minor,
    currency: row.currency,
    status: row.status,
    escrowAccount: row.escrow_account,
    refundsPayableAccount: row.refunds_payable_account,
    debtAccount: row.debt_account,
    reserveAccount: row.reserve_account ?? undefined,
    stripePaymentIntentId: row.stripe_payment_intent_id ?? undefined,
    feeMinor: row.fee_minor ?? undefined,
  };
}

export function termsOf(row: PaymentRow): MoneyTerms {
  return {
    paymentId: row.id,
    purpose: row.purpose,
    beneficiaryId: row.beneficiary_id,
    escrowAccount: row.escrow_account,
    refundsPayableAccount: row.refunds_payable_account,
    debtAccount: row.debt_account,
    currency: row.currency,
  };
}

/**
 * Adds the payments that no open or successful one stands in the way of. One statement for a whole batch.
 * @returns the ids that were added; the others have a payment for their reference and instalment already.
 */
export async function insertPayments(
  tx: Tx,
  payments: readonly NewPayment[],
  firstCheckAt: Date,
): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO payment (id, reference, instalment, purpose, beneficiary_id, contributor_pseudonym, rail, saved_method_id,
       amount_minor, currency, description, escrow_account, refunds_payable_account, debt_account, reserve_account,
       status, idempotency_key, created_at, updated_at, next_check_at)
     SELECT n.id, n.reference, n.instalment, n.purpose, n.beneficiary_id, n.pseudonym, n.rail, n.saved_method_id, n.amount,
            n.currency, n.description, n.escrow, n.refunds, n.debt, n.reserve, 'LOCAL_INTENT', 'payment:' || n.id, $1, $1,
            $2
       FROM unnest($3::uuid[], $4::text[], $5::int[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::uuid[],
                   $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
         AS n (id, reference, instalment, purpose, beneficiary_id, pseudonym, rail, saved_method_id, amount, currency,
               description, escrow, refunds, debt, reserve)
     ON CONFLICT (reference, instalment) WHERE status NOT IN ('CANCELED', 'FAILED') DO NOTHING
     RETURNING id`,
    [
      tx.now,
      firstCheckAt,
      payments.map((p) => p.id),
      payments.map((p) => p.reference),
      payments.map((p) => p.instalment),
      payments.map((p) => p.purpose),
      payments.map((p) => p.beneficiaryId),
      payments.map((p) => p.contributorPseudonym),
      payments.map((p) => p.rail),
      payments.map((p) => p.savedMethodId ?? null),
      payments.map((p) => p.amountMinor.toString()),
      payments.map((p) => p.currency),
      payments.map((p) => p.description),
      payments.map((p) => p.escrowAccount),
      payments.map((p) => p.refundsPayableAccount),
      payments.map((p) => p.debtAccount),
      payments.map((p) => p.reserveAccount ?? null),
    ],
  );
  return new Set(rows.map((row) => row.id));
}

/** The payment that stands for the reference and instalment: open or successful. */
export async function findLivePayment(tx: Tx, reference: string, instalment: number): Promise<PaymentRow | undefined> {
  const [row] = await tx.query<PaymentRow>(
    `SELECT * FROM payment WHERE reference = $1 AND instalment = $2 AND status NOT IN ('CANCELED', 'FAILED')`,
    [reference, instalment],
  );
  return row;
}

export async function findPayment(tx: Tx, id: string): Promise<PaymentRow | undefined> {
  const [row] = await tx.query<PaymentRow>('SELECT * FROM payment WHERE id = $1', [id]);
  return row;
}

export async function lockPayment(tx: Tx, id: string): Promise<PaymentRow | undefined> {
  const [row] = await tx.query<PaymentRow>('SELECT * FROM payment WHERE id = $1 FOR UPDATE', [id]);
  return row;
}

export async function findPaymentByIntent(tx: Tx, intentId: string): Promise<PaymentRow | undefined> {
  const [row] = await tx.query<PaymentRow>('SELECT * FROM payment WHERE stripe_payment_intent_id = $1', [intentId]);
  return row;
}

export interface PaymentChange {
  readonly status: PaymentStatus;
  readonly intentId?: string | undefined;
  readonly chargeId?: string;
  readonly feeMinor?: bigint;
  readonly failure?: { readonly code: string; readonly message: string };
  /** Null once nothing more is expected. */
  readonly nextCheckAt: Date | null;
}

/** Moves the row one step and writes the step down. @returns the row as it is now. */
export async function changePayment(tx: Tx, row: PaymentRow, change: PaymentChange): Promise<PaymentRow> {
  const [changed] = await tx.query<PaymentRow>(
    `UPDATE payment SET status = $2, version = version + 1, updated_at = $3, next_check_at = $4, checks = 0,
            stripe_payment_intent_id = coalesce(stripe_payment_intent_id, $5),
            stripe_charge_id = coalesce($6, stripe_charge_id), fee_minor = coalesce($7, fee_minor),
            captured_at = CASE WHEN $2 = 'SUCCEEDED' THEN $3 ELSE captured_at END,
            failure_code = $8, failure_message = $9
      WHERE id = $1 RETURNING *`,
    [
      row.id,
      change.status,
      tx.now,
      change.nextCheckAt,
      change.intentId ?? null,
      change.chargeId ?? null,
      change.feeMinor?.toString() ?? null,
      change.failure?.code ?? null,
      change.failure?.message ?? null,
    ],
  );
  if (changed === undefined) throw new Error(`payment ${row.id} vanished`);
  await tx.query(
    'INSERT INTO payment_transition (payment_id, version, from_status, to_status, at) VALUES ($1, $2, $3, $4, $5)',
    [row.id, changed.version, row.status, change.status, tx.now],
  );
  return changed;
}

/** Nothing changed; look again later. Also learns the intent's id where it was not known. */
export async function postponePayment(tx: Tx, id: string, nextCheckAt: Date | null, intentId?: string): Promise<void> {
  await tx.query(
    `UPDATE payment SET next_check_at = $2, checks = checks + 1,
            stripe_payment_intent_id = coalesce(stripe_payment_intent_id, $3)
      WHERE id = $1 AND status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED')`,
    [id, nextCheckAt, intentId ?? null],
  );
}

/** Writes down that what the reference still has open is not wanted any more. @returns the ids of those payments. */
export async function markUnwanted(tx: Tx, reference: string, nextCheckAt: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `UPDATE payment SET cancel_requested_at = coalesce(cancel_requested_at, $2), next_check_at = $3
      WHERE reference = $1 AND status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED') RETURNING id`,
    [reference, tx.now, nextCheckAt],
  );
  return rows.map((row) => row.id);
}

/** Takes payments whose time to be looked at has come, away from other sweepers for `leaseMs`. */
export async function claimDuePayments(tx: Tx, limit: number, leaseUntil: Date): Promise<PaymentRow[]> {
  return tx.query<PaymentRow>(
    `UPDATE payment SET next_check_at = $2
      WHERE id IN (SELECT id FROM payment WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $3 FOR UPDATE SKIP LOCKED)
      RETURNING *`,
    [tx.now, leaseUntil, limit],
  );
}
