import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { isRefused, type Outcome } from '#kernel';
import {
  Access,
  AFTER_ARG,
  CurrentViewer,
  FIRST_ARG,
  fromGlobalId,
  Money,
  toConnection,
  toGlobalId,
  toUserErrors,
  type Viewer,
} from '#platform';
import { DisputeCases } from '../dispute-cases.js';
import type { DisputeCaseRow } from '../store/dispute.store.js';
import {
  DisputeAnswerInput,
  DisputeCase,
  DisputeCaseConnection,
  DisputePayload,
  type DisputeStateEnum,
  DisputeStepInput,
} from './dispute-case.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const ACCESS = { scope: 'campaign:write' as const, projectRoles: ['treasurer', 'owner'] };
const ID_PATH = ['input', 'disputeId'];

@Resolver(() => DisputeCase)
export class DisputeCaseResolver {
  constructor(private readonly cases: DisputeCases) {}

  @Access('signedIn')
  @Query(() => DisputeCaseConnection, {
    description:
      'Charges that their payers dispute, oldest first: an operator sees all, a treasurer those of his campaigns and pools.',
  })
  async disputes(
    @CurrentViewer() viewer: SignedIn,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('openOnly', { type: () => Boolean, nullable: true, description: 'False shows the ended ones as well.' })
    openOnly?: boolean,
  ) {
    const page = await this.cases.page(viewer, { first, after, openOnly: openOnly ?? true });
    return toConnection(page, toCase, after);
  }

  @Access(ACCESS)
  @Mutation(() => DisputePayload, { description: 'Takes a dispute in hand: a treasurer, or an operator.' })
  async disputeTake(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The dispute.' }) input: DisputeStepInput,
  ): Promise<DisputePayload> {
    const id = fromGlobalId('DisputeCase', input.disputeId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.take(viewer, id));
  }

  @Access(ACCESS)
  @Mutation(() => DisputePayload, { description: 'Tells the bank, once, why a charge that is disputed is right.' })
  async disputeAnswer(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The answer.' }) input: DisputeAnswerInput,
  ): Promise<DisputePayload> {
    const id = fromGlobalId('DisputeCase', input.disputeId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.answer(viewer, id, input.answer));
  }

  @Access(ACCESS)
  @Mutation(() => DisputePayload, { description: 'Leaves disputed money to its payer. It can not be taken back.' })
  async disputeAccept(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The dispute.' }) input: DisputeStepInput,
  ): Promise<DisputePayload> {
    const id = fromGlobalId('DisputeCase', input.disputeId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.accept(viewer, id));
  }
}

function payload(outcome: Outcome<DisputeCaseRow>): DisputePayload {
  if (isRefused(outcome)) return { dispute: null, userErrors: toUserErrors(outcome) };
  return { dispute: toCase(outcome), userErrors: [] };
}

function toCase(row: DisputeCaseRow): DisputeCase {
  return {
    id: toGlobalId('DisputeCase', row.id),
    state: row.status as DisputeStateEnum,
    amount: Money.of(row.amount_minor, row.currency),
    fee: Money.of(row.fee_minor, row.currency),
    reinstated: Money.of(row.reinstated_minor, row.currency),
    rail: row.rail,
    reason: row.reason,
    answerDue: row.answered_at === null && row.stripe_status.endsWith('needs_response'),
    respondBy: row.respond_by,
    beneficiaryId: row.beneficiary_id,
    owner: row.owner,
    openedAt: row.opened_at,
    answeredAt: row.answered_at,
    closedAt: row.closed_at,
  };
}
