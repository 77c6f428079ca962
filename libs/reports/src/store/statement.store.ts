import type { Tx } from '#platform';
import type { Beneficiary, CampaignFacts, Entry, EntryKind, Payer, Posting, YearFacts } from '../domain/statement.js';

interface EntryRow {
  reference: string;
  kind: EntryKind;
  currency: string;
  amount: bigint;
  key: string;
  id: string;
  debit: string;
  credit: string;
  at: Date;
}

/**
 * The transfers of what was paid for the references of `asked`: keys in, transfers out, each found by the ledger's unique
 * index. What a bank pushed is money when it is applied; the intents that move it at the processor bring a fee only.
 */
const MONEY_KEYS = `
  WITH pay AS MATERIALIZED (
    SELECT p.id, p.rail, p.reference FROM asked JOIN payment p ON p.reference = asked.reference
     WHERE p.status = 'SUCCEEDED'),
  key AS (
    SELECT reference, 'payment' AS kind, 'payment:' || id || ':capture' AS key FROM pay WHERE rail <> 'bank_transfer'
    UNION ALL SELECT reference, 'processing fee', 'payment:' || id || ':fee' FROM pay
    UNION ALL SELECT a.reference, 'payment', 'cash_application:' || a.id
                FROM asked JOIN cash_application a ON a.reference = asked.reference
    UNION ALL SELECT reference, s.kind, 'refund:' || r.id || s.step FROM pay JOIN refund r ON r.payment_id = pay.id
               CROSS JOIN (VALUES ('refund', ':paid'), ('refund returned', ':returned')) AS s (kind, step)
    UNION ALL SELECT reference, 'refund', 'refund_case:' || c.id || ':paid_otherwise'
                FROM pay JOIN refund r ON r.payment_id = pay.id JOIN refund_case c ON c.refund_id = r.id
    UNION ALL SELECT reference, s.kind, 'dispute:' || d.id || s.step || e.ending
                FROM pay JOIN dispute d ON d.payment_id = pay.id
               CROSS JOIN (VALUES ('dispute', ':withdrawn'), ('dispute fee', ':fee'), ('dispute won', ':reinstated'),
                                  ('dispute fee returned', ':fee_returned')) AS s (kind, step)
               CROSS JOIN LATERAL (
                 SELECT '' AS ending
                  UNION SELECT p.part FROM unnest('{:reserve,:escrow,:debt}'::text[]) AS p (part) WHERE s.step = ':reinstated'
                  -- A dispute that was given back in parts: the last part carries the sum of all.
                  UNION SELECT ':' || d.reinstated_minor || p.part FROM unnest('{"",:reserve,:escrow,:debt}'::text[]) AS p (part)
                   WHERE s.step IN (':reinstated', ':fee_returned') AND d.reinstated_minor > 0) AS e)`;

/** Entries of pledges or deposits, oldest first; those before `until` only. */
export async function entriesOf(
  tx: Tx,
  references: readonly string[],
  until: Date | null = null,
): Promise<{ readonly reference: string; readonly entry: Entry }[]> {
  const rows = await tx.query<EntryRow>(
    `WITH asked AS (SELECT unnest($1::text[]) AS reference), money AS (${MONEY_KEYS} SELECT * FROM key)
     SELECT money.reference, money.kind, t.unit AS currency, t.amount, t.key, t.id, d.code AS debit, c.code AS credit,
            t.recorded_at AS at
       FROM money JOIN ledger_transfer t ON t.key = money.key
       JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account c ON c.id = t.credit_account_id
      WHERE $2::timestamptz IS NULL OR t.recorded_at < $2
      ORDER BY t.seq`,
    [references, until],
  );
  return rows.map(({ reference, amount, id, at, ...row }) => ({
    reference,
    entry: { ...row, transferId: id, amountMinor: String(amount), at: at.toISOString() },
  }));
}

export interface PledgeFacts {
  readonly contributorId: string;
  readonly payer: Payer;
  readonly campaign: Beneficiary;
  readonly termsVersion: number;
  readonly termsSha256: string;
  readonly at: Date;
  readonly rail: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly countedMinor: bigint;
  readonly countedCurrency: string;
  readonly exchangeRate: string | null;
  readonly month: number | null;
}

/** What stands on a receipt of the pledge besides its money. Undefined once its person was erased. */
export async function pledgeFacts(tx: Tx, pledgeId: string): Promise<PledgeFacts | undefined> {
  const [row] = await tx.query<PledgeFacts>(
    `SELECT p.contributor_id AS "contributorId", jsonb_build_object('name', b.display_name, 'pseudonym', b.pseudonym) AS payer,
            jsonb_build_object('id', c.id, 'title', c.title) AS campaign, p.terms_version AS "termsVersion",
            encode(t.sha256, 'hex') AS "termsSha256", p.created_at AS at, p.rail, p.amount_minor AS "amountMinor",
            p.currency, p.counted_minor AS "countedMinor", c.currency AS "countedCurrency",
            p.exchange_rate AS "exchangeRate", p.plan_month AS month
       FROM cash_pledge p JOIN campaign c ON c.id = p.campaign_id
       JOIN contributor b ON b.id = p.contributor_id AND b.erased_at IS NULL
       JOIN campaign_terms t ON t.campaign_id = p.campaign_id AND t.version = p.terms_version
      WHERE p.id = $1`,
    [pledgeId],
  );
  return row;
}

export async function payerOf(tx: Tx, contributorId: string): Promise<Payer | undefined> {
  const [row] = await tx.query<Payer>(
    'SELECT display_name AS name, pseudonym FROM contributor WHERE id = $1 AND erased_at IS NULL',
    [contributorId],
  );
  return row;
}

export interface Gift {
  readonly reference: string;
  readonly beneficiary: Beneficiary;
  readonly receipt: string | null;
}

/** Everything that a person gave money for, before a moment: pledges, and deposits in pools. */
export async function giftsOf(tx: Tx, contributorId: string, until: Date): Promise<Gift[]> {
  return tx.query<Gift>(
    `SELECT p.id::text AS reference, jsonb_build_object('id', c.id, 'title', c.title) AS beneficiary,
            'receipt-' || r.year || '-' || lpad(r.number::text, 6, '0') AS receipt
       FROM cash_pledge p JOIN campaign c ON c.id = p.campaign_id LEFT JOIN receipt r ON r.pledge_id = p.id
      WHERE p.contributor_id = $1 AND p.collected_at < $2
      UNION ALL
     SELECT d.id::text, jsonb_build_object('id', m.id, 'title', m.title), NULL
       FROM match_deposit d JOIN match_pool m ON m.id = d.pool_id
      WHERE d.contributor_id = $1 AND d.collected_at < $2`,
    [contributorId, until],
  );
}

/** Calendar years (UTC) in which a person gave money or GPU time, newest first. */
export async function givingYears(tx: Tx, contributorId: string): Promise<number[]> {
  const rows = await tx.query<{ year: number }>(
    `SELECT DISTINCT extract(year FROM at AT TIME ZONE 'UTC')::int AS year FROM (
       SELECT collected_at AS at FROM cash_pledge WHERE contributor_id = $1
        UNION ALL SELECT collected_at FROM match_deposit WHERE contributor_id = $1
        UNION ALL SELECT u.settled_at FROM compute_pledge p JOIN lease l ON l.pledge_id = p.id
                    JOIN usage_record u ON u.lease_id = l.id WHERE p.contributor_id = $1) AS moment
      WHERE at IS NOT NULL ORDER BY year DESC`,
    [contributorId],
  );
  return rows.map(({ year }) => year);
}

/** GPU time of a person that was settled within a span of time, by campaign and class. */
export async function computeOf(tx: Tx, contributorId: string, from: Date, until: Date): Promise<YearFacts['compute']> {
  return tx.query<YearFacts['compute'][number]>(
    `SELECT jsonb_build_object('id', c.id, 'title', c.title) AS campaign, u.gpu_class AS class,
            sum(u.delivered_ms)::text AS "deliveredMs", sum(u.accepted_ms)::text AS "acceptedMs"
       FROM compute_pledge p JOIN lease l ON l.pledge_id = p.id JOIN usage_record u ON u.lease_id = l.id
       JOIN campaign c ON c.id = u.campaign_id
      WHERE p.contributor_id = $1 AND u.settled_at >= $2 AND u.settled_at < $3
      GROUP BY c.id, c.title, u.gpu_class ORDER BY c.id, u.gpu_class`,
    [contributorId, from, until],
  );
}

/** A campaign's title and project. */
export async function campaignOf(tx: Tx, id: string): Promise<(Beneficiary & { projectId: string }) | undefined> {
  const [row] = await tx.query<Beneficiary & { projectId: string }>(
    'SELECT id, title, project_id AS "projectId" FROM campaign WHERE id = $1',
    [id],
  );
  return row;
}

/** Campaigns whose account a person may read, newest first: those of his projects, or all of them for an operator. */
export async function readableCampaigns(
  tx: Tx,
  reader: { readonly contributorId: string; readonly isOperator: boolean },
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<(Beneficiary & { slug: string })[]> {
  return tx.query<Beneficiary & { slug: string }>(
    `SELECT c.id, c.slug, c.title FROM campaign c
      WHERE ($1::uuid IS NULL OR c.project_id IN (
              SELECT project_id FROM project_member WHERE contributor_id = $1 AND role IN ('owner', 'treasurer', 'auditor')))
        AND c.state NOT IN ('draft', 'in_review') AND ($2::uuid IS NULL OR c.id < $2)
      ORDER BY c.id DESC LIMIT ${Math.trunc(page.limit)}`,
    [reader.isOperator ? null : reader.contributorId, page.before ?? null],
  );
}

/** What is the campaign's own in money: promises and GPU time are no money. */
const OWN_ACCOUNTS = `
  SELECT id, code, debits_posted, credits_posted FROM ledger_account
   WHERE code COLLATE "C" >= 'campaign:' || $1 || ':' AND code COLLATE "C" < 'campaign:' || $1 || ';'
     AND unit ~ '^[A-Z]{3}$' AND code NOT LIKE 'campaign:%:pledged:%'`;

/**
 * Every transfer that touched an account of the campaign, and those of its payments that touched the platform's accounts
 * only (fees, disputes, bank transfers at the processor); oldest first.
 */
export async function campaignPostings(tx: Tx, campaignId: string): Promise<Posting[]> {
  const rows = await tx.query<Omit<Posting, 'at' | 'amountMinor'> & { at: Date; amount: bigint }>(
    `WITH own AS MATERIALIZED (${OWN_ACCOUNTS}),
     asked AS MATERIALIZED (SELECT DISTINCT reference FROM payment WHERE beneficiary_id = $1::uuid AND purpose = 'pledge'),
     money AS (${MONEY_KEYS} SELECT key FROM key UNION SELECT 'payment:' || id || ':capture' FROM pay),
     found AS (
       SELECT t.id FROM own JOIN ledger_transfer t ON t.debit_account_id = own.id
        UNION SELECT t.id FROM own JOIN ledger_transfer t ON t.credit_account_id = own.id
        UNION SELECT t.id FROM money JOIN ledger_transfer t ON t.key = money.key)
     SELECT t.recorded_at AS at, t.key, t.id AS "transferId", t.unit AS currency, t.amount, d.code AS debit, c.code AS credit,
            t.reason
       FROM found JOIN ledger_transfer t ON t.id = found.id AND t.kind IN ('posted', 'post_pending') AND t.amount > 0
       JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account c ON c.id = t.credit_account_id
      ORDER BY t.seq`,
    [campaignId],
  );
  return rows.map(({ at, amount, ...row }) => ({ ...row, at: at.toISOString(), amountMinor: String(amount) }));
}

export async function ledgerSums(tx: Tx, campaignId: string): Promise<CampaignFacts['ledger']> {
  return tx.query<CampaignFacts['ledger'][number]>(
    `SELECT code AS account, debits_posted::text AS "debitsMinor", credits_posted::text AS "creditsMinor"
       FROM (${OWN_ACCOUNTS}) AS own ORDER BY code COLLATE "C"`,
    [campaignId],
  );
}
