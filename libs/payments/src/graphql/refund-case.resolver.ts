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
import type { RefundCaseRow } from '../store/refund-case.store.js';
import { RefundCases } from '../refund-cases.js';
import { TopUps } from '../top-ups.js';
import {
  RefundCase,
  RefundCaseConnection,
  RefundCasePayload,
  type RefundCaseResolutionEnum,
  RefundCaseResolveInput,
  type RefundCaseStateEnum,
  RefundCaseTakeInput,
  RefundTopUp,
} from './refund-case.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const ID_PATH = ['input', 'refundCaseId'];

@Resolver(() => RefundCase)
export class RefundCaseResolver {
  constructor(
    private readonly cases: RefundCases,
    private readonly topUps: TopUps,
  ) {}

  @Access({ platformRole: 'operator' })
  @Query(() => [RefundTopUp], {
    description: 'Whether the processor holds what the refunds under way need, by currency. Asks the processor.',
  })
  async refundTopUpPlan(): Promise<RefundTopUp[]> {
    return (await this.topUps.plan()).map(({ currency, dueMinor, availableMinor, shortMinor }) => ({
      due: Money.of(dueMinor, currency),
      available: Money.of(availableMinor, currency),
      short: Money.of(shortMinor, currency),
    }));
  }

  @Access('signedIn')
  @Query(() => RefundCaseConnection, {
    description:
      'Refunds that did not reach their owners, what waits longest first: an operator sees all, a treasurer those of his campaigns and pools.',
  })
  async refundCases(
    @CurrentViewer() viewer: SignedIn,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('unresolvedOnly', {
      type: () => Boolean,
      nullable: true,
      description: 'False shows the resolved ones as well.',
    })
    unresolvedOnly?: boolean,
  ) {
    const page = await this.cases.page(viewer, { first, after, unresolvedOnly: unresolvedOnly ?? true });
    return toConnection(page, toRefundCase, after);
  }

  @Access({ scope: 'campaign:write', projectRoles: ['treasurer', 'owner'] })
  @Mutation(() => RefundCasePayload, { description: 'Takes a failed refund in hand: a treasurer, or an operator.' })
  async refundCaseTake(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The case.' }) input: RefundCaseTakeInput,
  ): Promise<RefundCasePayload> {
    const id = fromGlobalId('RefundCase', input.refundCaseId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.take(viewer, id));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['treasurer', 'owner'] })
  @Mutation(() => RefundCasePayload, { description: 'Ends a failed refund that the caller has in hand.' })
  async refundCaseResolve(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The case and its end.' }) input: RefundCaseResolveInput,
  ): Promise<RefundCasePayload> {
    const id = fromGlobalId('RefundCase', input.refundCaseId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.resolve(viewer, id, input));
  }
}

function payload(outcome: Outcome<RefundCaseRow>): RefundCasePayload {
  if (isRefused(outcome)) return { refundCase: null, userErrors: toUserErrors(outcome) };
  return { refundCase: toRefundCase(outcome), userErrors: [] };
}

function toRefundCase(row: RefundCaseRow): RefundCase {
  return {
    id: toGlobalId('RefundCase', row.id),
    state: row.state as RefundCaseStateEnum,
    amount: Money.of(row.amount_minor, row.currency),
    failureCode: row.failure_code,
    beneficiaryId: row.beneficiary_id,
    owner: row.owner,
    resolution: row.resolution as RefundCaseResolutionEnum | null,
    note: row.note,
    openedAt: row.opened_at,
    takenAt: row.taken_at,
    resolvedAt: row.resolved_at,
  };
}
