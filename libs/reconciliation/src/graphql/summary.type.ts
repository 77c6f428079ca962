import { Field, Int, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, GpuTime, Money } from '#platform';
import { ReconciliationCaseKind } from './case.type.js';

@ObjectType({ description: 'What books, processor and bank say of one currency.' })
export class ReconciliationFigures {
  @Field(() => Money, { description: 'What the books say that the processor holds.' })
  bookedAtProcessor!: Money;
  @Field(() => Money, { description: 'What the processor says that it holds, summed from all that it moved.' })
  saidByProcessor!: Money;
  @Field(() => Money, { description: 'What the books say is between the processor and the bank.' })
  bookedInTransit!: Money;
  @Field(() => Money, { description: 'What the books say is at the bank.' })
  bookedAtBank!: Money;
  @Field(() => Money, { description: 'What the lines of the bank statements add up to.' })
  saidByBank!: Money;
  @Field(() => Money, { description: 'Bank transfers of donors that are not applied to a pledge yet, by the books.' })
  donorCash!: Money;
  @Field(() => Money, { description: 'What the processor says that it holds for donors.' })
  donorCashAtProcessor!: Money;
  @Field(() => Money, { description: 'Fees of the processor, by the books.' })
  fees!: Money;
}

@ObjectType({ description: 'How many differences of one kind are open.' })
export class ReconciliationKindCount {
  @Field(() => ReconciliationCaseKind, { description: 'What differs.' })
  kind!: ReconciliationCaseKind;
  @Field(() => Int, { description: 'Cases in which somebody still has to act.' })
  open!: number;
}

@ObjectType({ description: 'GPU time of ended leases of one class, as each place that keeps it says.' })
export class ReconciliationGpuFigures {
  @Field(() => GpuTime, { description: 'What the books say was delivered.' })
  booked!: GpuTime;
  @Field(() => GpuTime, { description: 'What the leases metered.' })
  metered!: GpuTime;
  @Field(() => GpuTime, { description: 'What the usage records say.' })
  recorded!: GpuTime;
}

@ObjectType({ description: 'What is open in one unit.' })
export class ReconciliationOpenDifference {
  @Field(() => String, { description: 'Minor units of an ISO 4217 currency, or ms of GPU time.' })
  unit!: string;
  @Field(() => Int, { description: 'Cases in which somebody still has to act.' })
  cases!: number;
  @Field(() => BigIntScalar, { description: 'Their differences added up, each counted above zero.' })
  difference!: bigint;
}

@ObjectType({ description: 'Whether books, processor, bank and meters say the same: what anybody may know.' })
export class ReconciliationStatus {
  @Field(() => DateTimeScalar, { nullable: true, description: 'When all sides were compared last; null before.' })
  comparedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: "Until when the processor's movements were read." })
  processorReadUntil!: Date | null;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: "Until when the processor's events were compared with those received, and the missing ones fetched.",
  })
  eventsBackfilledUntil!: Date | null;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the oldest open difference was found; null without one.',
  })
  oldestOpenedAt!: Date | null;
  @Field(() => [ReconciliationOpenDifference], {
    description: 'What is open, one entry a unit; empty when nobody has to act.',
  })
  openDifferences!: ReconciliationOpenDifference[];
  @Field(() => Int, { description: 'Differences that are there still and were explained by an operator.' })
  explainedCases!: number;
}

@ObjectType({ description: 'An operator, who may have cases in hand.' })
export class ReconciliationOperator {
  @Field(() => String, { description: 'The pseudonym that cases name.' })
  pseudonym!: string;
  @Field(() => String, { nullable: true, description: 'The name that the operator chose.' })
  displayName!: string | null;
}

@ObjectType({ description: 'How books, processor, bank and meters stand to each other.' })
export class ReconciliationSummary {
  @Field(() => [ReconciliationFigures], { description: 'The sides in figures, one entry a currency.' })
  figures!: ReconciliationFigures[];
  @Field(() => [ReconciliationGpuFigures], { description: 'GPU time in figures, one entry an accelerator class.' })
  gpuFigures!: ReconciliationGpuFigures[];
  @Field(() => [ReconciliationOperator], { description: 'Who may have cases in hand; the first 100.' })
  operators!: ReconciliationOperator[];
  @Field(() => [ReconciliationKindCount], { description: 'What is open, one entry a kind that has an open case.' })
  openCases!: ReconciliationKindCount[];
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the oldest open case was found; null without one.',
  })
  oldestOpenedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: "Until when the processor's movements were read." })
  processorReadUntil!: Date | null;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: "Until when the processor's events were compared with those received, and the missing ones fetched.",
  })
  eventsBackfilledUntil!: Date | null;
}
