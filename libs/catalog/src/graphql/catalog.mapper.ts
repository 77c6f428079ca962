import { GpuTime, Money, toGlobalId } from '#platform';
import type { DatasetRow, RecipeRow } from '../catalog.queries.js';
import { type ComputeBudget as Budget, type PublishedBudget, formatMfu } from '../domain/compute-budget.rule.js';
import type { ComputeBudget, Dataset, Recipe } from './catalog.type.js';

export const toDataset = (row: DatasetRow): Dataset => ({ ...row, id: toGlobalId('Dataset', row.id) });

export const toRecipe = (row: RecipeRow): Recipe => ({
  ...row,
  id: toGlobalId('Recipe', row.id),
  dataset: toDataset(row.dataset),
});

export const toComputeBudget = (budget: Budget): ComputeBudget => ({
  flop: budget.flop,
  peakFlopPerSecond: budget.peakFlopPerSecond,
  mfu: formatMfu(budget.terms.mfuBasisPoints),
  gpuTime: GpuTime.of(budget.milliseconds, budget.terms.gpuClass),
  cash: Money.of(budget.cashMinor),
  lines: [...budget.lines],
});

/** A stored budget as GraphQL shows it. */
export const fromPublishedBudget = (budget: PublishedBudget): ComputeBudget => ({
  flop: BigInt(budget.flop),
  peakFlopPerSecond: BigInt(budget.peakFlopPerSecond),
  mfu: budget.mfu,
  gpuTime: GpuTime.of(BigInt(budget.milliseconds), budget.gpuClass),
  cash: Money.of(BigInt(budget.cashMinor), budget.currency),
  lines: budget.lines.map((line) => ({ ...line, amount: BigInt(line.amount) })),
});
