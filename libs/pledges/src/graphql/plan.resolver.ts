import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused } from '#kernel';
import { Access, Config, CurrentViewer, Money, type Viewer, fromGlobalId, toGlobalId, toUserErrors } from '#platform';
import { type PlanStep, PledgePlanCommands } from '../plan.commands.js';
import { PledgeQueries } from '../pledge.queries.js';
import type { PlanRow } from '../store/plan.store.js';
import { toPledgePayment } from './pledge.mapper.js';
import { PledgePlan, PledgePlanCreateInput, PledgePlanPayload, PledgePlanStepInput } from './plan.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const INPUT = (description: string) => ({ name: 'input', description });

const toPlan = (row: PlanRow): PledgePlan => ({
  ...row,
  id: toGlobalId('PledgePlan', row.id),
  campaignId: toGlobalId('Campaign', row.campaignId),
  amount: Money.of(row.amountMinor, row.currency),
});

/** Monthly pledges. */
@Resolver(() => PledgePlan)
export class PledgePlanResolver {
  constructor(
    private readonly plans: PledgePlanCommands,
    private readonly queries: PledgeQueries,
    private readonly config: Config,
  ) {}

  @Access('signedIn')
  @Query(() => [PledgePlan], { description: "The viewer's monthly pledges, newest first, at most 200." })
  async myPledgePlans(@CurrentViewer() viewer: SignedIn): Promise<PledgePlan[]> {
    return (await this.queries.plans(viewer.contributorId)).map(toPlan);
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => PledgePlanPayload, {
    description: 'Promises money each month until an end, by a saved card or account.',
  })
  async pledgePlanCreate(@Args(INPUT('The plan.')) input: PledgePlanCreateInput, @CurrentViewer() viewer: SignedIn) {
    const campaignId = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    return this.payload(
      isRefused(campaignId) ? campaignId : await this.plans.create(viewer, Object.assign({}, input, { campaignId })),
    );
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => PledgePlanPayload, { description: 'Saves another card or account for the months to come.' })
  async pledgePlanMethodChange(
    @Args(INPUT('The plan.')) input: PledgePlanStepInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    const id = fromGlobalId('PledgePlan', input.planId, ['input', 'planId']);
    return this.payload(isRefused(id) ? id : await this.plans.changeMethod(viewer, id));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => PledgePlanPayload, { description: 'Ends a monthly pledge. What was charged stays given.' })
  async pledgePlanStop(@Args(INPUT('The plan.')) input: PledgePlanStepInput, @CurrentViewer() viewer: SignedIn) {
    const id = fromGlobalId('PledgePlan', input.planId, ['input', 'planId']);
    const stopped = isRefused(id) ? id : await this.plans.stop(viewer, id);
    return this.payload(isRefused(stopped) ? stopped : { plan: stopped, setup: null });
  }

  private payload(outcome: Outcome<PlanStep>): PledgePlanPayload {
    if (isRefused(outcome)) return { plan: null, payment: null, userErrors: toUserErrors(outcome) };
    return {
      plan: toPlan(outcome.plan),
      payment: outcome.setup ? toPledgePayment(outcome.setup, true, this.config) : null,
      userErrors: [],
    };
  }
}
