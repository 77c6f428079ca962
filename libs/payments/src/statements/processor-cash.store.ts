import type { Tx } from '#platform';

/** A movement of a donor's cash balance, as the processor says it. Minor units; positive came to the balance. */
export interface ProcessorCashEntry {
  readonly id: string;
  readonly stripeCustomerId: string;
  readonly pseudonym: string;
  readonly type: string;
  readonly currency: string;
  readonly netMinor: bigint;
  readonly occurredAt: Date;
}

/**
 * Customers whose cash is to be read: first those of whom our own books moved something since it was read, then those
 * that were not read for longest, so that money of which no event told is found as well.
 */
export async function customersToRead(
  tx: Tx,
  limit: { moved: number; others: number; staleBefore: Date },
): Promise<{ customerId: string; pseudonym: string }[]> {
  return tx.query(
    `(SELECT c.stripe_customer_id AS "customerId", c.contributor_pseudonym AS pseudonym
        FROM donor_cash_moved m JOIN payment_customer c ON c.contributor_pseudonym = m.contributor_pseudonym
        LEFT JOIN processor_cash_reading r ON r.stripe_customer_id = c.stripe_customer_id
       WHERE c.stripe_customer_id IS NOT NULL AND (r.read_at IS NULL OR r.books_moved_at IS DISTINCT FROM m.moved_at)
       ORDER BY m.moved_at LIMIT $1)
     UNION
     (SELECT c.stripe_customer_id, c.contributor_pseudonym
        FROM payment_customer c LEFT JOIN processor_cash_reading r ON r.stripe_customer_id = c.stripe_customer_id
       WHERE c.stripe_customer_id IS NOT NULL AND (r.read_at IS NULL OR r.read_at < $3)
       ORDER BY r.read_at NULLS FIRST LIMIT $2)`,
    [limit.moved, limit.others, limit.staleBefore],
  );
}

/** @returns those of the ids that are known. */
export async function knownCashEntries(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>('SELECT id FROM processor_cash_entry WHERE id = ANY($1)', [ids]);
  return new Set(rows.map((row) => row.id));
}

/** @returns how many were not known before. */
export async function insertCashEntries(tx: Tx, entries: readonly ProcessorCashEntry[]): Promise<number> {
  const rows = await tx.query(
    `INSERT INTO processor_cash_entry (id, stripe_customer_id, contributor_pseudonym, type, currency, net_minor, occurred_at, read_at)
     SELECT u.*, $8::timestamptz
       FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[]) u
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [
      entries.map((each) => each.id),
      entries.map((each) => each.stripeCustomerId),
      entries.map((each) => each.pseudonym),
      entries.map((each) => each.type),
      entries.map((each) => each.currency),
      entries.map((each) => each.netMinor.toString()),
      entries.map((each) => each.occurredAt),
      tx.now,
    ],
  );
  return rows.length;
}

/** When our books moved a donor's cash last. */
export async function booksMovedAt(tx: Tx, pseudonym: string): Promise<Date | null> {
  const [row] = await tx.query<{ at: Date }>(
    'SELECT moved_at AS at FROM donor_cash_moved WHERE contributor_pseudonym = $1',
    [pseudonym],
  );
  return row?.at ?? null;
}

/** `of`: the moment before the processor was asked, and when our books had moved last by then. */
export async function saveCashReading(
  tx: Tx,
  customerId: string,
  of: { startedAt: Date; booksMovedAt: Date | null },
): Promise<void> {
  await tx.query(
    `INSERT INTO processor_cash_reading (stripe_customer_id, read_at, books_moved_at) VALUES ($1, $2, $3)
     ON CONFLICT (stripe_customer_id) DO UPDATE SET read_at = excluded.read_at, books_moved_at = excluded.books_moved_at`,
    [customerId, of.startedAt, of.booksMovedAt],
  );
}
