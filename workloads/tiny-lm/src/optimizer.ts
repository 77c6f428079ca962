import type { ParameterSpec } from './model.js';

export interface OptimizerSettings {
  learningRate: number;
  warmupSteps: number;
  steps: number;
  weightDecay: number;
  gradientClip: number;
}

const BETA1 = 0.9;
const BETA2 = 0.98;
const EPSILON = 1e-8;

/** Linear warm-up, then a cosine down to a tenth. `step` counts from 1. */
export function learningRateAt(step: number, settings: OptimizerSettings): number {
  const { learningRate, warmupSteps, steps } = settings;
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  return learningRate * (0.1 + 0.45 * (1 + Math.cos(Math.PI * progress)));
}

/**
 * AdamW with clipping by global norm. Matrices decay, norm gains do not. Its whole state is the two moments and the
 * step number, so saving those in Float32 restores it bit for bit.
 */
export class AdamW {
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;

  constructor(
    private readonly specs: ParameterSpec[],
    private readonly settings: OptimizerSettings,
  ) {
    const last = specs.at(-1)!;
    this.firstMoment = new Float32Array(last.offset + last.length);
    this.secondMoment = new Float32Array(last.offset + last.length);
  }

  /** Applies step number `step` (from 1); returns the gradient norm before clipping and the learning rate used. */
  apply(parameters: Float32Array, gradients: Float32Array, step: number): { norm: number; learningRate: number } {
    let squares = 0;
    for (let i = 0; i < gradients.length; i++) squares += gradients[i]! * gradients[i]!;
    const norm = Math.sqrt(squares);
    const clip = norm > this.settings.gradientClip ? this.settings.gradientClip / norm : 1;
    const learningRate = learningRateAt(step, this.settings);
    const correct1 = 1 - BETA1 ** step;
    const correct2 = 1 - BETA2 ** step;
    const { firstMoment: m, secondMoment: v } = this;
    for (const { offset, length, shape } of this.specs) {
      const decay = shape.length > 1 ? 1 - learningRate * this.settings.weightDecay : 1;
      for (let i = offset; i < offset + length; i++) {
        const g = gradients[i]! * clip;
        const first = BETA1 * m[i]! + (1 - BETA1) * g;
        const second = BETA2 * v[i]! + (1 - BETA2) * g * g;
        m[i] = first;
        v[i] = second;
        parameters[i] =
          parameters[i]! * decay - (learningRate * (first / correct1)) / (Math.sqrt(second / correct2) + EPSILON);
      }
    }
    return { norm, learningRate };
  }
}
