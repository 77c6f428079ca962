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
    reserveAccount: row.reserve_account ?? undefined,
    rail: row.rail,
    currency: row.currency,
  };
}

/**
 * Adds the payments that no open or successful one stands in the way of. One statement for a whole batch.
 * @returns those that were added; the others have a payment for their reference and instalment already.
 */
export async function insertPayments(
  tx: Tx,
  payments: readonly NewPayment[],
  firstCheckAt: Date,
  /** For those that are charged without their payer, or that move his cash. */
  chargeAt: Date,
): Promise<PaymentRow[]> {
  return tx.query<PaymentRow>(
    `INSERT INTO payment (id, reference, instalment, purpose, beneficiary_id, contributor_pseudonym, rail, saved_method_id,
       amount_minor, currency, description, escrow_account, refunds_payable_account, debt_account, reserve_account,
       status, idempotency_key, created_at, updated_at, next_check_at)
     SELECT n.id, n.reference, n.instalment, n.purpose, n.beneficiary_id, n.pseudonym, n.rail, n.saved_method_id, n.amount,
            n.currency, n.description, n.escrow, n.refunds, n.debt, n.reserve, 'LOCAL_INTENT', 'payment:' || n.id, $1, $1,
            CASE WHEN n.saved_method_id IS NOT NULL OR n.rail = 'bank_transfer' THEN $18::timestamptz ELSE $2 END
       FROM unnest($3::uuid[], $4::text[], $5::int[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::uuid[],
                   $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
         AS n (id, reference, instalment, purpose, beneficiary_id, pseudonym, rail, saved_method_id, amount, currency,
               description, escrow, refunds, debt, reserve)
     ON CONFLICT (reference, instalment) WHERE status NOT IN ('CANCELED', 'FAILED') DO NOTHING
     RETURNING *`,
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
      chargeAt,
    ],
  );
}

/** The payments that stand for references and instalments, open or successful, by {@link instalmentKey}. */
export async function findLivePayments(
  tx: Tx,
  wanted: readonly { reference: string; instalment: number }[],
): Promise<Map<string, PaymentRow>> {
  if (wanted.length === 0) return new Map();
  const rows = await tx.query<PaymentRow>(
    `SELECT p.* FROM payment p JOIN unnest($1::text[], $2::int[]) AS n (reference, instalment)
         ON p.reference = n.reference AND p.instalment = n.instalment
      WHERE p.status NOT IN ('CANCELED', 'FAILED')`,
    [wanted.map((w) => w.reference), wanted.map((w) => w.instalment)],
  );
  return new Map(rows.map((row) => [instalmentKey(row), row]));
}

export const instalmentKey = (p: { reference: string; instalment: number }): string => `${p.instalment} ${p.reference}`;

export async function findPayment(tx: Tx, id: string): Promise<PaymentRow | undefined> {
  const [row] = await tx.query<PaymentRow>('SELECT * FROM payment WHERE id = $1', [id]);
  return row;
}

export async function findPayments(tx: Tx, ids: readonly string[]): Promise<Map<string, PaymentRow>> {
  const rows = await tx.query<PaymentRow>('SELECT * FROM payment WHERE id = ANY($1::uuid[])', [ids]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** In the order of their ids, so that two batches never wait for each other in a ring. */
export async function lockPayments(tx: Tx, ids: readonly string[]): Promise<Map<string, PaymentRow>> {
  const rows = await tx.query<PaymentRow>('SELECT * FROM payment WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE', [
    ids,
  ]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** By the ids of their intents. */
export async function findPaymentsByIntent(tx: Tx, intentIds: readonly string[]): Promise<Map<string, PaymentRow>> {
  const rows = await tx.query<PaymentRow>('SELECT * FROM payment WHERE stripe_payment_intent_id = ANY($1)', [
    intentIds,
  ]);
  return new Map(rows.map((row) => [row.stripe_payment_intent_id ?? '', row]));
}

/** Payments by the ids of their intents, and by their own. */
export async function findPaymentsBy(
  tx: Tx,
  intentIds: readonly string[],
  ids: readonly string[],
): Promise<{ byIntent: Map<string, PaymentRow>; byId: Map<string, PaymentRow> }> {
  const rows = await tx.query<PaymentRow>(
    `SELECT * FROM payment WHERE stripe_payment_intent_id = ANY($1::text[])
     UNION SELECT * FROM payment WHERE id = ANY($2::uuid[])`,
    [intentIds, ids],
  );
  const byIntent = new Map(
    rows.flatMap((row) => (row.stripe_payment_intent_id ? [[row.stripe_payment_intent_id, row]] : [])),
  );
  return { byIntent, byId: new Map(rows.map((row) => [row.id, row])) };
}

/** A step of one payment, with the row as it is after it. */
export interface PaymentMove {
  readonly before: PaymentRow;
  readonly after: PaymentRow;
  readonly failureMessage: string | undefined;
  /** Null once nothing more is expected. */
  readonly nextCheckAt: Date | null;
}

/** Moves rows one step each and writes the steps down, by one statement. */
export async function savePayments(tx: Tx, moves: readonly PaymentMove[]): Promise<void> {
  if (moves.length === 0) return;
  await tx.query(
    `WITH moved AS (
       SELECT * FROM unnest($2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::text[], $7::text[], $8::bigint[],
                            $9::text[], $10::text[], $11::text[])
         AS n (id, status, version, next_check_at, intent, charge, fee, code, message, before)),
     saved AS (
       UPDATE payment p SET status = n.status, version = n.version, updated_at = $1, next_check_at = n.next_check_at,
              checks = 0, stripe_payment_intent_id = n.intent, stripe_charge_id = n.charge, fee_minor = n.fee,
              captured_at = CASE WHEN n.status = 'SUCCEEDED' THEN $1 ELSE captured_at END,
              failure_code = n.code, failure_message = n.message
         FROM moved n WHERE p.id = n.id)
     INSERT INTO payment_transition (payment_id, version, from_status, to_status, at)
     SELECT id, version, before, status, $1 FROM moved`,
    [
      tx.now,
      moves.map(({ after }) => after.id),
      moves.map(({ after }) => after.status),
      moves.map(({ after }) => after.version),
      moves.map(({ nextCheckAt }) => nextCheckAt),
      moves.map(({ after }) => after.stripe_payment_intent_id),
      moves.map(({ after }) => after.stripe_charge_id),
      moves.map(({ after }) => after.fee_minor?.toString() ?? null),
      moves.map(({ after }) => after.failure_code),
      moves.map(({ failureMessage }) => failureMessage ?? null),
      moves.map(({ before }) => before.status),
    ],
  );
}

export interface Postponement {
  readonly id: string;
  readonly nextCheckAt: Date | null;
  /** Learnt where the intent was not known. */
  readonly intentId?: string | undefined;
}

/** Nothing changed; look again later. */
export async function postponePayments(tx: Tx, payments: readonly Postponement[]): Promise<void> {
  if (payments.length === 0) return;
  await tx.query(
    `UPDATE payment p SET next_check_at = n.next_check_at, checks = checks + 1,
            stripe_payment_intent_id = coalesce(stripe_payment_intent_id, n.intent)
       FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS n (id, next_check_at, intent)
      WHERE p.id = n.id AND p.status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED')`,
    [payments.map((p) => p.id), payments.map((p) => p.nextCheckAt), payments.map((p) => p.intentId ?? null)],
  );
}

export async function postponePayment(tx: Tx, id: string, nextCheckAt: Date | null): Promise<void> {
  await postponePayments(tx, [{ id, nextCheckAt }]);
}

/** Writes down that what the references still have open is not wanted any more. @returns the ids of those payments. */
export async function markUnwanted(tx: Tx, references: readonly string[], nextCheckAt: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `WITH open AS (
       SELECT id FROM payment
        WHERE reference = ANY($1::text[]) AND status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED') ORDER BY id FOR UPDATE)
     UPDATE payment p SET cancel_requested_at = coalesce(cancel_requested_at, $2), next_check_at = $3
       FROM open WHERE p.id = open.id RETURNING p.id`,
    [references, tx.now, nextCheckAt],
  );
  return rows.map((row) => row.id);
}

/** Takes payments whose time to be looked at has come, away from other sweepers for `leaseMs`. */
/** Charges that Stripe was not told of yet wait; `until` null. What waited is due again; `until` a moment. */
export async function pausePayments(tx: Tx, references: readonly string[], until: Date | null): Promise<void> {
  const waits = until === null;
  await tx.query(
    `UPDATE payment SET next_check_at = ${waits ? "'infinity'" : '$2'}
      WHERE reference = ANY($1) AND status = 'LOCAL_INTENT' AND saved_method_id IS NOT NULL AND cancel_requested_at IS NULL
        AND ${waits ? 'checks = 0' : "next_check_at = 'infinity'"}`,
    waits ? [references] : [references, until],
  );
}

export async function claimDuePayments(tx: Tx, limit: number, leaseUntil: Date): Promise<PaymentRow[]> {
  return tx.query<PaymentRow>(
    `UPDATE payment SET next_check_at = $2
      WHERE id IN (SELECT id FROM payment WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $3 FOR UPDATE SKIP LOCKED)
      RETURNING *`,
    [tx.now, leaseUntil, limit],
  );
}
