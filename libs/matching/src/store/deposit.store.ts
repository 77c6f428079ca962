import type { Tx } from '#platform';
import type { DepositState } from '../domain/deposit.machine.js';

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
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly createdAt: Date;
  readonly collectedAt: Date | null;
}
const DEPOSIT = `d.id, d.pool_id AS "poolId", d.contributor_id AS "contributorId", d.pseudonym, d.is_anonymous AS "isAnonymous",
  d.amount_minor AS "amountMinor", d.currency, d.rail, d.state,
  d.refunded_minor AS "refundedMinor", d.disputed_minor AS "disputedMinor", d.created_at AS "createdAt",
  d.collected_at AS "collectedAt"`;

export type NewDeposit = Omit<DepositRow, 'state' | 'refundedMinor' | 'disputedMinor' | 'createdAt' | 'collectedAt'> & {
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

export async function changeDeposit(
  tx: Tx,
  id: string,
  change: {
    readonly state?: DepositState | undefined;
    readonly refundedMinor?: bigint;
    readonly disputedMinor?: bigint;
    readonly failureCode?: string;
  },
): Promise<void> {
  await tx.query(
    `UPDATE match_deposit SET state = coalesce($2, state),
            refunded_minor = refunded_minor + $3, disputed_minor = disputed_minor + $4,
            failure_code = coalesce($5, failure_code),
            collected_at = CASE WHEN $2 = 'collected' THEN coalesce(collected_at, $6) ELSE collected_at END
      WHERE id = $1`,
    [
      id,
      change.state ?? null,
      change.refundedMinor ?? 0n,
      change.disputedMinor ?? 0n,
      change.failureCode ?? null,
      tx.now,
    ],
  );
}

/** How long an announced bank transfer is waited for. Money that comes later stays its sender's. */
export const TRANSFER_DAYS = 90;

/** Announced bank transfers of a sponsor that are waited for, oldest first, held until the unit of work ends. */
export async function waitingTransfers(tx: Tx, pseudonym: string, currency: string): Promise<DepositRow[]> {
  const since = new Date(tx.now.getTime() - TRANSFER_DAYS * 86_400_000);
  return tx.query<DepositRow>(
    `SELECT ${DEPOSIT} FROM match_deposit d WHERE d.pseudonym = $1 AND d.currency = $2 AND d.rail = 'bank_transfer'
        AND d.state = 'created' AND d.created_at > $3 ORDER BY d.id LIMIT 100 FOR UPDATE`,
    [pseudonym, currency, since],
  );
}

/** What one sponsor gave to a pool, newest first; up to 100. */
export async function depositsOf(tx: Tx, poolId: string, contributorId: string): Promise<DepositRow[]> {
  return tx.query<DepositRow>(
    `SELECT ${DEPOSIT} FROM match_deposit d WHERE d.pool_id = $1 AND d.contributor_id = $2 ORDER BY d.id DESC LIMIT 100`,
    [poolId, contributorId],
  );
}

export async function insertDepositPayment(
  tx: Tx,
  payment: { readonly id: string; readonly depositId: string; readonly amountMinor: bigint },
): Promise<void> {
  await tx.query(
    `INSERT INTO match_deposit_payment (payment_id, deposit_id, amount_minor) VALUES ($1, $2, $3)
     ON CONFLICT ON CONSTRAINT match_deposit_payment_payment_id_pk DO NOTHING`,
    [payment.id, payment.depositId, payment.amountMinor],
  );
}

export interface DepositPaymentRow {
  readonly paymentId: string;
  readonly depositId: string;
  /** Neither given back nor asked back. */
  readonly heldMinor: bigint;
  readonly askedBackMinor: bigint;
}

/** The captured payments of deposits, in a fixed order. */
export async function depositPayments(tx: Tx, depositIds: readonly string[]): Promise<DepositPaymentRow[]> {
  return tx.query<DepositPaymentRow>(
    `SELECT payment_id AS "paymentId", deposit_id AS "depositId", amount_minor - asked_back_minor AS "heldMinor",
            asked_back_minor AS "askedBackMinor"
       FROM match_deposit_payment WHERE deposit_id = ANY($1) ORDER BY deposit_id, payment_id`,
    [depositIds],
  );
}

/** Adds what is asked back of a payment; below zero for what was refused or came back. */
export async function askBack(tx: Tx, paymentId: string, amountMinor: bigint): Promise<void> {
  await tx.query('UPDATE match_deposit_payment SET asked_back_minor = asked_back_minor + $2 WHERE payment_id = $1', [
    paymentId,
    amountMinor,
  ]);
}
