import { type ChallengePlan, factor, lookedAt, planFault, residues, rotations } from './challenge.plan.js';
import { link, timesVectors } from './exact.product.js';
import { leafHash, treeLevels, treePath, treeRoot } from './row-tree.js';

/** A matrix at the end of an opened segment: its product with the vectors, and the rows asked for. All in base64. */
export interface OpenedMatrix {
  readonly matrix: number;
  /** Y·R by rows, `side` × `columns` signed bytes. */
  readonly product: string;
  /** Root of the tree over the matrix's rows, and the siblings from it to the commitment. */
  readonly rowsRoot: string;
  readonly path: readonly string[];
  readonly rows: readonly { readonly bytes: string; readonly path: readonly string[] }[];
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
const asBytes = (row: Int8Array): Uint8Array => new Uint8Array(row.buffer, row.byteOffset, row.byteLength);

/** Drives steps to their end at once. */
export function toTheEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Drives steps, letting other work of this process in between. */
export async function inBetween<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

/** Works out a chain, commits to it and opens it: the node's side. Keeps the matrices until it is thrown away. */
export class ChallengeProver {
  private readonly kept: Int8Array[] = [];
  private readonly trees: Buffer[][][] = [];
  private top: Buffer[][] = [];

  /** @throws RangeError for a plan that `planFault` names a fault of */
  constructor(
    private readonly seed: Uint8Array,
    private readonly plan: ChallengePlan,
  ) {
    const fault = planFault(plan);
    if (fault !== undefined) throw new RangeError(fault);
  }

  /** Works out the whole chain; answers the commitment, 32 bytes. */
  commit(): Buffer {
    return toTheEnd(this.commitSteps());
  }

  /** The same, product by product, so that whoever drives it can do something else between two. */
  *commitSteps(): Generator<void, Buffer> {
    const { side, segments, linksPerSegment } = this.plan;
    const a = factor(this.seed, side);
    const turns = rotations(this.seed, this.plan);
    let x = residues(this.seed, 'start', side * side);
    for (let segment = 0; segment < segments; segment += 1) {
      for (let i = 0; i < linksPerSegment; i += 1) {
        x = link(a, x, side, side, turns[segment * linksPerSegment + i] as number);
        yield;
      }
      this.keep(x);
    }
    return this.close();
  }

  /** Takes the chain's matrices as another solver worked them out, in their order; answers the commitment. */
  commitTo(matrices: Iterable<Int8Array>): Buffer {
    for (const matrix of matrices) this.keep(matrix);
    return this.close();
  }

  /** Answers what a reveal asks for. */
  open(reveal: Uint8Array): OpenedMatrix[] {
    const { side, columns } = this.plan;
    const looked = lookedAt(reveal, this.plan);
    const vectors = residues(reveal, 'vectors', side * columns);
    return looked.matrices.map((matrix) => {
      const values = this.kept[matrix - 1] as Int8Array;
      const tree = this.trees[matrix - 1] as Buffer[][];
      return {
        matrix,
        product: base64(asBytes(timesVectors(values, side, vectors, columns))),
        rowsRoot: base64(treeRoot(tree)),
        path: treePath(this.top, matrix - 1).map(base64),
        rows: (looked.rows.get(matrix) ?? []).map((row) => ({
          bytes: base64(asBytes(values.subarray(row * side, (row + 1) * side))),
          path: treePath(tree, row).map(base64),
        })),
      };
    });
  }

  private keep(x: Int8Array): void {
    const { side } = this.plan;
    this.kept.push(x);
    this.trees.push(
      treeLevels(Array.from({ length: side }, (_, row) => leafHash(asBytes(x.subarray(row * side, (row + 1) * side))))),
    );
  }

  private close(): Buffer {
    this.top = treeLevels(this.trees.map(treeRoot));
    return treeRoot(this.top);
  }
}
