import { createHash } from 'node:crypto';

/**
 * The hardware challenge: a chain of matrix products that nobody can shorten, committed to before anybody knows what will
 * be looked at, and checked for a thousandth of its price.
 *
 *   1. The platform draws a nonce. Nonce, challenge and the node's own key give a seed (`challengeSeed`), so that nothing
 *      can be worked out before, replayed, or answered with what was worked out for another node.
 *   2. From the seed come a matrix A with entries −8..7 and a matrix X₀ with entries −125..125, both `side` × `side`. Link i
 *      is Xᵢ = A · Pᵢ · Xᵢ₋₁ modulo 251, written −125..125, where Pᵢ rotates the rows by a distance of its own. A sum of
 *      side · 8 · 125 stays below 2²⁴ for every side up to 16,384: the product is exact in 16-bit factors with 32-bit sums,
 *      on every vendor's hardware alike, so that answers are compared bit for bit.
 *   3. After every `linksPerSegment` links the node keeps the matrix. It commits to all that it kept by one Merkle root, by
 *      a deadline that says how fast it is.
 *   4. Only then the platform draws what it looks at (`reveal`): `columns` random vectors R, some segments, some rows.
 *   5. The node answers with Y·R for the matrices at both ends of each segment, and with the rows asked for, each with its
 *      path to the root. The platform checks rows · R = Y·R, and walks the vectors through the segment (Freivalds 1977).
 *
 * What is proved: a wrong product passes with a probability of at most 251^−columns for each segment, and 251⁻⁶ < 2⁻⁴⁷.
 * Whoever commits to matrices of which a share s of the rows is not worked out passes the row check of one matrix with
 * probability (1 − s)^rows. What is not proved: in whose house the machine stands.
 */
export interface ChallengePlan {
  /** Rows and columns of each matrix: a power of two from 16 to 16,384. */
  readonly side: number;
  /** Matrices that are committed to: a power of two. */
  readonly segments: number;
  /** Products from one committed matrix to the next. */
  readonly linksPerSegment: number;
  /** Segments that are opened. */
  readonly opened: number;
  /** Rows that are opened of each matrix at an end of such a segment. */
  readonly rows: number;
  /** Random vectors. */
  readonly columns: number;
}

export const MODULUS = 251;
/** Largest remainder in the symmetric form, ±125. */
export const HALF = (MODULUS - 1) / 2;
/** Below 2⁻⁴⁰ a wrong product is not found. */
export const MIN_COLUMNS = 6;
const MIN_SIDE = 16;
const MAX_SIDE = 16_384;
const MAX_SEGMENTS = 4_096;

const isPowerOfTwo = (n: number): boolean => Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0;
const isIn = (n: number, from: number, to: number): boolean => Number.isInteger(n) && n >= from && n <= to;

/** What is wrong with a plan, or undefined. A node refuses a plan that it can't check, rather than work for nothing. */
export function planFault(plan: ChallengePlan): string | undefined {
  if (!isPowerOfTwo(plan.side) || !isIn(plan.side, MIN_SIDE, MAX_SIDE))
    return `side must be a power of two from ${MIN_SIDE} to ${MAX_SIDE}, not ${plan.side}`;
  if (!isPowerOfTwo(plan.segments) || plan.segments > MAX_SEGMENTS)
    return `segments must be a power of two up to ${MAX_SEGMENTS}, not ${plan.segments}`;
  if (!isIn(plan.linksPerSegment, 1, 1_000)) return `links a segment must be 1 to 1000, not ${plan.linksPerSegment}`;
  if (!isIn(plan.opened, 1, plan.segments)) return `opened must be 1 to ${plan.segments}, not ${plan.opened}`;
  if (!isIn(plan.rows, 1, plan.side)) return `rows must be 1 to ${plan.side}, not ${plan.rows}`;
  if (!isIn(plan.columns, MIN_COLUMNS, 32)) return `columns must be ${MIN_COLUMNS} to 32, not ${plan.columns}`;
  return undefined;
}

/** Multiplications and additions that the chain takes: 2 · side³ for each link. */
export const planOperations = ({ side, segments, linksPerSegment }: ChallengePlan): number =>
  2 * side ** 3 * segments * linksPerSegment;

/**
 * @param nonce 32 random bytes of the platform
 * @param publicKey the node's raw Ed25519 key
 */
export function challengeSeed(nonce: Uint8Array, publicKey: Uint8Array, challengeId: string): Buffer {
  if (nonce.length !== 32) throw new RangeError(`a nonce has 32 bytes, not ${nonce.length}`);
  if (publicKey.length !== 32) throw new RangeError(`an Ed25519 key has 32 bytes, not ${publicKey.length}`);
  const hash = createHash('sha256').update('commonweights challenge v1\0').update(nonce).update(publicKey);
  return hash.update(challengeId).digest();
}

/** Bytes without end from a seed (SHAKE128, FIPS 202), one stream for each purpose. */
export function stream(seed: Uint8Array, purpose: string, bytes: number): Buffer {
  return createHash('shake128', { outputLength: bytes }).update(purpose).update('\0').update(seed).digest();
}

/** Matrix A by rows: two entries a byte, the low half first, each −8..7. */
export function factor(seed: Uint8Array, side: number): Int8Array {
  const bytes = stream(seed, 'factor', (side * side) / 2);
  const matrix = new Int8Array(side * side);
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] as number;
    matrix[2 * i] = (byte & 15) - 8;
    matrix[2 * i + 1] = (byte >> 4) - 8;
  }
  return matrix;
}

/** Matrix X₀ by rows, or the random vectors R: a byte for each entry, taken modulo 251 (which two values in 256 favour). */
export function residues(seed: Uint8Array, purpose: 'start' | 'vectors', count: number): Int8Array {
  const matrix = new Int8Array(count);
  stream(seed, purpose, count).forEach((byte, i) => (matrix[i] = symmetric(byte)));
  return matrix;
}

/** How far link `i` (from 1) rotates the rows: 4 bytes a link, little-endian, modulo the side. */
export function rotations(seed: Uint8Array, { side, segments, linksPerSegment }: ChallengePlan): Uint32Array {
  const links = segments * linksPerSegment;
  const bytes = stream(seed, 'rotations', 4 * links);
  return Uint32Array.from({ length: links }, (_, i) => bytes.readUInt32LE(4 * i) % side);
}

/** The remainder modulo 251 in −125..125. */
export function symmetric(value: number): number {
  const rest = value % MODULUS;
  return rest > HALF ? rest - MODULUS : rest < -HALF ? rest + MODULUS : rest;
}

export interface Looked {
  /** Segments that are opened, from 0, ascending. */
  readonly segments: readonly number[];
  /** Matrices at their ends, ascending: 1 is the first that is committed to; X₀ is known and not asked for. */
  readonly matrices: readonly number[];
  /** Rows that are opened of every such matrix, ascending. */
  readonly rows: ReadonlyMap<number, readonly number[]>;
}

/** What the platform looks at, from 32 random bytes that it draws after the commitment. */
export function lookedAt(reveal: Uint8Array, plan: ChallengePlan): Looked {
  const segments = choose(reveal, 'segments', plan.opened, plan.segments);
  const matrices = [...new Set(segments.flatMap((segment) => [segment, segment + 1]))].filter((m) => m > 0);
  matrices.sort((a, b) => a - b);
  const rows = new Map(matrices.map((m) => [m, choose(reveal, `rows ${m}`, plan.rows, plan.side)]));
  return { segments, matrices, rows };
}

/** `count` different numbers below `of`, ascending: the first steps of a Fisher–Yates shuffle. */
function choose(seed: Uint8Array, purpose: string, count: number, of: number): number[] {
  const bytes = stream(seed, purpose, 4 * count);
  const moved = new Map<number, number>();
  const at = (i: number): number => moved.get(i) ?? i;
  const chosen: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const j = i + (bytes.readUInt32LE(4 * i) % (of - i));
    chosen.push(at(j));
    moved.set(j, at(i));
  }
  return chosen.sort((a, b) => a - b);
}
