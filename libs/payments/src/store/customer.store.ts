import type { Tx } from '#platform';

export interface CustomerRow {
  readonly contributor_pseudonym: string;
  readonly idempotency_key: string;
  readonly stripe_customer_id: string | null;
  readonly created_at: Date;
}

/** A row for everybody who has none. */
export async function ensureCustomers(tx: Tx, pseudonyms: readonly string[]): Promise<void> {
  await tx.query(
    `INSERT INTO payment_customer (contributor_pseudonym, idempotency_key, created_at)
     SELECT DISTINCT p, 'customer:' || p, $2::timestamptz FROM unnest($1::uuid[]) AS p ORDER BY p
     ON CONFLICT (contributor_pseudonym) DO NOTHING`,
    [pseudonyms, tx.now],
  );
}

export async function findCustomer(tx: Tx, pseudonym: string): Promise<CustomerRow | undefined> {
  const [row] = await tx.query<CustomerRow>('SELECT * FROM payment_customer WHERE contributor_pseudonym = $1', [
    pseudonym,
  ]);
  return row;
}

export async function findCustomers(tx: Tx, pseudonyms: readonly string[]): Promise<Map<string, CustomerRow>> {
  if (pseudonyms.length === 0) return new Map();
  const rows = await tx.query<CustomerRow>(
    'SELECT * FROM payment_customer WHERE contributor_pseudonym = ANY($1::uuid[])',
    [pseudonyms],
  );
  return new Map(rows.map((row) => [row.contributor_pseudonym, row]));
}

export async function findCustomerAtStripe(tx: Tx, stripeCustomerId: string): Promise<CustomerRow | undefined> {
  const [row] = await tx.query<CustomerRow>('SELECT * FROM payment_customer WHERE stripe_customer_id = $1', [
    stripeCustomerId,
  ]);
  return row;
}

/** The first id stays. @returns the one that counts. */
export async function saveCustomerId(tx: Tx, pseudonym: string, stripeCustomerId: string): Promise<string> {
  const [row] = await tx.query<{ stripe_customer_id: string }>(
    `UPDATE payment_customer SET stripe_customer_id = coalesce(stripe_customer_id, $2)
      WHERE contributor_pseudonym = $1 RETURNING stripe_customer_id`,
    [pseudonym, stripeCustomerId],
  );
  if (row === undefined) throw new Error(`${pseudonym} has no customer row`);
  return row.stripe_customer_id;
}
