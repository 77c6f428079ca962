import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { ComputeBudget, Recipe } from '#catalog';
import { Project } from '#identity';
import { BigIntScalar, Connection, DateTimeScalar, GpuTime, JsonScalar, Money, NodeInterface } from '#platform';
import { CampaignPlan } from './campaign-plan.type.js';

export enum CampaignStateEnum {
  DRAFT = 'draft',
  IN_REVIEW = 'in_review',
  REJECTED = 'rejected',
  LIVE = 'live',
  SETTLING = 'settling',
  EXTENDED = 'extended',
  SUSPENDED = 'suspended',
  SUCCEEDED = 'succeeded',
  FAILED = 'failed',
  TRAINING = 'training',
  COMPLETED = 'completed',
  CLOSED = 'closed',
  CANCELLED = 'cancelled',
  REFUNDING = 'refunding',
  REFUNDED = 'refunded',
}
registerEnumType(CampaignStateEnum, {
  name: 'CampaignState',
  description: 'Where a campaign stands.',
  valuesMap: {
    DRAFT: { description: 'Being written; seen by the project only.' },
    IN_REVIEW: { description: 'Handed to review; its terms are frozen.' },
    REJECTED: { description: 'Refused by a reviewer; its organisers may revise it.' },
    LIVE: { description: 'Takes pledges.' },
    SETTLING: {
      description: 'The pledges are frozen and being charged; the verdict follows what was really collected.',
    },
    EXTENDED: { description: 'Narrowly short: takes pledges once more, while backers say whether theirs may wait.' },
    SUSPENDED: { description: 'Stopped by the platform: no pledges, charges or payouts; its timers stand.' },
    SUCCEEDED: { description: 'Funded. Takes further pledges until its deadline or its training.' },
    FAILED: { description: 'A mandatory goal was missed, or nothing was given; everything collected is refunded.' },
    TRAINING: { description: 'Its run exists.' },
    COMPLETED: { description: 'Its run is complete.' },
    CLOSED: { description: 'The last payout was made and every window for disputes is over.' },
    CANCELLED: { description: 'Given up; everything captured is refunded.' },
    REFUNDING: { description: 'Ended; refunds are on their way.' },
    REFUNDED: { description: 'Ended; every pledge is at its end.' },
  },
});

export enum FundingModelEnum {
  ALL_OR_NOTHING = 'all_or_nothing',
  KEEP_IT_ALL = 'keep_it_all',
  TRANCHES = 'tranches',
}
registerEnumType(FundingModelEnum, {
  name: 'FundingModel',
  description: 'When backers are charged and what becomes of their money.',
  valuesMap: {
    ALL_OR_NOTHING: { description: 'Charged when the pledges are frozen, and refunded if a goal is missed even then.' },
    KEEP_IT_ALL: { description: 'Charged at once; the campaign keeps what was given.' },
    TRANCHES: { description: 'Charged at once, refunded if a goal is missed, released in tranches by evidence.' },
  },
});

@ObjectType({ description: 'How far a campaign has come. Promises and deliveries are never added up.' })
export class CampaignProgress {
  @Field(() => Money, { description: 'Promised and neither captured nor given up: not money yet.' })
  cashPledged: Money;
  @Field(() => Money, { description: 'Captured in all.' })
  cashCaptured: Money;
  @Field(() => Money, { description: 'Paid back to backers.' })
  cashRefunded: Money;
  @Field(() => Money, { description: 'Taken back by banks: disputes that are open or lost.' })
  cashDisputed: Money;
  @Field(() => Money, { description: 'Kept by the card processor, dispute fees included.' })
  cashFees: Money;
  @Field(() => Money, { description: 'What is there: captured less refunded, disputed and fees.' })
  cashHeld: Money;
  @Field(() => Money, {
    description: 'Added by matching pools; beside what backers gave, and not part of the verdict.',
  })
  cashMatched: Money;
  @Field(() => GpuTime, { description: 'Offered by donors and not accepted yet.' })
  computeOffered: GpuTime;
  @Field(() => GpuTime, { description: 'Committed by donors: offers that the campaign accepted.' })
  computePledged: GpuTime;
  @Field(() => GpuTime, { description: 'Held by leases that are running now.' })
  computeReserved: GpuTime;
  @Field(() => GpuTime, { description: 'Delivered to runs and metered.' })
  computeDelivered: GpuTime;
  @Field(() => GpuTime, { description: 'Delivered and accepted after verification.' })
  computeAccepted: GpuTime;
  @Field(() => Int, { description: 'People whose cash pledges hold; each counts once.' })
  cashBackers: number;
  @Field(() => Int, { description: 'People whose compute pledges hold; each counts once.' })
  computeBackers: number;
}

@ObjectType({ implements: () => NodeInterface, description: 'Raises what one training needs, in money and GPU time.' })
export class Campaign {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Short name for addresses.' })
  slug: string;
  @Field(() => String, { description: 'Title.' })
  title: string;
  @Field(() => String, { description: 'What it is about.' })
  summary: string;
  @Field(() => CampaignStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => FundingModelEnum, { description: 'When backers are charged.' })
  fundingModel: string;
  @Field(() => Project, { description: 'Who runs it.' })
  project?: Project;
  @Field(() => Recipe, { description: 'What will be trained.' })
  recipe?: Recipe;
  @Field(() => ComputeBudget, { description: 'What the training takes, as published with the campaign.' })
  budget?: ComputeBudget;
  @Field(() => Money, { description: 'Money to raise, the minimum; zero when only GPU time is asked for.' })
  cashGoal: Money;
  @Field(() => GpuTime, { description: 'GPU time to raise; zero when only money is asked for.' })
  computeGoal: GpuTime;
  @Field(() => DateTimeScalar, { description: 'When it stops taking pledges.' })
  deadline: Date;
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt: Date;
  @Field(() => Boolean, { description: 'Whether offers of GPU time are accepted at once.' })
  autoAcceptCompute: boolean;
  @Field(() => String, { nullable: true, description: 'Why it was sent back, suspended or cancelled.' })
  decisionReason: string | null;
  @Field(() => CampaignPlan, { description: 'What else its backers agree to.' })
  plan?: CampaignPlan;
  @Field(() => Int, { description: 'The newest version of its terms; 0 before it went live.' })
  termsVersion: number;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when its frozen pledges are charged.' })
  settlementEndsAt: Date | null;
  @Field(() => CampaignStateEnum, { nullable: true, description: 'Where a suspended campaign goes back to.' })
  suspendedFrom: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was extended; null if it never was.' })
  extendedAt: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Before this no money leaves it.' })
  safetyEndsAt: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When the first money left it.' })
  disbursedAt: Date | null;
  @Field(() => CampaignStateEnum, { nullable: true, description: 'FAILED or CANCELLED, whatever its refunds came to.' })
  endedAs: string | null;
  @Field(() => String, { nullable: true, description: 'Why it failed: "below_goal", "nothing_given" or "collapse".' })
  failReason: string | null;
  @Field(() => CampaignProgress, { description: 'How far it has come.' })
  progress?: CampaignProgress;
  /** Pages that came with the campaign, by field name; fields of other rooms look here first. Not in the schema. */
  partPages?: ReadonlyMap<string, unknown>;
}

@ObjectType({ description: 'Something that happened to a campaign or its pledges, from the public record.' })
export class CampaignEvent {
  @Field(() => ID, { description: 'Id of the event, as in the transparency log.' })
  id: string;
  @Field(() => String, { description: 'What happened, for programs: "pledge.cash.captured".' })
  type: string;
  @Field(() => BigIntScalar, { description: 'Place in the order of all events, counted from 0.' })
  position: bigint;
  @Field(() => DateTimeScalar, { description: 'When.' })
  occurredAt: Date;
  @Field(() => String, { description: 'What happened, for people.' })
  summary: string;
  @Field(() => JsonScalar, { description: 'The figures as published.' })
  payload: unknown;
}

export const CampaignConnection = Connection(Campaign);
export const CampaignEventConnection = Connection(CampaignEvent);
