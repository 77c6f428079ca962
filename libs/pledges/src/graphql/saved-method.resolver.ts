import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { isRefused } from '#kernel';
import {
  AFTER_ARG,
  Access,
  CurrentViewer,
  FIRST_ARG,
  Money,
  type Viewer,
  fromGlobalId,
  toConnection,
  toGlobalId,
  toUserErrors,
} from '#platform';
import { type SavedMethod, SavedMethods } from '../saved-methods.js';
import type { MethodUse } from '../store/method-use.store.js';
import {
  type MethodUseType,
  SavedMethodConnection,
  SavedMethodRemoveInput,
  SavedMethodRemovePayload,
  SavedMethodType,
} from './saved-method.type.js';

type SignedIn = Viewer & { kind: 'contributor' };

const toUse = (use: MethodUse): MethodUseType => ({
  pledgeId: use.pledgeId === null ? null : toGlobalId('CashPledge', use.pledgeId),
  planId: use.planId === null ? null : toGlobalId('PledgePlan', use.planId),
  amount: Money.of(use.amountMinor, use.currency),
  campaignKey: use.campaignId,
});

const toMethod = ({ id, rail, savedAt, look, uses }: SavedMethod): SavedMethodType => ({
  id: toGlobalId('SavedMethod', id),
  rail,
  savedAt,
  brand: look?.brand ?? null,
  last4: look?.last4 ?? null,
  expires: look?.expires ?? null,
  uses: uses.map(toUse),
});

/** Cards and accounts that a donor saved. */
@Resolver(() => SavedMethodType)
export class SavedMethodResolver {
  constructor(private readonly methods: SavedMethods) {}

  @Access({ scope: 'pledge:write' })
  @Query(() => SavedMethodConnection, {
    description: 'Cards and accounts of the viewer that may be charged, newest first. Asks the processor.',
  })
  async mySavedMethods(
    @CurrentViewer() viewer: SignedIn,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
  ) {
    return toConnection(await this.methods.of(viewer, { first, after }), toMethod, after);
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => SavedMethodRemovePayload, {
    description:
      'Removes a saved card or account for good, and what only it could pay: pledges that wait for their charge are withdrawn, monthly pledges are stopped.',
  })
  async savedMethodRemove(
    @Args({ name: 'input', description: 'Which.' }) input: SavedMethodRemoveInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<SavedMethodRemovePayload> {
    const id = fromGlobalId('SavedMethod', input.methodId, ['input', 'methodId']);
    const removed = isRefused(id) ? id : await this.methods.remove(viewer, id);
    return isRefused(removed)
      ? { methodId: null, userErrors: toUserErrors(removed) }
      : { methodId: input.methodId, userErrors: [] };
  }
}
