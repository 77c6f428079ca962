import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, JsonScalar, UrlScalar, UserError } from '#platform';
import {
  MatchDeposit,
  MatchExclusionKindEnum,
  MatchPool,
  MatchRailEnum,
  MatchRound,
  MatchTransfer,
} from './matching.type.js';

@InputType({ description: 'A pool to open.' })
export class MatchPoolCreateInput {
  @Field(() => String, { description: 'What it is called: 3 to 120 characters.' })
  title: string;
  @Field(() => String, { description: 'ISO 4217 code; its rounds match campaigns that raise this currency.' })
  currency: string;
}

@InputType({ description: 'A sponsor’s payment into a pool.' })
export class MatchPoolDepositInput {
  @Field(() => ID, { description: 'The pool (global id).' })
  poolId: string;
  @Field(() => BigIntScalar, { description: 'How much, in minor units.' })
  amountMinor: bigint;
  @Field(() => String, { description: 'The currency of the pool.' })
  currency: string;
  @Field(() => MatchRailEnum, { defaultValue: MatchRailEnum.CARD, description: 'How it is paid.' })
  rail: MatchRailEnum;
  @Field(() => Boolean, { defaultValue: false, description: 'Whether to keep the sponsor’s name from the public.' })
  anonymous: boolean;
  @Field(() => String, { description: '8 to 100 visible characters; the same key makes one deposit.' })
  idempotencyKey: string;
}

@InputType({ description: 'An announced bank transfer to take back.' })
export class MatchDepositWithdrawInput {
  @Field(() => ID, { description: 'The deposit (global id).' })
  depositId: string;
}

@InputType({ description: 'A pool, and why.' })
export class MatchPoolGiveBackInput {
  @Field(() => ID, { description: 'The pool (global id).' })
  poolId: string;
  @Field(() => String, { description: 'Why: 3 to 500 characters.' })
  reason: string;
}

@InputType({ description: 'A campaign of a round.' })
export class MatchCampaignInput {
  @Field(() => ID, { description: 'The campaign (global id).' })
  campaignId: string;
  @Field(() => BigIntScalar, { nullable: true, description: 'The most it can get, in minor units.' })
  capMinor?: bigint | null;
}

@InputType({ description: 'A round to draft.' })
export class MatchRoundCreateInput {
  @Field(() => ID, { description: 'The pool (global id).' })
  poolId: string;
  @Field(() => String, { description: 'What it is called: 3 to 120 characters.' })
  title: string;
  @Field(() => String, { description: 'What it is for: up to 2,000 characters.' })
  summary: string;
  @Field(() => BigIntScalar, { description: 'What it divides, in minor units of the pool’s currency.' })
  poolMinor: bigint;
  @Field(() => JsonScalar, {
    description: 'Rule and settings as docs/matching.md has them, for example {"rule": {"kind": "quadratic"}}.',
  })
  terms: unknown;
  @Field(() => DateTimeScalar, { description: 'From when gifts count.' })
  opensAt: Date;
  @Field(() => DateTimeScalar, { description: 'The cut-off.' })
  closesAt: Date;
  @Field(() => BigIntScalar, { description: 'How long the result is in review, in seconds; up to 90 days.' })
  reviewSeconds: bigint;
  @Field(() => [MatchCampaignInput], { description: 'The campaigns, up to 1,000.' })
  campaigns: MatchCampaignInput[];
}

@InputType({ description: 'A round.' })
export class MatchRoundStepInput {
  @Field(() => ID, { description: 'The round (global id).' })
  roundId: string;
}

@InputType({ description: 'A round, and why.' })
export class MatchRoundCancelInput {
  @Field(() => ID, { description: 'The round (global id).' })
  roundId: string;
  @Field(() => String, { description: 'Why: 3 to 500 characters.' })
  reason: string;
}

@InputType({ description: 'The campaigns that a round shall have.' })
export class MatchRoundCampaignsReplaceInput {
  @Field(() => ID, { description: 'The round (global id).' })
  roundId: string;
  @Field(() => [MatchCampaignInput], { description: 'All of them, up to 1,000.' })
  campaigns: MatchCampaignInput[];
}

@InputType({ description: 'One person’s identity score.' })
export class MatchScoreInput {
  @Field(() => String, { description: 'The person’s pseudonym.' })
  pseudonym: string;
  @Field(() => String, { description: 'Decimal text: below 15 counts nothing, 25 and more in full.' })
  score: string;
}

@InputType({ description: 'Identity scores, and where they are from.' })
export class MatchScoresRecordInput {
  @Field(() => ID, { description: 'The round (global id).' })
  roundId: string;
  @Field(() => String, { description: 'Who scored and when: 3 to 200 characters.' })
  source: string;
  @Field(() => [MatchScoreInput], { description: 'The scores; the latest of a person counts.' })
  scores: MatchScoreInput[];
}

@InputType({ description: 'People who belong together.' })
export class MatchGroupInput {
  @Field(() => String, { description: 'A name for the group: 1 to 100 characters.' })
  name: string;
  @Field(() => [String], { description: 'Pseudonyms.' })
  members: string[];
}

@InputType({ description: 'The groups of donors that a round shall know.' })
export class MatchGroupsReplaceInput {
  @Field(() => ID, { description: 'The round (global id).' })
  roundId: string;
  @Field(() => [MatchGroupInput], { description: 'All of them.' })
  groups: MatchGroupInput[];
}

@InputType({ description: 'What shall not count, and why.' })
export class MatchExcludeInput {
  @Field(() => ID, { description: 'The round (global id).' })
  roundId: string;
  @Field(() => MatchExclusionKindEnum, { description: 'What it is.' })
  kind: MatchExclusionKindEnum;
  @Field(() => String, { description: 'A donor’s pseudonym, or the global id of a pledge or a campaign.' })
  subject: string;
  @Field(() => String, { description: 'Why: 3 to 500 characters, public.' })
  reason: string;
}

@InputType({ description: 'An appeal against an exclusion.' })
export class MatchAppealInput {
  @Field(() => ID, { description: 'The exclusion (global id).' })
  exclusionId: string;
  @Field(() => String, { description: 'What speaks against it: 3 to 500 characters; read by those who decide.' })
  statement: string;
}

@InputType({ description: 'The decision of an appeal.' })
export class MatchAppealDecideInput {
  @Field(() => ID, { description: 'The exclusion (global id).' })
  exclusionId: string;
  @Field(() => Boolean, { description: 'True lifts the exclusion, false upholds it.' })
  lift: boolean;
  @Field(() => String, { description: 'Why: 3 to 500 characters, public.' })
  decision: string;
}

@ObjectType({ description: 'The pool as it stands then.' })
export class MatchPoolPayload {
  @Field(() => MatchPool, { nullable: true, description: 'The pool.' })
  pool: MatchPool | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'With what the sponsor’s browser pays.' })
export class MatchDepositPayment {
  @Field(() => String, { nullable: true, description: 'Client secret; null while the processor was not reached.' })
  clientSecret: string | null;
  @Field(() => String, { description: 'The processor’s public key.' })
  publishableKey: string;
  @Field(() => UrlScalar, { nullable: true, description: 'The processor’s address where it is not the usual one.' })
  apiBase: string | null;
}

@ObjectType({ description: 'A deposit and how to pay it.' })
export class MatchDepositPayload {
  @Field(() => MatchPool, { nullable: true, description: 'The pool.' })
  pool: MatchPool | null;
  @Field(() => MatchDepositPayment, { nullable: true, description: 'Null once nothing is left to pay.' })
  payment: MatchDepositPayment | null;
  @Field(() => MatchDeposit, { nullable: true, description: 'The deposit.' })
  deposit: MatchDeposit | null;
  @Field(() => MatchTransfer, { nullable: true, description: 'Where to send a bank transfer; null for other ways.' })
  transfer: MatchTransfer | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'The round as it stands then.' })
export class MatchRoundPayload {
  @Field(() => MatchRound, { nullable: true, description: 'The round.' })
  round: MatchRound | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors: UserError[];
}
