import { GpuTime, Money } from '#platform';
import type { CampaignPlan as Plan } from '../domain/campaign-plan.rule.js';
import type { WindowsDraft } from '../domain/window.rule.js';
import type { CampaignPlan, CampaignWindowsInput } from './campaign-plan.type.js';

/** A plan as GraphQL shows it. `reached` tells when which stretch goal was reached, by number. */
export function toPlan(
  plan: Plan,
  of: { readonly currency: string; readonly computeGoalMs: bigint; readonly gpuClass: string },
  reached: Readonly<Record<string, string>>,
): CampaignPlan {
  const money = (minor: string | null) => (minor === null ? null : Money.of(BigInt(minor), of.currency));
  const { shortfall, windows } = plan;
  return {
    cashOptimum: money(plan.cashOptimumMinor),
    hardCap: money(plan.hardCapMinor),
    stretchGoals: plan.stretchGoals.map((goal, index) => ({
      ...goal,
      number: index + 1,
      amount: BigInt(goal.amount),
      reachedAt: reached[index + 1] ? new Date(reached[index + 1] ?? 0) : null,
    })),
    coverPricePerGpuHour: shortfall.rule === 'none' ? null : money(shortfall.pricePerGpuHourMinor),
    computeGoal: GpuTime.of(of.computeGoalMs, of.gpuClass),
    surplus: plan.surplus,
    budgetLines: plan.budgetLines.map((line) => ({
      kind: line.kind,
      amount: Money.of(BigInt(line.amountMinor), of.currency),
      note: line.note,
    })),
    tranches: plan.tranches.map((tranche, index) => ({ ...tranche, number: index + 1 })),
    approvalsRequired: plan.approvalsRequired,
    approvers: [...plan.approvers],
    extension: plan.extension,
    windows: {
      ...windows,
      reserveDays: {
        card: windows.reserveDays.card,
        usBankAccount: windows.reserveDays.us_bank_account,
        sepaDebit: windows.reserveDays.sepa_debit,
        bankTransfer: windows.reserveDays.bank_transfer,
      },
    },
  };
}

/** Windows as they are asked for, with the rails under the names that terms use. */
export function windowsDraft(input: CampaignWindowsInput | null | undefined): WindowsDraft | null | undefined {
  if (input == null) return input;
  const days = input.reserveDays;
  return {
    settlementWindowSeconds: input.settlementWindowSeconds,
    retryEverySeconds: input.retryEverySeconds,
    safetyWindowSeconds: input.safetyWindowSeconds,
    reserveDays: days && {
      card: days.card,
      us_bank_account: days.usBankAccount,
      sepa_debit: days.sepaDebit,
      bank_transfer: days.bankTransfer,
    },
  };
}
