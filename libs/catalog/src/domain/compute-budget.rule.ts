import { type Outcome, isRefused } from '#kernel';
import { refuseCatalog } from '../catalog.refusal.js';
import { type AcceleratorClass, acceleratorClass } from './accelerator.table.js';

/*
 * What a training costs in accelerator time and, at a price, in money.
 *
 * 1. Integers only: FLOP, milliseconds and minor units are exact; a share is a whole number of basis points.
 * 2. Every division rounds up, so a budget never promises a run more than it buys.
 * 3. Every figure is a line with its formula and its source, so that a reader can follow it with a pocket calculator.
 *
 * FLOP of training = 6 · N · D: a forward pass costs 2 operations per parameter and token, the backward pass 4
 * (Kaplan et al. 2020, section 2.1; Hoffmann et al. 2022, appendix F). In a mixture of experts N counts the parameters
 * that a token really passes through.
 */

export interface BudgetTerms {
  readonly parameters: bigint;
  /** Parameters that one token passes through; absent for a dense model. */
  readonly activeParameters?: bigint | undefined;
  readonly tokens: bigint;
  readonly gpuClass: string;
  /** Share of the peak that training reaches, in basis points (4000 is 0.40). */
  readonly mfuBasisPoints: number;
  /** Time on top for restarts, evaluation and reserve, in whole percent. */
  readonly overheadPercent: number;
  /** Rent of one device for an hour, in cents. */
  readonly pricePerGpuHourMinor: bigint;
}

interface BudgetLine {
  readonly code: string;
  readonly label: string;
  readonly amount: bigint;
  readonly unit: string;
  readonly formula: string;
  readonly source: string;
}

export interface ComputeBudget {
  readonly terms: BudgetTerms;
  readonly flop: bigint;
  readonly peakFlopPerSecond: bigint;
  readonly milliseconds: bigint;
  readonly cashMinor: bigint;
  readonly lines: readonly BudgetLine[];
}

const DEFAULT_OVERHEAD_PERCENT = 15;
/** Above this no model was ever trained; it keeps 6·N·D inside what the GraphQL scalar can carry (30 digits). */
const MAX_COUNT = 10n ** 14n;
const MS_PER_HOUR = 3_600_000n;

/** Reads a utilisation such as "0.40" into basis points. Refuses with CATALOG_MFU_INVALID. */
export function parseMfu(text: string, path: readonly string[] = ['input', 'mfu']): Outcome<number> {
  const match = /^(0|1)(?:\.(\d{1,4}))?$/.exec(text.trim());
  const basisPoints = match ? Number(match[1]) * 10_000 + Number((match[2] ?? '').padEnd(4, '0')) : 0;
  return basisPoints >= 1 && basisPoints <= 10_000
    ? basisPoints
    : refuseCatalog('CATALOG_MFU_INVALID', path, `Got ${JSON.stringify(text.slice(0, 20))}.`);
}

/** Basis points as decimal text: 4000 is "0.4000". */
export const formatMfu = (basisPoints: number): string =>
  `${Math.trunc(basisPoints / 10_000)}.${String(basisPoints % 10_000).padStart(4, '0')}`;

/** The terms with what the class usually reaches and costs in place of what wasn't given. */
export function budgetTerms(given: {
  parameters: bigint;
  activeParameters?: bigint | null | undefined;
  tokens: bigint;
  gpuClass: string;
  mfu?: string | null | undefined;
  overheadPercent?: number | null | undefined;
  pricePerGpuHourMinor?: bigint | null | undefined;
}): Outcome<BudgetTerms> {
  const accelerator = acceleratorClass(given.gpuClass);
  if (!accelerator)
    return refuseCatalog('CATALOG_CLASS_UNKNOWN', ['input', 'gpuClass'], `Got "${given.gpuClass.slice(0, 60)}".`);
  const mfuBasisPoints = given.mfu ? parseMfu(given.mfu) : accelerator.usualMfuBasisPoints;
  if (isRefused(mfuBasisPoints)) return mfuBasisPoints;
  return {
    parameters: given.parameters,
    ...(given.activeParameters == null ? {} : { activeParameters: given.activeParameters }),
    tokens: given.tokens,
    gpuClass: accelerator.class,
    mfuBasisPoints,
    overheadPercent: given.overheadPercent ?? DEFAULT_OVERHEAD_PERCENT,
    pricePerGpuHourMinor: given.pricePerGpuHourMinor ?? accelerator.usualPricePerHourMinor,
  };
}

/** Works the budget out. Refuses counts that aren't positive or that no computer could serve. */
export function computeBudget(terms: BudgetTerms): Outcome<ComputeBudget> {
  const accelerator = acceleratorClass(terms.gpuClass);
  if (!accelerator) return refuseCatalog('CATALOG_CLASS_UNKNOWN', ['input', 'gpuClass']);
  const active = terms.activeParameters ?? terms.parameters;
  const wrong = firstOutOfRange(terms, active);
  if (wrong) return refuseCatalog('CATALOG_NUMBER_INVALID', ['input', wrong.field], wrong.detail);

  const flop = 6n * active * terms.tokens;
  const trainingMs = ceilDiv(flop * 1000n * 10_000n, accelerator.peakFlopPerSecond * BigInt(terms.mfuBasisPoints));
  const overheadMs = ceilDiv(trainingMs * BigInt(terms.overheadPercent), 100n);
  const milliseconds = trainingMs + overheadMs;
  const cashMinor = ceilDiv(milliseconds * terms.pricePerGpuHourMinor, MS_PER_HOUR);
  const figures = { flop, trainingMs, overheadMs, milliseconds, cashMinor, active };
  return {
    terms,
    flop,
    peakFlopPerSecond: accelerator.peakFlopPerSecond,
    milliseconds,
    cashMinor,
    lines: budgetLines(terms, accelerator, figures),
  };
}

function firstOutOfRange(terms: BudgetTerms, active: bigint): { field: string; detail: string } | undefined {
  const count = (value: bigint) => value >= 1n && value <= MAX_COUNT;
  if (!count(terms.parameters))
    return { field: 'parameters', detail: `From 1 to ${MAX_COUNT}; got ${terms.parameters}.` };
  if (!count(terms.tokens)) return { field: 'tokens', detail: `From 1 to ${MAX_COUNT}; got ${terms.tokens}.` };
  if (active < 1n || active > terms.parameters)
    return { field: 'activeParameters', detail: `From 1 to parameters (${terms.parameters}); got ${active}.` };
  if (!Number.isInteger(terms.mfuBasisPoints) || terms.mfuBasisPoints < 1 || terms.mfuBasisPoints > 10_000)
    return { field: 'mfu', detail: `From 0.0001 to 1; got ${terms.mfuBasisPoints} basis points.` };
  if (!Number.isInteger(terms.overheadPercent) || terms.overheadPercent < 0 || terms.overheadPercent > 1000)
    return { field: 'overheadPercent', detail: `From 0 to 1000; got ${terms.overheadPercent}.` };
  if (terms.pricePerGpuHourMinor < 0n || terms.pricePerGpuHourMinor > 10n ** 9n)
    return { field: 'pricePerGpuHourMinor', detail: `From 0 to 1000000000; got ${terms.pricePerGpuHourMinor}.` };
  return undefined;
}

function budgetLines(
  terms: BudgetTerms,
  accelerator: AcceleratorClass,
  figures: {
    flop: bigint;
    trainingMs: bigint;
    overheadMs: bigint;
    milliseconds: bigint;
    cashMinor: bigint;
    active: bigint;
  },
): BudgetLine[] {
  const { flop, trainingMs, overheadMs, milliseconds, cashMinor, active } = figures;
  const mfu = formatMfu(terms.mfuBasisPoints);
  const line = (code: string, label: string, amount: bigint, unit: string, formula: string, source: string) => ({
    code,
    label,
    amount,
    unit,
    formula,
    source,
  });
  const expert = terms.activeParameters !== undefined && terms.activeParameters !== terms.parameters;
  return [
    line('parameters', expert ? 'Parameters a token passes through' : 'Parameters', active, 'parameter', 'N', 'Recipe'),
    line('tokens', 'Training tokens', terms.tokens, 'token', 'D', 'Recipe'),
    line(
      'flop',
      'Arithmetic of the training',
      flop,
      'FLOP',
      `6 · N · D = 6 · ${active} · ${terms.tokens}`,
      'Kaplan et al. 2020, section 2.1',
    ),
    line(
      'peak',
      `Peak of one ${accelerator.label}`,
      accelerator.peakFlopPerSecond,
      'FLOP/s',
      `dense ${accelerator.precision}`,
      accelerator.source,
    ),
    line(
      'mfu',
      'Share of the peak that training reaches',
      BigInt(terms.mfuBasisPoints),
      'basis point',
      mfu,
      'Organiser; the usual value of the class unless stated',
    ),
    line('training', 'Training time', trainingMs, 'GPU-millisecond', `⌈FLOP · 1000 / (peak · ${mfu})⌉`, 'Computed'),
    line(
      'overhead',
      'Restarts, evaluation and reserve',
      overheadMs,
      'GPU-millisecond',
      `⌈training · ${terms.overheadPercent} %⌉`,
      'Organiser',
    ),
    line('gpu_time', 'Accelerator time to raise', milliseconds, 'GPU-millisecond', 'training + overhead', 'Computed'),
    line(
      'price',
      'Rent of one device for an hour',
      terms.pricePerGpuHourMinor,
      'US cent',
      'per GPU-hour',
      'Organiser; a usual market price unless stated',
    ),
    line(
      'cash',
      'The same time rented for money',
      cashMinor,
      'US cent',
      '⌈GPU-milliseconds · price / 3 600 000⌉',
      'Computed',
    ),
  ];
}

const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** The budget as it is kept beside a campaign and published: JSON, amounts as text. */
export interface PublishedBudget {
  readonly parameters: string;
  readonly activeParameters: string | null;
  readonly tokens: string;
  readonly gpuClass: string;
  readonly mfu: string;
  readonly overheadPercent: number;
  readonly pricePerGpuHourMinor: string;
  readonly flop: string;
  readonly peakFlopPerSecond: string;
  readonly milliseconds: string;
  readonly cashMinor: string;
  readonly currency: 'USD';
  readonly lines: readonly {
    code: string;
    label: string;
    amount: string;
    unit: string;
    formula: string;
    source: string;
  }[];
}

export const publishBudget = (budget: ComputeBudget): PublishedBudget => ({
  parameters: String(budget.terms.parameters),
  activeParameters: budget.terms.activeParameters === undefined ? null : String(budget.terms.activeParameters),
  tokens: String(budget.terms.tokens),
  gpuClass: budget.terms.gpuClass,
  mfu: formatMfu(budget.terms.mfuBasisPoints),
  overheadPercent: budget.terms.overheadPercent,
  pricePerGpuHourMinor: String(budget.terms.pricePerGpuHourMinor),
  flop: String(budget.flop),
  peakFlopPerSecond: String(budget.peakFlopPerSecond),
  milliseconds: String(budget.milliseconds),
  cashMinor: String(budget.cashMinor),
  currency: 'USD',
  lines: budget.lines.map((line) => ({ ...line, amount: String(line.amount) })),
});
