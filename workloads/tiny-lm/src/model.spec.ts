import { describe, expect, it } from 'vitest';
import { flopPerToken, initialParameters, Model, parameterCount, parameterSpecs, type ModelShape } from './model.js';
import { FlopMeter, multiply, transpose } from './matmul.js';
import { randomStream } from './random.js';

const float64 = (length: number) => new Float64Array(length);
const shape: ModelShape = { layers: 2, dModel: 8, heads: 2, context: 5, vocab: 13 };

function randomTokens(seed: number, count: number): Uint8Array {
  const next = randomStream(seed);
  return Uint8Array.from({ length: count }, () => Math.floor(next() * shape.vocab));
}

describe('the hand-written backward pass', () => {
  const sequences = 3;
  const inputs = randomTokens(1, sequences * shape.context);
  const targets = randomTokens(2, sequences * shape.context);
  const parameters = initialParameters(shape, 3, float64);
  // Norm gains away from 1 and quiet matrices made loud, so that no gradient is right by accident.
  const jitter = randomStream(4);
  for (let i = 0; i < parameters.length; i++) parameters[i]! += 0.4 * (jitter() - 0.5);

  it.each(parameterSpecs(shape).map((spec) => [spec.name, spec] as const))(
    'agrees with finite differences: %s',
    (_, spec) => {
      const model = new Model(shape, parameters, sequences, float64);
      const scale = 0.25;
      model.accumulate(inputs, targets, sequences, scale);
      const pick = randomStream(5, spec.offset);
      for (let probe = 0; probe < 8; probe++) {
        const at = spec.offset + Math.floor(pick() * spec.length);
        const kept = parameters[at]!;
        const step = 1e-5;
        parameters[at] = kept + step;
        const above = model.loss(inputs, targets, sequences);
        parameters[at] = kept - step;
        const below = model.loss(inputs, targets, sequences);
        parameters[at] = kept;
        const numeric = (scale * (above - below)) / (2 * step);
        expect(Math.abs(model.gradients[at]! - numeric)).toBeLessThan(1e-7 + 1e-5 * Math.abs(numeric));
      }
    },
  );

  it('adds up over calls, so that a batch may be computed in pieces', () => {
    const whole = new Model(shape, parameters, 3, float64);
    const lossWhole = whole.accumulate(inputs, targets, 3, 1);
    const pieces = new Model(shape, parameters, 2, float64);
    const cut = 2 * shape.context;
    const lossPieces =
      pieces.accumulate(inputs.subarray(0, cut), targets.subarray(0, cut), 2, 1) +
      pieces.accumulate(inputs.subarray(cut), targets.subarray(cut), 1, 1);
    expect(lossPieces).toBeCloseTo(lossWhole, 10);
    for (let i = 0; i < whole.gradients.length; i++) expect(pieces.gradients[i]).toBeCloseTo(whole.gradients[i]!, 9);
  });

  it('never looks ahead: a later token changes no earlier loss', () => {
    const model = new Model(shape, parameters, 1, float64);
    const row = inputs.slice(0, shape.context);
    const answers = targets.slice(0, shape.context);
    model.accumulate(row, answers, 1, 1);
    const before = Array.from((model as unknown as { logits: Float64Array }).logits.slice(0, 4 * shape.vocab));
    row[4] = (row[4]! + 1) % shape.vocab;
    model.accumulate(row, answers, 1, 1);
    const after = Array.from((model as unknown as { logits: Float64Array }).logits.slice(0, 4 * shape.vocab));
    expect(after).toEqual(before);
  });
});

describe('what a token costs', () => {
  it('counts parameters as they are laid out', () => {
    const last = parameterSpecs(shape).at(-1)!;
    expect(parameterCount(shape)).toBe(last.offset + last.length);
    expect(flopPerToken(shape)).toBe(6 * parameterCount(shape) + 12 * 2 * 8 * 5);
  });

  it('executes 6 FLOP a matrix weight and 6·layers·dModel·(context+1) in the causal half of attention', () => {
    const { layers, dModel: d, context, vocab } = shape;
    const model = new Model(shape, initialParameters(shape, 1, float64), 2, float64);
    model.accumulate(randomTokens(1, 2 * context), randomTokens(2, 2 * context), 2, 1);
    const perToken = 6 * (vocab * d + layers * 12 * d * d) + 6 * layers * d * (context + 1);
    expect(model.meter.flop).toBe(2 * context * perToken);
  });
});

describe('multiply', () => {
  it.each([
    [1, 1, 1],
    [2, 4, 3],
    [5, 7, 6],
    [4, 9, 2],
    [7, 3, 5],
  ])('a %i×k by n=%i product equals the textbook sum (k=%i)', (m, n, k) => {
    const next = randomStream(m, n, k);
    const a = Float64Array.from({ length: m * k }, next);
    const b = Float64Array.from({ length: n * k }, next);
    const start = Float64Array.from({ length: m * n }, next);
    const set = start.slice();
    const added = start.slice();
    const meter = new FlopMeter();
    multiply(set, a, b, m, n, k, false, meter);
    multiply(added, a, b, m, n, k, true, meter);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[j * k + p]!;
        expect(set[i * n + j]).toBeCloseTo(sum, 12);
        expect(added[i * n + j]).toBeCloseTo(start[i * n + j]! + sum, 12);
      }
    }
    expect(meter.flop).toBe(4 * m * n * k);
    const turned = float64(m * k);
    const back = float64(m * k);
    transpose(turned, a, m, k);
    transpose(back, turned, k, m);
    expect(back).toEqual(a);
  });
});
