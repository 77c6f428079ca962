/**
 * Stripe's search query language: clauses `field:value`, `field~"part"`, `field>number` (and `<`, `>=`, `<=`), each
 * with `-` before it for its opposite, joined by spaces or AND, or by OR, never by both. At most ten clauses.
 * Source: Stripe documentation, "Search".
 */
export type FieldKind = 'text' | 'token' | 'number' | 'flag';

export interface SearchClause {
  readonly field: string;
  /** The key of `metadata["key"]`. */
  readonly key: string | undefined;
  readonly kind: FieldKind;
  readonly operator: ':' | '~' | '>' | '<' | '>=' | '<=';
  readonly value: string | number | boolean | null;
  readonly negated: boolean;
}

export interface SearchQuery {
  readonly clauses: readonly SearchClause[];
  readonly joinedBy: 'AND' | 'OR';
}

export class SearchSyntaxError extends Error {}

const CLAUSES_MAX = 10;
const SUBSTRING_MIN = 3;
const CLAUSE =
  /^(-?)([a-z_.]+)(?:\[(?:"([^"\\]+)"|'([^'\\]+)')\])?\s*(:|~|>=|<=|>|<)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+))/;

/** @throws SearchSyntaxError in Stripe's words. */
export function parseSearch(query: string, resource: string, fields: Readonly<Record<string, FieldKind>>): SearchQuery {
  const clauses: SearchClause[] = [];
  const joints = new Set<'AND' | 'OR'>();
  let rest = query.trim();
  while (rest !== '') {
    const found = CLAUSE.exec(rest);
    if (found === null) throw unreadable();
    clauses.push(clauseOf(found, resource, fields));
    rest = rest.slice(found[0].length);
    if (rest !== '' && !/^\s/.test(rest)) throw unreadable();
    rest = rest.trim();
    if (rest === '') break;
    const joint = /^(AND|OR)\s+/i.exec(rest);
    joints.add(joint?.[1]?.toUpperCase() === 'OR' ? 'OR' : 'AND');
    rest = rest.slice(joint?.[0].length ?? 0);
    if (rest === '') throw unreadable();
  }
  if (clauses.length === 0) throw unreadable();
  if (joints.size > 1) throw new SearchSyntaxError('You cannot combine AND and OR in the same search query.');
  if (clauses.length > CLAUSES_MAX) {
    throw new SearchSyntaxError(`A search query may have at most ${CLAUSES_MAX} clauses.`);
  }
  return { clauses, joinedBy: joints.has('OR') ? 'OR' : 'AND' };
}

function clauseOf(found: RegExpExecArray, resource: string, fields: Readonly<Record<string, FieldKind>>): SearchClause {
  const [, minus, field = '', doubleKey, singleKey, sign = ':', double, single, bare] = found;
  const key = doubleKey ?? singleKey;
  const kind = fields[field];
  if (kind === undefined || (field === 'metadata') !== (key !== undefined)) {
    throw new SearchSyntaxError(
      `Field \`${field}\` is an unsupported search field for resource \`${resource}\`. See http://stripe.com/docs/search#query-fields-for-${resource.replaceAll('_', '-')} for a list of supported fields.`,
    );
  }
  const operator = sign as SearchClause['operator'];
  const quoted = double ?? single;
  const text = (quoted ?? bare ?? '').replaceAll(/\\(.)/g, '$1');
  if (quoted === undefined && bare === 'null' && operator === ':') {
    return { field, key, kind, operator, value: null, negated: minus === '-' };
  }
  checkOperator(field, kind, operator, text);
  if (kind !== 'number' && quoted === undefined) throw unreadable();
  return { field, key, kind, operator, value: valueOf(field, kind, text), negated: minus === '-' };
}

function checkOperator(field: string, kind: FieldKind, operator: string, text: string): void {
  const allowed = kind === 'number' ? [':', '>', '<', '>=', '<='] : kind === 'text' ? [':', '~'] : [':'];
  if (!allowed.includes(operator)) {
    throw new SearchSyntaxError(`Operator \`${operator}\` is not supported on field \`${field}\`.`);
  }
  if (operator === '~' && text.length < SUBSTRING_MIN) {
    throw new SearchSyntaxError(`A substring search needs at least ${SUBSTRING_MIN} characters.`);
  }
}

function valueOf(field: string, kind: FieldKind, text: string): string | number | boolean {
  if (kind === 'flag') {
    if (text !== 'true' && text !== 'false') throw new SearchSyntaxError(`Field \`${field}\` is true or false.`);
    return text === 'true';
  }
  if (kind !== 'number') return text;
  if (!/^-?\d{1,15}$/.test(text)) throw new SearchSyntaxError(`Field \`${field}\` takes a number.`);
  return Number(text);
}

function unreadable(): SearchSyntaxError {
  return new SearchSyntaxError(
    'We were unable to parse your search query. Try using the format `metadata["key"]:"value"` to query for metadata or key:"value" to query for other fields.',
  );
}
