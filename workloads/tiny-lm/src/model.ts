/**
 * A causal transformer: tied token embedding, learned positions, blocks of RMS norm → attention → RMS norm →
 * squared-ReLU perceptron, no biases. The backward pass is written by hand and proved by a gradient check
 * (model.spec.ts). Gradients are sums over the sequences given, scaled so that the whole global batch gives the mean.
 */
import { attentionBackward, attentionForward, type AttentionShape } from './attention.js';
import { FlopMeter, linearBackward, multiply, Scratch, type MakeVector, type Vector } from './matmul.js';
import { randomStream } from './random.js';

export interface ModelShape {
  layers: number;
  dModel: number;
  heads: number;
  context: number;
  vocab: number;
}

export interface ParameterSpec {
  name: string;
  shape: number[];
  offset: number;
  length: number;
}

/** All parameters in the order of the flat vector; also the order of the optimizer state and of the all-reduce. */
export function parameterSpecs(shape: ModelShape): ParameterSpec[] {
  const { layers, dModel: d, context, vocab } = shape;
  const specs: ParameterSpec[] = [];
  let offset = 0;
  const add = (name: string, ...dimensions: number[]): void => {
    const length = dimensions.reduce((product, size) => product * size, 1);
    specs.push({ name, shape: dimensions, offset, length });
    offset += length;
  };
  add('token_embedding', vocab, d);
  add('position_embedding', context, d);
  for (let l = 0; l < layers; l++) {
    add(`blocks.${l}.norm1`, d);
    add(`blocks.${l}.attention.qkv`, 3 * d, d);
    add(`blocks.${l}.attention.out`, d, d);
    add(`blocks.${l}.norm2`, d);
    add(`blocks.${l}.mlp.up`, 4 * d, d);
    add(`blocks.${l}.mlp.down`, d, 4 * d);
  }
  add('final_norm', d);
  return specs;
}

export function parameterCount({ layers, dModel: d, context, vocab }: ModelShape): number {
  return (vocab + context) * d + layers * (12 * d * d + 2 * d) + d;
}

/** Model FLOP of one token, forward and backward: 6N + 12·layers·dModel·context (attention over the full context). */
export function flopPerToken(shape: ModelShape): number {
  return 6 * parameterCount(shape) + 12 * shape.layers * shape.dModel * shape.context;
}

/**
 * Norm gains are 1; everything else is uniform. Embeddings start small enough that the tied head begins near a flat
 * guess, and the matrices that end a residual branch start quiet, so that a block begins close to the identity.
 */
export function initialParameters(shape: ModelShape, seed: number, make: MakeVector): Vector {
  const values = make(parameterCount(shape));
  parameterSpecs(shape).forEach((spec, index) => {
    if (spec.shape.length === 1) {
      values.fill(1, spec.offset, spec.offset + spec.length);
      return;
    }
    const endsBranch = spec.name.endsWith('attention.out') || spec.name.endsWith('mlp.down');
    const fanIn = 1 / Math.sqrt(spec.shape[1]!);
    const deviation = spec.name.endsWith('embedding')
      ? 0.05
      : endsBranch
        ? fanIn / (4 * Math.sqrt(shape.layers))
        : fanIn;
    const reach = deviation * Math.sqrt(3);
    const next = randomStream(seed, 1, index);
    for (let i = 0; i < spec.length; i++) values[spec.offset + i] = (2 * next() - 1) * reach;
  });
  return values;
}

const NORM_EPSILON = 1e-5;

interface BlockRoom {
  input: Vector;
  norm1: Vector;
  scale1: Vector;
  qkv: Vector;
  probabilities: Vector;
  attended: Vector;
  middle: Vector;
  norm2: Vector;
  scale2: Vector;
  up: Vector;
  active: Vector;
}

interface BlockWeights {
  norm1: Vector;
  qkv: Vector;
  out: Vector;
  norm2: Vector;
  up: Vector;
  down: Vector;
}

interface Weights {
  token: Vector;
  position: Vector;
  blocks: BlockWeights[];
  final: Vector;
}

export class Model {
  readonly gradients: Vector;
  readonly meter = new FlopMeter();
  private readonly weights: Weights;
  private readonly dWeights: Weights;
  private readonly rooms: BlockRoom[];
  private readonly last: Vector;
  private readonly lastNorm: Vector;
  private readonly lastScale: Vector;
  private readonly logits: Vector;
  private readonly dx: Vector;
  private readonly dNarrow: Vector;
  private readonly dWide: Vector;
  private readonly weightGradients: Vector;
  private readonly scratch: Scratch;

  /** `maxSequences` bounds how many sequences one {@link accumulate} may be given (it sizes the activations). */
  constructor(
    readonly shape: ModelShape,
    readonly parameters: Vector,
    private readonly maxSequences: number,
    make: MakeVector,
  ) {
    const { layers, dModel: d, heads, context, vocab } = shape;
    const m = maxSequences * context;
    this.gradients = make(parameters.length);
    this.weights = viewWeights(shape, parameters);
    this.dWeights = viewWeights(shape, this.gradients);
    this.rooms = Array.from({ length: layers }, () => ({
      input: make(m * d),
      norm1: make(m * d),
      scale1: make(m),
      qkv: make(m * 3 * d),
      probabilities: make(maxSequences * heads * context * context),
      attended: make(m * d),
      middle: make(m * d),
      norm2: make(m * d),
      scale2: make(m),
      up: make(m * 4 * d),
      active: make(m * 4 * d),
    }));
    this.last = make(m * d);
    this.lastNorm = make(m * d);
    this.lastScale = make(m);
    this.logits = make(m * vocab);
    this.dx = make(m * d);
    this.dNarrow = make(m * d);
    this.dWide = make(m * 4 * d);
    this.weightGradients = make(context);
    this.scratch = new Scratch(make);
  }

  zeroGradients(): void {
    this.gradients.fill(0);
  }

  /**
   * Runs `sequences` rows of tokens forward and back, adding `gradientScale` × the gradient of the summed loss to
   * {@link gradients}. Returns the summed loss in nats.
   */
  accumulate(inputs: Uint8Array, targets: Uint8Array, sequences: number, gradientScale: number): number {
    const loss = this.loss(inputs, targets, sequences);
    this.backward(inputs, targets, sequences, gradientScale);
    return loss;
  }

  /** The summed loss; leaves the probabilities of the next token in `logits`. */
  loss(inputs: Uint8Array, targets: Uint8Array, sequences: number): number {
    if (sequences > this.maxSequences) throw new RangeError(`${sequences} sequences, room for ${this.maxSequences}`);
    const { dModel: d, context, vocab } = this.shape;
    const m = sequences * context;
    const { token, position } = this.weights;
    const first = this.rooms[0]?.input ?? this.last;
    for (let i = 0; i < m; i++) {
      const t = inputs[i]! * d;
      const p = (i % context) * d;
      for (let c = 0; c < d; c++) first[i * d + c] = token[t + c]! + position[p + c]!;
    }
    this.rooms.forEach((room, l) => {
      this.blockForward(this.weights.blocks[l]!, room, this.rooms[l + 1]?.input ?? this.last, sequences);
    });
    normForward(this.lastNorm, this.lastScale, this.last, this.weights.final, m, d);
    multiply(this.logits, this.lastNorm, token, m, vocab, d, false, this.meter);
    return softmaxLoss(this.logits, targets, m, vocab);
  }

  private blockForward(w: BlockWeights, room: BlockRoom, output: Vector, sequences: number): void {
    const { dModel: d, context } = this.shape;
    const m = sequences * context;
    const meter = this.meter;
    normForward(room.norm1, room.scale1, room.input, w.norm1, m, d);
    multiply(room.qkv, room.norm1, w.qkv, m, 3 * d, d, false, meter);
    attentionForward(room.attended, room.probabilities, room.qkv, this.attentionShape(sequences), meter);
    copy(room.middle, room.input, m * d);
    multiply(room.middle, room.attended, w.out, m, d, d, true, meter);
    normForward(room.norm2, room.scale2, room.middle, w.norm2, m, d);
    multiply(room.up, room.norm2, w.up, m, 4 * d, d, false, meter);
    const { up, active } = room;
    for (let i = 0; i < m * 4 * d; i++) {
      const x = up[i]!;
      active[i] = x > 0 ? x * x : 0;
    }
    copy(output, room.middle, m * d);
    multiply(output, active, w.down, m, d, 4 * d, true, meter);
  }

  private backward(inputs: Uint8Array, targets: Uint8Array, sequences: number, gradientScale: number): void {
    const { dModel: d, context, vocab } = this.shape;
    const m = sequences * context;
    const dLogits = this.logits;
    for (let i = 0; i < m * vocab; i++) dLogits[i]! *= gradientScale;
    for (let i = 0; i < m; i++) dLogits[i * vocab + targets[i]!]! -= gradientScale;
    const { token, position } = this.dWeights;
    const head = { m, in: d, out: vocab };
    linearBackward(
      this.dNarrow,
      token,
      dLogits,
      this.lastNorm,
      this.weights.token,
      head,
      false,
      this.scratch,
      this.meter,
    );
    this.dx.fill(0, 0, m * d);
    normBackward(this.dx, this.dWeights.final, this.dNarrow, this.last, this.lastScale, this.weights.final, m, d);
    for (let l = this.rooms.length - 1; l >= 0; l--) this.blockBackward(l, sequences);
    for (let i = 0; i < m; i++) {
      const t = inputs[i]! * d;
      const p = (i % context) * d;
      for (let c = 0; c < d; c++) {
        const g = this.dx[i * d + c]!;
        token[t + c]! += g;
        position[p + c]! += g;
      }
    }
  }

  /** Turns dx from the gradient of the block's output into that of its input; the residual path is dx itself. */
  private blockBackward(l: number, sequences: number): void {
    const { dModel: d, context } = this.shape;
    const m = sequences * context;
    const { dx, dNarrow, dWide, scratch, meter } = this;
    const room = this.rooms[l]!;
    const w = this.weights.blocks[l]!;
    const dw = this.dWeights.blocks[l]!;
    linearBackward(dWide, dw.down, dx, room.active, w.down, { m, in: 4 * d, out: d }, false, scratch, meter);
    const { up } = room;
    for (let i = 0; i < m * 4 * d; i++) {
      const x = up[i]!;
      dWide[i] = x > 0 ? 2 * x * dWide[i]! : 0;
    }
    linearBackward(dNarrow, dw.up, dWide, room.norm2, w.up, { m, in: d, out: 4 * d }, false, scratch, meter);
    normBackward(dx, dw.norm2, dNarrow, room.middle, room.scale2, w.norm2, m, d);
    linearBackward(dNarrow, dw.out, dx, room.attended, w.out, { m, in: d, out: d }, false, scratch, meter);
    const shape = this.attentionShape(sequences);
    attentionBackward(dWide, dNarrow, room.probabilities, room.qkv, this.weightGradients, shape, meter);
    linearBackward(dNarrow, dw.qkv, dWide, room.norm1, w.qkv, { m, in: d, out: 3 * d }, false, scratch, meter);
    normBackward(dx, dw.norm1, dNarrow, room.input, room.scale1, w.norm1, m, d);
  }

  private attentionShape(sequences: number): AttentionShape {
    return { sequences, context: this.shape.context, heads: this.shape.heads, dModel: this.shape.dModel };
  }
}

function viewWeights(shape: ModelShape, flat: Vector): Weights {
  const views = parameterSpecs(shape).map((spec) => flat.subarray(spec.offset, spec.offset + spec.length));
  const take = (index: number): Vector => views[index]!;
  const blocks = Array.from({ length: shape.layers }, (_, l) => {
    const at = 2 + 6 * l;
    return {
      norm1: take(at),
      qkv: take(at + 1),
      out: take(at + 2),
      norm2: take(at + 3),
      up: take(at + 4),
      down: take(at + 5),
    };
  });
  return { token: take(0), position: take(1), blocks, final: take(views.length - 1) };
}

function copy(to: Vector, from: Vector, length: number): void {
  for (let i = 0; i < length; i++) to[i] = from[i]!;
}

function normForward(out: Vector, scales: Vector, x: Vector, gain: Vector, rows: number, d: number): void {
  for (let i = 0; i < rows; i++) {
    const at = i * d;
    let squares = 0;
    for (let c = 0; c < d; c++) squares += x[at + c]! * x[at + c]!;
    const scale = 1 / Math.sqrt(squares / d + NORM_EPSILON);
    scales[i] = scale;
    for (let c = 0; c < d; c++) out[at + c] = x[at + c]! * scale * gain[c]!;
  }
}

/** Adds to dx and dGain. */
function normBackward(
  dx: Vector,
  dGain: Vector,
  dy: Vector,
  x: Vector,
  scales: Vector,
  gain: Vector,
  rows: number,
  d: number,
): void {
  for (let i = 0; i < rows; i++) {
    const at = i * d;
    const scale = scales[i]!;
    let along = 0;
    for (let c = 0; c < d; c++) {
      const g = dy[at + c]!;
      dGain[c]! += g * x[at + c]! * scale;
      along += g * gain[c]! * x[at + c]!;
    }
    const pull = (along * scale * scale * scale) / d;
    for (let c = 0; c < d; c++) dx[at + c]! += dy[at + c]! * gain[c]! * scale - x[at + c]! * pull;
  }
}

/** Replaces logits by probabilities; returns the summed negative log likelihood of the targets. */
function softmaxLoss(logits: Vector, targets: Uint8Array, rows: number, vocab: number): number {
  let loss = 0;
  for (let i = 0; i < rows; i++) {
    const at = i * vocab;
    let highest = -Infinity;
    for (let c = 0; c < vocab; c++) if (logits[at + c]! > highest) highest = logits[at + c]!;
    const target = logits[at + targets[i]!]! - highest;
    let total = 0;
    for (let c = 0; c < vocab; c++) {
      const e = Math.exp(logits[at + c]! - highest);
      logits[at + c] = e;
      total += e;
    }
    for (let c = 0; c < vocab; c++) logits[at + c]! /= total;
    loss += Math.log(total) - target;
  }
  return loss;
}
