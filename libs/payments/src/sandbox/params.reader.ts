import { invalidRequest, parameterMissing } from './api.error.js';
import type { Params } from './form.codec.js';

/** Every call accepts these without naming them. */
const ALWAYS_ALLOWED = new Set(['expand', 'client_secret', 'key']);

/** @throws ApiError parameter_unknown, so that a misspelt parameter is found in the sandbox and not in production. */
export function allowOnly(params: Params, allowed: readonly string[]): void {
  const unknown = Object.keys(params).filter((name) => !ALWAYS_ALLOWED.has(name) && !allowed.includes(name));
  const first = unknown[0];
  if (first === undefined) return;
  throw invalidRequest(`Received unknown parameter${unknown.length > 1 ? 's' : ''}: ${unknown.join(', ')}`, {
    code: 'parameter_unknown',
    param: first,
  });
}

export function optionalText(params: Params, name: string): string | undefined {
  const value = params[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw invalidRequest(`Invalid string: ${name}.`, { param: name });
  return value;
}

export function requiredText(params: Params, name: string): string {
  const value = optionalText(params, name);
  if (value === undefined) throw parameterMissing(name);
  return value;
}

/** Integers only, as Stripe reads them: no sign games, no exponents, no fractions. */
export function optionalInteger(params: Params, name: string): number | undefined {
  const text = optionalText(params, name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,18}$/.test(text)) {
    throw invalidRequest(`Invalid integer: ${text}`, { code: 'parameter_invalid_integer', param: name });
  }
  return Number(text);
}

export function requiredInteger(params: Params, name: string): number {
  const value = optionalInteger(params, name);
  if (value === undefined) throw parameterMissing(name);
  return value;
}

export function optionalFlag(params: Params, name: string): boolean | undefined {
  const text = optionalText(params, name);
  if (text === undefined) return undefined;
  // Clients in other languages write True and False, which Stripe takes.
  if (text.toLowerCase() === 'true') return true;
  if (text.toLowerCase() === 'false') return false;
  throw invalidRequest(`Invalid boolean: ${text}`, { param: name });
}

export function optionalChoice<T extends string>(params: Params, name: string, choices: readonly T[]): T | undefined {
  const text = optionalText(params, name);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) {
    throw invalidRequest(`Invalid ${name}: must be one of ${choices.join(', ')}`, { param: name });
  }
  return found;
}

export function optionalGroup(params: Params, name: string): Params | undefined {
  const value = params[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string' || Array.isArray(value)) throw invalidRequest(`Invalid object`, { param: name });
  return value;
}

export function optionalList(params: Params, name: string): string[] {
  const value = params[name];
  if (value === undefined || value === '') return [];
  if (!Array.isArray(value)) throw invalidRequest(`Invalid array`, { param: name });
  return value.map((item) => {
    if (typeof item !== 'string') throw invalidRequest(`Invalid array`, { param: name });
    return item;
  });
}

/** Metadata: at most 50 keys of at most 40 characters, values of at most 500. */
export function metadataOf(params: Params): Record<string, string> {
  const group = optionalGroup(params, 'metadata') ?? {};
  const entries = Object.entries(group).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (entries.length > 50 || entries.some(([key, value]) => key.length > 40 || value.length > 500)) {
    throw invalidRequest('Metadata has at most 50 keys of 40 characters and values of 500 characters.', {
      param: 'metadata',
    });
  }
  return Object.fromEntries(entries);
}

/** What an update makes of metadata: given keys are set, an empty value takes the key away, '' clears all. */
export function mergedMetadata(before: Record<string, string> | null, params: Params): Record<string, string> {
  if (params['metadata'] === '') return {};
  const merged = { ...before, ...metadataOf(params) };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
}

/** Where the cardholder returns to after a challenge. Web addresses only: the page will redirect there. */
export function parseReturnUrl(params: Params): string | undefined {
  const text = optionalText(params, 'return_url');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalidRequest('Not a valid URL', { code: 'url_invalid', param: 'return_url' });
  }
  return text;
}
