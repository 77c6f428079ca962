import type { Selection } from '#campaigns';
import { decodeCursor, isUuid, pageSize } from '#kernel';

/*
 * The columns that pages of pledges deliver, as JSON rows: amounts as text, because a JSON number loses digits. The
 * same text serves the campaign page (correlated with `c.id`) and lists of their own.
 */

/** A cash pledge as its page delivers it: what was asked for. `name` is null for an erased contributor. */
export interface CashPageRow {
  readonly id: string;
  readonly campaignId?: string;
  readonly amount?: string;
  readonly currency?: string;
  readonly collected?: string;
  readonly counted?: string;
  readonly countedCurrency?: string;
  readonly exchangeRate?: string | null;
  readonly rail?: string;
  readonly chargedAtClose?: boolean;
  readonly instalments?: number;
  readonly termsVersion?: number;
  readonly nextAt?: string | null;
  readonly state?: string;
  readonly anonymous?: boolean;
  readonly failureCode?: string | null;
  readonly createdAt?: string;
  readonly name?: string | null;
  readonly pseudonym?: string;
  readonly refunds?: readonly { amount: string; state: string; reason: string; requestedAt: string }[] | null;
  readonly dispute?: { amount: string; state: string } | null;
}

export interface ComputePageRow {
  readonly id: string;
  readonly campaignId: string;
  readonly class: string;
  readonly count: number;
  readonly milliseconds: string;
  readonly state: string;
  readonly availability: string | null;
  readonly region: string | null;
  readonly createdAt: string;
  readonly name?: string | null;
  readonly pseudonym: string;
  readonly reserved: string;
  readonly delivered: string;
  readonly accepted: string;
}

const REFUNDS = `(SELECT json_agg(json_build_object('amount', r.amount_minor::text, 'state', r.state, 'reason', r.reason,
  'requestedAt', r.requested_at) ORDER BY r.refund_id) FROM cash_pledge_refund r WHERE r.pledge_id = p.id) AS refunds`;
const DISPUTE = `(SELECT json_build_object('amount', d.amount_minor::text, 'state', d.state) FROM cash_pledge_dispute d
  WHERE d.pledge_id = p.id ORDER BY d.dispute_id DESC LIMIT 1) AS dispute`;
const NAME = 'k.display_name AS name';
/** The name that its backer chose for this pledge, unless he was erased. */
const CASH_NAME = 'CASE WHEN k.display_name IS NOT NULL THEN coalesce(p.display_name, k.display_name) END AS name';
const NAME_FROM = 'LEFT JOIN contributor k ON k.id = p.contributor_id';

const COMPUTE = `p.id, p.campaign_id AS "campaignId", p.gpu_class AS class, p.device_count AS count,
  p.milliseconds::text AS milliseconds, p.state, p.availability, p.region, p.created_at AS "createdAt", p.pseudonym,
  coalesce(a.debits_pending, 0)::text AS reserved, (coalesce(a.debits_posted, 0) - p.returned_ms)::text AS delivered,
  p.accepted_ms::text AS accepted`;
const COMPUTE_FROM = `LEFT JOIN ledger_account a ON a.code = 'pledge:' || p.id || ':commitment:' || p.gpu_class`;

/**
 * The columns of a cash pledge, and the fields of the schema that are made of each (`contributor.pseudonym`: of a field
 * below). Writing a row as JSON costs by the column, and a page has hundreds of rows.
 */
const CASH_COLUMNS: readonly { readonly sql: string; readonly of: readonly string[] }[] = [
  { sql: 'p.campaign_id AS "campaignId"', of: ['campaign'] },
  { sql: 'p.amount_minor::text AS amount', of: ['amount'] },
  { sql: 'p.currency', of: ['amount', 'collected', 'refunds', 'dispute'] },
  { sql: 'p.collected_minor::text AS collected', of: ['collected'] },
  { sql: 'p.counted_minor::text AS counted', of: ['counted'] },
  { sql: '(SELECT currency FROM campaign WHERE id = p.campaign_id) AS "countedCurrency"', of: ['counted'] },
  { sql: 'p.exchange_rate AS "exchangeRate"', of: ['exchangeRate'] },
  { sql: 'p.rail', of: ['rail'] },
  { sql: 'p.is_deferred AS "chargedAtClose"', of: ['chargedAtClose'] },
  { sql: 'p.instalments', of: ['instalments'] },
  { sql: 'p.terms_version AS "termsVersion"', of: ['termsVersion'] },
  { sql: 'coalesce(p.next_attempt_at, p.expires_at) AS "nextAt"', of: ['nextAt'] },
  { sql: 'p.state', of: ['state'] },
  { sql: 'p.is_anonymous AS anonymous', of: ['contributor', 'anonymous'] },
  { sql: CASH_NAME, of: ['contributor.displayName'] },
  { sql: 'p.pseudonym', of: ['contributor.pseudonym'] },
  { sql: 'p.failure_code AS "failureCode"', of: ['failureCode'] },
  { sql: 'p.created_at AS "createdAt"', of: ['createdAt'] },
  { sql: REFUNDS, of: ['refunds'] },
  { sql: DISPUTE, of: ['dispute'] },
];

/** What is asked for of each item of a list: names of fields, and `field.name` of those below. */
function fieldsOfItems(list: Selection): ReadonlySet<string> {
  const items = list.children.flatMap((child) =>
    child.name === 'nodes'
      ? child.children
      : child.name === 'edges'
        ? child.children.flatMap((edge) => edge.children)
        : [],
  );
  return new Set(items.flatMap((item) => [item.name, ...item.children.map((below) => `${item.name}.${below.name}`)]));
}

/**
 * A select of cash pledges `p` under the condition, newest first, with the columns that were asked for; all of them when
 * nothing is known of the request. `after` is an id that was checked to be one.
 */
export function cashSelect(where: string, limit: number, after?: string, asked?: Selection): string {
  const fields = asked && fieldsOfItems(asked);
  const columns = CASH_COLUMNS.filter(({ of }) => !fields || of.some((field) => fields.has(field))).map(
    ({ sql }) => sql,
  );
  return `SELECT ${['p.id', ...columns].join(', ')} FROM cash_pledge p ${columns.includes(CASH_NAME) ? NAME_FROM : ''}
    WHERE ${where} ${after ? `AND p.id < '${after}'` : ''} ORDER BY p.id DESC LIMIT ${Math.trunc(limit)}`;
}

export function computeSelect(where: string, limit: number, after?: string): string {
  return `SELECT ${COMPUTE}, ${NAME} FROM compute_pledge p ${COMPUTE_FROM} ${NAME_FROM}
    WHERE ${where} ${after ? `AND p.id < '${after}'` : ''} ORDER BY p.id DESC LIMIT ${Math.trunc(limit)}`;
}

/** The select's rows as one JSON array. */
export const asJson = (select: string): string => `SELECT json_agg(q) AS page FROM (${select}) q`;

/** `first` and `after` of a list in SQL terms. A cursor that isn't one of ours is passed over. */
export function pageBounds(args: { first?: unknown; after?: unknown }): { limit: number; after: string | undefined } {
  const key = typeof args.after === 'string' ? decodeCursor(args.after) : undefined;
  return {
    limit: pageSize(typeof args.first === 'number' ? args.first : undefined),
    after: key !== undefined && isUuid(key) ? key : undefined,
  };
}
