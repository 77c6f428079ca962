import type { Tx } from '#platform';
import type { Billing } from '../domain/cash-pledge.rule.js';
import { type CashPledgeRow, keyOf } from './cash-pledge.store.js';

/**
 * Invoices for new pledges, by the key under which each was asked. The year's counter is held until the commit, so that
 * the numbers run without gaps: a transaction that is undone gives its numbers back.
 */
export async function issueInvoices(
  tx: Tx,
  rows: readonly CashPledgeRow[],
  billings: ReadonlyMap<string, Billing>,
): Promise<void> {
  const billed = rows.flatMap((row) => {
    const billing = billings.get(keyOf(row));
    return billing ? [{ row, billing }] : [];
  });
  if (billed.length === 0) return;
  const year = tx.now.getUTCFullYear();
  const [counter] = await tx.query<{ last: number }>(
    `INSERT INTO pledge_invoice_counter (year, last_number) VALUES ($1, $2)
     ON CONFLICT (year) DO UPDATE SET last_number = pledge_invoice_counter.last_number + $2 RETURNING last_number AS last`,
    [year, billed.length],
  );
  const first = (counter?.last ?? billed.length) - billed.length + 1;
  await tx.query(
    `INSERT INTO pledge_invoice (pledge_id, year, number, issued_at, due_at)
     SELECT u.id, $2, u.number, $3, u.due FROM unnest($1::uuid[], $4::int[], $5::timestamptz[]) AS u (id, number, due)`,
    [
      billed.map(({ row }) => row.id),
      year,
      tx.now,
      billed.map((_, index) => first + index),
      billed.map(({ row }) => row.expiresAt ?? tx.now),
    ],
  );
  await tx.query(
    `INSERT INTO pledge_billing (pledge_id, organisation, address, tax_id, reference)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])`,
    [
      billed.map(({ row }) => row.id),
      billed.map(({ billing }) => billing.organisation),
      billed.map(({ billing }) => billing.address),
      billed.map(({ billing }) => billing.taxId),
      billed.map(({ billing }) => billing.reference),
    ],
  );
}

/** An invoice as it is shown. The four fields of its addressee are null once he was erased. */
export interface InvoiceData {
  readonly number: string;
  readonly issuedAt: Date;
  readonly dueAt: Date;
  readonly organisation: string | null;
  readonly address: string | null;
  readonly taxId: string | null;
  readonly reference: string | null;
  readonly pledgeId: string;
  readonly contributorId: string;
  readonly campaignId: string;
  readonly campaignTitle: string;
  readonly amountMinor: bigint;
  readonly collectedMinor: bigint;
  readonly currency: string;
}

const INVOICE = `
  SELECT 'CW-' || i.year || '-' || lpad(i.number::text, 6, '0') AS number, i.issued_at AS "issuedAt", i.due_at AS "dueAt",
         b.organisation, b.address, b.tax_id AS "taxId", b.reference, p.id AS "pledgeId",
         p.contributor_id AS "contributorId", p.campaign_id AS "campaignId", c.title AS "campaignTitle",
         p.amount_minor AS "amountMinor", p.collected_minor AS "collectedMinor", p.currency
    FROM pledge_invoice i JOIN cash_pledge p ON p.id = i.pledge_id JOIN campaign c ON c.id = p.campaign_id
    LEFT JOIN pledge_billing b ON b.pledge_id = p.id`;

export async function invoiceOf(tx: Tx, pledgeId: string): Promise<InvoiceData | undefined> {
  const [row] = await tx.query<InvoiceData>(`${INVOICE} WHERE i.pledge_id = $1`, [pledgeId]);
  return row;
}

/** Invoices of a person's pledges, newest pledge first; `before` is the id of a pledge. */
export function invoicesOf(
  tx: Tx,
  contributorId: string,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<InvoiceData[]> {
  return tx.query<InvoiceData>(
    `${INVOICE} WHERE p.contributor_id = $1 AND ($2::uuid IS NULL OR p.id < $2)
      ORDER BY p.id DESC LIMIT ${Math.trunc(page.limit)}`,
    [contributorId, page.before ?? null],
  );
}

/** What a receipt of a pledge says: money that came, what went back, and on which rails. */
export interface ReceiptData {
  readonly pledgeId: string;
  readonly contributorId: string;
  readonly campaignId: string;
  readonly campaignTitle: string;
  readonly amountMinor: bigint;
  readonly collectedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly feeMinor: bigint;
  readonly currency: string;
  readonly countedMinor: bigint;
  readonly countedCurrency: string;
  readonly exchangeRate: string | null;
  readonly rail: string;
  readonly termsVersion: number;
  readonly state: string;
  readonly createdAt: Date;
  readonly collectedAt: Date | null;
  readonly planId: string | null;
  readonly planMonth: number | null;
}

/** Pledges of a person that brought money, oldest first: one of them, or those of a span of time. */
export async function receiptsOf(
  tx: Tx,
  by: { readonly pledgeId: string } | { readonly contributorId: string; readonly from: Date; readonly until: Date },
): Promise<ReceiptData[]> {
  const one = 'pledgeId' in by;
  return tx.query<ReceiptData>(
    `SELECT p.id AS "pledgeId", p.contributor_id AS "contributorId", p.campaign_id AS "campaignId",
            c.title AS "campaignTitle", p.amount_minor AS "amountMinor", p.collected_minor AS "collectedMinor",
            p.refunded_minor AS "refundedMinor", p.disputed_minor AS "disputedMinor", p.fee_minor AS "feeMinor",
            p.currency, p.counted_minor AS "countedMinor", c.currency AS "countedCurrency",
            p.exchange_rate AS "exchangeRate", p.rail, p.terms_version AS "termsVersion", p.state,
            p.created_at AS "createdAt", p.collected_at AS "collectedAt", p.plan_id AS "planId", p.plan_month AS "planMonth"
       FROM cash_pledge p JOIN campaign c ON c.id = p.campaign_id
      WHERE p.collected_at IS NOT NULL AND ${one ? 'p.id = $1' : 'p.contributor_id = $1 AND p.collected_at >= $2 AND p.collected_at < $3'}
      ORDER BY p.collected_at, p.id`,
    one ? [by.pledgeId] : [by.contributorId, by.from, by.until],
  );
}
