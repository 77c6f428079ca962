import type { Tx } from '#platform';
import { presentBalance, presentlyClosed } from './balance.store.js';

/** An account with its balance as of the read. */
export interface AccountRow {
  id: string;
  code: string;
  unit: string;
  scale: number;
  limit_rule: string;
  opened_at: Date;
  closed: boolean;
  debits_pending: bigint;
  debits_posted: bigint;
  credits_pending: bigint;
  credits_posted: bigint;
}

/** A transfer as stored, with what became of it when it was pending. */
export interface TransferRow {
  id: string;
  seq: bigint;
  key: string;
  chain_id: string;
  kind: string;
  state: string;
  unit: string;
  debit_account_id: string;
  credit_account_id: string;
  amount: bigint;
  pending_id: string | null;
  expires_at: Date | null;
  closes: 'debit' | 'credit' | null;
  reason: string;
  refs: Record<string, string>;
  recorded_at: Date;
}

/** A transfer in an account's list: its number there. */
export interface EntryRow extends TransferRow {
  account_id: string;
  version: bigint;
}

const accountColumns = (moment: string) =>
  `a.id, a.code, a.unit, u.scale::integer AS scale, a.limit_rule, a.opened_at,
   ${presentlyClosed(moment)} AS closed, ${presentBalance(moment)}`;

export const transferColumns = (moment: string) => `
  t.id, t.seq, t.key, t.chain_id, t.kind, t.unit, t.debit_account_id, t.credit_account_id, t.amount, t.pending_id,
  t.expires_at, t.closes, t.reason, t.refs, t.recorded_at,
  CASE t.kind
    WHEN 'pending' THEN coalesce(
      (SELECT CASE r.kind WHEN 'post_pending' THEN 'posted' WHEN 'void_pending' THEN 'voided' ELSE 'expired' END
       FROM ledger_transfer r WHERE r.pending_id = t.id),
      CASE WHEN t.expires_at <= ${moment} THEN 'expired' ELSE 'pending' END)
    WHEN 'void_pending' THEN 'voided'
    WHEN 'expired' THEN 'expired'
    ELSE 'posted'
  END AS state`;

// Limits are clamped integers and stand in the text: with a parameter the planner assumes a tenth of the table.
const literal = (limit: number): number => Math.max(1, Math.trunc(limit));

/** Accounts in the order of their codes, after a code; one unit only or with a prefix if asked. */
export function accountsPage(
  tx: Tx,
  filter: { prefix?: string | undefined; unit?: string | undefined; after?: string | undefined },
  limit: number,
): Promise<AccountRow[]> {
  const params: unknown[] = [tx.now];
  const where: string[] = [];
  const bind = (value: unknown) => `$${params.push(value)}`;
  if (filter.unit !== undefined) where.push(`a.unit = ${bind(filter.unit)}`);
  if (filter.prefix !== undefined) {
    const prefix = bind(filter.prefix);
    // U+10FFFF sorts after every character that a code may hold.
    where.push(`a.code COLLATE "C" >= ${prefix} AND a.code COLLATE "C" < ${prefix} || U&'\\+10FFFF'`);
  }
  if (filter.after !== undefined) where.push(`a.code COLLATE "C" > ${bind(filter.after)}`);
  return tx.query<AccountRow>(
    `SELECT ${accountColumns('$1::timestamptz')} FROM ledger_account a JOIN ledger_unit u ON u.code = a.unit
     ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
     ORDER BY a.code COLLATE "C" LIMIT ${literal(limit)}`,
    params,
  );
}

/** Accounts by id or by code, in no order. */
export const accountsBy = (tx: Tx, by: 'id' | 'code', values: readonly string[]): Promise<AccountRow[]> =>
  tx.query<AccountRow>(
    `SELECT ${accountColumns('$2::timestamptz')} FROM ledger_account a JOIN ledger_unit u ON u.code = a.unit
     WHERE a.${by} = ANY ($1::${by === 'id' ? 'uuid' : 'text'}[])`,
    [values, tx.now],
  );

/** All transfers, newest first, before a sequence number. */
export const transfersPage = (tx: Tx, beforeSeq: bigint | undefined, limit: number): Promise<TransferRow[]> =>
  tx.query<TransferRow>(
    `SELECT ${transferColumns('$2::timestamptz')} FROM ledger_transfer t
     WHERE t.seq < coalesce($1::bigint, 9223372036854775807) ORDER BY t.seq DESC LIMIT ${literal(limit)}`,
    [beforeSeq ?? null, tx.now],
  );

export const transfersById = (tx: Tx, ids: readonly string[]): Promise<TransferRow[]> =>
  tx.query<TransferRow>(
    `SELECT ${transferColumns('$2::timestamptz')} FROM ledger_transfer t WHERE t.id = ANY ($1::uuid[])`,
    [ids, tx.now],
  );

/** Where a page of an account's entries goes on: before this entry. */
export interface EntryPlace {
  readonly recordedAt: Date;
  readonly version: bigint;
}

/** The newest entries of each account, before a place if one is given; one statement for any number of accounts. */
export function entriesPages(
  tx: Tx,
  accountIds: readonly string[],
  before: EntryPlace | undefined,
  limit: number,
): Promise<EntryRow[]> {
  const side = (name: 'debit' | 'credit') => `
    (SELECT t.*, t.${name}_version AS version FROM ledger_transfer t
     WHERE t.${name}_account_id = account.id ${before ? `AND (t.recorded_at, t.${name}_version) < ($3, $4)` : ''}
     ORDER BY t.recorded_at DESC, t.${name}_version DESC LIMIT ${literal(limit)})`;
  return tx.query<EntryRow>(
    `SELECT account.id AS account_id, t.version, ${transferColumns('$2::timestamptz')}
     FROM unnest($1::uuid[]) account (id)
     CROSS JOIN LATERAL (
       SELECT * FROM (${side('debit')} UNION ALL ${side('credit')}) entry
       ORDER BY version DESC LIMIT ${literal(limit)}
     ) t
     ORDER BY account.id, t.version DESC`,
    [accountIds, tx.now, ...(before ? [before.recordedAt, before.version] : [])],
  );
}

export interface TrialBalanceRow {
  unit: string;
  scale: number;
  accounts: bigint;
  debits: bigint;
  credits: bigint;
  debits_pending: bigint;
  credits_pending: bigint;
}

/** The counters of all accounts summed by unit. Sums may pass the range of bigint, so they come as text. */
export async function trialBalance(tx: Tx): Promise<TrialBalanceRow[]> {
  type Row = { [K in keyof TrialBalanceRow]: TrialBalanceRow[K] extends bigint ? string : TrialBalanceRow[K] };
  const rows = await tx.query<Row>(
    `SELECT a.unit, u.scale::integer AS scale, count(*)::text AS accounts,
       sum(a.debits_posted)::text AS debits, sum(a.credits_posted)::text AS credits,
       sum(a.debits_pending)::text AS debits_pending, sum(a.credits_pending)::text AS credits_pending
     FROM ledger_account a JOIN ledger_unit u ON u.code = a.unit GROUP BY a.unit, u.scale ORDER BY a.unit`,
  );
  return rows.map((row) => ({
    unit: row.unit,
    scale: row.scale,
    accounts: BigInt(row.accounts),
    debits: BigInt(row.debits),
    credits: BigInt(row.credits),
    debits_pending: BigInt(row.debits_pending),
    credits_pending: BigInt(row.credits_pending),
  }));
}
