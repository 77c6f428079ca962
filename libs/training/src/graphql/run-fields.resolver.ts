import { Args, Context, Int, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { Campaign, CampaignQueries, toCampaign } from '#campaigns';
import { CatalogQueries, Recipe, toRecipe } from '#catalog';
import { Contributor, IdentityQueries, toContributor } from '#identity';
import { GpuNode, NodesQueries, toGpuNode } from '#nodes';
import { AFTER_ARG, CursorKey, FIRST_ARG, type GraphQLContext, UnitOfWork, loaderOf, toConnection } from '#platform';
import { RunQueries } from '../run.queries.js';
import { toAttempt, toLease, toRunEvent, toUsage } from './run.mapper.js';
import { Attempt, Lease, LeaseConnection, LossPoint, Run, RunEventConnection, Usage } from './run.type.js';

const DEFAULT_POINTS = 500;

/** The fields of a run that other tables hold. */
@Resolver(() => Run)
export class RunFieldsResolver {
  constructor(
    private readonly queries: RunQueries,
    private readonly campaigns: CampaignQueries,
    private readonly catalog: CatalogQueries,
    private readonly uow: UnitOfWork,
  ) {}

  @ResolveField(() => Campaign, { nullable: true, description: 'The campaign that it trains for.' })
  async campaign(@Parent() run: Run, @Context() context: GraphQLContext): Promise<Campaign | null> {
    const loader = loaderOf(context, 'training.campaign', (ids: readonly string[]) =>
      this.campaigns.byIds(context.viewer, ids),
    );
    const row = await loader.load(run.campaignRowId);
    return row ? toCampaign(row) : null;
  }

  @ResolveField(() => Recipe, { nullable: true, description: 'The recipe that it trains.' })
  async recipe(@Parent() run: Run, @Context() context: GraphQLContext): Promise<Recipe | null> {
    const loader = loaderOf(context, 'training.recipe', (ids: readonly string[]) =>
      this.uow.read((tx) => this.catalog.recipes(tx, ids)),
    );
    const row = await loader.load(run.recipeRowId);
    return row ? toRecipe(row) : null;
  }

  @ResolveField(() => [LossPoint], { description: 'The loss by step, thinned to points that were really measured.' })
  lossCurve(
    @Parent() run: Run,
    @Args('maxPoints', {
      type: () => Int,
      nullable: true,
      defaultValue: DEFAULT_POINTS,
      description: 'At most so many points, 2 to 2000.',
    })
    maxPoints: number | null,
  ): Promise<LossPoint[]> {
    return this.queries.lossCurve(run.rowId, maxPoints ?? DEFAULT_POINTS);
  }

  @ResolveField(() => [Attempt], { description: 'Its attempts, oldest first; the newest 100.' })
  async attempts(@Parent() run: Run, @Context() context: GraphQLContext): Promise<Attempt[]> {
    const loader = loaderOf(context, 'training.attempts', (ids: readonly string[]) => this.queries.attempts(ids));
    return ((await loader.load(run.rowId)) ?? []).map(toAttempt);
  }

  @ResolveField(() => LeaseConnection, { description: 'Its leases, newest first.' })
  async leases(@Parent() run: Run, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    return toConnection(await this.queries.leases(run.rowId, { first, after }), toLease, after);
  }

  @ResolveField(() => [Usage], { description: 'What each ended lease was worth.' })
  async usage(@Parent() run: Run, @Context() context: GraphQLContext): Promise<Usage[]> {
    const loader = loaderOf(context, 'training.usage', (ids: readonly string[]) => this.queries.usage(ids));
    return ((await loader.load(run.rowId)) ?? []).map(toUsage);
  }

  @CursorKey(/^\d{1,18}$/)
  @ResolveField(() => RunEventConnection, { description: 'What happened, newest first, from the public record.' })
  async events(@Parent() run: Run, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    return toConnection(await this.queries.events(run.rowId, { first, after }), toRunEvent, after);
  }
}

const nodeLoader = (context: GraphQLContext, nodes: NodesQueries) =>
  loaderOf(context, 'training.node', async (ids: readonly string[]) => {
    const rows = await nodes.nodesById([...new Set(ids)]);
    return new Map(rows.map((row) => [row.id, toGpuNode(row)]));
  });

@Resolver(() => Lease)
export class LeaseFieldsResolver {
  constructor(private readonly nodes: NodesQueries) {}

  @ResolveField(() => GpuNode, { nullable: true, description: 'The machine.' })
  async node(@Parent() lease: Lease, @Context() context: GraphQLContext): Promise<GpuNode | null> {
    return (await nodeLoader(context, this.nodes).load(lease.nodeRowId)) ?? null;
  }
}

@Resolver(() => Usage)
export class UsageFieldsResolver {
  constructor(
    private readonly nodes: NodesQueries,
    private readonly identity: IdentityQueries,
    private readonly uow: UnitOfWork,
  ) {}

  @ResolveField(() => GpuNode, { nullable: true, description: 'The machine.' })
  async node(@Parent() usage: Usage, @Context() context: GraphQLContext): Promise<GpuNode | null> {
    return (await nodeLoader(context, this.nodes).load(usage.nodeRowId)) ?? null;
  }

  @ResolveField(() => Contributor, { nullable: true, description: 'Who lent it.' })
  async contributor(@Parent() usage: Usage, @Context() context: GraphQLContext): Promise<Contributor | null> {
    const loader = loaderOf(context, 'training.contributor', (pseudonyms: readonly string[]) =>
      this.uow.read((tx) => this.identity.contributorsByPseudonym(tx, pseudonyms)),
    );
    const row = await loader.load(usage.contributorPseudonym);
    return row ? toContributor(row) : null;
  }
}
