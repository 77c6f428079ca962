import { createHash } from 'node:crypto';
import { invalidRequest } from './api.error.js';
import type { Params } from './form.codec.js';
import { allowOnly, optionalInteger, optionalList, optionalText, requiredText } from './params.reader.js';
import type { Route } from './route.type.js';
import type { Stored } from './sandbox.book.js';
import type { SandboxWorld } from './sandbox.world.js';
import {
  parseSearch,
  SearchSyntaxError,
  type FieldKind,
  type SearchClause,
  type SearchQuery,
} from './search-query.rule.js';

/** What each resource can be searched by. Source: Stripe documentation, "Search", query fields. */
const SEARCHABLE: Readonly<Record<string, { kind: string; fields: Readonly<Record<string, FieldKind>> }>> = {
  charges: {
    kind: 'charge',
    fields: {
      amount: 'number',
      'billing_details.address.postal_code': 'token',
      created: 'number',
      currency: 'token',
      customer: 'token',
      disputed: 'flag',
      metadata: 'text',
      'payment_method_details.card.brand': 'token',
      'payment_method_details.card.exp_month': 'number',
      'payment_method_details.card.exp_year': 'number',
      'payment_method_details.card.fingerprint': 'token',
      'payment_method_details.card.last4': 'token',
      refunded: 'flag',
      status: 'token',
    },
  },
  customers: {
    kind: 'customer',
    fields: { created: 'number', email: 'text', metadata: 'text', name: 'text', phone: 'text' },
  },
  payment_intents: {
    kind: 'payment_intent',
    fields: {
      amount: 'number',
      created: 'number',
      currency: 'token',
      customer: 'token',
      metadata: 'text',
      status: 'token',
    },
  },
};

export const SEARCH_ROUTES: readonly Route[] = Object.keys(SEARCHABLE).map((resource) => ({
  method: 'GET',
  pattern: `${resource}/search`,
  handle: ({ world, params }) => search(world, resource, params),
}));

interface SearchAnswer {
  readonly object: 'search_result';
  readonly data: Stored[];
  readonly has_more: boolean;
  readonly next_page: string | null;
  readonly url: string;
  readonly total_count?: number;
}

/** Newest first; Stripe's own index lags behind by up to a minute, this one does not. */
function search(world: SandboxWorld, resource: string, params: Params): SearchAnswer {
  allowOnly(params, ['query', 'limit', 'page']);
  const text = requiredText(params, 'query');
  const limit = optionalInteger(params, 'limit') ?? 10;
  if (limit < 1 || limit > 100) {
    throw invalidRequest('Limit must be between 1 and 100.', { code: 'parameter_invalid_integer', param: 'limit' });
  }
  const searched = SEARCHABLE[resource];
  if (searched === undefined) throw new Error(`${resource} is not searchable`);
  const { sql, values } = conditionOf(parsed(text, resource, searched.fields));
  const below = placeOf(optionalText(params, 'page'), text);
  const from = `FROM object WHERE account = ? AND kind = ? AND (${sql})`;
  const found = world.book.rows(
    `SELECT seq, body ${from} AND seq < ? ORDER BY seq DESC LIMIT ?`,
    world.book.scope,
    searched.kind,
    ...values,
    below,
    limit + 1,
  );
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const more = found.length > limit;
  const counted = optionalList(params, 'expand').includes('total_count');
  return {
    object: 'search_result',
    data: shown.map((row) => JSON.parse(String(row['body'])) as Stored),
    has_more: more,
    next_page: more && last !== undefined ? pageToken(text, Number(last['seq'])) : null,
    url: `/v1/${resource}/search`,
    ...(counted
      ? {
          total_count: Number(
            world.book.row(`SELECT count(*) AS n ${from}`, world.book.scope, searched.kind, ...values)?.['n'],
          ),
        }
      : {}),
  };
}

function parsed(text: string, resource: string, fields: Readonly<Record<string, FieldKind>>): SearchQuery {
  try {
    return parseSearch(text, resource, fields);
  } catch (error) {
    if (error instanceof SearchSyntaxError) throw invalidRequest(error.message, { param: 'query' });
    throw error;
  }
}

function conditionOf(query: SearchQuery): { sql: string; values: (string | number)[] } {
  const parts = query.clauses.map(clauseSql);
  return {
    sql: parts.map(({ sql }) => sql).join(` ${query.joinedBy} `),
    values: parts.flatMap(({ values }) => values),
  };
}

function clauseSql(clause: SearchClause): { sql: string; values: (string | number)[] } {
  const path = clause.key === undefined ? `$.${clause.field}` : `$.metadata."${clause.key}"`;
  const { value } = clause;
  const field = 'json_extract(body, ?)';
  const plain =
    value === null
      ? { sql: `${field} IS NULL`, values: [path] }
      : typeof value !== 'string'
        ? { sql: `${field} ${clause.operator === ':' ? '=' : clause.operator} ?`, values: [path, Number(value)] }
        : clause.operator === '~'
          ? { sql: `instr(lower(${field}), lower(?)) > 0`, values: [path, value] }
          : { sql: `lower(${field}) = lower(?)`, values: [path, value] };
  return clause.negated ? { sql: `NOT coalesce(${plain.sql}, 0)`, values: plain.values } : plain;
}

/** A page belongs to its query: a token of another is refused. */
function pageToken(query: string, seq: number): string {
  return Buffer.from(`${fingerprintOf(query)}:${seq}`).toString('base64url');
}

function placeOf(token: string | undefined, query: string): number {
  if (token === undefined) return Number.MAX_SAFE_INTEGER;
  const [fingerprint, seq = ''] = Buffer.from(token, 'base64url').toString('utf8').split(':');
  if (fingerprint === fingerprintOf(query) && /^\d{1,15}$/.test(seq)) return Number(seq);
  throw invalidRequest('Invalid page token. It belongs to another query, or to none.', { param: 'page' });
}

function fingerprintOf(query: string): string {
  return createHash('sha256').update(query).digest('hex').slice(0, 12);
}
