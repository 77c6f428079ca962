import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { CATALOG_REFUSALS } from '../catalog.refusal.js';
import { type RecipeDraft, recipeContent, recipeDigest } from './recipe.rule.js';

const draft: RecipeDraft = {
  name: 'Tiny',
  workload: 'tiny-lm',
  driver: 'process',
  parameters: 50_000n,
  tokens: 2_000_000n,
  gpuClass: 'cpu',
  minWorkers: 1,
  maxWorkers: 3,
  checkpointEverySteps: 50,
  datasetSha256: 'ab'.repeat(32),
  hyperparameters: { layers: 2, learningRate: 1e-3 },
};
const digestOf = (more: Partial<RecipeDraft> = {}) => {
  const content = recipeContent({ ...draft, ...more });
  if (isRefused(content)) throw new Error(content.first.code);
  return recipeDigest(content);
};
const codeOf = (more: Partial<RecipeDraft>) => {
  const content = recipeContent({ ...draft, ...more });
  return isRefused(content) ? content.first.code : 'accepted';
};

it('the README names every refusal', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  for (const code of CATALOG_REFUSALS) expect(readme).toContain(code);
});

describe('recipe', () => {
  it('has one address whatever the order in which it is written', () => {
    expect(digestOf({ hyperparameters: { learningRate: 0.001, layers: 2 } })).toBe(digestOf());
    expect(digestOf({ name: '  Tiny ' })).toBe(digestOf());
  });

  it('has another address for any other content', () => {
    const others = [
      { name: 'Tinier' },
      { tokens: 2_000_001n },
      { hyperparameters: { layers: 3, learningRate: 1e-3 } },
      { datasetSha256: 'cd'.repeat(32) },
      { maxWorkers: 4 },
    ];
    const digests = [digestOf(), ...others.map((more) => digestOf(more))];
    expect(new Set(digests).size).toBe(digests.length);
  });

  it.each([
    [{ name: '' }, 'CATALOG_TEXT_INVALID'],
    [{ name: 'two\nlines' }, 'CATALOG_TEXT_INVALID'],
    [{ driver: 'magic' }, 'CATALOG_TEXT_INVALID'],
    [{ gpuClass: 'abacus' }, 'CATALOG_CLASS_UNKNOWN'],
    [{ minWorkers: 0 }, 'CATALOG_WORKERS_INVALID'],
    [{ minWorkers: 4, maxWorkers: 3 }, 'CATALOG_WORKERS_INVALID'],
    [{ checkpointEverySteps: 0 }, 'CATALOG_NUMBER_INVALID'],
    [{ tokens: 0n }, 'CATALOG_NUMBER_INVALID'],
    [{ hyperparameters: [1] }, 'CATALOG_HYPERPARAMETERS_INVALID'],
    [{ hyperparameters: { x: Number.NaN } }, 'CATALOG_HYPERPARAMETERS_INVALID'],
    [{ hyperparameters: { x: 'y'.repeat(40_000) } }, 'CATALOG_HYPERPARAMETERS_INVALID'],
  ] as const)('refuses case %#', (more, expected) => {
    expect(codeOf(more)).toBe(expected);
  });
});
