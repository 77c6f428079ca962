import { Field, Int, ObjectType } from '@nestjs/graphql';
import { DateTimeScalar, Money } from '#platform';

@ObjectType({ description: 'Pledges of a close that are in the same place.' })
export class SettlementCount {
  @Field(() => Int, { description: 'How many.' })
  pledges: number;
  @Field(() => Money, { description: 'What they count, in the campaign’s currency.' })
  amount: Money;
}

@ObjectType({ description: 'How far the close of a campaign is: its pledges are frozen as one list, then charged.' })
export class CampaignClose {
  @Field(() => String, { description: '"freezing", "charging", "last_try", "dropping" or "finished".' })
  phase: string;
  @Field(() => DateTimeScalar, { description: 'When it began.' })
  startedAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when charges that fail are tried again.' })
  endsAt: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was over.' })
  finishedAt: Date | null;
  @Field(() => SettlementCount, { description: 'Waiting to be charged.' })
  frozen: SettlementCount;
  @Field(() => SettlementCount, { description: 'Charges under way.' })
  charging: SettlementCount;
  @Field(() => SettlementCount, { description: 'Paid.' })
  collected: SettlementCount;
  @Field(() => SettlementCount, { description: 'Waiting for their donors: the bank asks.' })
  needsAction: SettlementCount;
  @Field(() => SettlementCount, { description: 'Refused, to be tried again.' })
  errored: SettlementCount;
  @Field(() => SettlementCount, { description: 'Not paid in time.' })
  dropped: SettlementCount;
  @Field(() => SettlementCount, { description: 'Bank transfers that are awaited, in part or in whole.' })
  awaited: SettlementCount;
}
