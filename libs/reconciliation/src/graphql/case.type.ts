import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, Connection, DateTimeScalar, UserError } from '#platform';

export enum ReconciliationCaseStateEnum {
  OPEN = 'open',
  ASSIGNED = 'assigned',
  EXPLAINED = 'explained',
  CORRECTED = 'corrected',
  REOPENED = 'reopened',
}
registerEnumType(ReconciliationCaseStateEnum, {
  name: 'ReconciliationCaseState',
  description: 'Where a difference between books, processor, bank and meters stands.',
  valuesMap: {
    OPEN: { description: 'Nobody has it in hand.' },
    ASSIGNED: { description: 'An operator has it in hand.' },
    EXPLAINED: { description: 'It is right as it stands, for the reason given.' },
    CORRECTED: { description: 'The difference is gone.' },
    REOPENED: { description: 'It came back, or changed after it was explained.' },
  },
});

export enum ReconciliationCaseKind {
  MISSING_IN_LEDGER = 'missing_in_ledger',
  MISSING_AT_PROCESSOR = 'missing_at_processor',
  AMOUNT_DIFFERS = 'amount_differs',
  FEE_DIFFERS = 'fee_differs',
  CURRENCY_DIFFERS = 'currency_differs',
  MISSING_IN_BANK = 'missing_in_bank',
  BANK_AMOUNT_DIFFERS = 'bank_amount_differs',
  UNEXPECTED_BANK_LINE = 'unexpected_bank_line',
  DUPLICATE = 'duplicate',
  DONOR_CASH_DIFFERS = 'donor_cash_differs',
  GPU_TIME_DIFFERS = 'gpu_time_differs',
}
registerEnumType(ReconciliationCaseKind, {
  name: 'ReconciliationCaseKind',
  description: 'What differs.',
  valuesMap: {
    MISSING_IN_LEDGER: { description: 'The processor moved money that is not in the books.' },
    MISSING_AT_PROCESSOR: { description: 'The books have money that the processor did not move.' },
    AMOUNT_DIFFERS: { description: 'Books and processor name two amounts.' },
    FEE_DIFFERS: { description: 'Books and processor name two fees.' },
    CURRENCY_DIFFERS: { description: 'Two sides name two currencies.' },
    MISSING_IN_BANK: { description: 'A payout did not reach the bank in seven days.' },
    BANK_AMOUNT_DIFFERS: { description: 'The bank shows another amount than the payout has.' },
    UNEXPECTED_BANK_LINE: { description: 'A bank line names no payout.' },
    DUPLICATE: { description: 'The bank shows a payout that had arrived already.' },
    DONOR_CASH_DIFFERS: { description: 'The processor holds another amount for a donor than the books say.' },
    GPU_TIME_DIFFERS: { description: 'Booked, metered and recorded GPU time of a lease are not the same.' },
  },
});

@ObjectType({
  description: 'A difference of at least one unit, with an age and an owner, until both sides say the same.',
})
export class ReconciliationCase {
  @Field(() => ID, { description: 'Opaque id.' })
  id!: string;
  @Field(() => ReconciliationCaseKind, { description: 'What differs.' })
  kind!: ReconciliationCaseKind;
  @Field(() => ReconciliationCaseStateEnum, { description: 'Where it stands.' })
  state!: ReconciliationCaseStateEnum;
  @Field(() => String, { description: 'What it is about: a kind of thing and its plain id, parted by a colon.' })
  subject!: string;
  @Field(() => String, { description: 'What is counted: minor units of an ISO 4217 currency, or ms of GPU time.' })
  unit!: string;
  @Field(() => BigIntScalar, { description: 'What should be there, in the unit.' })
  expected!: bigint;
  @Field(() => BigIntScalar, { description: 'What is there, in the unit.' })
  found!: bigint;
  @Field(() => String, { nullable: true, description: 'Pseudonym of the operator who has it in hand.' })
  owner!: string | null;
  @Field(() => String, { nullable: true, description: 'Why it is right as it stands, or how it went away.' })
  note!: string | null;
  @Field(() => DateTimeScalar, { description: 'When the difference was found first.' })
  openedAt!: Date;
  @Field(() => DateTimeScalar, { description: 'When its state or its figures changed last.' })
  changedAt!: Date;
}

export const ReconciliationCaseConnection = Connection(ReconciliationCase);

@InputType({ description: 'The case to take in hand.' })
export class ReconciliationCaseAssignInput {
  @Field(() => ID, { description: 'The case.' })
  caseId!: string;
  @Field(() => String, {
    nullable: true,
    description: 'Pseudonym of the operator to give it to; the caller when left out.',
  })
  to?: string | null;
}

@InputType({ description: 'Why a difference is right as it stands.' })
export class ReconciliationCaseExplainInput {
  @Field(() => ID, { description: 'The case, which the caller has in hand.' })
  caseId!: string;
  @Field(() => String, {
    description: 'Why, 1 to 500 characters: the reference at the bank or the processor. Name no person.',
  })
  note!: string;
}

@ObjectType({ description: 'The case after the change.' })
export class ReconciliationCasePayload {
  @Field(() => ReconciliationCase, { nullable: true, description: 'The case; null when the change was refused.' })
  reconciliationCase!: ReconciliationCase | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors!: UserError[];
}
