import { type ChallengePlan, HALF, type Looked, factor, lookedAt, residues, rotations } from './challenge.plan.js';
import { type OpenedMatrix, toTheEnd } from './challenge.prover.js';
import { link, timesVectors } from './exact.product.js';
import { leafHash, rootOf } from './row-tree.js';

/** Why an opening does not prove its commitment. */
export type ChallengeFault =
  /** Something is missing, or has another size than the plan says. */
  | 'shape'
  /** Rows that the commitment does not hold. */
  | 'commitment'
  /** Rows whose product with the vectors is not the one stated. */
  | 'rows'
  /** The vectors do not go over into one another by the chain's products: the chain was not worked out. */
  | 'chain';

export interface ChallengeVerdict {
  readonly fault: ChallengeFault | undefined;
  /** Where it was found, for people. */
  readonly detail: string;
}

const PASSED: ChallengeVerdict = { fault: undefined, detail: '' };
const failed = (fault: ChallengeFault, detail: string): ChallengeVerdict => ({ fault, detail });

/**
 * Checks an opening against a commitment: the platform's side. Costs side² · columns · linksPerSegment · opened
 * multiplications, a share of columns / side of what the opened segments cost the node.
 */
export function verifyOpening(
  seed: Uint8Array,
  plan: ChallengePlan,
  commitment: Uint8Array,
  reveal: Uint8Array,
  opening: readonly OpenedMatrix[],
): ChallengeVerdict {
  return toTheEnd(verifyOpeningSteps(seed, plan, commitment, reveal, opening));
}

/** The same, step by step, so that whoever drives it can do something else between two. */
export function* verifyOpeningSteps(
  seed: Uint8Array,
  plan: ChallengePlan,
  commitment: Uint8Array,
  reveal: Uint8Array,
  opening: readonly OpenedMatrix[],
): Generator<void, ChallengeVerdict> {
  const looked = lookedAt(reveal, plan);
  if (opening.length !== looked.matrices.length)
    return failed('shape', `${opening.length} matrices for ${looked.matrices.length} asked for`);
  const vectors = residues(reveal, 'vectors', plan.side * plan.columns);
  const products = new Map<number, Int8Array>([
    [0, timesVectors(residues(seed, 'start', plan.side * plan.side), plan.side, vectors, plan.columns)],
  ]);
  for (const [i, matrix] of looked.matrices.entries()) {
    const read = readMatrix(opening[i] as OpenedMatrix, matrix, plan, commitment, looked, vectors);
    if (!('product' in read)) return read;
    products.set(matrix, read.product);
    yield;
  }
  return yield* walk(seed, plan, looked, products);
}

/** One matrix: its shape, its rows' paths to the commitment, and its rows' products. */
function readMatrix(
  opened: OpenedMatrix,
  matrix: number,
  plan: ChallengePlan,
  commitment: Uint8Array,
  looked: Looked,
  vectors: Int8Array,
): ChallengeVerdict | { product: Int8Array } {
  const { side, columns } = plan;
  const where = `matrix ${matrix}`;
  const rows = looked.rows.get(matrix) ?? [];
  const product = remainders(opened.product, side * columns);
  const rowsRoot = bytesOf(opened.rowsRoot);
  if (opened.matrix !== matrix || !product || rowsRoot.length !== 32 || opened.rows.length !== rows.length)
    return failed('shape', `${where}: not what was asked for`);
  const root = rootOf(rowsRoot, matrix - 1, plan.segments, opened.path.map(bytesOf));
  if (!root?.equals(commitment)) return failed('commitment', `${where}: its rows are not what was committed to`);
  for (const [i, row] of rows.entries()) {
    const { bytes, path } = opened.rows[i] as OpenedMatrix['rows'][number];
    const values = remainders(bytes, side);
    if (!values) return failed('shape', `${where}, row ${row}: not ${side} remainders`);
    if (!rootOf(leafHash(bytesOf(bytes)), row, side, path.map(bytesOf))?.equals(rowsRoot))
      return failed('commitment', `${where}, row ${row}: not what was committed to`);
    const own = timesVectors(values, side, vectors, columns);
    if (own.some((value, j) => value !== product[row * columns + j]))
      return failed('rows', `${where}, row ${row}: the stated product is another matrix's`);
  }
  return { product };
}

/** Takes the vectors through each opened segment: what comes out must be what the node says. */
function* walk(
  seed: Uint8Array,
  plan: ChallengePlan,
  looked: Looked,
  products: ReadonlyMap<number, Int8Array>,
): Generator<void, ChallengeVerdict> {
  const { side, columns, linksPerSegment } = plan;
  const a = factor(seed, side);
  const turns = rotations(seed, plan);
  for (const segment of looked.segments) {
    let v = products.get(segment) as Int8Array;
    for (let i = 0; i < linksPerSegment; i += 1) {
      v = link(a, v, side, columns, turns[segment * linksPerSegment + i] as number);
      yield;
    }
    const stated = products.get(segment + 1) as Int8Array;
    if (v.some((value, i) => value !== stated[i]))
      return failed('chain', `segment ${segment}: its end does not follow from its start`);
  }
  return PASSED;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64');

/** So many remainders in −125..125, or undefined: another byte for the same remainder would be another matrix. */
function remainders(text: string, count: number): Int8Array | undefined {
  const bytes = bytesOf(text);
  if (bytes.length !== count) return undefined;
  const values = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return values.every((value) => value >= -HALF && value <= HALF) ? values : undefined;
}
