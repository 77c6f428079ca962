/** The plan of a campaign as its form has it, and as the API takes it. Controls are named as the paths of refusals end. */
import { refusal } from '../api/mutate.js';
import type { Plan } from '../api/campaign.shapes.js';
import type { Goals, UserError } from '../api/shapes.js';
import { typedMoney } from '../format/amount.js';
import { parseCount, hoursValue } from '../format/typed.js';
import { parseDays, parseHours, parseMoney, parsePercent } from '../format/parse.js';

export const budgetKinds = ['COMPUTE', 'STORAGE', 'EVALUATION', 'PEOPLE', 'RESERVE'] as const;
export const evidenceKinds = ['CHECKPOINT', 'EVALUATION', 'MILESTONE_REPORT', 'VOTE'] as const;
export const currencies = ['USD', 'EUR', 'GBP', 'CHF', 'CAD', 'JPY'] as const;
export const STRETCH_ROWS = 4;
export const TRANCHES_MAX = 12;

/** How many tranches the form shows: those that were typed, and one more when it is asked for. */
export function trancheCount(value: (name: string) => string, more: boolean): number {
  const shown = Number(value('tranches')) || 0;
  return Math.min(TRANCHES_MAX, Math.max(0, shown) + (more ? 1 : 0));
}

/** Names of every control of a plan, for refusals that stand beside one. */
export const planFields = (count: number): string[] => [
  'fundingModel',
  'currency',
  'cashGoalMinor',
  'cashOptimumMinor',
  'hardCapMinor',
  'coverPricePerGpuHourMinor',
  'approvalsRequired',
  'approvers',
  'extensionToleranceBp',
  'extensionDays',
  'settlementWindowSeconds',
  'retryEverySeconds',
  'safetyWindowSeconds',
  'card',
  'us_bank_account',
  'sepa_debit',
  'bank_transfer',
  ...budgetKinds.flatMap((kind) => [`line-${kind}-amountMinor`, `line-${kind}-note`]),
  ...Array.from({ length: STRETCH_ROWS }, (_, at) => [`stretch-${at}-title`, `stretch-${at}-amount`]).flat(),
  ...Array.from({ length: count }, (_, at) =>
    ['title', 'shareBp', 'budgetKind', 'kind', 'minTokens', 'metric', 'threshold', 'quorumBp', 'description'].map(
      (name) => `tranche-${at}-${name}`,
    ),
  ).flat(),
];

/** What the form says, as the API takes it; the amounts of the goals stand in it too. */
export function readPlan(form: URLSearchParams, currency: string): { input: object; errors: UserError[] } {
  const errors: UserError[] = [];
  const text = (name: string) => form.get(name)?.trim() ?? '';
  const read = <T>(name: string, parse: (typed: string) => T | null, message: string, hint: string): T | null => {
    if (text(name) === '') return null;
    const value = parse(text(name));
    if (value === null) errors.push(refusal(message, name, hint));
    return value;
  };
  const money = (name: string) =>
    read(
      name,
      (typed) => parseMoney(typed, currency),
      'This is no amount.',
      'Give an amount such as 2500.',
    )?.toString() ?? null;
  const percent = (name: string) => read(name, parsePercent, 'This is no share.', 'Give percent, such as 12.5.');
  const days = (name: string) => read(name, parseDays, 'These are no days.', 'Give days, such as 14 or 0.5.');
  const whole = (name: string) =>
    read(
      name,
      (typed) => (/^\d{1,6}$/.test(typed) ? Number(typed) : null),
      'This is no whole number.',
      'Give a number.',
    );
  const tokens = (name: string) =>
    read(name, parseCount, 'This is no number of tokens.', 'Give a whole number.')?.toString() ?? null;

  const lines = budgetKinds.flatMap((kind) => {
    const [amountMinor, note] = [money(`line-${kind}-amountMinor`), text(`line-${kind}-note`)];
    return amountMinor === null && note === '' ? [] : [{ kind, amountMinor, note }];
  });
  const stretchGoals = Array.from({ length: STRETCH_ROWS }, (_, at) => {
    const unit = text(`stretch-${at}-unit`) === 'COMPUTE' ? 'COMPUTE' : 'CASH';
    const name = `stretch-${at}-amount`;
    const amount =
      unit === 'CASH'
        ? money(name)
        : (read(name, parseHours, 'These are no hours.', 'Give hours, such as 8 or 0.5.')?.toString() ?? null);
    return { title: text(`stretch-${at}-title`), unit, amount };
  }).filter(({ title, amount }) => title !== '' || amount !== null);
  for (const [at, goal] of stretchGoals.entries())
    if (goal.amount === null && !errors.some(({ path }) => path?.at(-1) === `stretch-${at}-amount`))
      errors.push(refusal('This goal has no amount.', `stretch-${at}-amount`, 'Give an amount above the goal.'));
  const tranches = Array.from({ length: trancheCount(text, false) }, (_, at) => {
    const of = (name: string) => `tranche-${at}-${name}`;
    const kind = text(of('kind')) || 'MILESTONE_REPORT';
    return {
      title: text(of('title')),
      shareBp: percent(of('shareBp')) ?? 0,
      budgetKind: text(of('budgetKind')) || 'COMPUTE',
      evidence: {
        kind,
        description: text(of('description')) || null,
        ...(kind === 'CHECKPOINT' ? { minTokens: tokens(of('minTokens')) } : {}),
        ...(kind === 'EVALUATION'
          ? {
              metric: text(of('metric')),
              threshold: text(of('threshold')),
              direction: text(of('direction')) === 'AT_MOST' ? 'AT_MOST' : 'AT_LEAST',
            }
          : {}),
        ...(kind === 'VOTE' ? { quorumBp: percent(of('quorumBp')) } : {}),
      },
    };
  }).filter(({ title, shareBp }) => title !== '' || shareBp !== 0);
  const model = text('fundingModel') || 'KEEP_IT_ALL';
  const keeps = model === 'KEEP_IT_ALL';
  const approvers = text('approvers')
    .split(/[\s,]+/)
    .filter(Boolean);
  const input = {
    fundingModel: model,
    cashOptimumMinor: money('cashOptimumMinor'),
    hardCapMinor: money('hardCapMinor'),
    coverPricePerGpuHourMinor: money('coverPricePerGpuHourMinor'),
    budgetLines: lines.length > 0 ? lines : null,
    stretchGoals,
    tranches,
    approvalsRequired: whole('approvalsRequired'),
    approvers,
    extensionToleranceBp: keeps ? null : percent('extensionToleranceBp'),
    extensionDays: keeps ? null : whole('extensionDays'),
    windows: {
      settlementWindowSeconds: days('settlementWindowSeconds'),
      retryEverySeconds: days('retryEverySeconds'),
      safetyWindowSeconds: days('safetyWindowSeconds'),
      reserveDays: {
        card: whole('card'),
        usBankAccount: whole('us_bank_account'),
        sepaDebit: whole('sepa_debit'),
        bankTransfer: whole('bank_transfer'),
      },
    },
  };
  return { input, errors };
}

/** Refusals of the API with the name of the control that they speak of. */
export function atControls(errors: readonly UserError[], form: URLSearchParams): UserError[] {
  const lines = budgetKinds.filter(
    (kind) => (form.get(`line-${kind}-amountMinor`)?.trim() || form.get(`line-${kind}-note`)?.trim()) ?? '',
  );
  return errors.map((error) => {
    const [, list, at = '', ...rest] = error.path ?? [];
    const last = rest.at(-1) ?? '';
    if (list === 'budgetLines' && at !== '') {
      const kind = lines[Number(at)];
      return { ...error, path: ['input', kind ? `line-${kind}-${last}` : 'budgetLines'] };
    }
    if (list === 'stretchGoals' && at !== '') return { ...error, path: ['input', `stretch-${at}-${last}`] };
    if (list === 'tranches' && at !== '') return { ...error, path: ['input', `tranche-${at}-${last}`] };
    return error;
  });
}

const percentText = (points: number): string => String(points / 100);
const daysText = (seconds: number): string => String(Number((seconds / 86_400).toFixed(5)));

/** A kept plan as its form would have it. */
export function planValues(campaign: Goals & { plan: Plan; fundingModel: string }): Record<string, string> {
  const { plan, cashGoal } = campaign;
  const currency = cashGoal?.currency ?? 'USD';
  const money = (value: Parameters<typeof typedMoney>[0] | null) => (value === null ? '' : typedMoney(value));
  const { windows } = plan;
  return {
    fundingModel: campaign.fundingModel,
    currency,
    cashGoalMinor: cashGoal && cashGoal.amountMinor !== '0' ? typedMoney(cashGoal) : '',
    cashOptimumMinor: money(plan.cashOptimum),
    hardCapMinor: money(plan.hardCap),
    coverPricePerGpuHourMinor: money(plan.coverPricePerGpuHour),
    approvalsRequired: String(plan.approvalsRequired),
    approvers: plan.approvers.join(', '),
    extensionToleranceBp: plan.extension ? percentText(plan.extension.toleranceBp) : '',
    extensionDays: plan.extension ? String(plan.extension.days) : '',
    settlementWindowSeconds: daysText(windows.settlementWindowSeconds),
    retryEverySeconds: daysText(windows.retryEverySeconds),
    safetyWindowSeconds: daysText(windows.safetyWindowSeconds),
    card: String(windows.reserveDays.card),
    us_bank_account: String(windows.reserveDays.usBankAccount),
    sepa_debit: String(windows.reserveDays.sepaDebit),
    bank_transfer: String(windows.reserveDays.bankTransfer),
    tranches: String(plan.tranches.length),
    ...Object.fromEntries(
      plan.budgetLines.flatMap((line) => [
        [`line-${line.kind}-amountMinor`, typedMoney(line.amount)],
        [`line-${line.kind}-note`, line.note],
      ]),
    ),
    ...Object.fromEntries(
      plan.stretchGoals.flatMap((goal, at) => [
        [`stretch-${at}-title`, goal.title],
        [`stretch-${at}-unit`, goal.unit],
        [
          `stretch-${at}-amount`,
          goal.unit === 'CASH' ? typedMoney({ amountMinor: goal.amount, currency }) : hoursValue(goal.amount),
        ],
      ]),
    ),
    ...Object.fromEntries(
      plan.tranches.flatMap((tranche, at) => [
        [`tranche-${at}-title`, tranche.title],
        [`tranche-${at}-shareBp`, percentText(tranche.shareBp)],
        [`tranche-${at}-budgetKind`, tranche.budgetKind],
        [`tranche-${at}-kind`, tranche.evidence.kind],
        [`tranche-${at}-minTokens`, tranche.evidence.minTokens ?? ''],
        [`tranche-${at}-metric`, tranche.evidence.metric ?? ''],
        [`tranche-${at}-threshold`, tranche.evidence.threshold ?? ''],
        [`tranche-${at}-direction`, tranche.evidence.direction ?? ''],
        [`tranche-${at}-quorumBp`, tranche.evidence.quorumBp ? percentText(tranche.evidence.quorumBp) : ''],
        [`tranche-${at}-description`, tranche.evidence.description ?? ''],
      ]),
    ),
  };
}
