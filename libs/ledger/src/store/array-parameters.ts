import { randomFillSync } from 'node:crypto';

/**
 * Arrays as PostgreSQL takes them, for statements that carry a batch as one array a column. Numbers, ids and hashes go in
 * its binary form (dimensions, flags, type of the elements, length, lower bound, then each element behind its length), which
 * costs both sides a fraction of reading and writing them as text. The driver passes a Buffer on as it is.
 */
const HEAD = 20;

function open(type: number, count: number, width: number): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(count === 0 ? 12 : HEAD + count * (4 + width)));
  view.setInt32(0, count === 0 ? 0 : 1);
  view.setInt32(8, type);
  if (count > 0) {
    view.setInt32(12, count);
    view.setInt32(16, 1);
  }
  return view;
}

const bytesOf = (view: DataView<ArrayBuffer>): Buffer => Buffer.from(view.buffer);

/** An `integer[]`. */
export function integers(values: readonly number[]): Buffer {
  const view = open(23, values.length, 4);
  for (let i = 0, at = HEAD; i < values.length; i += 1, at += 8) {
    view.setInt32(at, 4);
    view.setInt32(at + 4, values[i] ?? 0);
  }
  return bytesOf(view);
}

/** A `bigint[]`. */
export function bigints(values: readonly bigint[]): Buffer {
  const view = open(20, values.length, 8);
  for (let i = 0, at = HEAD; i < values.length; i += 1, at += 12) {
    view.setInt32(at, 8);
    view.setBigInt64(at + 4, values[i] ?? 0n);
  }
  return bytesOf(view);
}

/** A `bytea[]` of SHA-256 hashes, each given in hexadecimal. */
export function hashes(values: readonly string[]): Buffer {
  const view = open(17, values.length, 32);
  const bytes = bytesOf(view);
  for (let i = 0, at = HEAD; i < values.length; i += 1, at += 36) {
    view.setInt32(at, 32);
    bytes.write(values[i] ?? '', at + 4, 32, 'hex');
  }
  return bytes;
}

/**
 * So many new UUIDv7 (RFC 9562), as a `uuid[]` and as texts. They grow within the batch, by a counter of 18 bits behind the
 * moment; the other 56 bits are random. One draw of random bytes serves all.
 */
export function newIds(count: number): { array: Buffer; texts: string[] } {
  const view = open(2950, count, 16);
  const bytes = bytesOf(view);
  if (count > 0) randomFillSync(bytes, HEAD);
  const now = Date.now();
  const texts: string[] = [];
  for (let i = 0, at = HEAD; i < count; i += 1, at += 20) {
    view.setInt32(at, 16);
    view.setUint32(at + 4, Math.floor(now / 0x10000));
    view.setUint16(at + 8, now % 0x10000);
    view.setUint16(at + 10, 0x7000 | ((i >>> 6) & 0xfff));
    view.setUint8(at + 12, 0x80 | (i & 0x3f));
  }
  const hex = bytes.toString('hex', HEAD);
  for (let i = 0, at = 8; i < count; i += 1, at += 40) {
    texts.push(
      `${hex.slice(at, at + 8)}-${hex.slice(at + 8, at + 12)}-${hex.slice(at + 12, at + 16)}-${hex.slice(at + 16, at + 20)}-${hex.slice(at + 20, at + 32)}`,
    );
  }
  return { array: bytes, texts };
}

/** The text of a `text[]`. The driver's own looks for special characters in each element, one after another, four times. */
export function texts(values: readonly string[]): string {
  if (values.length === 0) return '{}';
  const quoted = values.some((value) => value.includes('"') || value.includes('\\'));
  return `{"${(quoted ? values.map((value) => value.replaceAll(/["\\]/g, '\\$&')) : values).join('","')}"}`;
}

/** The text of an array of values without commas, braces, quotes or spaces: numbers, ids, moments. */
export const plainArray = (values: readonly (string | number | bigint)[]): string => `{${values.join(',')}}`;
