import { Args, Context, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CampaignQueries, toCampaign } from '#campaigns';
import { isRefused } from '#kernel';
import { BankTransfers } from '#payments';
import {
  AFTER_ARG,
  Access,
  BigIntScalar,
  Config,
  CurrentViewer,
  FIRST_ARG,
  type GraphQLContext,
  Money,
  NodeLookup,
  type NodeSource,
  type Viewer,
  askedId,
  loaderOf,
  toConnection,
} from '#platform';
import { MatchEstimates } from '../estimate.js';
import { MatchingQueries, type PoolView } from '../matching.queries.js';
import type { RoundRow } from '../store/round.store.js';
import { toDeposit, toExclusion, toMatchPool, toMatchRound, toResultVersion, toTransfer } from './matching.mapper.js';
import {
  MatchDeposit,
  MatchEstimate,
  MatchExclusion,
  MatchPool,
  MatchPoolConnection,
  MatchResultVersion,
  MatchRound,
  MatchRoundCampaign,
  MatchRoundConnection,
  MatchTransfer,
} from './matching.type.js';

@Resolver(() => MatchRound)
export class MatchingResolver {
  constructor(
    private readonly queries: MatchingQueries,
    private readonly estimates: MatchEstimates,
    private readonly campaignQueries: CampaignQueries,
    private readonly config: Config,
  ) {}

  @Access('public')
  @Query(() => MatchRoundConnection, { description: 'Rounds of matching, newest first; drafts for who manages them.' })
  async matchRounds(
    @CurrentViewer() viewer: Viewer,
    @Args(FIRST_ARG.name, FIRST_ARG) first: number | null,
    @Args(AFTER_ARG.name, AFTER_ARG) after: string | null,
  ) {
    const page = await this.queries.rounds(viewer, { first, after });
    return toConnection(page, (round) => toMatchRound(round, viewer), after);
  }

  @Access('public')
  @Query(() => MatchRound, { nullable: true, description: 'One round, by its global id or by its name in addresses.' })
  async matchRound(
    @CurrentViewer() viewer: Viewer,
    @Args('id', { type: () => ID, nullable: true, description: 'Global id.' }) id: string | null,
    @Args('slug', { type: () => String, nullable: true, description: 'Name in addresses.' }) slug: string | null,
  ): Promise<MatchRound | null> {
    const by = id == null ? { slug: slug ?? '' } : { id: askedId('MatchRound', id) };
    const round = await this.queries.round(viewer, by);
    return round ? toMatchRound(round, viewer) : null;
  }

  @Access('public')
  @Query(() => MatchPool, { nullable: true, description: 'One pool, by its global id.' })
  async matchPool(
    @CurrentViewer() viewer: Viewer,
    @Args('id', { type: () => ID, description: 'Global id.' }) id: string,
  ): Promise<MatchPool | null> {
    const pool = await this.queries.pool(askedId('MatchPool', id));
    return pool ? toMatchPool(pool, viewer) : null;
  }

  @Access('public')
  @Query(() => MatchPoolConnection, { description: 'Pools, newest first.' })
  async matchPools(
    @CurrentViewer() viewer: Viewer,
    @Args(FIRST_ARG.name, FIRST_ARG) first: number | null,
    @Args(AFTER_ARG.name, AFTER_ARG) after: string | null,
  ) {
    const page = await this.queries.pools({ first, after });
    return toConnection(page, (view) => toMatchPool(view, viewer), after);
  }

  @Access('public')
  @Query(() => MatchEstimate, {
    nullable: true,
    description:
      'What a gift by you would add to a campaign’s match; null when no open round has the campaign, or its rule is too costly to ask.',
  })
  async matchEstimate(
    @CurrentViewer() viewer: Viewer,
    @Args('campaignId', { type: () => ID, description: 'The campaign (global id).' }) campaignId: string,
    @Args('amountMinor', {
      type: () => BigIntScalar,
      description: 'The gift, in minor units of the campaign’s currency.',
    })
    amountMinor: bigint,
  ): Promise<MatchEstimate | null> {
    if (amountMinor < 1n || amountMinor > 10n ** 18n) return null;
    const estimate = await this.estimates.ofGift(viewer, askedId('Campaign', campaignId), amountMinor);
    if (!estimate) return null;
    const { round, matchMinor, atPaceMinor, standsMinor, asOf } = estimate;
    return {
      round: toMatchRound(round, viewer),
      match: Money.of(matchMinor, round.currency),
      atPace: Money.of(atPaceMinor, round.currency),
      stands: Money.of(standsMinor, round.currency),
      asOf,
    };
  }

  @ResolveField(() => MatchPool, { nullable: true, description: 'The pool that it divides money of.' })
  async pool(@Parent() parent: MatchRound, @Context() context: GraphQLContext): Promise<MatchPool | null> {
    const view = await poolOf(context, this.queries, rowOf(parent).poolId);
    return view ? toMatchPool(view, context.viewer) : null;
  }

  @ResolveField(() => [MatchRoundCampaign], { description: 'Its campaigns, up to 1,000, and what they get.' })
  async campaigns(@Parent() parent: MatchRound, @CurrentViewer() viewer: Viewer): Promise<MatchRoundCampaign[]> {
    const round = rowOf(parent);
    const campaigns = await this.queries.campaigns(round);
    const known = await this.campaignQueries.byIds(
      viewer,
      campaigns.map((c) => c.campaignId),
    );
    const standing = round.state === 'open' ? await this.estimates.ofRound(round.id) : undefined;
    const money = (minor: bigint | null | undefined) => (minor == null ? null : Money.of(minor, round.currency));
    return campaigns.map((c) => {
      const campaign = known.get(c.campaignId);
      return {
        campaign: campaign ? toCampaign(campaign) : null,
        cap: money(c.capMinor),
        giftCount: c.giftCount,
        gifts: Money.of(c.giftsMinor, round.currency),
        estimate: money(standing?.matches.get(c.campaignId)),
        match: money(c.matchMinor),
        paid: money(c.paidMinor),
      };
    });
  }

  @ResolveField(() => [MatchExclusion], { description: 'What does not count, and why; up to 5,000.' })
  async exclusions(@Parent() parent: MatchRound, @CurrentViewer() viewer: Viewer): Promise<MatchExclusion[]> {
    const round = rowOf(parent);
    const exclusions = await this.queries.exclusions(viewer, round);
    return exclusions.map(({ row, isOwn }) => toExclusion(row, round, viewer, isOwn));
  }

  @ResolveField(() => [MatchResultVersion], { description: 'Its results, newest first.' })
  async results(@Parent() parent: MatchRound): Promise<MatchResultVersion[]> {
    const round = rowOf(parent);
    const results = await this.queries.results(round);
    return results.map((result) => toResultVersion(result, round.slug, this.config.publicUrl.href));
  }
}

@Resolver(() => MatchPool)
export class MatchPoolResolver {
  constructor(private readonly queries: MatchingQueries) {}

  @ResolveField(() => [MatchDeposit], { description: 'What you paid into it, newest first; up to 100.' })
  async viewerDeposits(@Parent() parent: MatchPool, @CurrentViewer() viewer: Viewer): Promise<MatchDeposit[]> {
    return (await this.queries.deposits(viewer, askedId('MatchPool', parent.id))).map(toDeposit);
  }
}

@Resolver(() => MatchDeposit)
export class MatchDepositResolver {
  constructor(private readonly transfers: BankTransfers) {}

  @ResolveField(() => MatchTransfer, {
    nullable: true,
    description: 'Where to send it, while a bank transfer is waited for; the account is your own, the same each time.',
  })
  async transfer(@Parent() deposit: MatchDeposit, @CurrentViewer() viewer: Viewer): Promise<MatchTransfer | null> {
    const isWaiting = deposit.rail === 'bank_transfer' && deposit.state === 'created';
    if (!isWaiting || viewer.kind !== 'contributor') return null;
    const told = await this.transfers.instructions(viewer.pseudonym, deposit.amount.currency);
    return isRefused(told) ? null : toTransfer(told);
  }
}

/** The pool of a round; those of a request's rounds are read together. */
const poolOf = (context: GraphQLContext, queries: MatchingQueries, poolId: string): Promise<PoolView | undefined> =>
  loaderOf(context, 'matching.pool', (ids: readonly string[]) => queries.poolViews(ids)).load(poolId);

const rowOf = (round: MatchRound): RoundRow => round.row as RoundRow;

@NodeLookup()
export class MatchRoundLookup implements NodeSource {
  readonly typeName = 'MatchRound';
  constructor(private readonly queries: MatchingQueries) {}

  async find(id: string, viewer: Viewer): Promise<object | null> {
    const round = await this.queries.round(viewer, { id });
    return round ? toMatchRound(round, viewer) : null;
  }
}

@NodeLookup()
export class MatchPoolLookup implements NodeSource {
  readonly typeName = 'MatchPool';
  constructor(private readonly queries: MatchingQueries) {}

  async find(id: string, viewer: Viewer): Promise<object | null> {
    const pool = await this.queries.pool(id);
    return pool ? toMatchPool(pool, viewer) : null;
  }
}
