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

export enum MatchRailEnum {
  CARD = 'card',
  US_BANK_ACCOUNT = 'us_bank_account',
  SEPA_DEBIT = 'sepa_debit',
  BANK_TRANSFER = 'bank_transfer',
}
registerEnumType(MatchRailEnum, {
  name: 'MatchRail',
  description: 'How a sponsor pays.',
  valuesMap: {
    CARD: { description: 'By card.' },
    US_BANK_ACCOUNT: { description: 'By debit of a US bank account.' },
    SEPA_DEBIT: { description: 'By SEPA debit.' },
    BANK_TRANSFER: { description: 'By bank transfer.' },
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

export enum MatchDepositStateEnum {
  CREATED = 'created',
  COLLECTED = 'collected',
  FAILED = 'failed',
  REFUND_PENDING = 'refund_pending',
  REFUNDED = 'refunded',
  DISPUTED = 'disputed',
  CHARGED_BACK = 'charged_back',
}
registerEnumType(MatchDepositStateEnum, {
  name: 'MatchDepositState',
  description: 'Where a payment into a pool stands.',
  valuesMap: {
    CREATED: { description: 'Begun, or announced; nothing has come yet.' },
    COLLECTED: { description: 'In the pool.' },
    FAILED: { description: 'Declined, or taken back before it came.' },
    REFUND_PENDING: { description: 'All or a part of it is on its way back.' },
    REFUNDED: { description: 'Given back.' },
    DISPUTED: { description: 'Its bank took it back for now; a dispute decides.' },
    CHARGED_BACK: { description: 'Its bank took it back for good.' },
  },
});

@ObjectType({ description: 'One line of an account number to send to.' })
export class MatchTransferLine {
  @Field(() => String, { description: 'What it is, such as "Account number".' })
  label: string;
  @Field(() => String, { description: 'What to enter.' })
  value: string;
}

@ObjectType({ description: 'Where a sponsor sends his money: an account of his own.' })
export class MatchTransfer {
  @Field(() => String, { description: 'ISO 4217 code.' })
  currency: string;
  @Field(() => [[MatchTransferLine]], { description: 'Each way to address it, as lines.' })
  accounts: MatchTransferLine[][];
}

@ObjectType({ description: 'What a sponsor paid into a pool. Shown to himself alone.' })
export class MatchDeposit {
  @Field(() => ID, { description: 'Global id; also what the public record calls it.' })
  id: string;
  @Field(() => Money, { description: 'How much.' })
  amount: Money;
  @Field(() => Money, { description: 'What of it was given back.' })
  refunded: Money;
  @Field(() => MatchRailEnum, { description: 'How it is paid.' })
  rail: string;
  @Field(() => MatchDepositStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => Boolean, { description: 'Whether the name is kept from the public.' })
  anonymous: boolean;
  @Field(() => DateTimeScalar, { description: 'When it was begun.' })
  createdAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it came into the pool.' })
  collectedAt: Date | null;
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
  @Field(() => Money, { description: 'What the gift would add to the campaign’s match, if the round ended now.' })
  match: Money;
  @Field(() => Money, {
    description: 'The same if gifts to all campaigns went on until the cut-off as they came so far, at most ten-fold.',
  })
  atPace: Money;
  @Field(() => Money, { description: 'What the campaign would get without it, if the round ended now.' })
  stands: Money;
  @Field(() => DateTimeScalar, {
    description:
      'When the sums behind it were read; they are 15 seconds old at most, or longer where reading them is costly.',
  })
  asOf: Date;
}

export const MatchRoundConnection = Connection(MatchRound);
export const MatchPoolConnection = Connection(MatchPool);
