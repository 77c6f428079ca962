import { describe, expect, it } from 'vitest';
import type { Plan } from '../api/campaign.shapes.js';
import { parseDays, parseMoney, parsePercent } from '../format/parse.js';
import { span } from '../format/span.js';
import { atControls, planValues, readPlan, trancheCount } from './plan.input.js';

const usd = (amountMinor: string) => ({ amountMinor, currency: 'USD' });
const PLAN: Plan = {
  cashOptimum: usd('3000050'),
  hardCap: usd('20000000000'),
  stretchGoals: [{ number: 1, title: 'More', unit: 'COMPUTE', amount: '7200000', reachedAt: null }],
  coverPricePerGpuHour: usd('250'),
  surplus: 'OPTIMUM',
  budgetLines: [{ kind: 'PEOPLE', amount: usd('100000'), note: 'Two of them' }],
  tranches: [
    {
      number: 1,
      title: 'Half',
      shareBp: 5050,
      budgetKind: 'PEOPLE',
      evidence: { kind: 'CHECKPOINT', minTokens: '1000' },
    },
    { number: 2, title: 'Rest', shareBp: 4950, budgetKind: 'COMPUTE', evidence: { kind: 'VOTE', quorumBp: 1250 } },
  ],
  approvalsRequired: 2,
  approvers: ['a', 'b'],
  extension: { toleranceBp: 250, days: 14 },
  windows: {
    settlementWindowSeconds: 604_800,
    retryEverySeconds: 43_200,
    safetyWindowSeconds: 1_209_600,
    reserveDays: { card: 120, usBankAccount: 60, sepaDebit: 56, bankTransfer: 0 },
  },
};
const CAMPAIGN = {
  plan: PLAN,
  fundingModel: 'TRANCHES',
  cashGoal: usd('100000'),
  computeGoal: { milliseconds: '3600000', class: 'h100' },
  deadline: null,
};

describe('the form of a plan', () => {
  it('sends back what it was drawn from, to the unit', () => {
    const { input, errors } = readPlan(new URLSearchParams(planValues(CAMPAIGN)), 'USD');
    expect(errors).toEqual([]);
    expect(input).toMatchObject({
      fundingModel: 'TRANCHES',
      cashOptimumMinor: '3000050',
      hardCapMinor: '20000000000',
      coverPricePerGpuHourMinor: '250',
      budgetLines: [{ kind: 'PEOPLE', amountMinor: '100000', note: 'Two of them' }],
      stretchGoals: [{ title: 'More', unit: 'COMPUTE', amount: '7200000' }],
      tranches: [
        { title: 'Half', shareBp: 5050, evidence: { kind: 'CHECKPOINT', minTokens: '1000' } },
        { title: 'Rest', shareBp: 4950, evidence: { kind: 'VOTE', quorumBp: 1250 } },
      ],
      approvalsRequired: 2,
      approvers: ['a', 'b'],
      extensionToleranceBp: 250,
      extensionDays: 14,
      windows: { settlementWindowSeconds: 604_800, retryEverySeconds: 43_200, reserveDays: { usBankAccount: 60 } },
    });
  });

  it('says which control is wrong, its own and those that the API names', () => {
    const form = new URLSearchParams({
      hardCapMinor: 'much',
      safetyWindowSeconds: 'soon',
      'line-PEOPLE-amountMinor': '12',
      'stretch-0-title': 'More',
      tranches: '1',
      'tranche-0-title': 'Half',
      'tranche-0-shareBp': '101',
    });
    const { errors } = readPlan(form, 'USD');
    expect(errors.map(({ path }) => path?.at(-1))).toEqual([
      'stretch-0-amount',
      'tranche-0-shareBp',
      'hardCapMinor',
      'safetyWindowSeconds',
    ]);
    const refused = (path: string[]) => ({ code: 'X', message: '', hint: null, path });
    const named = atControls(
      [
        refused(['input', 'budgetLines', '0', 'amountMinor']),
        refused(['input', 'budgetLines']),
        refused(['input', 'tranches', '0', 'evidence', 'minTokens']),
        refused(['input', 'stretchGoals', '0', 'title']),
        refused(['input', 'hardCapMinor']),
      ],
      form,
    );
    expect(named.map(({ path }) => path?.at(-1))).toEqual([
      'line-PEOPLE-amountMinor',
      'budgetLines',
      'tranche-0-minTokens',
      'stretch-0-title',
      'hardCapMinor',
    ]);
  });

  it('shows one tranche more when it is asked for, up to twelve', () => {
    expect(trancheCount(() => '2', true)).toBe(3);
    expect(trancheCount(() => '12', true)).toBe(12);
    expect(trancheCount(() => 'x', false)).toBe(0);
  });
});

describe('what is typed', () => {
  it('is read in the currency, in percent and in days', () => {
    expect([parseMoney('1,250.5', 'USD'), parseMoney('1250', 'JPY'), parseMoney('1250.5', 'JPY')]).toEqual([
      125_050n,
      1_250n,
      null,
    ]);
    expect([parsePercent('12.5'), parsePercent('100'), parsePercent('100.01')]).toEqual([1_250, 10_000, null]);
    expect([parseDays('14'), parseDays('0.5'), parseDays('-1')]).toEqual([1_209_600, 43_200, null]);
    expect([span(604_800), span(43_200), span(90), span(1)]).toEqual(['7 days', '12 hours', '90 seconds', '1 second']);
  });
});
