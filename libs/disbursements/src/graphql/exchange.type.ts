import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, Money, UserError } from '#platform';

@ObjectType({
  description: 'Money of a campaign exchanged into the currency that it pays out in, or what that would be.',
})
export class DisbursementExchange {
  @Field(() => Money, { description: 'What is given.' })
  gives: Money;
  @Field(() => Money, { description: 'What is got for it: by the exact rate, rounded down once.' })
  gets: Money;
  @Field(() => String, {
    description: 'The rate as decimal text, cut after 12 digits: units got for one unit given.',
  })
  rate: string;
  @Field(() => String, { description: 'The exact rate as it was published: a decimal over a decimal.' })
  rateExact: string;
  @Field(() => String, { description: 'Day of the rate, ISO.' })
  rateAsOf: string;
  @Field(() => String, { description: 'Who published it.' })
  rateSource: string;
  @Field(() => Money, { description: 'What escrow of the currency given holds free.' })
  available: Money;
}

@InputType({ description: 'Which money to exchange into the currency of the payouts.' })
export class DisbursementExchangePreviewInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => String, { description: 'The currency that is given, ISO 4217.' })
  currency: string;
  @Field(() => BigIntScalar, { description: 'How much of it, minor units.' })
  amountMinor: bigint;
}

@InputType({ description: 'The money to exchange, and the name of the request.' })
export class DisbursementExchangeInput extends DisbursementExchangePreviewInput {
  @Field(() => String, { description: 'Your own key for the request: asking twice with it is asking once.' })
  idempotencyKey: string;
}

@ObjectType({ description: 'What became of an exchange, or of asking what it would be.' })
export class DisbursementExchangePayload {
  @Field(() => DisbursementExchange, { nullable: true, description: 'The exchange; null when refused.' })
  exchange: DisbursementExchange | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors: UserError[];
}
