/**
 * C2SP tlog-tiles: the log cut into immutable files of 256 hashes, and bundles of 256 entries.
 * A tile at level L holds the nodes of tree level 8·L.
 */
import { concatBytes } from './bytes.js';
import type { LeafRange } from './tree.js';
import { HASH_BYTES, type Hash } from './tree-hash.js';

export const TILE_WIDTH = 256;
export const MAX_ENTRY_BYTES = 65_535;

export interface TileRef {
  /** 0..63, or 'entries' for a bundle of leaves. */
  readonly level: number | 'entries';
  readonly index: number;
  /** 1..256; below 256 the tile is partial. */
  readonly width: number;
}

/** `1234067` -> `x001/x234/067`. */
export function tileIndexPath(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/');
}

export function tilePath({ level, index, width }: TileRef): string {
  return `tile/${level}/${tileIndexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

const TILE = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The inverse of `tilePath`; undefined for any other spelling of the same tile. */
export function parseTilePath(path: string): TileRef | undefined {
  const match = TILE.exec(path);
  if (!match) return undefined;
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const index = Number((match[2] as string).replaceAll(/[x/]/g, ''));
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3]);
  if (
    (level !== 'entries' && level > 63) ||
    (match[3] !== undefined && width >= TILE_WIDTH) ||
    !Number.isSafeInteger(index)
  )
    return undefined;
  const ref = { level, index, width } as const;
  return tilePath(ref) === path ? ref : undefined;
}

/** Hashes at tile level `level` in a tree of `size`: how many full tiles, and the width of the partial one (0 if none). */
export function tileCounts(level: number, size: number): { full: number; partial: number } {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return { full: Math.floor(hashes / TILE_WIDTH), partial: hashes % TILE_WIDTH };
}

/** Whether a log of `size` may serve this tile: all its hashes exist. */
export function tileExists(ref: TileRef, size: number): boolean {
  const level = ref.level === 'entries' ? 0 : ref.level;
  return ref.index * TILE_WIDTH + ref.width <= Math.floor(size / TILE_WIDTH ** level);
}

/** The leaves of a bundle, or the node indices of a tile at tree level 8·L. */
export function tileSpan(ref: TileRef): LeafRange {
  return { start: ref.index * TILE_WIDTH, end: ref.index * TILE_WIDTH + ref.width };
}

export function splitTile(bytes: Uint8Array): Hash[] | undefined {
  if (bytes.length === 0 || bytes.length % HASH_BYTES !== 0 || bytes.length > TILE_WIDTH * HASH_BYTES) return undefined;
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** Entries with their length before them, as a big-endian uint16. */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES)
        throw new RangeError(`a log entry has at most ${MAX_ENTRY_BYTES} bytes, not ${entry.length}`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

export function decodeEntries(bytes: Uint8Array): Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 2 > bytes.length) return undefined;
    const length = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    at += 2;
    if (at + length > bytes.length) return undefined;
    entries.push(bytes.slice(at, at + length));
    at += length;
  }
  return entries;
}
