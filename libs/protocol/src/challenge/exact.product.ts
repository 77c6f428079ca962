import { symmetric } from './challenge.plan.js';

/**
 * One link: A · P · X modulo 251, where P rotates rows so that row k of P·X is row (k + rotation) mod side of X. `columns`
 * of X may be fewer than `side`: the verifier walks its vectors through the same function.
 * Sums are exact: side · 8 · 125 stays below 2²⁴.
 */
export function link(a: Int8Array, x: Int8Array, side: number, columns: number, rotation: number): Int8Array {
  const next = new Int8Array(side * columns);
  const sums = new Int32Array(columns);
  for (let row = 0; row < side; row += 1) {
    sums.fill(0);
    // Four rows of X at a time, so that each sum is read and written once for four products.
    for (let k = 0; k < side; k += 4) {
      const at = row * side + k;
      const [f, g, h, i] = [a[at] as number, a[at + 1] as number, a[at + 2] as number, a[at + 3] as number];
      const from = ((k + rotation) % side) * columns;
      const second = ((k + rotation + 1) % side) * columns;
      const third = ((k + rotation + 2) % side) * columns;
      const fourth = ((k + rotation + 3) % side) * columns;
      for (let j = 0; j < columns; j += 1) {
        sums[j] =
          (sums[j] as number) +
          f * (x[from + j] as number) +
          g * (x[second + j] as number) +
          h * (x[third + j] as number) +
          i * (x[fourth + j] as number);
      }
    }
    const to = row * columns;
    for (let j = 0; j < columns; j += 1) next[to + j] = symmetric(sums[j] as number);
  }
  return next;
}

/** Rows times R modulo 251: `rows` of `side` entries each, R with `columns` columns by rows. */
export function timesVectors(rows: Int8Array, side: number, vectors: Int8Array, columns: number): Int8Array {
  const count = rows.length / side;
  const out = new Int8Array(count * columns);
  for (let i = 0; i < count; i += 1) {
    for (let j = 0; j < columns; j += 1) {
      let sum = 0;
      for (let k = 0; k < side; k += 1) sum += (rows[i * side + k] as number) * (vectors[k * columns + j] as number);
      out[i * columns + j] = symmetric(sum);
    }
  }
  return out;
}
