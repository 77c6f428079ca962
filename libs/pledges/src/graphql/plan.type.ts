import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, Money, UserError } from '#platform';
import { PaymentRail } from '#payments';
import { PledgePayment } from './pledge.input.js';

enum PledgePlanStateEnum {
  METHOD_REQUIRED = 'method_required',
  ACTIVE = 'active',
  STOPPED = 'stopped',
  ENDED = 'ended',
}
registerEnumType(PledgePlanStateEnum, {
  name: 'PledgePlanState',
  description: 'Where a monthly pledge stands.',
  valuesMap: {
    METHOD_REQUIRED: { description: 'Its donor has not saved a card or an account yet.' },
    ACTIVE: { description: 'A pledge is made and charged each month.' },
    STOPPED: { description: 'Ended by its donor, or because the campaign takes no more.' },
    ENDED: { description: 'Its end came.' },
  },
});

@ObjectType({ description: 'A monthly pledge. Each month is a cash pledge of its own.' })
export class PledgePlan {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => Money, { description: 'How much each month.' })
  amount: Money;
  @Field(() => PaymentRail, { description: 'How the money comes.' })
  rail: string;
  @Field(() => PledgePlanStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => DateTimeScalar, { description: 'When it began.' })
  startsAt: Date;
  @Field(() => DateTimeScalar, { description: 'No month begins from then on.' })
  endsAt: Date;
  @Field(() => Int, { description: 'The month that is due next, from 1.' })
  nextMonth: number;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When that is; null once it ended.' })
  nextDueAt: Date | null;
}

@InputType({ description: 'A monthly pledge.' })
export class PledgePlanCreateInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => BigIntScalar, { description: 'How much each month, in minor units.' })
  amountMinor: bigint;
  @Field(() => String, { description: 'ISO 4217 code: the campaign’s, or another to which a rate is known.' })
  currency: string;
  @Field(() => PaymentRail, { nullable: true, description: 'By card when absent, or by debit of an account.' })
  rail?: 'card' | 'us_bank_account' | 'sepa_debit' | null;
  @Field(() => DateTimeScalar, { description: 'No month begins from then on; at most sixty months ahead.' })
  endsAt: Date;
  @Field(() => String, { description: 'A key new for each; sending it again gives the same monthly pledge.' })
  idempotencyKey: string;
  @Field(() => Boolean, { nullable: true, description: 'Whether to stay unnamed in public.' })
  anonymous?: boolean | null;
  @Field(() => String, { nullable: true, description: 'The name to be shown instead of the account’s.' })
  displayName?: string | null;
}

@InputType({ description: 'The monthly pledge that a step is for.' })
export class PledgePlanStepInput {
  @Field(() => ID, { description: 'Global id of the monthly pledge.' })
  planId: string;
}

@ObjectType({ description: 'Outcome of a step of a monthly pledge.' })
export class PledgePlanPayload {
  @Field(() => PledgePlan, { nullable: true, description: 'The monthly pledge after the step.' })
  plan: PledgePlan | null;
  @Field(() => PledgePayment, { nullable: true, description: 'What to confirm, to save a card or an account.' })
  payment: PledgePayment | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}
