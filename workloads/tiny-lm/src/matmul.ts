/**
 * Matrix products over flat row-major arrays. Training runs on Float32Array; the gradient check runs the same code
 * on Float64Array, where a finite difference is exact enough to prove the backward pass.
 */
export type Vector = Float32Array | Float64Array;
export type MakeVector = (length: number) => Vector;

/** Counts the floating-point operations that were really executed (a multiply-add is two). */
export class FlopMeter {
  flop = 0;
  add(multiplyAdds: number): void {
    this.flop += 2 * multiplyAdds;
  }
}

/**
 * out[m,n] = a[m,k] · b[n,k]ᵀ, or += when `accumulate`. Both operands are read along their rows, so every product
 * of the model is brought to this one form (by transposing the smaller side) and only this loop has to be fast:
 * a 2×4 tile keeps its eight sums in registers.
 */
export function multiply(
  out: Vector,
  a: Vector,
  b: Vector,
  m: number,
  n: number,
  k: number,
  accumulate: boolean,
  meter: FlopMeter,
): void {
  const mTiled = m - (m % 2);
  const nTiled = n - (n % 4);
  for (let j = 0; j < nTiled; j += 4) {
    const b0 = j * k;
    const b1 = b0 + k;
    const b2 = b1 + k;
    const b3 = b2 + k;
    for (let i = 0; i < mTiled; i += 2) {
      const a0 = i * k;
      const a1 = a0 + k;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let p = 0; p < k; p++) {
        const x0 = a[a0 + p]!;
        const x1 = a[a1 + p]!;
        const y0 = b[b0 + p]!;
        const y1 = b[b1 + p]!;
        const y2 = b[b2 + p]!;
        const y3 = b[b3 + p]!;
        s00 += x0 * y0;
        s01 += x0 * y1;
        s02 += x0 * y2;
        s03 += x0 * y3;
        s10 += x1 * y0;
        s11 += x1 * y1;
        s12 += x1 * y2;
        s13 += x1 * y3;
      }
      const o0 = i * n + j;
      const o1 = o0 + n;
      if (accumulate) {
        out[o0]! += s00;
        out[o0 + 1]! += s01;
        out[o0 + 2]! += s02;
        out[o0 + 3]! += s03;
        out[o1]! += s10;
        out[o1 + 1]! += s11;
        out[o1 + 2]! += s12;
        out[o1 + 3]! += s13;
      } else {
        out[o0] = s00;
        out[o0 + 1] = s01;
        out[o0 + 2] = s02;
        out[o0 + 3] = s03;
        out[o1] = s10;
        out[o1 + 1] = s11;
        out[o1 + 2] = s12;
        out[o1 + 3] = s13;
      }
    }
  }
  multiplyEdge(out, a, b, m, n, k, 0, mTiled, nTiled, accumulate);
  multiplyEdge(out, a, b, m, n, k, mTiled, m, 0, accumulate);
  meter.add(m * n * k);
}

/** The rows and columns that the tiles leave over. */
function multiplyEdge(
  out: Vector,
  a: Vector,
  b: Vector,
  m: number,
  n: number,
  k: number,
  rowFrom: number,
  rowTo: number,
  columnFrom: number,
  accumulate: boolean,
): void {
  for (let i = rowFrom; i < Math.min(rowTo, m); i++) {
    for (let j = columnFrom; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[j * k + p]!;
      out[i * n + j] = accumulate ? out[i * n + j]! + sum : sum;
    }
  }
}

/** out[columns,rows] = a[rows,columns]ᵀ */
export function transpose(out: Vector, a: Vector, rows: number, columns: number): void {
  for (let i = 0; i < rows; i++) {
    const from = i * columns;
    for (let j = 0; j < columns; j++) out[j * rows + i] = a[from + j]!;
  }
}

/** Room for the transposed operands of {@link linearBackward}; grown on demand, reused for ever. */
export class Scratch {
  private readonly rooms: Vector[] = [];
  constructor(private readonly make: MakeVector) {}
  take(slot: number, length: number): Vector {
    const present = this.rooms[slot];
    if (present !== undefined && present.length >= length) return present;
    const room = this.make(length);
    this.rooms[slot] = room;
    return room;
  }
}

/** y[m,out] = x[m,in] · w[out,in]ᵀ is the forward pass; this adds dL/dw to `dw` and sets (or adds) dL/dx to `dx`. */
export function linearBackward(
  dx: Vector,
  dw: Vector,
  dy: Vector,
  x: Vector,
  w: Vector,
  size: { m: number; in: number; out: number },
  accumulateDx: boolean,
  scratch: Scratch,
  meter: FlopMeter,
): void {
  const { m, in: inputs, out: outputs } = size;
  const dyT = scratch.take(0, outputs * m);
  const xT = scratch.take(1, inputs * m);
  const wT = scratch.take(2, inputs * outputs);
  transpose(dyT, dy, m, outputs);
  transpose(xT, x, m, inputs);
  transpose(wT, w, outputs, inputs);
  multiply(dw, dyT, xT, outputs, inputs, m, true, meter);
  multiply(dx, dy, wT, m, inputs, outputs, accumulateDx, meter);
}
