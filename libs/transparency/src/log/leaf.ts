/** The bytes of a leaf, so that anyone who has an event can recompute its hash. Pure. */
import { canonicalJson } from '#kernel';
import { fromUtf8, toHex, utf8 } from '../merkle/bytes.js';
import { portableSha256 } from '../merkle/sha256.js';
import { MAX_ENTRY_BYTES } from '../merkle/tiles.js';

/** A public event as the log holds it. `position` counts all events; a leaf's own place is its index in the log. */
export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly position: bigint;
  readonly occurredAt: Date;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The same, read back from a leaf. `payload` is absent when it was too long and the leaf holds its digest alone. */
export interface LeafContent {
  readonly id: string;
  readonly type: string;
  readonly position: string;
  readonly occurredAt: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly payloadSha256?: string;
}

/**
 * The leaf's bytes: the canonical JSON (RFC 8785) of {id, type, position, occurredAt, payload}, `position` as decimal
 * text, `occurredAt` in UTC to the millisecond. A tile can't carry more than 65,535 bytes; a longer event is logged
 * with `payloadSha256`, the digest of its canonical payload, in the payload's place.
 */
export function leafBytes(event: LoggedEvent): Uint8Array {
  const head = {
    id: event.id,
    type: event.type,
    position: String(event.position),
    occurredAt: event.occurredAt.toISOString(),
  };
  const whole = utf8(canonicalJson({ ...head, payload: event.payload }));
  if (whole.length <= MAX_ENTRY_BYTES) return whole;
  return utf8(canonicalJson({ ...head, payloadSha256: toHex(portableSha256(utf8(canonicalJson(event.payload)))) }));
}

/** Reads a leaf, or undefined when the bytes are not one in exactly the canonical form. */
export function parseLeaf(data: Uint8Array): LeafContent | undefined {
  const text = fromUtf8(data);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const { id, type, position, occurredAt, payload, payloadSha256 } = value;
    if (![id, type, position, occurredAt].every((field) => typeof field === 'string')) return undefined;
    if ((typeof payload === 'object' && payload !== null) === (typeof payloadSha256 === 'string')) return undefined;
    return canonicalJson(value) === text ? (value as unknown as LeafContent) : undefined;
  } catch {
    return undefined;
  }
}

/** The ids that an event speaks of: every text field of its payload whose name ends in "Id", one level of lists included. */
export function subjectsOf(payload: Readonly<Record<string, unknown>>): string[] {
  const found = new Set<string>();
  const take = (record: Readonly<Record<string, unknown>>, nested: boolean): void => {
    for (const [key, value] of Object.entries(record)) {
      if (typeof value === 'string' && key.endsWith('Id')) found.add(value);
      else if (nested && Array.isArray(value)) {
        for (const item of value as unknown[])
          if (typeof item === 'object' && item !== null) take(item as Record<string, unknown>, false);
      }
    }
  };
  take(payload, true);
  return [...found].sort();
}
