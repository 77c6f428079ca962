import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from './config.js';
import type { ParameterSpec } from './model.js';
import { decodeSafetensors, encodeSafetensors, type Tensor } from './safetensors.js';

const FORMAT = 'commonweights.tiny-lm/1';

/** state.json: everything of a training that is not a tensor. */
export interface TrainingState {
  format: typeof FORMAT;
  /** Steps done; the next one is step + 1. */
  step: number;
  tokens: number;
  loss: number;
  /** FLOP executed by all ranks along this line of checkpoints, as an integer in decimal. */
  hardwareFlop: string;
  /** The batch of step n is drawn from (seed, n) alone, so these two are the whole position in data and randomness. */
  rng: { algorithm: 'counter-mulberry32'; seed: number; nextStep: number };
  data: { sha256: string; bytes: number };
  parameters: number;
  worldSize: number;
  config: Record<string, unknown>;
}

export interface Snapshot {
  state: TrainingState;
  parameters: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
}

/** Path of a checkpoint relative to the output folder. */
export function checkpointDir(step: number): string {
  return `checkpoints/step-${String(step).padStart(6, '0')}`;
}

/**
 * Writes into a hidden folder, syncs, renames: the folder named {@link checkpointDir} is whole or absent. Asynchronous
 * because a busy disk may take seconds to sync, and a rank that cannot say "alive" meanwhile would be given up.
 */
export async function writeCheckpoint(outDir: string, specs: ParameterSpec[], snapshot: Snapshot): Promise<string> {
  const { state } = snapshot;
  const dir = checkpointDir(state.step);
  const target = join(outDir, dir);
  const draft = join(outDir, 'checkpoints', `.draft-${state.step}-${process.pid}`);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const metadata = { format: FORMAT, step: String(state.step) };
  await writeDurably(
    join(draft, 'model.safetensors'),
    encodeSafetensors(toTensors(specs, snapshot.parameters), metadata),
  );
  const moments = [
    ...toTensors(specs, snapshot.firstMoment, 'first_moment.'),
    ...toTensors(specs, snapshot.secondMoment, 'second_moment.'),
  ];
  await writeDurably(join(draft, 'optimizer.safetensors'), encodeSafetensors(moments, metadata));
  await writeDurably(join(draft, 'state.json'), Buffer.from(`${JSON.stringify(state, null, 2)}\n`));
  await rm(target, { recursive: true, force: true });
  await rename(draft, target);
  await syncFolder(join(outDir, 'checkpoints'));
  return dir;
}

/** Reads a checkpoint for a model of these specs; an {@link InputError} says in one line what does not fit. */
export function readCheckpoint(dir: string, specs: ParameterSpec[]): Snapshot {
  try {
    const state = JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8')) as TrainingState;
    const format: string = state.format;
    if (format !== FORMAT) throw new Error(`state.json has format ${format}, not ${FORMAT}`);
    if (!Number.isSafeInteger(state.step) || state.step < 0 || !/^\d+$/.test(state.hardwareFlop)) {
      throw new Error('state.json has no valid step or hardwareFlop');
    }
    const model = decodeSafetensors(readFileSync(join(dir, 'model.safetensors')));
    const optimizer = decodeSafetensors(readFileSync(join(dir, 'optimizer.safetensors')));
    return {
      state,
      parameters: fromTensors(specs, model.tensors),
      firstMoment: fromTensors(specs, optimizer.tensors, 'first_moment.'),
      secondMoment: fromTensors(specs, optimizer.tensors, 'second_moment.'),
    };
  } catch (error) {
    throw new InputError(`cannot restore from ${dir}: ${(error as Error).message}`);
  }
}

function toTensors(specs: ParameterSpec[], flat: Float32Array, prefix = ''): Tensor[] {
  return specs.map(({ name, shape, offset, length }) => ({
    name: prefix + name,
    shape,
    values: flat.subarray(offset, offset + length),
  }));
}

function fromTensors(specs: ParameterSpec[], tensors: Tensor[], prefix = ''): Float32Array {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const last = specs.at(-1)!;
  const flat = new Float32Array(last.offset + last.length);
  for (const { name, shape, offset } of specs) {
    const tensor = byName.get(prefix + name);
    if (tensor === undefined) throw new Error(`tensor ${prefix}${name} is missing`);
    if (tensor.shape.join() !== shape.join()) {
      throw new Error(`tensor ${prefix}${name} has shape [${tensor.shape.join()}], the model needs [${shape.join()}]`);
    }
    flat.set(tensor.values, offset);
  }
  return flat;
}

async function writeDurably(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
