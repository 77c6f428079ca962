import type { Tx } from '#platform';
import type { SetupStatus } from '../domain/setup.machine.js';
import type { PaymentPurpose, Rail } from '../payment-listener.port.js';

export interface SetupRow {
  readonly id: string;
  readonly reference: string;
  readonly purpose: PaymentPurpose;
  readonly beneficiary_id: string;
  readonly contributor_pseudonym: string;
  readonly rail: Rail;
  readonly status: SetupStatus;
  readonly version: number;
  readonly idempotency_key: string;
  readonly stripe_setup_intent_id: string | null;
  readonly failure_code: string | null;
  readonly cancel_requested_at: Date | null;
  readonly created_at: Date;
  readonly checks: number;
}

export interface NewSetup {
  readonly id: string;
  readonly reference: string;
  readonly purpose: PaymentPurpose;
  readonly beneficiaryId: string;
  readonly contributorPseudonym: string;
  readonly rail: Rail;
}

/** @returns the ids that were added; the others have a setup for their reference that stands. */
export async function insertSetups(tx: Tx, setups: readonly NewSetup[], firstCheckAt: Date): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO payment_setup (id, reference, purpose, beneficiary_id, contributor_pseudonym, rail, status, idempotency_key,
       created_at, updated_at, next_check_at)
     SELECT n.id, n.reference, n.purpose, n.beneficiary_id, n.pseudonym, n.rail, 'LOCAL_INTENT', 'setup:' || n.id, $1, $1, $2
       FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[])
         AS n (id, reference, purpose, beneficiary_id, pseudonym, rail)
     ON CONFLICT (reference) WHERE status NOT IN ('SUCCEEDED', 'CANCELED', 'FAILED') DO NOTHING RETURNING id`,
    [
      tx.now,
      firstCheckAt,
      setups.map((s) => s.id),
      setups.map((s) => s.reference),
      setups.map((s) => s.purpose),
      setups.map((s) => s.beneficiaryId),
      setups.map((s) => s.contributorPseudonym),
      setups.map((s) => s.rail),
    ],
  );
  return new Set(rows.map((row) => row.id));
}

/** Setups under way, by reference. */
export async function openSetups(tx: Tx, references: readonly string[]): Promise<Map<string, SetupRow>> {
  const rows = await tx.query<SetupRow>(
    `SELECT * FROM payment_setup WHERE reference = ANY($1) AND status NOT IN ('SUCCEEDED', 'CANCELED', 'FAILED')`,
    [references],
  );
  return new Map(rows.map((row) => [row.reference, row]));
}

export async function findSetups(tx: Tx, ids: readonly string[]): Promise<Map<string, SetupRow>> {
  const rows = await tx.query<SetupRow>('SELECT * FROM payment_setup WHERE id = ANY($1::uuid[])', [ids]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** In the order of their ids, so that two batches never wait for each other in a ring. */
export async function lockSetups(tx: Tx, ids: readonly string[]): Promise<Map<string, SetupRow>> {
  const rows = await tx.query<SetupRow>(
    'SELECT * FROM payment_setup WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE',
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** The row as it is after a step, or several. */
export interface SetupMove {
  readonly after: SetupRow;
  /** Null once nothing more is expected. */
  readonly nextCheckAt: Date | null;
}

export async function saveSetups(tx: Tx, moves: readonly SetupMove[]): Promise<void> {
  if (moves.length === 0) return;
  await tx.query(
    `UPDATE payment_setup s SET status = n.status, version = n.version, updated_at = $1, next_check_at = n.next_check_at,
            checks = 0, stripe_setup_intent_id = n.intent, failure_code = n.code
       FROM unnest($2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::text[], $7::text[])
         AS n (id, status, version, next_check_at, intent, code) WHERE s.id = n.id`,
    [
      tx.now,
      moves.map(({ after }) => after.id),
      moves.map(({ after }) => after.status),
      moves.map(({ after }) => after.version),
      moves.map(({ nextCheckAt }) => nextCheckAt),
      moves.map(({ after }) => after.stripe_setup_intent_id),
      moves.map(({ after }) => after.failure_code),
    ],
  );
}

/** Nothing changed; look again later. `intentId`: learnt where it was not known. */
export async function postponeSetups(
  tx: Tx,
  setups: readonly { readonly id: string; readonly nextCheckAt: Date; readonly intentId?: string | undefined }[],
): Promise<void> {
  if (setups.length === 0) return;
  await tx.query(
    `UPDATE payment_setup s SET next_check_at = n.next_check_at, checks = checks + 1,
            stripe_setup_intent_id = coalesce(stripe_setup_intent_id, n.intent)
       FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS n (id, next_check_at, intent)
      WHERE s.id = n.id AND s.status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED')`,
    [setups.map((s) => s.id), setups.map((s) => s.nextCheckAt), setups.map((s) => s.intentId ?? null)],
  );
}

export async function claimDueSetups(tx: Tx, limit: number, leaseUntil: Date): Promise<SetupRow[]> {
  return tx.query<SetupRow>(
    `UPDATE payment_setup SET next_check_at = $2
      WHERE id IN (SELECT id FROM payment_setup WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $3
                   FOR UPDATE SKIP LOCKED) RETURNING *`,
    [tx.now, leaseUntil, limit],
  );
}

/** What the references still have open is not wanted any more. @returns the ids of those setups. */
export async function markSetupsUnwanted(tx: Tx, references: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `UPDATE payment_setup SET cancel_requested_at = coalesce(cancel_requested_at, $2), next_check_at = $2
      WHERE reference = ANY($1) AND status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED') RETURNING id`,
    [references, tx.now],
  );
  return rows.map((row) => row.id);
}
