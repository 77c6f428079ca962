import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, UserError } from '#platform';

export enum ReconciliationCorrectionState {
  PROPOSED = 'proposed',
  POSTED = 'posted',
  REJECTED = 'rejected',
  WITHDRAWN = 'withdrawn',
  LAPSED = 'lapsed',
}
registerEnumType(ReconciliationCorrectionState, {
  name: 'ReconciliationCorrectionState',
  description: 'Where a correction stands.',
  valuesMap: {
    PROPOSED: { description: 'It waits for a second person.' },
    POSTED: { description: 'A second person said yes, and it is in the books.' },
    REJECTED: { description: 'A second person said no.' },
    WITHDRAWN: { description: 'Its proposer took it back.' },
    LAPSED: { description: 'The difference went away by itself.' },
  },
});

@ObjectType({ description: 'A transfer that takes a difference away: proposed by one person, posted by another.' })
export class ReconciliationCorrection {
  @Field(() => ID, { description: 'Opaque id.' })
  id!: string;
  @Field(() => ReconciliationCorrectionState, { description: 'Where it stands.' })
  state!: ReconciliationCorrectionState;
  @Field(() => String, { description: 'Code of the account that is debited.' })
  debit!: string;
  @Field(() => String, { description: 'Code of the account that is credited.' })
  credit!: string;
  @Field(() => String, { description: 'ISO 4217 currency of both.' })
  unit!: string;
  @Field(() => BigIntScalar, { description: 'Minor units.' })
  amountMinor!: bigint;
  @Field(() => String, { description: 'Why it is right.' })
  reason!: string;
  @Field(() => String, { description: 'Pseudonym of who proposed it.' })
  proposedBy!: string;
  @Field(() => DateTimeScalar, { description: 'When it was proposed.' })
  proposedAt!: Date;
  @Field(() => String, { nullable: true, description: 'Pseudonym of who decided; null when nobody did.' })
  decidedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was decided, or lapsed.' })
  decidedAt!: Date | null;
  @Field(() => String, { nullable: true, description: 'Why it was rejected or withdrawn.' })
  decidedNote!: string | null;
}

@InputType({ description: 'The transfer that takes away the difference of a case that the caller has in hand.' })
export class ReconciliationCorrectionProposeInput {
  @Field(() => ID, { description: 'The case.' })
  caseId!: string;
  @Field(() => String, { description: 'Code of the account to debit.' })
  debit!: string;
  @Field(() => String, { description: 'Code of the account to credit.' })
  credit!: string;
  @Field(() => BigIntScalar, { description: 'Minor units: the whole difference.' })
  amountMinor!: bigint;
  @Field(() => String, { description: 'Why it is right, 1 to 500 characters. Name no person.' })
  reason!: string;
}

@InputType({ description: 'The correction to post, by another person than its proposer.' })
export class ReconciliationCorrectionApproveInput {
  @Field(() => ID, { description: 'The correction.' })
  correctionId!: string;
}

@InputType({ description: 'The correction to turn down, and why.' })
export class ReconciliationCorrectionRejectInput {
  @Field(() => ID, { description: 'The correction.' })
  correctionId!: string;
  @Field(() => String, { description: 'Why, 1 to 500 characters. Name no person.' })
  note!: string;
}

@InputType({ description: "The caller's own correction to take back, and why." })
export class ReconciliationCorrectionWithdrawInput {
  @Field(() => ID, { description: 'The correction.' })
  correctionId!: string;
  @Field(() => String, { description: 'Why, 1 to 500 characters. Name no person.' })
  note!: string;
}

@ObjectType({ description: 'The correction after the change.' })
export class ReconciliationCorrectionPayload {
  @Field(() => ReconciliationCorrection, {
    nullable: true,
    description: 'The correction; null when the change was refused.',
  })
  correction!: ReconciliationCorrection | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors!: UserError[];
}
