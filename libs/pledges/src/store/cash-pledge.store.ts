import type { Rail } from '#payments';
import type { Tx } from '#platform';
import type { CashPledgeState } from '../domain/cash-pledge.machine.js';

/** A cash pledge. Amounts in minor units of its currency, `countedMinor` in those of its campaign's. */
export interface CashPledgeRow {
  readonly id: string;
  readonly campaignId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly countedMinor: bigint;
  readonly rail: Rail;
  readonly isDeferred: boolean;
  readonly instalments: number;
  readonly termsVersion: number;
  readonly state: CashPledgeState;
  readonly isAnonymous: boolean;
  readonly displayName: string | null;
  readonly idempotencyKey: string;
  readonly promises: number;
  readonly isPromised: boolean;
  readonly savedMethodId: string | null;
  readonly snapshotId: string | null;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly expiresAt: Date | null;
  readonly planId: string | null;
  readonly failureCode: string | null;
  readonly collectedMinor: bigint;
  readonly feeMinor: bigint;
  readonly refundedMinor: bigint;
  readonly disputedMinor: bigint;
  readonly createdAt: Date;
  readonly collectedAt: Date | null;
}

const COLUMNS = [
  'id',
  'campaign_id AS "campaignId"',
  'contributor_id AS "contributorId"',
  'pseudonym',
  'amount_minor AS "amountMinor"',
  'currency',
  'counted_minor AS "countedMinor"',
  'rail',
  'is_deferred AS "isDeferred"',
  'instalments',
  'terms_version AS "termsVersion"',
  'state',
  'is_anonymous AS "isAnonymous"',
  'display_name AS "displayName"',
  'idempotency_key AS "idempotencyKey"',
  'promises',
  'is_promised AS "isPromised"',
  'saved_method_id AS "savedMethodId"',
  'snapshot_id AS "snapshotId"',
  'attempts',
  'next_attempt_at AS "nextAttemptAt"',
  'expires_at AS "expiresAt"',
  'plan_id AS "planId"',
  'failure_code AS "failureCode"',
  'collected_minor AS "collectedMinor"',
  'fee_minor AS "feeMinor"',
  'refunded_minor AS "refundedMinor"',
  'disputed_minor AS "disputedMinor"',
  'created_at AS "createdAt"',
  'collected_at AS "collectedAt"',
].join(', ');

/** A pledge to be written, its beginning decided. */
export interface NewCashPledge {
  readonly id: string;
  readonly campaignId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly countedMinor: bigint;
  readonly exchangeRate: string | null;
  readonly rail: Rail;
  readonly isDeferred: boolean;
  readonly instalments: number;
  readonly termsVersion: number;
  readonly state: CashPledgeState;
  readonly isPromised: boolean;
  readonly isAnonymous: boolean;
  readonly displayName: string | null;
  readonly idempotencyKey: string;
  readonly expiresAt: Date | null;
  readonly savedMethodId: string | null;
  readonly planId: string | null;
  readonly planMonth: number | null;
}

export const keyOf = (p: { contributorId: string; idempotencyKey: string }): string =>
  `${p.contributorId} ${p.idempotencyKey}`;

/** Pledges that were made under these keys before. */
export async function findByKeys(
  tx: Tx,
  keys: readonly { contributorId: string; idempotencyKey: string }[],
): Promise<Map<string, CashPledgeRow>> {
  const rows = await tx.query<CashPledgeRow>(
    `SELECT ${COLUMNS} FROM cash_pledge
      WHERE (contributor_id, idempotency_key) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))`,
    [keys.map((k) => k.contributorId), keys.map((k) => k.idempotencyKey)],
  );
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** Inserts a batch by one statement. Answers those that were new; a key that another writer used meanwhile is left out. */
export async function insertCashPledges(tx: Tx, pledges: readonly NewCashPledge[]): Promise<CashPledgeRow[]> {
  if (pledges.length === 0) return [];
  const of = <K extends keyof NewCashPledge>(column: K): NewCashPledge[K][] => pledges.map((p) => p[column]);
  const texts = <K extends keyof NewCashPledge>(column: K): string[] => pledges.map((p) => String(p[column]));
  return tx.query<CashPledgeRow>(
    `INSERT INTO cash_pledge (id, campaign_id, contributor_id, pseudonym, amount_minor, currency, counted_minor,
       exchange_rate, rail, is_deferred, instalments, terms_version, state, is_promised, is_anonymous, display_name,
       idempotency_key, expires_at, saved_method_id, plan_id, plan_month, promises, created_at, updated_at)
     SELECT u.*, u.promised::int, $22, $22
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
              $9::text[], $10::boolean[], $11::smallint[], $12::int[], $13::text[], $14::boolean[], $15::boolean[],
              $16::text[], $17::text[], $18::timestamptz[], $19::uuid[], $20::uuid[], $21::smallint[])
         AS u (id, campaign, contributor, pseudonym, amount, currency, counted, rate, rail, deferred, parts, terms, state,
               promised, anonymous, name, key, expires, method, plan, month)
     ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    [
      of('id'),
      of('campaignId'),
      of('contributorId'),
      of('pseudonym'),
      texts('amountMinor'),
      of('currency'),
      texts('countedMinor'),
      of('exchangeRate'),
      of('rail'),
      of('isDeferred'),
      of('instalments'),
      of('termsVersion'),
      of('state'),
      of('isPromised'),
      of('isAnonymous'),
      of('displayName'),
      of('idempotencyKey'),
      of('expiresAt'),
      of('savedMethodId'),
      of('planId'),
      of('planMonth'),
      tx.now,
    ],
  );
}

/** The pledges, each held until the unit of work ends, in one order for all who hold several. */
export async function lockCashPledges(tx: Tx, ids: readonly string[]): Promise<CashPledgeRow[]> {
  return tx.query<CashPledgeRow>(`SELECT ${COLUMNS} FROM cash_pledge WHERE id = ANY($1) ORDER BY id FOR UPDATE`, [
    [...new Set(ids)],
  ]);
}

export async function lockCashPledge(tx: Tx, id: string): Promise<CashPledgeRow | undefined> {
  return (await lockCashPledges(tx, [id]))[0];
}

/** The next pledges of a campaign under the condition (on `cash_pledge`), held; those that others hold are passed over. */
export async function claimCashPledges(
  tx: Tx,
  condition: string,
  params: readonly unknown[],
  limit: number,
): Promise<CashPledgeRow[]> {
  return tx.query<CashPledgeRow>(
    `SELECT ${COLUMNS} FROM cash_pledge WHERE ${condition} ORDER BY id LIMIT ${Math.trunc(limit)} FOR UPDATE SKIP LOCKED`,
    params,
  );
}

/** What a step changes of a pledge. */
export type CashPledgeChange = Partial<
  Pick<
    CashPledgeRow,
    | 'state'
    | 'promises'
    | 'isPromised'
    | 'savedMethodId'
    | 'snapshotId'
    | 'attempts'
    | 'nextAttemptAt'
    | 'failureCode'
    | 'collectedMinor'
    | 'collectedAt'
    | 'feeMinor'
    | 'refundedMinor'
    | 'disputedMinor'
  >
>;

/** Writes pledges as they are now, by one statement. The trigger refuses a step that the machine doesn't know. */
export async function saveCashPledges(tx: Tx, rows: readonly CashPledgeRow[]): Promise<void> {
  if (rows.length === 0) return;
  const texts = (column: 'collectedMinor' | 'feeMinor' | 'refundedMinor' | 'disputedMinor'): string[] =>
    rows.map((row) => String(row[column]));
  await tx.query(
    `UPDATE cash_pledge p SET state = u.state, promises = u.promises, is_promised = u.promised,
            saved_method_id = u.method, snapshot_id = u.snapshot, attempts = u.attempts, next_attempt_at = u.next_attempt,
            failure_code = u.failure, collected_minor = u.collected, collected_at = u.collected_at, fee_minor = u.fee,
            refunded_minor = u.refunded, disputed_minor = u.disputed, updated_at = $15
       FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::boolean[], $5::uuid[], $6::uuid[], $7::smallint[],
              $8::timestamptz[], $9::text[], $10::bigint[], $11::timestamptz[], $12::bigint[], $13::bigint[], $14::bigint[])
         AS u (id, state, promises, promised, method, snapshot, attempts, next_attempt, failure, collected, collected_at,
               fee, refunded, disputed)
      WHERE p.id = u.id`,
    [
      rows.map((r) => r.id),
      rows.map((r) => r.state),
      rows.map((r) => r.promises),
      rows.map((r) => r.isPromised),
      rows.map((r) => r.savedMethodId),
      rows.map((r) => r.snapshotId),
      rows.map((r) => r.attempts),
      rows.map((r) => r.nextAttemptAt),
      rows.map((r) => r.failureCode),
      texts('collectedMinor'),
      rows.map((r) => r.collectedAt),
      texts('feeMinor'),
      texts('refundedMinor'),
      texts('disputedMinor'),
      tx.now,
    ],
  );
}

/** A pledge's name in public from now on. @returns whether there was such a pledge of the person's. */
export async function setPledgeName(
  tx: Tx,
  pledge: { readonly id: string; readonly contributorId: string },
  shown: { readonly isAnonymous: boolean; readonly displayName: string | null },
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE cash_pledge SET is_anonymous = $3, display_name = $4, updated_at = $5
      WHERE id = $1 AND contributor_id = $2 RETURNING id`,
    [pledge.id, pledge.contributorId, shown.isAnonymous, shown.displayName, tx.now],
  );
  return rows.length > 0;
}
