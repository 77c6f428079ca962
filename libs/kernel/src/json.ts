import canonicalize from 'canonicalize';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The canonical text of a JSON value (RFC 8785, JCS): the same value gives the same bytes on every machine, so it can
 * be hashed and signed. Throws on what JSON can't hold (NaN, Infinity, bigint).
 */
export function canonicalJson(value: unknown): string {
  const text = (canonicalize as unknown as (value: unknown) => string | undefined)(value);
  if (text === undefined) throw new TypeError('The value has no JSON form.');
  return text;
}
