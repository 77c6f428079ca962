import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, UserError } from '#platform';
import { CampaignPlanFields } from './campaign-plan.type.js';
import { Campaign, FundingModelEnum } from './campaign.type.js';

@InputType({ description: 'A new campaign, as a draft.' })
export class CampaignCreateInput extends CampaignPlanFields {
  @Field(() => ID, { description: 'Global id of the project whose maintainer makes it.' })
  projectId: string;
  @Field(() => String, { description: 'Title, 3 to 120 characters.' })
  title: string;
  @Field(() => String, { description: 'What it is about, up to 2000 characters.' })
  summary: string;
  @Field(() => ID, { description: 'Global id of the recipe to train.' })
  recipeId: string;
  @Field(() => FundingModelEnum, { description: 'When backers are charged.' })
  fundingModel: FundingModelEnum;
  @Field(() => BigIntScalar, { nullable: true, description: 'Money to raise at least, in minor units.' })
  cashGoalMinor?: bigint | null;
  @Field(() => String, { nullable: true, defaultValue: 'USD', description: 'ISO 4217 code.' })
  currency?: string | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'GPU time to raise, in milliseconds.' })
  computeGoalMilliseconds?: bigint | null;
  @Field(() => String, {
    nullable: true,
    description: "Accelerator class of the compute goal; the recipe's when absent.",
  })
  computeClass?: string | null;
  @Field(() => DateTimeScalar, { description: 'When it stops taking pledges; at most a year ahead.' })
  deadline: Date;
  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether offers of GPU time are accepted at once (false when absent: a maintainer accepts).',
  })
  autoAcceptCompute?: boolean | null;
  @Field(() => String, { nullable: true, description: 'Share of the peak for the budget, like "0.40".' })
  mfu?: string | null;
  @Field(() => Int, { nullable: true, description: 'Overhead for the budget, in percent.' })
  overheadPercent?: number | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'Price of a GPU-hour for the budget, in US cents.' })
  pricePerGpuHourMinor?: bigint | null;
}

@InputType({ description: 'Changes of a draft; what is left out stays.' })
export class CampaignUpdateInput extends CampaignPlanFields {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => String, { nullable: true, description: 'Title, 3 to 120 characters.' })
  title?: string | null;
  @Field(() => String, { nullable: true, description: 'What it is about, up to 2000 characters.' })
  summary?: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it stops taking pledges.' })
  deadline?: Date | null;
  @Field(() => FundingModelEnum, { nullable: true, description: 'When backers are charged.' })
  fundingModel?: FundingModelEnum | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'Money to raise at least, in minor units.' })
  cashGoalMinor?: bigint | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'GPU time to raise, in milliseconds.' })
  computeGoalMilliseconds?: bigint | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether offers of GPU time are accepted at once.' })
  autoAcceptCompute?: boolean | null;
  @Field(() => String, { nullable: true, description: 'Share of the peak for the budget, like "0.40".' })
  mfu?: string | null;
  @Field(() => Int, { nullable: true, description: 'Overhead for the budget, in percent.' })
  overheadPercent?: number | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'Price of a GPU-hour for the budget, in US cents.' })
  pricePerGpuHourMinor?: bigint | null;
}

@InputType({ description: 'The campaign that a step is for.' })
export class CampaignStepInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
}

@InputType({ description: 'The campaign that a step is for, and why it is taken.' })
export class CampaignReasonInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => String, { description: 'Why, 3 to 500 characters; shown to whoever sees the campaign.' })
  reason: string;
}

@ObjectType({ description: 'Outcome of a step of a campaign.' })
export class CampaignPayload {
  @Field(() => Campaign, { nullable: true, description: 'The campaign after the step.' })
  campaign: Campaign | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}
