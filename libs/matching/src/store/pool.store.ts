import type { Tx } from '#platform';
import type { DepositState } from '../domain/deposit.machine.js';

export interface PoolRow {
  readonly id: string;
  readonly title: string;
  readonly currency: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly depositedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly feesMinor: bigint;
  readonly grantedMinor: bigint;
}
const POOL = `p.id, p.title, p.currency, p.created_by AS "createdBy", p.created_at AS "createdAt",
  p.deposited_minor AS "depositedMinor", p.refunded_minor AS "refundedMinor", p.disputed_minor AS "disputedMinor",
  p.fees_minor AS "feesMinor", p.granted_minor AS "grantedMinor"`;

export interface DepositRow {
  readonly id: string;
  readonly poolId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly isAnonymous: boolean;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly rail: string;
  readonly state: DepositState;
  readonly paymentId: string | null;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly createdAt: Date;
}
const DEPOSIT = `d.id, d.pool_id AS "poolId", d.contributor_id AS "contributorId", d.pseudonym, d.is_anonymous AS "isAnonymous",
  d.amount_minor AS "amountMinor", d.currency, d.rail, d.state, d.payment_id AS "paymentId",
  d.refunded_minor AS "refundedMinor", d.disputed_minor AS "disputedMinor", d.created_at AS "createdAt"`;

export async function insertPool(
  tx: Tx,
  pool: Pick<PoolRow, 'id' | 'title' | 'currency' | 'createdBy'>,
): Promise<void> {
  await tx.query('INSERT INTO match_pool (id, title, currency, created_by, created_at) VALUES ($1, $2, $3, $4, $5)', [
    pool.id,
    pool.title,
    pool.currency,
    pool.createdBy,
    tx.now,
  ]);
}

export async function findPool(tx: Tx, id: string): Promise<PoolRow | undefined> {
  return (await tx.query<PoolRow>(`SELECT ${POOL} FROM match_pool p WHERE p.id = $1`, [id]))[0];
}

/** The pool, held against every other change until the unit of work ends. */
export async function lockPool(tx: Tx, id: string): Promise<PoolRow | undefined> {
  return (await tx.query<PoolRow>(`SELECT ${POOL} FROM match_pool p WHERE p.id = $1 FOR UPDATE`, [id]))[0];
}

/** Newest first, from below the id `before`. */
export async function listPools(tx: Tx, before: string | undefined, limit: number): Promise<PoolRow[]> {
  return tx.query<PoolRow>(
    `SELECT ${POOL} FROM match_pool p WHERE ($1::uuid IS NULL OR p.id < $1) ORDER BY p.id DESC LIMIT $2`,
    [before ?? null, limit],
  );
}

export async function poolsById(tx: Tx, ids: readonly string[]): Promise<Map<string, PoolRow>> {
  const rows = await tx.query<PoolRow>(`SELECT ${POOL} FROM match_pool p WHERE p.id = ANY($1)`, [ids]);
  return new Map(rows.map((row) => [row.id, row]));
}

export interface PoolChange {
  readonly depositedMinor?: bigint;
  readonly refundedMinor?: bigint;
  readonly disputedMinor?: bigint;
  readonly feesMinor?: bigint;
  readonly grantedMinor?: bigint;
}

export async function changePool(tx: Tx, id: string, change: PoolChange): Promise<void> {
  await tx.query(
    `UPDATE match_pool SET deposited_minor = deposited_minor + $2, refunded_minor = refunded_minor + $3,
            disputed_minor = disputed_minor + $4, fees_minor = fees_minor + $5, granted_minor = granted_minor + $6
      WHERE id = $1`,
    [
      id,
      change.depositedMinor ?? 0n,
      change.refundedMinor ?? 0n,
      change.disputedMinor ?? 0n,
      change.feesMinor ?? 0n,
      change.grantedMinor ?? 0n,
    ],
  );
}

export type NewDeposit = Omit<DepositRow, 'state' | 'paymentId' | 'refundedMinor' | 'disputedMinor' | 'createdAt'> & {
  readonly idempotencyKey: string;
};

/** False when the contributor used the key before. */
export async function insertDeposit(tx: Tx, d: NewDeposit): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO match_deposit (id, pool_id, contributor_id, pseudonym, is_anonymous, amount_minor, currency, rail, state,
                                idempotency_key, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'created', $9, $10)
     ON CONFLICT ON CONSTRAINT match_deposit_contributor_id_idempotency_key_uq DO NOTHING RETURNING id`,
    [
      d.id,
      d.poolId,
      d.contributorId,
      d.pseudonym,
      d.isAnonymous,
      d.amountMinor,
      d.currency,
      d.rail,
      d.idempotencyKey,
      tx.now,
    ],
  );
  return rows.length > 0;
}

export async function depositByKey(tx: Tx, contributorId: string, key: string): Promise<DepositRow | undefined> {
  const sql = `SELECT ${DEPOSIT} FROM match_deposit d WHERE d.contributor_id = $1 AND d.idempotency_key = $2`;
  return (await tx.query<DepositRow>(sql, [contributorId, key]))[0];
}

export async function lockDeposit(tx: Tx, id: string): Promise<DepositRow | undefined> {
  return (await tx.query<DepositRow>(`SELECT ${DEPOSIT} FROM match_deposit d WHERE d.id = $1 FOR UPDATE`, [id]))[0];
}

/** Deposits that still hold money, in the order of their ids, held until the unit of work ends. */
export async function collectedDeposits(tx: Tx, poolId: string): Promise<DepositRow[]> {
  return tx.query<DepositRow>(
    `SELECT ${DEPOSIT} FROM match_deposit d WHERE d.pool_id = $1 AND d.state = 'collected' ORDER BY d.id FOR UPDATE`,
    [poolId],
  );
}

export interface SponsorRow {
  readonly poolId: string;
  readonly pseudonym: string | null;
  readonly displayName: string | null;
  readonly amountMinor: bigint;
}

/** Who paid in, anonymous ones together, the largest first. */
export async function sponsorsOf(tx: Tx, poolIds: readonly string[]): Promise<SponsorRow[]> {
  return tx.query<SponsorRow>(
    `SELECT d.pool_id AS "poolId", CASE WHEN d.is_anonymous THEN NULL ELSE d.pseudonym END AS pseudonym,
            max(CASE WHEN d.is_anonymous THEN NULL ELSE c.display_name END) AS "displayName",
            sum(d.amount_minor - d.refunded_minor - d.disputed_minor)::bigint AS "amountMinor"
       FROM match_deposit d JOIN contributor c ON c.id = d.contributor_id
      WHERE d.pool_id = ANY($1) AND d.state IN ('collected', 'refund_pending', 'disputed')
      GROUP BY 1, 2 ORDER BY 4 DESC, 2 LIMIT 200`,
    [poolIds],
  );
}

export async function changeDeposit(
  tx: Tx,
  id: string,
  change: {
    readonly state?: DepositState | undefined;
    readonly paymentId?: string;
    readonly refundedMinor?: bigint;
    readonly disputedMinor?: bigint;
    readonly failureCode?: string;
  },
): Promise<void> {
  await tx.query(
    `UPDATE match_deposit SET state = coalesce($2, state), payment_id = coalesce($3, payment_id),
            refunded_minor = refunded_minor + $4, disputed_minor = disputed_minor + $5,
            failure_code = coalesce($6, failure_code),
            collected_at = CASE WHEN $2 = 'collected' THEN coalesce(collected_at, $7) ELSE collected_at END
      WHERE id = $1`,
    [
      id,
      change.state ?? null,
      change.paymentId ?? null,
      change.refundedMinor ?? 0n,
      change.disputedMinor ?? 0n,
      change.failureCode ?? null,
      tx.now,
    ],
  );
}
