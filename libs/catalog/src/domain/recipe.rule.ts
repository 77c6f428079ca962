import { createHash } from 'node:crypto';
import { type Json, type Outcome, canonicalJson, isRefused } from '#kernel';
import { refuseCatalog } from '../catalog.refusal.js';
import { acceleratorClass } from './accelerator.table.js';
import { computeBudget } from './compute-budget.rule.js';

/** What a recipe says, in the form that is hashed. Counts are text because JSON numbers lose digits above 2^53. */
export interface RecipeContent {
  readonly format: 'commonweights.recipe/1';
  readonly name: string;
  readonly workload: string;
  readonly driver: string;
  readonly parameters: string;
  readonly activeParameters: string | null;
  readonly tokens: string;
  readonly gpuClass: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly checkpointEverySteps: number;
  readonly dataset: { readonly sha256: string };
  readonly hyperparameters: { readonly [key: string]: Json | undefined };
}

export interface RecipeDraft {
  readonly name: string;
  readonly workload: string;
  readonly driver: string;
  readonly parameters: bigint;
  readonly activeParameters?: bigint | null | undefined;
  readonly tokens: bigint;
  readonly gpuClass: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly checkpointEverySteps: number;
  readonly datasetSha256: string;
  readonly hyperparameters: unknown;
}

const RECIPE_DRIVERS = ['process', 'torchrun'] as const;
const MAX_HYPERPARAMETER_BYTES = 32 * 1024;

/** A recipe's address: SHA-256, in hexadecimal, of its canonical JSON (RFC 8785). */
export const recipeDigest = (content: RecipeContent): string =>
  createHash('sha256').update(canonicalJson(content)).digest('hex');

/** Checks a draft and brings it into the form that is hashed. */
export function recipeContent(draft: RecipeDraft): Outcome<RecipeContent> {
  const name = readLine(draft.name, 120, ['input', 'name']);
  if (isRefused(name)) return name;
  const workload = readLine(draft.workload, 80, ['input', 'workload']);
  if (isRefused(workload)) return workload;
  if (!(RECIPE_DRIVERS as readonly string[]).includes(draft.driver))
    return refuseCatalog('CATALOG_TEXT_INVALID', ['input', 'driver'], `One of ${RECIPE_DRIVERS.join(', ')}.`);
  const accelerator = acceleratorClass(draft.gpuClass);
  if (!accelerator) return refuseCatalog('CATALOG_CLASS_UNKNOWN', ['input', 'gpuClass']);
  if (!(draft.minWorkers >= 1 && draft.maxWorkers >= draft.minWorkers && draft.maxWorkers <= 65_536))
    return refuseCatalog(
      'CATALOG_WORKERS_INVALID',
      ['input', 'maxWorkers'],
      `Got ${draft.minWorkers} to ${draft.maxWorkers}.`,
    );
  if (!(draft.checkpointEverySteps >= 1 && draft.checkpointEverySteps <= 10_000_000))
    return refuseCatalog('CATALOG_NUMBER_INVALID', ['input', 'checkpointEverySteps'], 'From 1 to 10000000.');
  const budget = computeBudget({
    parameters: draft.parameters,
    activeParameters: draft.activeParameters ?? undefined,
    tokens: draft.tokens,
    gpuClass: accelerator.class,
    mfuBasisPoints: accelerator.usualMfuBasisPoints,
    overheadPercent: 0,
    pricePerGpuHourMinor: 0n,
  });
  if (isRefused(budget)) return budget;
  const hyperparameters = readHyperparameters(draft.hyperparameters);
  if (isRefused(hyperparameters)) return hyperparameters;
  return {
    format: 'commonweights.recipe/1',
    name,
    workload,
    driver: draft.driver,
    parameters: String(draft.parameters),
    activeParameters: draft.activeParameters == null ? null : String(draft.activeParameters),
    tokens: String(draft.tokens),
    gpuClass: accelerator.class,
    minWorkers: draft.minWorkers,
    maxWorkers: draft.maxWorkers,
    checkpointEverySteps: draft.checkpointEverySteps,
    dataset: { sha256: draft.datasetSha256 },
    hyperparameters,
  };
}

function readHyperparameters(value: unknown): Outcome<RecipeContent['hyperparameters']> {
  const path = ['input', 'hyperparameters'];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuseCatalog('CATALOG_HYPERPARAMETERS_INVALID', path);
  try {
    const text = canonicalJson(value);
    if (Buffer.byteLength(text) > MAX_HYPERPARAMETER_BYTES)
      return refuseCatalog('CATALOG_HYPERPARAMETERS_INVALID', path);
    return JSON.parse(text) as RecipeContent['hyperparameters'];
  } catch {
    return refuseCatalog('CATALOG_HYPERPARAMETERS_INVALID', path);
  }
}

/** One line of text, trimmed, 1 to `max` characters, without control characters. */
export function readLine(text: string, max: number, path: readonly string[]): Outcome<string> {
  const line = text.trim();
  return line.length >= 1 && line.length <= max && !/\p{Cc}/u.test(line)
    ? line
    : refuseCatalog('CATALOG_TEXT_INVALID', path, `1 to ${max} characters on one line; got ${line.length}.`);
}

/** SHA-256 in lower-case hexadecimal. */
export const readSha256 = (text: string, path: readonly string[]): Outcome<string> =>
  /^[0-9a-f]{64}$/.test(text) ? text : refuseCatalog('CATALOG_DIGEST_INVALID', path);
