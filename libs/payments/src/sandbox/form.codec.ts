/**
 * Stripe's request encoding: `application/x-www-form-urlencoded` whose keys nest with brackets,
 * `card[number]=4242…`, `expand[]=latest_charge`, `expand[0]=latest_charge`.
 */
export type ParamValue = string | ParamList | Params;
export interface Params {
  [key: string]: ParamValue;
}
type ParamList = ParamValue[];

interface Branch {
  readonly children: Map<string, Branch | string>;
}

const branch = (): Branch => ({ children: new Map() });

/** Keys that would reach an object's prototype are refused rather than silently dropped. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

export class FormSyntaxError extends Error {}

/** @throws FormSyntaxError on a key that cannot be nested. */
export function parseForm(text: string): Params {
  const root = branch();
  for (const [rawKey, value] of new URLSearchParams(text)) insert(root, splitKey(rawKey), value);
  return toParams(root) as Params;
}

function splitKey(key: string): string[] {
  const head = /^[^[\]]+/.exec(key)?.[0];
  if (head === undefined) throw new FormSyntaxError(`Invalid request: the key ${JSON.stringify(key)} has no name.`);
  const path = [head];
  let rest = key.slice(head.length);
  while (rest !== '') {
    const part = /^\[([^[\]]*)\]/.exec(rest);
    if (part === null)
      throw new FormSyntaxError(`Invalid request: the brackets in ${JSON.stringify(key)} do not match.`);
    path.push(part[1] ?? '');
    rest = rest.slice(part[0].length);
  }
  if (path.some((segment) => FORBIDDEN_KEYS.has(segment))) {
    throw new FormSyntaxError(`Invalid request: the key ${JSON.stringify(key)} is not allowed.`);
  }
  return path;
}

function insert(root: Branch, path: string[], value: string): void {
  let at = root;
  path.forEach((segment, depth) => {
    const name = segment === '' ? String(at.children.size) : segment;
    if (depth === path.length - 1) {
      at.children.set(name, value);
      return;
    }
    const next = at.children.get(name);
    if (next === undefined || typeof next === 'string') {
      const created = branch();
      at.children.set(name, created);
      at = created;
    } else {
      at = next;
    }
  });
}

function toParams(node: Branch): Params | ParamList {
  const entries = [...node.children].map(([name, child]): [string, ParamValue] => [
    name,
    typeof child === 'string' ? child : toParams(child),
  ]);
  const isList = entries.length > 0 && entries.every(([name], index) => name === String(index));
  return isList ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/** A text that is equal for equal parameters whatever their order: what an idempotency key is compared by. */
export function canonicalForm(value: ParamValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalForm).join(',')}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalForm(value[key] ?? '')}`).join(',')}}`;
}
