import { Field, ID, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar } from '#platform';
import { ReconciliationCase, ReconciliationCaseStateEnum } from './case.type.js';
import { ReconciliationCorrection } from './correction.type.js';
import { BankLine, BankMatchCandidate } from './match.type.js';

export enum ReconciliationSide {
  LEDGER = 'ledger',
  PROCESSOR = 'processor',
  BANK = 'bank',
  METER = 'meter',
}
registerEnumType(ReconciliationSide, {
  name: 'ReconciliationSide',
  description: 'Who says something of a subject.',
  valuesMap: {
    LEDGER: { description: 'Our books.' },
    PROCESSOR: { description: 'The payment processor.' },
    BANK: { description: "The platform's bank." },
    METER: { description: 'What counts GPU time: lease, usage record, heartbeats.' },
  },
});

@ObjectType({ description: 'One movement of the subject of a case, as one side says it.' })
export class ReconciliationSaying {
  @Field(() => ReconciliationSide, { description: 'Who says it.' })
  side!: ReconciliationSide;
  @Field(() => String, { description: 'What it is, in the words of that side.' })
  what!: string;
  @Field(() => String, { description: 'How it is called there.' })
  reference!: string;
  @Field(() => BigIntScalar, {
    description: 'In the unit of the case; positive came to the compared account, or was counted.',
  })
  amount!: bigint;
  @Field(() => BigIntScalar, { nullable: true, description: 'Fee that the processor took of it, in the same unit.' })
  fee!: bigint | null;
  @Field(() => DateTimeScalar, { description: 'When it happened there.' })
  at!: Date;
  @Field(() => ID, { nullable: true, description: 'The ledger transfer, of our books.' })
  transferId!: string | null;
  @Field(() => String, { nullable: true, description: 'Code of the account that was compared, of our books.' })
  account!: string | null;
}

@ObjectType({ description: 'A step of a case.' })
export class ReconciliationCaseStep {
  @Field(() => ReconciliationCaseStateEnum, { description: 'Where the case stood from then on.' })
  state!: ReconciliationCaseStateEnum;
  @Field(() => String, { nullable: true, description: 'Pseudonym of who had it in hand.' })
  owner!: string | null;
  @Field(() => String, { nullable: true, description: 'What was said.' })
  note!: string | null;
  @Field(() => BigIntScalar, { description: 'What should have been there.' })
  expected!: bigint;
  @Field(() => BigIntScalar, { description: 'What was there.' })
  found!: bigint;
  @Field(() => DateTimeScalar, { description: 'When it was taken.' })
  at!: Date;
}

@ObjectType({ description: 'What a correction of a case has to do, to the unit.' })
export class ReconciliationNeededCorrection {
  @Field(() => String, { description: 'Code of the account that was compared.' })
  account!: string;
  @Field(() => Boolean, { description: 'Whether it is the debit of the correction; the credit otherwise.' })
  isDebit!: boolean;
  @Field(() => BigIntScalar, { description: 'Minor units.' })
  amountMinor!: bigint;
  @Field(() => [String], { description: 'Codes of the accounts that may stand on the other side.' })
  counterAccounts!: string[];
}

@ObjectType({ description: 'A case with what each side says of it, what was done about it and what can be done.' })
export class ReconciliationCaseRecord {
  @Field(() => ReconciliationCase, { description: 'The case.' })
  reconciliationCase!: ReconciliationCase;
  @Field(() => [ReconciliationSaying], { description: 'What the sides say, oldest first, at most 100 of each side.' })
  sayings!: ReconciliationSaying[];
  @Field(() => [ReconciliationCaseStep], { description: 'Its steps, oldest first; the newest 200.' })
  steps!: ReconciliationCaseStep[];
  @Field(() => [ReconciliationCorrection], { description: 'Its corrections, oldest first, at most 100.' })
  corrections!: ReconciliationCorrection[];
  @Field(() => ReconciliationNeededCorrection, {
    nullable: true,
    description: 'The transfer that would take it away; null when it is closed, or no transfer can.',
  })
  neededCorrection!: ReconciliationNeededCorrection | null;
  @Field(() => BankLine, { nullable: true, description: 'The bank line that it is about, if it is about one.' })
  bankLine!: BankLine | null;
  @Field(() => [BankMatchCandidate], { description: 'What that line may be; at most 40.' })
  candidates!: BankMatchCandidate[];
}
