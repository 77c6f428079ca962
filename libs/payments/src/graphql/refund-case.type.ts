import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Connection, DateTimeScalar, Money, UserError } from '#platform';

export enum RefundCaseStateEnum {
  OPEN = 'open',
  TAKEN = 'taken',
  RESOLVED = 'resolved',
}
registerEnumType(RefundCaseStateEnum, {
  name: 'RefundCaseState',
  description: 'Where a refund that did not reach its owner stands.',
  valuesMap: {
    OPEN: { description: 'Nobody has it in hand.' },
    TAKEN: { description: 'Somebody has it in hand.' },
    RESOLVED: { description: 'It is over.' },
  },
});

export enum RefundCaseResolutionEnum {
  RETRIED = 'retried',
  PAID_OTHERWISE = 'paid_otherwise',
  WRITTEN_OFF = 'written_off',
}
registerEnumType(RefundCaseResolutionEnum, {
  name: 'RefundCaseResolution',
  description: 'How a refund that did not reach its owner ends.',
  valuesMap: {
    RETRIED: { description: 'The same money is refunded once more.' },
    PAID_OTHERWISE: { description: "The platform's bank account paid it." },
    WRITTEN_OFF: { description: 'It can not be paid, for the reason given.' },
  },
});

@ObjectType({
  description: 'A refund that did not reach its owner. Its money stays set aside until the case is resolved.',
})
export class RefundCase {
  @Field(() => ID, { description: 'Opaque id.' })
  id!: string;
  @Field(() => RefundCaseStateEnum, { description: 'Where it stands.' })
  state!: RefundCaseStateEnum;
  @Field(() => Money, { description: 'What is owed.' })
  amount!: Money;
  @Field(() => String, { description: "Why it failed, the processor's word." })
  failureCode!: string;
  @Field(() => ID, { description: 'The campaign or pool that the payment was for: its plain id.' })
  beneficiaryId!: string;
  @Field(() => String, { nullable: true, description: 'Pseudonym of who has it in hand.' })
  owner!: string | null;
  @Field(() => RefundCaseResolutionEnum, { nullable: true, description: 'How it ended.' })
  resolution!: RefundCaseResolutionEnum | null;
  @Field(() => String, { nullable: true, description: 'Why, in the words of who ended it.' })
  note!: string | null;
  @Field(() => DateTimeScalar, { description: 'When the refund failed.' })
  openedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was taken in hand last.' })
  takenAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was resolved.' })
  resolvedAt!: Date | null;
}

export const RefundCaseConnection = Connection(RefundCase);

@InputType({ description: 'The case to take in hand.' })
export class RefundCaseTakeInput {
  @Field(() => ID, { description: 'The case.' })
  refundCaseId!: string;
}

@InputType({ description: 'How a case ends.' })
export class RefundCaseResolveInput {
  @Field(() => ID, { description: 'The case, which the caller has in hand.' })
  refundCaseId!: string;
  @Field(() => RefundCaseResolutionEnum, { description: 'The way out.' })
  resolution!: RefundCaseResolutionEnum;
  @Field(() => String, {
    description: 'Why, 1 to 500 characters; the reference of the payment that was made otherwise.',
  })
  note!: string;
}

@ObjectType({ description: 'The case after the change.' })
export class RefundCasePayload {
  @Field(() => RefundCase, { nullable: true, description: 'The case; null when the change was refused.' })
  refundCase!: RefundCase | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors!: UserError[];
}

@ObjectType({ description: 'What refunds under way need at the processor, in one currency.' })
export class RefundTopUp {
  @Field(() => Money, { description: 'Refunds that are asked for and have not left.' })
  due!: Money;
  @Field(() => Money, { description: 'What the processor can pay out now.' })
  available!: Money;
  @Field(() => Money, { description: 'What has to be brought to the processor before all of them can leave.' })
  short!: Money;
}
