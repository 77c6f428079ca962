import { Field, Int, ObjectType } from '@nestjs/graphql';
import { DateTimeScalar, Money } from '#platform';
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

@ObjectType({ description: 'How books, processor, bank and meters stand to each other.' })
export class ReconciliationSummary {
  @Field(() => [ReconciliationFigures], { description: 'The sides in figures, one entry a currency.' })
  figures!: ReconciliationFigures[];
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
