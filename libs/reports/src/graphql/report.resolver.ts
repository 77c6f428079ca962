import { Args, Context, ID, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { Campaign, CampaignQueries, toCampaign } from '#campaigns';
import { isRefused, type Outcome, type Refused } from '#kernel';
import {
  Access,
  type GraphQLContext,
  AFTER_ARG,
  CurrentViewer,
  FIRST_ARG,
  askedId,
  fromGlobalId,
  NodeLookup,
  type NodeSource,
  toConnection,
  toUserErrors,
  type Viewer,
  loaderOf,
} from '#platform';
import { Run, RunQueries, toRun } from '#training';
import { ReportCommands } from '../report.commands.js';
import { ReportQueries } from '../report.queries.js';
import { ReportPresenter } from './report.presenter.js';
import { Report, ReportConnection, ReportPublishInput, ReportPublishPayload } from './report.types.js';

@Resolver(() => Report)
export class ReportResolver {
  constructor(
    private readonly queries: ReportQueries,
    private readonly commands: ReportCommands,
    private readonly presenter: ReportPresenter,
    private readonly campaigns: CampaignQueries,
    private readonly runs: RunQueries,
  ) {}

  @Query(() => ReportConnection, { description: 'Published reports, newest first.' })
  @Access('public')
  async reports(
    @Args(FIRST_ARG.name, FIRST_ARG) first: number | null,
    @Args(AFTER_ARG.name, AFTER_ARG) after: string | null,
    @Args('runId', { type: () => ID, nullable: true, description: 'Only those about this run (global id).' })
    runId: string | null,
    @Args('campaignId', { type: () => ID, nullable: true, description: 'Only those about this campaign (global id).' })
    campaignId: string | null,
  ): Promise<InstanceType<typeof ReportConnection>> {
    const run = runId == null ? undefined : askedId('Run', runId);
    const campaign = campaignId == null ? undefined : askedId('Campaign', campaignId);
    const page = await this.queries.page({ first, after }, { runId: run, campaignId: campaign });
    return toConnection(page, await this.presenter.mapper(), after);
  }

  @Query(() => Report, { nullable: true, description: 'One report, by its global id or by its name in addresses.' })
  @Access('public')
  async report(
    @Args('id', { type: () => ID, nullable: true, description: 'Global id.' }) id: string | null,
    @Args('slug', { type: () => String, nullable: true, description: 'Name in addresses.' }) slug: string | null,
  ): Promise<Report | null> {
    const uuid = id == null ? undefined : askedId('Report', id);
    const row = uuid ? await this.queries.byId(uuid) : slug ? await this.queries.bySlug(slug) : undefined;
    return row ? (await this.presenter.mapper())(row) : null;
  }

  @Mutation(() => ReportPublishPayload, {
    description: 'Publishes the next version of a report, as of the newest checkpoint of the log.',
  })
  @Access({ scope: 'report:publish', projectRoles: ['owner', 'maintainer', 'auditor'] })
  async reportPublish(
    @Args('input', { description: 'Which report of which run.' }) input: ReportPublishInput,
    @CurrentViewer() viewer: Viewer,
  ): Promise<ReportPublishPayload> {
    const runId = optionalId('Run', input.runId, 'runId');
    const campaignId = optionalId('Campaign', input.campaignId, 'campaignId');
    if (isRefused(runId)) return refused(runId);
    if (isRefused(campaignId)) return refused(campaignId);
    const published = await this.commands.publish({ definition: input.definition, runId, campaignId }, viewer);
    if (isRefused(published)) return refused(published);
    const row = await this.queries.byId(published.reportId);
    return { report: row ? (await this.presenter.mapper())(row) : null, userErrors: [] };
  }

  @ResolveField(() => Campaign, { nullable: true, description: 'The campaign that the run belongs to.' })
  async campaign(@Parent() report: Report, @Context() context: GraphQLContext): Promise<Campaign | null> {
    const campaigns = loaderOf(context, 'reports.campaign', (ids: readonly string[]) =>
      this.campaigns.byIds(context.viewer, ids),
    );
    const row = await campaigns.load(report.campaignKey);
    return row ? toCampaign(row) : null;
  }

  @ResolveField(() => Run, { nullable: true, description: 'The run that the report is about.' })
  async run(@Parent() report: Report, @Context() context: GraphQLContext): Promise<Run | null> {
    const runs = loaderOf(context, 'reports.run', (ids: readonly string[]) => this.runs.byIds(ids));
    const row = await runs.load(report.runKey);
    return row ? toRun(row) : null;
  }
}

@NodeLookup()
export class ReportLookup implements NodeSource {
  readonly typeName = 'Report';

  constructor(
    private readonly queries: ReportQueries,
    private readonly presenter: ReportPresenter,
  ) {}

  async find(id: string): Promise<object | null> {
    const row = await this.queries.byId(id);
    return row ? (await this.presenter.mapper())(row) : null;
  }
}

function optionalId(type: string, globalId: string | null | undefined, field: string): Outcome<string | undefined> {
  return globalId ? fromGlobalId(type, globalId, ['input', field]) : undefined;
}

function refused(refusal: Refused): ReportPublishPayload {
  return { report: null, userErrors: toUserErrors(refusal) };
}
