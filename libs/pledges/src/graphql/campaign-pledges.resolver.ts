import { Args, Context, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { Campaign, CampaignQueries, toCampaign } from '#campaigns';
import type { Page } from '#kernel';
import { AFTER_ARG, FIRST_ARG, type GraphQLContext, loaderOf, Money, parseGlobalId, toConnection } from '#platform';
import { PledgeQueries } from '../pledge.queries.js';
import type { CashPageRow, ComputePageRow } from '../store/pledge-page.statement.js';
import { toCashPledge, toComputePledge } from './pledge.mapper.js';
import { PledgePlan } from './plan.type.js';
import { MethodUseType } from './saved-method.type.js';
import { CampaignClose, type SettlementCount } from './settlement.type.js';
import { CashPledge, CashPledgeConnection, ComputePledge, ComputePledgeConnection } from './pledge.type.js';

/** Pledges of a campaign: taken from the page statement where it delivered them, read apart where it could not. */
@Resolver(() => Campaign)
export class CampaignPledgesResolver {
  constructor(private readonly queries: PledgeQueries) {}

  @ResolveField(() => CashPledgeConnection, { description: 'Cash pledges, newest first.' })
  pledges(@Parent() campaign: Campaign, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const delivered = campaign.partPages?.get('pledges') as Page<CashPageRow> | undefined;
    if (delivered) return toConnection(delivered, (row) => toCashPledge(row), after);
    return this.queries
      .cashOf('campaign_id', parseGlobalId(campaign.id)?.id ?? '', { first, after })
      .then((page) => toConnection(page, (row) => toCashPledge(row), after));
  }

  @ResolveField(() => ComputePledgeConnection, { description: 'Compute pledges, newest first.' })
  computePledges(@Parent() campaign: Campaign, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const delivered = campaign.partPages?.get('computePledges') as Page<ComputePageRow> | undefined;
    if (delivered) return toConnection(delivered, toComputePledge, after);
    return this.queries
      .computeOf('campaign_id', parseGlobalId(campaign.id)?.id ?? '', { first, after })
      .then((page) => toConnection(page, toComputePledge, after));
  }
}

const PLACES = {
  frozen: ['frozen'],
  charging: ['charging'],
  collected: ['collected', 'funded'],
  needsAction: ['needs_action'],
  errored: ['errored'],
  dropped: ['dropped', 'expired'],
  awaited: ['instructions_issued', 'partially_funded'],
} as const;

@Resolver(() => Campaign)
export class CampaignCloseResolver {
  constructor(private readonly queries: PledgeQueries) {}

  @ResolveField(() => CampaignClose, {
    nullable: true,
    description: 'How far its close is; null before it settles.',
  })
  async settlement(@Parent() campaign: Campaign): Promise<CampaignClose | null> {
    const row = await this.queries.settlement(parseGlobalId(campaign.id)?.id ?? '');
    if (!row) return null;
    const count = (states: readonly string[]): SettlementCount => {
      const of = (row.states ?? []).filter(({ state }) => states.includes(state));
      const amount = of.reduce((sum, { countedMinor }) => sum + BigInt(countedMinor), 0n);
      return { pledges: of.reduce((sum, state) => sum + state.count, 0), amount: Money.of(amount, row.currency) };
    };
    const places = Object.entries(PLACES).map(([name, states]) => [name, count(states)] as const);
    return { ...row, ...(Object.fromEntries(places) as Record<keyof typeof PLACES, SettlementCount>) };
  }
}

/** The campaign of a pledge; those of a request's pledges are read together. */
async function campaignOf(context: GraphQLContext, campaigns: CampaignQueries, id: string): Promise<Campaign | null> {
  const loader = loaderOf(context, 'pledges.campaign', (ids: readonly string[]) =>
    campaigns.byIds(context.viewer, ids),
  );
  const row = await loader.load(id);
  return row ? toCampaign(row) : null;
}

@Resolver(() => CashPledge)
export class CashPledgeCampaignResolver {
  constructor(private readonly campaigns: CampaignQueries) {}

  @ResolveField(() => Campaign, { nullable: true, description: 'What it is for.' })
  campaign(@Parent() pledge: CashPledge, @Context() context: GraphQLContext): Promise<Campaign | null> {
    return campaignOf(context, this.campaigns, pledge.campaignId);
  }
}

@Resolver(() => PledgePlan)
export class PledgePlanCampaignResolver {
  constructor(private readonly campaigns: CampaignQueries) {}

  @ResolveField(() => Campaign, { nullable: true, description: 'What it is for.' })
  campaign(@Parent() plan: PledgePlan, @Context() context: GraphQLContext): Promise<Campaign | null> {
    return campaignOf(context, this.campaigns, parseGlobalId(plan.campaignId)?.id ?? '');
  }
}

@Resolver(() => MethodUseType)
export class MethodUseCampaignResolver {
  constructor(private readonly campaigns: CampaignQueries) {}

  @ResolveField(() => Campaign, { nullable: true, description: 'What it is for.' })
  campaign(@Parent() use: MethodUseType, @Context() context: GraphQLContext): Promise<Campaign | null> {
    return campaignOf(context, this.campaigns, use.campaignKey);
  }
}

@Resolver(() => ComputePledge)
export class ComputePledgeCampaignResolver {
  constructor(private readonly campaigns: CampaignQueries) {}

  @ResolveField(() => Campaign, { nullable: true, description: 'What it is for.' })
  campaign(@Parent() pledge: ComputePledge, @Context() context: GraphQLContext): Promise<Campaign | null> {
    return campaignOf(context, this.campaigns, pledge.campaignId);
  }
}
