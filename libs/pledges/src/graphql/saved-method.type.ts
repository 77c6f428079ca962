import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { Connection, DateTimeScalar, Money, UserError } from '#platform';
import { PaymentRail } from '#payments';

@ObjectType('SavedMethodUse', { description: 'What a saved card or account is to be charged for.' })
export class MethodUseType {
  @Field(() => ID, { nullable: true, description: 'Global id of a pledge that waits for its charge.' })
  pledgeId: string | null;
  @Field(() => ID, { nullable: true, description: 'Global id of a monthly pledge.' })
  planId: string | null;
  @Field(() => Money, { description: 'How much, for a monthly pledge each month.' })
  amount: Money;
  /** Database id of the campaign, for its resolver. Not in the schema. */
  campaignKey: string;
}

@ObjectType('SavedMethod', {
  description: 'A card or an account of one’s own that may be charged later. What it is stays with the processor.',
})
export class SavedMethodType {
  @Field(() => ID, { description: 'Opaque id.' })
  id: string;
  @Field(() => PaymentRail, { description: 'What it is.' })
  rail: string;
  @Field(() => String, { nullable: true, description: 'Network of the card or name of the bank, where it is known.' })
  brand: string | null;
  @Field(() => String, { nullable: true, description: 'Its last four digits, where they are known.' })
  last4: string | null;
  @Field(() => String, { nullable: true, description: 'The month in which the card ends, as "2030-12".' })
  expires: string | null;
  @Field(() => DateTimeScalar, { description: 'When it was saved.' })
  savedAt: Date;
  @Field(() => [MethodUseType], { description: 'What it is to be charged for; nothing where all was paid.' })
  uses: MethodUseType[];
}

export const SavedMethodConnection = Connection(SavedMethodType, 'SavedMethod');

@InputType({ description: 'The card or account to remove.' })
export class SavedMethodRemoveInput {
  @Field(() => ID, { description: 'Opaque id of the saved method.' })
  methodId: string;
}

@ObjectType({ description: 'Outcome of savedMethodRemove.' })
export class SavedMethodRemovePayload {
  @Field(() => ID, { nullable: true, description: 'What was removed; null when refused.' })
  methodId: string | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}
