import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, JsonScalar, Money, UrlScalar, UserError } from '#platform';
import {
  DisbursementStateEnum,
  EvidenceKindEnum,
  EvidenceOutcomeEnum,
  PayoutAccountStatusEnum,
  PayoutAttemptStatusEnum,
  TrancheStateEnum,
  WaitingForEnum,
} from './disbursement.enums.js';

@ObjectType({ description: 'A file that belongs to evidence, by the SHA-256 of its bytes.' })
export class EvidenceFile {
  @Field(() => String, { description: 'Its name, as whoever submitted it gave it.' })
  name: string;
  @Field(() => String, { description: 'SHA-256 of its bytes, lower-case hexadecimal.' })
  sha256: string;
  @Field(() => BigIntScalar, { description: 'Its size in bytes.' })
  bytes: bigint;
  @Field(() => UrlScalar, { description: 'Where anybody may fetch it.' })
  downloadUrl: string;
}

@ObjectType({ description: 'One approver’s judgement of evidence.' })
export class TrancheApproval {
  @Field(() => ID, { description: 'Pseudonym of the approver, as in the public record.' })
  approver: string;
  @Field(() => Boolean, { description: 'True for yes; one no sends the tranche back.' })
  approves: boolean;
  @Field(() => String, { description: 'Why.' })
  reason: string;
  @Field(() => DateTimeScalar, { description: 'When it was given.' })
  at: Date;
}

@ObjectType({ description: 'A vote of a campaign’s backers: one backer, one vote, whatever he gave.' })
export class BackersVote {
  @Field(() => DateTimeScalar, {
    description: 'When it ends; it is decided sooner when the missing votes can’t change it.',
  })
  closesAt: Date;
  @Field(() => Int, { description: 'How many backers may vote.' })
  electorate: number;
  @Field(() => Int, { description: 'How many have voted.' })
  cast: number;
  @Field(() => Int, { nullable: true, description: 'Votes in favour; null until it is decided.' })
  yes: number | null;
  @Field(() => Int, { nullable: true, description: 'Votes against; null until it is decided.' })
  no: number | null;
}

@ObjectType({ description: 'What was submitted to show that a tranche is due.' })
export class TrancheEvidence {
  @Field(() => ID, { description: 'Its id in the public record.' })
  id: string;
  @Field(() => Int, { description: 'Which try of the tranche it is, from 1.' })
  round: number;
  @Field(() => EvidenceKindEnum, { description: 'What it is.' })
  kind: EvidenceKindEnum;
  @Field(() => ID, {
    nullable: true,
    description:
      'Pseudonym of whoever submitted it and stands for it; null where the clock states that the time has come.',
  })
  submittedBy: string | null;
  @Field(() => DateTimeScalar, { description: 'When it was submitted.' })
  submittedAt: Date;
  @Field(() => ID, {
    nullable: true,
    description: 'The promoted checkpoint, as a global id, for evidence of that kind.',
  })
  checkpointId: string | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'Tokens that the checkpoint was trained on.' })
  tokens: bigint | null;
  @Field(() => String, { nullable: true, description: 'SHA-256 of the checkpoint’s manifest.' })
  manifestSha256: string | null;
  @Field(() => String, { nullable: true, description: 'The value of an evaluation, as decimal text.' })
  value: string | null;
  @Field(() => String, { description: 'What was said about it.' })
  report: string;
  @Field(() => [EvidenceFile], { description: 'Its files.' })
  files: EvidenceFile[];
  @Field(() => BackersVote, { nullable: true, description: 'The vote, where the backers decide.' })
  vote: BackersVote | null;
  @Field(() => EvidenceOutcomeEnum, { description: 'What became of it.' })
  outcome: EvidenceOutcomeEnum;
  @Field(() => [TrancheApproval], { description: 'Judgements of it, the first one first.' })
  approvals: TrancheApproval[];
}

@ObjectType({ description: 'One try to bring one part of a payout to its account.' })
export class PayoutAttempt {
  @Field(() => Int, { description: 'Which part, from 1: what is above 99,999,999 minor units leaves in parts.' })
  part: number;
  @Field(() => Int, { description: 'Counted from 1; the same for all parts that were tried at the same time.' })
  number: number;
  @Field(() => Money, { description: 'The amount of the part.' })
  amount: Money;
  @Field(() => PayoutAttemptStatusEnum, { description: 'Where it stands.' })
  status: PayoutAttemptStatusEnum;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the bank expects it; null until it is on its way.',
  })
  arrivalAt: Date | null;
  @Field(() => String, { nullable: true, description: 'Why it failed: the processor’s code.' })
  failureCode: string | null;
  @Field(() => DateTimeScalar, { description: 'When it began.' })
  createdAt: Date;
}

@ObjectType({ description: 'A share of a campaign’s money that leaves when its evidence is approved.' })
export class DisbursementTranche {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => Int, { description: 'Its place in the plan, from 1.' })
  number: number;
  @Field(() => String, { description: 'What it is for.' })
  title: string;
  @Field(() => Int, {
    description:
      'Its share of what was collected, in basis points; 0 for what the dispute reserve gives back at the end.',
  })
  shareBp: number;
  @Field(() => String, { nullable: true, description: 'The budget line that it pays, where the terms name one.' })
  budgetKind: string | null;
  @Field(() => EvidenceKindEnum, { description: 'The evidence that its terms ask for.' })
  evidenceKind: EvidenceKindEnum;
  @Field(() => JsonScalar, { description: 'The terms of that evidence: threshold, metric, quorum and the like.' })
  evidenceTerms: object;
  @Field(() => TrancheStateEnum, { description: 'Where it stands.' })
  state: TrancheStateEnum;
  @Field(() => WaitingForEnum, { description: 'What it waits for.' })
  waitingFor: WaitingForEnum;
  @Field(() => Money, { nullable: true, description: 'What was set aside for it; null until then.' })
  amount: Money | null;
  @Field(() => String, { nullable: true, description: 'Why an operator holds it.' })
  heldReason: string | null;
  @Field(() => [TrancheEvidence], { description: 'Its evidence, the first try first.' })
  evidence: TrancheEvidence[];
  @Field(() => [PayoutAttempt], { description: 'Attempts of its payout, the first one first.' })
  attempts: PayoutAttempt[];
}

@ObjectType({ description: 'Where a campaign’s money of one currency stands.' })
export class CampaignCash {
  @Field(() => Money, { description: 'Held in escrow: neither spent nor set aside.' })
  escrow: Money;
  @Field(() => Money, { description: 'Held back for disputes.' })
  reserve: Money;
  @Field(() => Money, { description: 'Set aside for payouts or on its way.' })
  onItsWay: Money;
  @Field(() => Money, { description: 'Paid out.' })
  released: Money;
  @Field(() => Money, { description: 'Processing fees that the campaign has borne.' })
  fees: Money;
  @Field(() => Money, { description: 'All of it: collected, less what was given back, lost or borne as fees.' })
  net: Money;
}

@ObjectType({ description: 'What the dispute reserve holds for payments on one rail.' })
export class ReserveRail {
  @Field(() => String, { description: 'The rail, for example "card" or "sepa_debit".' })
  rail: string;
  @Field(() => Money, { description: 'Payments that can still be disputed.' })
  open: Money;
  @Field(() => Money, { description: 'In dispute now; covered in full.' })
  disputed: Money;
  @Field(() => Int, { description: 'Loss to be expected of what is open, in basis points.' })
  rateBp: number;
  @Field(() => Int, { nullable: true, description: 'For how many days a payment on this rail can be disputed.' })
  windowDays: number | null;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the last window closes; null when nothing is open.',
  })
  windowEndsAt: Date | null;
  @Field(() => Money, { description: 'What the reserve holds for it.' })
  need: Money;
}

@ObjectType({ description: 'The last sizing of a dispute reserve.' })
export class ReserveSizing {
  @Field(() => String, { description: 'ISO 4217 code.' })
  currency: string;
  @Field(() => Money, { description: 'What the rule asks for, at most what there is.' })
  target: Money;
  @Field(() => DateTimeScalar, { description: 'When it was sized.' })
  sizedAt: Date;
  @Field(() => [ReserveRail], { description: 'Rail by rail.' })
  rails: ReserveRail[];
}

@ObjectType({ description: 'The account that a project is paid out to.' })
export class PayoutAccount {
  @Field(() => PayoutAccountStatusEnum, { description: 'Whether it can receive money.' })
  status: PayoutAccountStatusEnum;
  @Field(() => String, { description: 'Country of the bank account, ISO 3166.' })
  country: string;
  @Field(() => Int, { description: 'How many particulars the payment processor still asks for.' })
  requirementsDue: number;
}

@ObjectType({ description: 'How and when the money of a campaign that succeeded leaves it.' })
export class Disbursement {
  @Field(() => DisbursementStateEnum, { description: 'Whether money may still leave.' })
  state: DisbursementStateEnum;
  @Field(() => String, { description: 'The currency that is paid out, ISO 4217.' })
  currency: string;
  @Field(() => Int, { description: 'Version of the campaign’s terms that the plan follows.' })
  termsVersion: number;
  @Field(() => Int, { description: 'How many different people must approve each tranche.' })
  approvalsRequired: number;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Before this nothing leaves.' })
  safetyWindowEndsAt: Date | null;
  @Field(() => [CampaignCash], { description: 'Where the money stands, by currency; the campaign’s own first.' })
  cash: CampaignCash[];
  @Field(() => [ReserveSizing], { description: 'What is held back for disputes and why, by currency.' })
  reserves: ReserveSizing[];
  @Field(() => [DisbursementTranche], { description: 'The tranches in the order of the plan, at most 13.' })
  tranches: DisbursementTranche[];
  @Field(() => PayoutAccount, { nullable: true, description: 'Where it is paid to; null until it is connected.' })
  payoutAccount: PayoutAccount | null;
  @Field(() => Boolean, { description: 'Whether the viewer may vote on something now and has not yet.' })
  viewerMayVote: boolean;
}

@InputType({ description: 'A file that was uploaded before, by its digest.' })
class EvidenceFileInput {
  @Field(() => String, { description: 'A name for people, 1 to 200 characters, no slashes.' })
  name: string;
  @Field(() => String, { description: 'SHA-256 of its bytes, lower-case hexadecimal.' })
  sha256: string;
}

@InputType({ description: 'Evidence for a tranche; which fields are needed its evidence kind says.' })
export class DisbursementEvidenceSubmitInput {
  @Field(() => ID, { description: 'Global id of the tranche.' })
  trancheId: string;
  @Field(() => String, {
    nullable: true,
    description: 'What there is to say, up to 20000 characters; a milestone report has at least 20.',
  })
  report?: string;
  @Field(() => ID, { nullable: true, description: 'Checkpoint: global id of a promoted one of the campaign’s run.' })
  checkpointId?: string;
  @Field(() => String, { nullable: true, description: 'Evaluation: the value of the metric, as decimal text.' })
  value?: string;
  @Field(() => [EvidenceFileInput], {
    nullable: true,
    description: 'Files, at most 20; an evaluation has at least one.',
  })
  files?: EvidenceFileInput[];
}

@InputType({ description: 'A tranche, and why.' })
export class DisbursementReasonInput {
  @Field(() => ID, { description: 'Global id of the tranche.' })
  trancheId: string;
  @Field(() => String, { description: 'Why, 3 to 500 characters; it is public.' })
  reason: string;
}

@InputType({ description: 'A tranche.' })
export class DisbursementStepInput {
  @Field(() => ID, { description: 'Global id of the tranche.' })
  trancheId: string;
}

@InputType({ description: 'A backer’s vote.' })
export class DisbursementVoteInput {
  @Field(() => ID, { description: 'Global id of the tranche.' })
  trancheId: string;
  @Field(() => Boolean, { description: 'True to let the money go.' })
  inFavour: boolean;
}

@InputType({ description: 'The payout account to connect.' })
export class PayoutAccountConnectInput {
  @Field(() => ID, { description: 'Global id of a campaign of the project.' })
  campaignId: string;
  @Field(() => String, { description: 'Country of the receiving bank account, ISO 3166, for example "US".' })
  country: string;
}

@InputType({ description: 'The campaign whose payout account is looked at.' })
export class PayoutAccountRefreshInput {
  @Field(() => ID, { description: 'Global id of a campaign of the project.' })
  campaignId: string;
}

@ObjectType({ description: 'What became of a step of a tranche.' })
export class DisbursementPayload {
  @Field(() => Disbursement, { nullable: true, description: 'The campaign’s disbursement now; null when refused.' })
  disbursement: Disbursement | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'What became of connecting or looking at a payout account.' })
export class PayoutAccountPayload {
  @Field(() => PayoutAccount, { nullable: true, description: 'The account now.' })
  payoutAccount: PayoutAccount | null;
  @Field(() => UrlScalar, {
    nullable: true,
    description: 'Where its owner says what the processor asks for: for him alone, for a few minutes.',
  })
  onboardingUrl: string | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors: UserError[];
}

registerEnumType(DisbursementStateEnum, {
  name: 'DisbursementState',
  description: 'Whether money may still leave a campaign.',
  valuesMap: {
    OPEN: { description: 'Tranches are still to be paid.' },
    CLOSED: { description: 'Everything has been paid out.' },
    CANCELED: { description: 'Given up with its campaign; what was there goes back to the backers.' },
  },
});
