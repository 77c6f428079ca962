import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import {
  BigIntScalar,
  Connection,
  DateTimeScalar,
  GpuTime,
  Money,
  NodeInterface,
  UrlScalar,
  UserError,
} from '#platform';

enum CashPledgeStateEnum {
  CREATED = 'created',
  REQUIRES_ACTION = 'requires_action',
  CAPTURED = 'captured',
  REFUND_PENDING = 'refund_pending',
  REFUNDED = 'refunded',
  DISPUTED = 'disputed',
  CHARGED_BACK = 'charged_back',
  FAILED = 'failed',
  CANCELLED = 'cancelled',
}
registerEnumType(CashPledgeStateEnum, {
  name: 'CashPledgeState',
  description: 'Where a cash pledge stands.',
  valuesMap: {
    CREATED: { description: 'Promised; the card has not been charged.' },
    REQUIRES_ACTION: { description: 'The bank wants its cardholder to confirm.' },
    CAPTURED: { description: 'Paid.' },
    REFUND_PENDING: { description: 'A refund is on its way.' },
    REFUNDED: { description: 'Paid back in full.' },
    DISPUTED: { description: 'The cardholder disputes the charge; the bank holds the money.' },
    CHARGED_BACK: { description: 'The dispute was lost; the money is gone.' },
    FAILED: { description: 'The card was refused. Another card may be tried on the same payment.' },
    CANCELLED: { description: 'Given up before it was paid.' },
  },
});

enum ComputePledgeStateEnum {
  OFFERED = 'offered',
  ACCEPTED = 'accepted',
  DELIVERING = 'delivering',
  FULFILLED = 'fulfilled',
  LAPSED = 'lapsed',
  WITHDRAWN = 'withdrawn',
}
registerEnumType(ComputePledgeStateEnum, {
  name: 'ComputePledgeState',
  description: 'Where a compute pledge stands.',
  valuesMap: {
    OFFERED: { description: 'Waits for the campaign to accept it.' },
    ACCEPTED: { description: 'Committed; runs may lease from it.' },
    DELIVERING: { description: 'Some of it was delivered.' },
    FULFILLED: { description: 'Its time was delivered: all of it, or what the campaign needed of it.' },
    LAPSED: { description: 'Declined, or the campaign ended and had accepted nothing of it.' },
    WITHDRAWN: { description: 'Taken back by its donor; what was delivered stays given.' },
  },
});

@ObjectType({ description: 'Who stands behind a pledge, as far as he wants it known.' })
export class PledgeBacker {
  @Field(() => String, { description: 'Name, or "Anonymous".' })
  displayName: string;
  @Field(() => String, {
    nullable: true,
    description: 'The id that stands for him in public records; null when anonymous.',
  })
  pseudonym: string | null;
}

@ObjectType({ description: 'Money of a pledge on its way back.' })
export class PledgeRefund {
  @Field(() => Money, { description: 'How much.' })
  amount: Money;
  @Field(() => String, { description: '"requested", "paid" or "failed".' })
  state: string;
  @Field(() => String, { nullable: true, description: 'Why it was asked for; seen by the backer only.' })
  reason: string | null;
  @Field(() => DateTimeScalar, { description: 'When it was asked for.' })
  requestedAt: string;
}

@ObjectType({ description: 'A dispute that the cardholder raised with his bank.' })
export class PledgeDispute {
  @Field(() => String, { description: '"open", "won" or "lost" from the point of view of the campaign.' })
  state: string;
  @Field(() => Money, { description: 'How much the bank took.' })
  amount: Money;
}

@ObjectType({
  implements: () => NodeInterface,
  description: 'A promise of money to a campaign, and what became of it.',
})
export class CashPledge {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => Money, { description: 'How much.' })
  amount: Money;
  @Field(() => CashPledgeStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => PledgeBacker, { description: 'Who pledged.' })
  contributor: PledgeBacker;
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt: string | Date;
  @Field(() => String, {
    nullable: true,
    description: 'Why the card was refused, in the words of the processor; seen by the backer only.',
  })
  failureCode: string | null;
  @Field(() => [PledgeRefund], { description: 'Refunds asked for, oldest first.' })
  refunds: PledgeRefund[];
  @Field(() => PledgeDispute, { nullable: true, description: 'The latest dispute.' })
  dispute: PledgeDispute | null;
  /** Database id of the campaign, for its resolver. Not in the schema. */
  campaignId: string;
}

@ObjectType({
  implements: () => NodeInterface,
  description: 'A promise of GPU time to a campaign, and how far it is kept.',
})
export class ComputePledge {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Accelerator class.' })
  class: string;
  @Field(() => Int, { description: 'How many devices at a time.' })
  count: number;
  @Field(() => GpuTime, { description: 'How much in all, over all devices.' })
  time: GpuTime;
  @Field(() => ComputePledgeStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => PledgeBacker, { description: 'Who pledged.' })
  contributor: PledgeBacker;
  @Field(() => String, {
    nullable: true,
    description: 'When the devices may be used: RFC 5545 recurrence rule; null for any time.',
  })
  availability: string | null;
  @Field(() => String, { nullable: true, description: 'Where the devices stand.' })
  region: string | null;
  @Field(() => GpuTime, { description: 'Held by leases that are running now.' })
  reserved: GpuTime;
  @Field(() => GpuTime, { description: 'Delivered to runs and metered.' })
  delivered: GpuTime;
  @Field(() => GpuTime, { description: 'Delivered and accepted after verification.' })
  accepted: GpuTime;
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt: string | Date;
  /** Database id of the campaign, for its resolver. Not in the schema. */
  campaignId: string;
}

export const CashPledgeConnection = Connection(CashPledge);
export const ComputePledgeConnection = Connection(ComputePledge);

@ObjectType({ description: "The viewer's own pledges." })
export class MyPledges {
  /** Database id of the viewer. Not in the schema. */
  contributorId: string;
}

@InputType({ description: 'A cash pledge by card.' })
export class PledgeCashCreateInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => BigIntScalar, { description: 'How much, in cents: "50" to "99999999".' })
  amountMinor: bigint;
  @Field(() => String, { description: 'ISO 4217 code of the campaign.' })
  currency: string;
  @Field(() => String, { description: 'A key new for each pledge; sending it again gives the same pledge.' })
  idempotencyKey: string;
  @Field(() => Boolean, { nullable: true, description: 'Whether to stay unnamed in public.' })
  anonymous?: boolean | null;
}

@ObjectType({ description: 'What a browser needs to pay a pledge.' })
export class PledgePayment {
  @Field(() => String, {
    nullable: true,
    description: 'Secret for confirming this one payment; null while the processor was not reached yet.',
  })
  clientSecret: string | null;
  @Field(() => String, { description: 'Publishable key with which to confirm.' })
  publishableKey: string;
  @Field(() => UrlScalar, { nullable: true, description: "Where to confirm when it isn't Stripe itself: the sandbox." })
  apiBase: string | null;
  @Field(() => String, { description: 'Where the payment stands.' })
  status: string;
}

@ObjectType({ description: 'Outcome of pledgeCashCreate.' })
export class PledgeCashCreatePayload {
  @Field(() => CashPledge, { nullable: true, description: 'The pledge.' })
  pledge: CashPledge | null;
  @Field(() => PledgePayment, { nullable: true, description: 'How to pay it; null when nothing is left to pay.' })
  payment: PledgePayment | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@InputType({ description: 'A pledge to be refunded.' })
export class PledgeRefundInput {
  @Field(() => ID, { description: 'Global id of the cash pledge.' })
  pledgeId: string;
  @Field(() => String, { nullable: true, description: 'Why, up to 500 characters.' })
  reason?: string | null;
}

@InputType({ description: 'The pledge that a step is for.' })
export class PledgeStepInput {
  @Field(() => ID, { description: 'Global id of the pledge.' })
  pledgeId: string;
}

@ObjectType({ description: 'Outcome of a step of a cash pledge.' })
export class CashPledgePayload {
  @Field(() => CashPledge, { nullable: true, description: 'The pledge after the step.' })
  pledge: CashPledge | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@InputType({ description: 'An offer of GPU time.' })
export class PledgeComputeCreateInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => String, { description: 'Accelerator class, the one of the campaign.' })
  class: string;
  @Field(() => Int, { description: 'How many devices at a time, 1 to 65536.' })
  count: number;
  @Field(() => BigIntScalar, { description: 'How much in all, in device-milliseconds.' })
  milliseconds: bigint;
  @Field(() => String, {
    nullable: true,
    description: 'When: RFC 5545 recurrence rule, like "FREQ=DAILY;BYHOUR=20,21,22"; any time when absent.',
  })
  availability?: string | null;
  @Field(() => String, { nullable: true, description: 'Where the devices stand, like "eu-north".' })
  region?: string | null;
  @Field(() => String, { description: 'A key new for each pledge; sending it again gives the same pledge.' })
  idempotencyKey: string;
}

@ObjectType({ description: 'Outcome of a step of a compute pledge.' })
export class ComputePledgePayload {
  @Field(() => ComputePledge, { nullable: true, description: 'The pledge after the step.' })
  pledge: ComputePledge | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}
