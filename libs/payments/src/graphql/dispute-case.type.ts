import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Connection, DateTimeScalar, Money, UserError } from '#platform';
import { PaymentRail } from './rail.type.js';

export enum DisputeStateEnum {
  INQUIRY = 'INQUIRY',
  OPEN = 'OPEN',
  WON = 'WON',
  LOST = 'LOST',
  CLOSED = 'CLOSED',
}
registerEnumType(DisputeStateEnum, {
  name: 'DisputeState',
  description: 'Where a dispute stands.',
  valuesMap: {
    INQUIRY: { description: 'The bank asks; no money moved.' },
    OPEN: { description: 'The bank took the money and has not decided.' },
    WON: { description: 'The bank gave back, all of it or a part.' },
    LOST: { description: 'The money is gone.' },
    CLOSED: { description: 'An inquiry that became no dispute.' },
  },
});

@ObjectType({ description: 'A charge that its payer disputes with his bank, and who answers it.' })
export class DisputeCase {
  @Field(() => ID, { description: 'Opaque id.' })
  id!: string;
  @Field(() => DisputeStateEnum, { description: 'Where it stands.' })
  state!: DisputeStateEnum;
  @Field(() => Money, { description: 'What is disputed.' })
  amount!: Money;
  @Field(() => Money, { description: 'What the processor charges for it.' })
  fee!: Money;
  @Field(() => Money, { description: 'What the bank gave back.' })
  reinstated!: Money;
  @Field(() => PaymentRail, { description: 'How it was paid.' })
  rail!: string;
  @Field(() => String, { description: 'Why, the processor’s word.' })
  reason!: string;
  @Field(() => Boolean, { description: 'Whether the bank waits for an answer.' })
  answerDue!: boolean;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when an answer counts.' })
  respondBy!: Date | null;
  @Field(() => ID, { description: 'The campaign or pool that the payment was for: its plain id.' })
  beneficiaryId!: string;
  @Field(() => String, { nullable: true, description: 'Pseudonym of who has it in hand.' })
  owner!: string | null;
  @Field(() => DateTimeScalar, { description: 'When it was opened.' })
  openedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was answered, or the money left to its payer.' })
  answeredAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ended.' })
  closedAt!: Date | null;
}

export const DisputeCaseConnection = Connection(DisputeCase);

@InputType({ description: 'The dispute that a step is for.' })
export class DisputeStepInput {
  @Field(() => ID, { description: 'The dispute.' })
  disputeId!: string;
}

@InputType({ description: 'What the bank is told.' })
export class DisputeAnswerInput {
  @Field(() => ID, { description: 'The dispute, which the caller has in hand.' })
  disputeId!: string;
  @Field(() => String, {
    description: 'Why the charge is right, 1 to 20,000 characters. It goes to the bank and is not kept here.',
  })
  answer!: string;
}

@ObjectType({ description: 'The dispute after the step.' })
export class DisputePayload {
  @Field(() => DisputeCase, { nullable: true, description: 'The dispute; null when the step was refused.' })
  dispute!: DisputeCase | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors!: UserError[];
}
