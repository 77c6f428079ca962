/** Public events as a report reads them, and careful readers for their payloads. Pure. */
import { type LeafContent, parseLeaf } from '#transparency/pure';

/** A public event with its place in the log. */
export interface CitedEvent {
  readonly index: number;
  readonly type: string;
  /** RFC 3339 in UTC. */
  readonly at: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The event in a leaf's bytes; undefined when they are no leaf. A leaf that holds only a digest has an empty payload. */
export function eventOfLeaf(index: number, data: Uint8Array): CitedEvent | undefined {
  const content: LeafContent | undefined = parseLeaf(data);
  return content && { index, type: content.type, at: content.occurredAt, payload: content.payload ?? {} };
}

type Payload = Readonly<Record<string, unknown>>;

export function text(payload: Payload, key: string): string {
  const value = payload[key];
  return typeof value === 'string' ? value : '';
}

export function optionalText(payload: Payload, key: string): string | null {
  const value = payload[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A whole number, given as decimal text or as a JSON number; 0 when absent. */
export function whole(payload: Payload, key: string): bigint {
  const value = payload[key];
  if (typeof value === 'string' && /^-?\d{1,60}$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && Number.isFinite(value)) return BigInt(Math.round(value));
  return 0n;
}

/** A measured value that is no amount (a loss, say). */
export function measure(payload: Payload, key: string): number | null {
  const value = payload[key];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : null;
}

export function list(payload: Payload, key: string): Payload[] {
  const value = payload[key];
  return Array.isArray(value)
    ? value.filter((item): item is Payload => typeof item === 'object' && item !== null && !Array.isArray(item))
    : [];
}

export function record(payload: Payload, key: string): Payload {
  const value = payload[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Payload) : {};
}

export function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

/** Groups in order of first appearance, so that the outcome depends on the log alone. */
export function groupBy<T>(items: Iterable<T>, key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
