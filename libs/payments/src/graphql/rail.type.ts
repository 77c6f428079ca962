import { Field, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, Money } from '#platform';

export enum PaymentRail {
  CARD = 'card',
  US_BANK_ACCOUNT = 'us_bank_account',
  SEPA_DEBIT = 'sepa_debit',
  BANK_TRANSFER = 'bank_transfer',
}
registerEnumType(PaymentRail, {
  name: 'PaymentRail',
  description: 'How money comes.',
  valuesMap: {
    CARD: { description: 'By card; at most 99,999,999 minor units a charge, so a larger gift is several charges.' },
    US_BANK_ACCOUNT: { description: 'By debit of a US bank account (ACH): slower than a card, and far cheaper.' },
    SEPA_DEBIT: { description: 'By debit of a European bank account (SEPA), in euros.' },
    BANK_TRANSFER: { description: "Sent by the donor's own bank to an account number of his own: for large gifts." },
  },
});

export enum RailUnavailable {
  CURRENCY_UNSUPPORTED = 'CURRENCY_UNSUPPORTED',
  AMOUNT_TOO_SMALL = 'AMOUNT_TOO_SMALL',
  AMOUNT_INVALID = 'AMOUNT_INVALID',
}
registerEnumType(RailUnavailable, {
  name: 'RailUnavailable',
  description: 'Why a rail can not carry an amount.',
  valuesMap: {
    CURRENCY_UNSUPPORTED: { description: 'The rail does not know the currency.' },
    AMOUNT_TOO_SMALL: { description: 'The amount is below the least that one charge can be.' },
    AMOUNT_INVALID: { description: 'The amount is not above zero, or beyond all bounds.' },
  },
});

@ObjectType({ description: 'What one rail would make of an amount: known before anything is paid.' })
export class RailQuote {
  @Field(() => PaymentRail, { description: 'The rail.' })
  rail!: PaymentRail;
  @Field(() => Boolean, { description: 'Whether it can carry the amount.' })
  available!: boolean;
  @Field(() => RailUnavailable, { nullable: true, description: 'Why it can not; null when it can.' })
  reason!: RailUnavailable | null;
  @Field(() => Int, { description: 'How many charges carry the amount; 0 when none can.' })
  charges!: number;
  @Field(() => Money, {
    description:
      'What the processor is expected to take of it, by its published prices. What it really took is booked.',
  })
  fee!: Money;
  @Field(() => BigIntScalar, { nullable: true, description: 'Least amount of one charge, minor units.' })
  minimumMinor!: bigint | null;
  @Field(() => BigIntScalar, { description: 'Most that one charge carries, minor units.' })
  ceilingMinor!: bigint;
  @Field(() => Int, { description: 'Business days until the money is available.' })
  settleBusinessDays!: number;
  @Field(() => Int, { description: 'Days in which the payer may still take the money back through his bank.' })
  disputeWindowDays!: number;
  @Field(() => Boolean, { description: 'Whether the method can be saved now and charged when the campaign succeeds.' })
  canBeSaved!: boolean;
}
