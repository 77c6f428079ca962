import type { Tx } from '#platform';
import type { Rail } from '../payment-listener.port.js';

export interface SavedMethodRow {
  readonly id: string;
  readonly setup_id: string;
  readonly contributor_pseudonym: string;
  readonly rail: Rail;
  readonly stripe_payment_method_id: string;
  readonly stripe_customer_id: string;
  readonly state: 'kept' | 'releasing' | 'released';
  readonly checks: number;
}

export interface NewSavedMethod {
  readonly id: string;
  readonly setupId: string;
  readonly contributorPseudonym: string;
  readonly rail: Rail;
  readonly stripePaymentMethodId: string;
  readonly stripeCustomerId: string;
}

export async function insertSavedMethods(tx: Tx, methods: readonly NewSavedMethod[]): Promise<void> {
  if (methods.length === 0) return;
  await tx.query(
    `INSERT INTO saved_method (id, setup_id, contributor_pseudonym, rail, stripe_payment_method_id, stripe_customer_id,
       created_at)
     SELECT n.*, $1 FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[]) AS n`,
    [
      tx.now,
      methods.map((m) => m.id),
      methods.map((m) => m.setupId),
      methods.map((m) => m.contributorPseudonym),
      methods.map((m) => m.rail),
      methods.map((m) => m.stripePaymentMethodId),
      methods.map((m) => m.stripeCustomerId),
    ],
  );
}

export async function findSavedMethods(tx: Tx, ids: readonly string[]): Promise<Map<string, SavedMethodRow>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<SavedMethodRow>('SELECT * FROM saved_method WHERE id = ANY($1::uuid[])', [ids]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Methods of a person that may still be charged, newest first. */
export async function keptMethods(tx: Tx, pseudonym: string): Promise<(SavedMethodRow & { created_at: Date })[]> {
  return tx.query(`SELECT * FROM saved_method WHERE contributor_pseudonym = $1 AND state = 'kept' ORDER BY id DESC`, [
    pseudonym,
  ]);
}

/** Stripe is told by the sweep. A method that is released already stays so. */
export async function markReleasing(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE saved_method SET state = 'releasing', next_check_at = $2 WHERE id = ANY($1::uuid[]) AND state = 'kept'`,
    [ids, tx.now],
  );
}

export async function markReleased(tx: Tx, id: string): Promise<void> {
  await tx.query(
    `UPDATE saved_method SET state = 'released', released_at = $2, next_check_at = NULL WHERE id = $1 AND state = 'releasing'`,
    [id, tx.now],
  );
}

export async function postponeRelease(tx: Tx, id: string, nextCheckAt: Date): Promise<void> {
  await tx.query(
    `UPDATE saved_method SET next_check_at = $2, checks = checks + 1 WHERE id = $1 AND state = 'releasing'`,
    [id, nextCheckAt],
  );
}

export async function claimDueReleases(tx: Tx, limit: number, leaseUntil: Date): Promise<SavedMethodRow[]> {
  return tx.query<SavedMethodRow>(
    `UPDATE saved_method SET next_check_at = $2
      WHERE id IN (SELECT id FROM saved_method WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $3
                   FOR UPDATE SKIP LOCKED) RETURNING *`,
    [tx.now, leaseUntil, limit],
  );
}
