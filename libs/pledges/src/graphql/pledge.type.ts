import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, Connection, DateTimeScalar, GpuTime, Money, NodeInterface, UserError } from '#platform';
import { PaymentRail } from '#payments';

enum CashPledgeStateEnum {
  CREATED = 'created',
  METHOD_REQUIRED = 'method_required',
  PLEDGED = 'pledged',
  FROZEN = 'frozen',
  CHARGING = 'charging',
  NEEDS_ACTION = 'needs_action',
  ERRORED = 'errored',
  COLLECTED = 'collected',
  DROPPED = 'dropped',
  RELEASED = 'released',
  CANCELLED = 'cancelled',
  INSTRUCTIONS_ISSUED = 'instructions_issued',
  PARTIALLY_FUNDED = 'partially_funded',
  FUNDED = 'funded',
  EXPIRED = 'expired',
  REFUND_PENDING = 'refund_pending',
  REFUNDED = 'refunded',
  REFUND_STUCK = 'refund_stuck',
  DISPUTED = 'disputed',
  CHARGED_BACK = 'charged_back',
}
registerEnumType(CashPledgeStateEnum, {
  name: 'CashPledgeState',
  description: 'Where a cash pledge stands.',
  valuesMap: {
    CREATED: { description: 'Promised; its donor has not confirmed the payment.' },
    METHOD_REQUIRED: { description: 'Promised; its donor has not saved a card or an account yet.' },
    PLEDGED: { description: 'A card or an account is saved and is charged when the campaign settles.' },
    FROZEN: { description: 'Part of the final list of a campaign that settles; it is charged soon.' },
    CHARGING: { description: 'A charge is under way.' },
    NEEDS_ACTION: { description: 'The bank wants its donor to confirm: pledgePayNow says how.' },
    ERRORED: { description: 'The charge was refused. It is tried again, and another card may be tried at any time.' },
    COLLECTED: { description: 'Paid.' },
    DROPPED: { description: 'Not paid when the time for it was over.' },
    RELEASED: { description: 'Let go without a charge: the campaign ended, or its donor did not agree to more time.' },
    CANCELLED: { description: 'Given up before it was paid.' },
    INSTRUCTIONS_ISSUED: { description: 'A bank transfer is awaited.' },
    PARTIALLY_FUNDED: { description: 'A part of the bank transfer came.' },
    FUNDED: { description: 'All of the bank transfer came.' },
    EXPIRED: { description: 'The bank transfer did not come in time. Money that comes later stays the donor’s.' },
    REFUND_PENDING: { description: 'A refund is on its way.' },
    REFUNDED: { description: 'Paid back in full.' },
    REFUND_STUCK: { description: 'A refund failed; somebody looks after it.' },
    DISPUTED: { description: 'The cardholder disputes the charge; the bank holds the money.' },
    CHARGED_BACK: { description: 'The dispute was lost; the money is gone.' },
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
  @Field(() => Money, { description: 'How much of it came so far.' })
  collected: Money;
  @Field(() => Money, { description: 'What the whole counts for the campaign, in its currency.' })
  counted: Money;
  @Field(() => String, {
    nullable: true,
    description: 'The exact rate by which it counts, with source and day; null in the campaign’s own currency.',
  })
  exchangeRate: string | null;
  @Field(() => PaymentRail, { description: 'How the money comes.' })
  rail: string;
  @Field(() => Boolean, { description: 'Whether it is charged only when the campaign settles.' })
  chargedAtClose: boolean;
  @Field(() => Int, { description: 'In how many payments it is charged.' })
  instalments: number;
  @Field(() => Int, { description: 'Version of the campaign’s terms that its donor agreed to.' })
  termsVersion: number;
  @Field(() => CashPledgeStateEnum, { description: 'Where it stands.' })
  state: string;
  @Field(() => PledgeBacker, { description: 'Who pledged.' })
  contributor: PledgeBacker;
  @Field(() => Boolean, { description: 'Whether its backer stays unnamed on pages.' })
  anonymous: boolean;
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt: string | Date;
  @Field(() => String, {
    nullable: true,
    description: 'Why the card was refused, in the words of the processor; seen by the backer only.',
  })
  failureCode: string | null;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the charge is tried again, or until when a bank transfer is awaited; seen by the backer only.',
  })
  nextAt: string | Date | null;
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
