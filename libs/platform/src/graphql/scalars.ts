import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';
import { formatMinorUnits } from '#kernel';

const bad = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

const INTEGER = /^-?\d{1,30}$/;

/** Whole numbers of any size as text. JSON numbers lose digits above 2^53, so they are refused on the way in. */
export const BigIntScalar = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  description:
    'A whole number of up to 30 digits as decimal text, for example "2500". Amounts are in minor units: cents of a currency, milliseconds of GPU time. Never a JSON number, which would lose digits.',
  serialize: (value) => {
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'string' && INTEGER.test(value)) return value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    throw new TypeError(`BigInt can't hold ${typeof value}`);
  },
  parseValue: (value) => parse(typeof value === 'string' ? value : JSON.stringify(value), typeof value === 'string'),
  parseLiteral: (node) =>
    parse(node.kind === Kind.STRING || node.kind === Kind.INT ? node.value : node.kind, node.kind === Kind.STRING),
});

function parse(text: string, isText: boolean): bigint {
  if (isText && INTEGER.test(text)) return BigInt(text);
  throw bad(
    `BigInt takes a whole number of at most 30 digits as text, for example "2500" for $25.00; got ${text.slice(0, 60)}.`,
  );
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** Points in time, RFC 3339 with a zone. */
export const DateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description:
    'A moment in time, RFC 3339 with a time zone, for example "2026-11-24T12:00:00.000Z". Answers are in UTC.',
  serialize: (value) => {
    const date = value instanceof Date ? value : new Date(String(value));
    if (Number.isNaN(date.getTime())) throw new TypeError('DateTime got no valid date');
    return date.toISOString();
  },
  parseValue: (value) => parseInstant(value),
  parseLiteral: (node) => parseInstant(node.kind === Kind.STRING ? node.value : node.kind),
});

function parseInstant(value: unknown): Date {
  if (typeof value === 'string' && INSTANT.test(value)) {
    const date = new Date(value);
    // The engine rolls 30 February over into March; the calendar does not.
    if (!Number.isNaN(date.getTime()) && dayExists(value)) return date;
  }
  throw bad('DateTime takes a moment like "2026-11-24T12:00:00Z", with a time zone.');
}

const dayExists = (instant: string): boolean => {
  const [year = 0, month = 0, day = 0] = instant.slice(0, 10).split('-').map(Number);
  return year >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
};

/** Absolute URLs. */
export const UrlScalar = new GraphQLScalarType<string, string>({
  name: 'URL',
  description: 'An absolute http or https address (WHATWG URL).',
  serialize: (value) => String(value),
  parseValue: (value) => parseUrl(value),
  parseLiteral: (node) => parseUrl(node.kind === Kind.STRING ? node.value : node.kind),
});

function parseUrl(value: unknown): string {
  if (typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw bad('URL takes an absolute http or https address.');
}

const JSON_DESCRIPTION = 'Any JSON value, for content whose shape is a format of its own (a report, a proof).';
/** Free-form JSON, only for content that is defined elsewhere. */
export const JsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: JSON_DESCRIPTION,
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});

/** Decimal text of minor units, used by the types of amounts. */
export const decimal = formatMinorUnits;
