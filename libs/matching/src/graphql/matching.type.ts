import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Campaign } from '#campaigns';
import { Connection, DateTimeScalar, JsonScalar, Money, NodeInterface, UrlScalar } from '#platform';

export enum MatchRoundStateEnum {
  DRAFT = 'draft',
  OPEN = 'open',
  CLOSED = 'closed',
  COMPUTED = 'computed',
  FINAL = 'final',
  PAID = 'paid',
  CANCELLED = 'cancelled',
}
registerEnumType(MatchRoundStateEnum, {
  name: 'MatchRoundState',
  description: 'Where a round of matching stands.',
  valuesMap: {
    DRAFT: { description: 'Not public yet; everything can be changed.' },
    OPEN: { description: 'Gifts count; what it promises is set aside from its pool.' },
    CLOSED: { description: 'Past its cut-off; gifts are copied and nothing of it can be changed.' },
    COMPUTED: { description: 'The result is published and in review.' },
    FINAL: { description: 'The review is over; about to be paid.' },
    PAID: { description: 'The campaigns have their match.' },
    CANCELLED: { description: 'Given up; what it promised went back to its pool.' },
  },
});

export enum MatchExclusionKindEnum {
  DONOR = 'donor',
  GIFT = 'gift',
  CAMPAIGN = 'campaign',
}
registerEnumType(MatchExclusionKindEnum, {
  name: 'MatchExclusionKind',
  description: 'What an exclusion leaves out.',
  valuesMap: {
    DONOR: { description: 'All gifts of one donor.' },
    GIFT: { description: 'One gift.' },
    CAMPAIGN: { description: 'All gifts to one campaign.' },
  },
});

export enum MatchExclusionStateEnum {
  STANDING = 'standing',
  APPEALED = 'appealed',
  UPHELD = 'upheld',
  LIFTED = 'lifted',
}
registerEnumType(MatchExclusionStateEnum, {
  name: 'MatchExclusionState',
  description: 'Where an exclusion stands.',
  valuesMap: {
    STANDING: { description: 'In force; nobody appealed.' },
    APPEALED: { description: 'In force; an appeal waits for its decision.' },
    UPHELD: { description: 'In force; the appeal was turned down.' },
    LIFTED: { description: 'No longer in force: the appeal was granted.' },
  },
});

@ObjectType({ description: 'Who pays into a pool; anonymous sponsors stand together.' })
export class MatchSponsor {
  @Field(() => String, { description: 'Name, or "Anonymous".' })
  displayName: string;
  @Field(() => Money, { description: 'What he has in the pool, paid rounds included.' })
  amount: Money;
}

@ObjectType({ implements: () => [NodeInterface], description: 'Money of sponsors, to match the gifts of others with.' })
export class MatchPool implements NodeInterface {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'What it is called.' })
  title: string;
  @Field(() => Money, { description: 'Paid in by sponsors so far.' })
  deposited: Money;
  @Field(() => Money, { description: 'Given back to sponsors.' })
  refunded: Money;
  @Field(() => Money, { description: 'Processing fees of the deposits; the pool is matched in full regardless.' })
  fees: Money;
  @Field(() => Money, { description: 'Paid to campaigns.' })
  granted: Money;
  @Field(() => Money, { description: 'Not promised to any round.' })
  free: Money;
  @Field(() => [MatchSponsor], { description: 'Its sponsors, the largest first; up to 200.' })
  sponsors: MatchSponsor[];
  @Field(() => Boolean, { description: 'Whether you manage it.' })
  viewerManages: boolean;
  @Field(() => DateTimeScalar, { description: 'When it was opened.' })
  createdAt: Date;
}

@ObjectType({ description: 'A campaign in a round, and what it gets.' })
export class MatchRoundCampaign {
  @Field(() => Campaign, { nullable: true, description: 'The campaign.' })
  campaign: Campaign | null;
  @Field(() => Money, { nullable: true, description: 'The most it can get; null for the cap of the rule.' })
  cap: Money | null;
  @Field(() => Int, { description: 'Gifts collected in the window.' })
  giftCount: number;
  @Field(() => Money, { description: 'What these gifts sum to.' })
  gifts: Money;
  @Field(() => Money, { nullable: true, description: 'An estimate while the round is open: if it ended now.' })
  estimate: Money | null;
  @Field(() => Money, { nullable: true, description: 'The match by the newest result.' })
  match: Money | null;
  @Field(() => Money, { nullable: true, description: 'What was paid; nothing to a campaign that ended before.' })
  paid: Money | null;
}

@ObjectType({ description: 'Something that does not count in a round, and why.' })
export class MatchExclusion {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => MatchExclusionKindEnum, { description: 'What is left out.' })
  kind: string;
  @Field(() => String, { nullable: true, description: 'Which one, for those concerned and managers: its id.' })
  subject: string | null;
  @Field(() => String, { description: 'Why.' })
  reason: string;
  @Field(() => MatchExclusionStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => DateTimeScalar, { description: 'Since when.' })
  excludedAt: Date;
  @Field(() => String, { nullable: true, description: 'What the appeal says; for those concerned and managers.' })
  appeal: string | null;
  @Field(() => String, { nullable: true, description: 'Why the appeal was decided as it was.' })
  decision: string | null;
  @Field(() => Boolean, { description: 'Whether you may appeal.' })
  viewerMayAppeal: boolean;
  @Field(() => Boolean, { description: 'Whether you may decide its appeal.' })
  viewerMayDecide: boolean;
}

@ObjectType({ description: 'One computation of a round. It never changes; a change by the review makes the next.' })
export class MatchResultVersion {
  @Field(() => Int, { description: 'Counted from 1.' })
  version: number;
  @Field(() => String, { description: 'SHA-256 of the round, as docs/matching.md defines it, in hex.' })
  roundSha256: string;
  @Field(() => String, { description: 'SHA-256 of the result’s canonical JSON, in hex, as the log records it.' })
  resultSha256: string;
  @Field(() => UrlScalar, { description: 'The signed result, for ever.' })
  resultUrl: string;
  @Field(() => UrlScalar, { description: 'The round it is of, to compute it again, for ever.' })
  roundUrl: string;
  @Field(() => DateTimeScalar, { description: 'When it was computed.' })
  computedAt: Date;
}

@ObjectType({ implements: () => [NodeInterface], description: 'One division of a pool’s money among campaigns.' })
export class MatchRound implements NodeInterface {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Its name in addresses.' })
  slug: string;
  @Field(() => String, { description: 'What it is called.' })
  title: string;
  @Field(() => String, { description: 'What it is for.' })
  summary: string;
  @Field(() => MatchRoundStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => Money, { description: 'What it divides.' })
  promised: Money;
  @Field(() => Money, { nullable: true, description: 'What was paid to campaigns.' })
  paid: Money | null;
  @Field(() => JsonScalar, { description: 'The rule and its settings, in the form of docs/matching.md.' })
  terms: unknown;
  @Field(() => DateTimeScalar, { description: 'From when gifts count.' })
  opensAt: Date;
  @Field(() => DateTimeScalar, { description: 'The cut-off: until when gifts count and anything can be changed.' })
  closesAt: Date;
  @Field(() => DateTimeScalar, { description: 'Until when the result is in review.' })
  reviewEndsAt: Date;
  @Field(() => String, { nullable: true, description: 'Why it was cancelled.' })
  cancelReason: string | null;
  @Field(() => Boolean, { description: 'Whether you manage it.' })
  viewerManages: boolean;
  /** The row, for resolvers. Not in the schema. */
  row: unknown;
}

@ObjectType({ description: 'What a gift would move.' })
export class MatchEstimate {
  @Field(() => MatchRound, { description: 'The round it would count in.' })
  round: MatchRound;
  @Field(() => Money, { description: 'What the gift would add to the campaign’s match.' })
  match: Money;
  @Field(() => Money, { description: 'What the campaign would get without it, if the round ended now.' })
  stands: Money;
  @Field(() => DateTimeScalar, { description: 'When the sums behind it were read; they are up to 15 seconds old.' })
  asOf: Date;
}

export const MatchRoundConnection = Connection(MatchRound);
export const MatchPoolConnection = Connection(MatchPool);
