import type { Tx } from '#platform';

/** A receipt with one of its versions; the text is null once its person was erased. */
export interface ReceiptVersionRow {
  readonly pledgeId: string;
  readonly contributorId: string;
  readonly year: number;
  readonly number: number;
  readonly version: number;
  readonly sha256: string;
  readonly signed: string | null;
  readonly issuedAt: Date;
}

const SELECT = `
  SELECT r.pledge_id AS "pledgeId", r.contributor_id AS "contributorId", r.year, r.number, v.version, v.sha256, v.signed,
         v.issued_at AS "issuedAt"
    FROM receipt r JOIN receipt_version v ON v.pledge_id = r.pledge_id`;

export const receiptSlug = ({ year, number }: { year: number; number: number }): string =>
  `receipt-${year}-${String(number).padStart(6, '0')}`;

/** The newest version of the pledge's receipt, or the one asked for. */
export async function receiptOf(tx: Tx, pledgeId: string, version?: number): Promise<ReceiptVersionRow | undefined> {
  const [row] = await tx.query<ReceiptVersionRow>(
    `${SELECT} WHERE r.pledge_id = $1 AND ($2::int IS NULL OR v.version = $2) ORDER BY v.version DESC LIMIT 1`,
    [pledgeId, version ?? null],
  );
  return row;
}

/** Newest versions of a person's receipts, newest pledge first. */
export async function receiptsOfPerson(
  tx: Tx,
  contributorId: string,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<ReceiptVersionRow[]> {
  return tx.query<ReceiptVersionRow>(
    `${SELECT} WHERE r.contributor_id = $1 AND ($2::uuid IS NULL OR r.pledge_id < $2)
       AND v.version = (SELECT max(version) FROM receipt_version w WHERE w.pledge_id = r.pledge_id)
     ORDER BY r.pledge_id DESC LIMIT $3`,
    [contributorId, page.before ?? null, page.limit],
  );
}

/** Held until the commit, so that a receipt's versions are made one after another. */
export async function lockReceipt(tx: Tx, pledgeId: string): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('receipt:' || $1, 0))", [pledgeId]);
}

/** The next number of the year, given back when the transaction is undone. */
export async function insertReceipt(
  tx: Tx,
  receipt: { readonly pledgeId: string; readonly contributorId: string },
): Promise<{ year: number; number: number }> {
  const year = tx.now.getUTCFullYear();
  const [row] = await tx.query<{ number: number }>(
    `INSERT INTO receipt_counter (year, last_number) VALUES ($1, 1)
     ON CONFLICT (year) DO UPDATE SET last_number = receipt_counter.last_number + 1 RETURNING last_number AS number`,
    [year],
  );
  const number = row?.number ?? 1;
  await tx.query('INSERT INTO receipt (pledge_id, contributor_id, year, number) VALUES ($1, $2, $3, $4)', [
    receipt.pledgeId,
    receipt.contributorId,
    year,
    number,
  ]);
  return { year, number };
}

export async function insertReceiptVersion(
  tx: Tx,
  of: { readonly pledgeId: string; readonly version: number; readonly sha256: string; readonly signed: string },
): Promise<void> {
  await tx.query(
    'INSERT INTO receipt_version (pledge_id, version, sha256, signed, issued_at) VALUES ($1, $2, $3, $4, $5)',
    [of.pledgeId, of.version, of.sha256, of.signed, tx.now],
  );
}

/** Takes a person out of receipts: numbers and digests stay. */
export async function forgetPayer(tx: Tx, pseudonym: string): Promise<void> {
  await tx.query(
    `UPDATE receipt_version SET signed = NULL WHERE signed IS NOT NULL AND pledge_id IN (
       SELECT r.pledge_id FROM receipt r JOIN contributor c ON c.id = r.contributor_id WHERE c.pseudonym::text = $1)`,
    [pseudonym],
  );
}
