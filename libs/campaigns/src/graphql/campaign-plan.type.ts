import { Field, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, GpuTime, Money } from '#platform';

export enum BudgetKindEnum {
  COMPUTE = 'compute',
  STORAGE = 'storage',
  EVALUATION = 'evaluation',
  PEOPLE = 'people',
  RESERVE = 'reserve',
}
registerEnumType(BudgetKindEnum, {
  name: 'CampaignBudgetKind',
  description: 'What a part of the money is for.',
  valuesMap: {
    COMPUTE: { description: 'Renting GPU time.' },
    STORAGE: { description: 'Data, checkpoints and traffic.' },
    EVALUATION: { description: 'Measuring the model.' },
    PEOPLE: { description: 'Work of people.' },
    RESERVE: { description: 'Kept for what goes wrong.' },
  },
});

export enum EvidenceKindEnum {
  CHECKPOINT = 'checkpoint',
  EVALUATION = 'evaluation',
  MILESTONE_REPORT = 'milestone_report',
  VOTE = 'vote',
}
registerEnumType(EvidenceKindEnum, {
  name: 'CampaignEvidenceKind',
  description: 'What must be shown before a tranche leaves.',
  valuesMap: {
    CHECKPOINT: { description: 'A promoted checkpoint.' },
    EVALUATION: { description: 'The result of an evaluation.' },
    MILESTONE_REPORT: { description: 'A report of a milestone.' },
    VOTE: { description: 'A vote of the backers.' },
  },
});

export enum GoalUnitEnum {
  CASH = 'cash',
  COMPUTE = 'compute',
}
registerEnumType(GoalUnitEnum, {
  name: 'CampaignGoalUnit',
  description: 'What a goal is counted in.',
  valuesMap: {
    CASH: { description: "Money, in minor units of the campaign's currency." },
    COMPUTE: { description: "GPU time, in milliseconds of the campaign's accelerator class." },
  },
});

export enum ThresholdDirectionEnum {
  AT_LEAST = 'at_least',
  AT_MOST = 'at_most',
}
registerEnumType(ThresholdDirectionEnum, {
  name: 'CampaignThresholdDirection',
  description: 'On which side of the threshold a result must lie.',
  valuesMap: { AT_LEAST: { description: 'At it or above.' }, AT_MOST: { description: 'At it or below.' } },
});

export enum SurplusRuleEnum {
  RESERVE = 'reserve',
  OPTIMUM = 'optimum',
}
registerEnumType(SurplusRuleEnum, {
  name: 'CampaignSurplusRule',
  description: 'Where money above the minimum goes.',
  valuesMap: {
    RESERVE: { description: 'Into the reserve.' },
    OPTIMUM: { description: 'Into the plan up to the optimum, then into the reserve.' },
  },
});

@ObjectType({ description: 'A goal above the goal.' })
export class CampaignStretchGoal {
  @Field(() => Int, { description: 'Its place, counted from 1.' })
  number: number;
  @Field(() => String, { description: 'What more will be done.' })
  title: string;
  @Field(() => GoalUnitEnum, { description: 'What it is counted in.' })
  unit: string;
  @Field(() => BigIntScalar, { description: 'Minor units or milliseconds.' })
  amount: bigint;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was reached; null while it was not.' })
  reachedAt: Date | null;
}

@ObjectType({ description: 'One line of what the money is for.' })
export class CampaignBudgetLine {
  @Field(() => BudgetKindEnum, { description: 'What for.' })
  kind: string;
  @Field(() => Money, { description: 'How much.' })
  amount: Money;
  @Field(() => String, { description: 'How it was arrived at; may be empty.' })
  note: string;
}

@ObjectType({ description: 'What must be shown before a tranche leaves.' })
export class CampaignEvidenceTerms {
  @Field(() => EvidenceKindEnum, { description: 'What kind.' })
  kind: string;
  @Field(() => String, { nullable: true, description: 'Checkpoint: trained at least so many tokens; decimal text.' })
  minTokens?: string | undefined;
  @Field(() => String, { nullable: true, description: 'Evaluation: which metric.' })
  metric?: string | undefined;
  @Field(() => String, { nullable: true, description: 'Evaluation: the threshold, decimal text.' })
  threshold?: string | undefined;
  @Field(() => ThresholdDirectionEnum, { nullable: true, description: 'Evaluation: on which side of it.' })
  direction?: string | undefined;
  @Field(() => Int, { nullable: true, description: 'Vote: basis points of backers that must vote.' })
  quorumBp?: number | undefined;
  @Field(() => Int, { nullable: true, description: 'Vote: basis points of votes that must be exceeded.' })
  majorityBp?: number | undefined;
  @Field(() => Int, { nullable: true, description: 'Vote: how long it is open, in seconds.' })
  votingSeconds?: number | undefined;
  @Field(() => String, { nullable: true, description: 'In words.' })
  description?: string | undefined;
}

@ObjectType({ description: 'A share of the money and what it waits for.' })
export class CampaignTrancheTerms {
  @Field(() => Int, { description: 'Its place, counted from 1.' })
  number: number;
  @Field(() => String, { description: 'Title.' })
  title: string;
  @Field(() => Int, { description: 'Share of what was collected, in basis points.' })
  shareBp: number;
  @Field(() => BudgetKindEnum, { description: 'What it is for.' })
  budgetKind: string;
  @Field(() => CampaignEvidenceTerms, { description: 'What it waits for.' })
  evidence: CampaignEvidenceTerms;
}

@ObjectType({ description: 'For how long a share is held back for disputes, in days by rail.' })
export class CampaignReserveDays {
  @Field(() => Int, { description: 'Cards.' })
  card: number;
  @Field(() => Int, { description: 'US bank debits.' })
  usBankAccount: number;
  @Field(() => Int, { description: 'SEPA debits.' })
  sepaDebit: number;
  @Field(() => Int, { description: 'Bank transfers.' })
  bankTransfer: number;
}

@ObjectType({ description: 'How long things take.' })
export class CampaignWindows {
  @Field(() => Int, { description: 'For how long frozen pledges are charged, in seconds.' })
  settlementWindowSeconds: number;
  @Field(() => Int, { description: 'How often a failed charge is tried again, in seconds.' })
  retryEverySeconds: number;
  @Field(() => Int, { description: 'From success until the first money may leave, in seconds.' })
  safetyWindowSeconds: number;
  @Field(() => CampaignReserveDays, { description: 'For how long a share is held back.' })
  reserveDays: CampaignReserveDays;
}

@ObjectType({ description: 'The one extension that the terms allow.' })
export class CampaignExtensionTerms {
  @Field(() => Int, { description: 'By how much each goal may be missed, in basis points of itself.' })
  toleranceBp: number;
  @Field(() => Int, { description: 'How long it lasts, in days.' })
  days: number;
}

@ObjectType({ description: 'What backers agree to besides goal, model and deadline.' })
export class CampaignPlan {
  @Field(() => Money, { nullable: true, description: 'What the work would best have; null when there is no optimum.' })
  cashOptimum: Money | null;
  @Field(() => Money, { nullable: true, description: 'No pledge carries the campaign past it; null without a cap.' })
  hardCap: Money | null;
  @Field(() => [CampaignStretchGoal], { description: 'Goals above the goal, in their order.' })
  stretchGoals: CampaignStretchGoal[];
  @Field(() => Money, {
    nullable: true,
    description: 'Price of a GPU-hour at which surplus money may cover missing GPU time; null when nothing may.',
  })
  coverPricePerGpuHour: Money | null;
  @Field(() => GpuTime, { description: 'GPU time that is asked for, for the rule above.' })
  computeGoal: GpuTime;
  @Field(() => SurplusRuleEnum, { description: 'Where money above the minimum goes.' })
  surplus: string;
  @Field(() => [CampaignBudgetLine], { description: 'What the cash minimum is for.' })
  budgetLines: CampaignBudgetLine[];
  @Field(() => [CampaignTrancheTerms], {
    description: 'In which shares money leaves; empty: all at once after the safety window and its approvals.',
  })
  tranches: CampaignTrancheTerms[];
  @Field(() => Int, { description: 'How many people must approve a payout.' })
  approvalsRequired: number;
  @Field(() => [String], { description: 'Their pseudonyms; empty: any reviewer or treasurer of the project.' })
  approvers: string[];
  @Field(() => CampaignExtensionTerms, { nullable: true, description: 'Null when it is never extended.' })
  extension: CampaignExtensionTerms | null;
  @Field(() => CampaignWindows, { description: 'How long things take.' })
  windows: CampaignWindows;
}

@InputType({ description: 'A goal above the goal.' })
export class StretchGoalInput {
  @Field(() => String, { description: 'What more will be done, 3 to 120 characters.' })
  title: string;
  @Field(() => GoalUnitEnum, { description: 'What it is counted in.' })
  unit: GoalUnitEnum;
  @Field(() => BigIntScalar, { description: 'Minor units or milliseconds; above the goal and the goal before it.' })
  amount: bigint;
}

@InputType({ description: 'One line of what the money is for.' })
export class BudgetLineInput {
  @Field(() => BudgetKindEnum, { description: 'What for; one line per kind.' })
  kind: BudgetKindEnum;
  @Field(() => BigIntScalar, { nullable: true, description: 'Minor units. The compute line may leave it out.' })
  amountMinor?: bigint | null;
  @Field(() => String, { nullable: true, description: 'How it was arrived at, up to 300 characters.' })
  note?: string | null;
}

@InputType({ description: 'What must be shown before a tranche leaves.' })
export class TrancheEvidenceInput {
  @Field(() => EvidenceKindEnum, { description: 'What kind.' })
  kind: EvidenceKindEnum;
  @Field(() => String, { nullable: true, description: 'Checkpoint: at least so many tokens; decimal text.' })
  minTokens?: string | null;
  @Field(() => String, { nullable: true, description: 'Evaluation: which metric.' })
  metric?: string | null;
  @Field(() => String, { nullable: true, description: 'Evaluation: the threshold, decimal text.' })
  threshold?: string | null;
  @Field(() => ThresholdDirectionEnum, { nullable: true, description: 'Evaluation: on which side of it.' })
  direction?: ThresholdDirectionEnum | null;
  @Field(() => Int, { nullable: true, description: 'Vote: quorum in basis points; 0 when absent.' })
  quorumBp?: number | null;
  @Field(() => Int, { nullable: true, description: 'Vote: majority to exceed in basis points; 5000 when absent.' })
  majorityBp?: number | null;
  @Field(() => Int, { nullable: true, description: 'Vote: seconds; a week when absent.' })
  votingSeconds?: number | null;
  @Field(() => String, { nullable: true, description: 'In words; a milestone report needs it.' })
  description?: string | null;
}

@InputType({ description: 'A share of the money and what it waits for.' })
export class TrancheInput {
  @Field(() => String, { description: 'Title, 3 to 120 characters.' })
  title: string;
  @Field(() => Int, { description: 'Share in basis points; all shares make 10000.' })
  shareBp: number;
  @Field(() => BudgetKindEnum, { description: 'What it is for.' })
  budgetKind: BudgetKindEnum;
  @Field(() => TrancheEvidenceInput, { description: 'What it waits for.' })
  evidence: TrancheEvidenceInput;
}

@InputType({ description: 'For how long a share is held back for disputes, in days by rail; the usual when absent.' })
export class ReserveDaysInput {
  @Field(() => Int, { nullable: true, description: 'Cards.' })
  card?: number | null;
  @Field(() => Int, { nullable: true, description: 'US bank debits.' })
  usBankAccount?: number | null;
  @Field(() => Int, { nullable: true, description: 'SEPA debits.' })
  sepaDebit?: number | null;
  @Field(() => Int, { nullable: true, description: 'Bank transfers.' })
  bankTransfer?: number | null;
}

@InputType({ description: 'How long things take; the usual when absent.' })
export class CampaignWindowsInput {
  @Field(() => Int, { nullable: true, description: 'For how long frozen pledges are charged, in seconds.' })
  settlementWindowSeconds?: number | null;
  @Field(() => Int, { nullable: true, description: 'How often a failed charge is tried again, in seconds.' })
  retryEverySeconds?: number | null;
  @Field(() => Int, { nullable: true, description: 'From success until the first money may leave, in seconds.' })
  safetyWindowSeconds?: number | null;
  @Field(() => ReserveDaysInput, { nullable: true, description: 'For how long a share is held back.' })
  reserveDays?: ReserveDaysInput | null;
}

/** The part of a draft that a new campaign and a changed one share. */
@InputType({ isAbstract: true })
export class CampaignPlanFields {
  @Field(() => BigIntScalar, { nullable: true, description: 'What the work would best have; above the minimum.' })
  cashOptimumMinor?: bigint | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'No pledge carries the campaign past it.' })
  hardCapMinor?: bigint | null;
  @Field(() => [StretchGoalInput], { nullable: true, description: 'Goals above the goal, rising.' })
  stretchGoals?: StretchGoalInput[] | null;
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Price of a GPU-hour at which surplus money may cover missing GPU time; absent: nothing may.',
  })
  coverPricePerGpuHourMinor?: bigint | null;
  @Field(() => SurplusRuleEnum, { nullable: true, description: 'Where money above the minimum goes.' })
  surplus?: SurplusRuleEnum | null;
  @Field(() => [BudgetLineInput], { nullable: true, description: 'What the money is for; together the cash goal.' })
  budgetLines?: BudgetLineInput[] | null;
  @Field(() => [TrancheInput], { nullable: true, description: 'In which shares money leaves.' })
  tranches?: TrancheInput[] | null;
  @Field(() => Int, { nullable: true, description: 'How many people must approve a payout; 1 when absent.' })
  approvalsRequired?: number | null;
  @Field(() => [String], { nullable: true, description: 'Pseudonyms of who approves.' })
  approvers?: string[] | null;
  @Field(() => Int, { nullable: true, description: 'By how much goals may be missed for an extension, basis points.' })
  extensionToleranceBp?: number | null;
  @Field(() => Int, { nullable: true, description: 'How long the extension lasts, in days.' })
  extensionDays?: number | null;
  @Field(() => CampaignWindowsInput, { nullable: true, description: 'How long things take.' })
  windows?: CampaignWindowsInput | null;
}
