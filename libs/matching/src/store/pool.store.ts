import type { Tx } from '#platform';

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
