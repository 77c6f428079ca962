import type { FlopMeter, Vector } from './matmul.js';

/** `sequences` rows of `context` tokens; q, k and v lie side by side in each row of `qkv` (3·dModel wide). */
export interface AttentionShape {
  sequences: number;
  context: number;
  heads: number;
  dModel: number;
}

/**
 * Causal multi-head attention. Only the lower triangle is computed, so a pair (i, j ≤ i) is what the meter counts.
 * `probabilities` [sequence, head, i, j] is kept for the backward pass; entries above the diagonal are never read.
 */
export function attentionForward(
  out: Vector,
  probabilities: Vector,
  qkv: Vector,
  shape: AttentionShape,
  meter: FlopMeter,
): void {
  const { sequences, context, heads, dModel } = shape;
  const width = dModel / heads;
  const row = 3 * dModel;
  const scale = 1 / Math.sqrt(width);
  out.fill(0, 0, sequences * context * dModel);
  for (let s = 0; s < sequences; s++) {
    for (let h = 0; h < heads; h++) {
      const table = (s * heads + h) * context * context;
      for (let i = 0; i < context; i++) {
        const q = (s * context + i) * row + h * width;
        const line = table + i * context;
        let highest = -Infinity;
        for (let j = 0; j <= i; j++) {
          const k = (s * context + j) * row + dModel + h * width;
          let dot = 0;
          for (let p = 0; p < width; p++) dot += qkv[q + p]! * qkv[k + p]!;
          dot *= scale;
          probabilities[line + j] = dot;
          if (dot > highest) highest = dot;
        }
        let total = 0;
        for (let j = 0; j <= i; j++) {
          const e = Math.exp(probabilities[line + j]! - highest);
          probabilities[line + j] = e;
          total += e;
        }
        const o = (s * context + i) * dModel + h * width;
        for (let j = 0; j <= i; j++) {
          const weight = probabilities[line + j]! / total;
          probabilities[line + j] = weight;
          const v = (s * context + j) * row + 2 * dModel + h * width;
          for (let p = 0; p < width; p++) out[o + p]! += weight * qkv[v + p]!;
        }
      }
    }
  }
  meter.add(2 * pairs(shape) * width);
}

/** Sets dL/dqkv from dL/dout. `weightGradients` needs room for one row of `context` numbers. */
export function attentionBackward(
  dqkv: Vector,
  dout: Vector,
  probabilities: Vector,
  qkv: Vector,
  weightGradients: Vector,
  shape: AttentionShape,
  meter: FlopMeter,
): void {
  const { sequences, context, heads, dModel } = shape;
  const width = dModel / heads;
  const row = 3 * dModel;
  const scale = 1 / Math.sqrt(width);
  dqkv.fill(0, 0, sequences * context * row);
  for (let s = 0; s < sequences; s++) {
    for (let h = 0; h < heads; h++) {
      const table = (s * heads + h) * context * context;
      for (let i = 0; i < context; i++) {
        const line = table + i * context;
        const o = (s * context + i) * dModel + h * width;
        let mean = 0;
        for (let j = 0; j <= i; j++) {
          const v = (s * context + j) * row + 2 * dModel + h * width;
          const weight = probabilities[line + j]!;
          let dot = 0;
          for (let p = 0; p < width; p++) {
            const g = dout[o + p]!;
            dot += g * qkv[v + p]!;
            dqkv[v + p]! += weight * g;
          }
          weightGradients[j] = dot;
          mean += weight * dot;
        }
        const q = (s * context + i) * row + h * width;
        for (let j = 0; j <= i; j++) {
          const k = (s * context + j) * row + dModel + h * width;
          const g = probabilities[line + j]! * (weightGradients[j]! - mean) * scale;
          for (let p = 0; p < width; p++) {
            dqkv[q + p]! += g * qkv[k + p]!;
            dqkv[k + p]! += g * qkv[q + p]!;
          }
        }
      }
    }
  }
  meter.add(4 * pairs(shape) * width);
}

function pairs({ sequences, context, heads }: AttentionShape): number {
  return (sequences * heads * context * (context + 1)) / 2;
}
