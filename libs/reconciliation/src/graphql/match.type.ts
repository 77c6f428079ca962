import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { Connection, DateTimeScalar, Money, UserError } from '#platform';

@ObjectType({ description: 'What a bank line is.' })
export class BankMatch {
  @Field(() => String, { nullable: true, description: 'The payout of the processor, if it is one.' })
  payoutId!: string | null;
  @Field(() => String, { description: "Key of the transfer that holds the line's amount at the bank." })
  ledgerKey!: string;
  @Field(() => String, { nullable: true, description: 'Pseudonym of who said so; null when the comparison found it.' })
  matchedBy!: string | null;
  @Field(() => String, { nullable: true, description: 'Why, in the words of who said so.' })
  note!: string | null;
  @Field(() => DateTimeScalar, { description: 'When it was matched.' })
  matchedAt!: Date;
}

@ObjectType({
  description: 'A booked line of a bank account of the platform. Names and texts are the words of the bank.',
})
export class BankLine {
  @Field(() => ID, { description: 'Opaque id.' })
  id!: string;
  @Field(() => String, { description: 'IBAN or number of the account.' })
  account!: string;
  @Field(() => String, { description: "The bank's reference, or a digest of the line." })
  reference!: string;
  @Field(() => String, { description: 'Day of booking, YYYY-MM-DD.' })
  bookedOn!: string;
  @Field(() => Money, { description: 'Positive came in, negative went out.' })
  amount!: Money;
  @Field(() => [String], { description: 'What was written along.' })
  texts!: readonly string[];
  @Field(() => String, { nullable: true, description: 'Who is on the other side.' })
  counterparty!: string | null;
  @Field(() => BankMatch, { nullable: true, description: 'What it is; null while nobody knows.' })
  match!: BankMatch | null;
}

export const BankLineConnection = Connection(BankLine);

@ObjectType({ description: 'Something of exactly the amount of a bank line that nothing is matched with yet.' })
export class BankMatchCandidate {
  @Field(() => String, { nullable: true, description: 'A payout of the processor.' })
  payoutId!: string | null;
  @Field(() => ID, { nullable: true, description: 'A ledger transfer at the bank.' })
  transferId!: string | null;
  @Field(() => String, { description: 'What it is.' })
  what!: string;
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  at!: Date;
}

@InputType({ description: 'What a bank line is: a payout or a transfer, and why.' })
export class BankLineMatchInput {
  @Field(() => ID, { description: 'The line.' })
  lineId!: string;
  @Field(() => String, { nullable: true, description: 'The payout of the processor; or else the transfer.' })
  payoutId?: string | null;
  @Field(() => ID, { nullable: true, description: 'The ledger transfer; or else the payout.' })
  transferId?: string | null;
  @Field(() => String, { description: 'Why, 1 to 500 characters. Name no person.' })
  note!: string;
}

@InputType({ description: 'A match that is wrong.' })
export class BankLineUnmatchInput {
  @Field(() => ID, { description: 'The line.' })
  lineId!: string;
  @Field(() => String, { description: 'Why it is wrong, 1 to 500 characters. Name no person.' })
  reason!: string;
}

@ObjectType({ description: 'The line after the change.' })
export class BankLinePayload {
  @Field(() => BankLine, { nullable: true, description: 'The line; null when the change was refused.' })
  bankLine!: BankLine | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors!: UserError[];
}
