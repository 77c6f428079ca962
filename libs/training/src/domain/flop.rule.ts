/** The shape of a dense transformer, as far as counting its operations needs it. */
export interface ModelSize {
  /** Parameters that take part in a token's pass (all of a dense model). */
  readonly parameters: bigint;
  readonly layers: number;
  readonly dModel: number;
  readonly context: number;
}

/** Architecture method: 6 operations for each parameter and token, forward and backward (6 N D). */
export const modelFlop = (parameters: bigint, tokens: bigint): bigint => 6n * parameters * tokens;

/**
 * Operations of the hardware where the workload does not count them itself: 6 N D plus attention over the context,
 * 12 L d s for each token.
 */
export const estimatedHardwareFlop = (size: ModelSize, tokens: bigint): bigint =>
  modelFlop(size.parameters, tokens) + 12n * BigInt(size.layers) * BigInt(size.dModel) * BigInt(size.context) * tokens;
