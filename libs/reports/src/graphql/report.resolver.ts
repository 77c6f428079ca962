import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { isRefused, type Outcome, type Refused } from '#kernel';
import {
  Access,
  AFTER_ARG,
  Config,
  CurrentViewer,
  FIRST_ARG,
  fromGlobalId,
  NodeLookup,
  type NodeSource,
  toConnection,
  toGlobalId,
  toUserErrors,
  type Viewer,
} from '#platform';
import { latestPath, versionPath } from '../http/report-address.js';
import { ReportCommands } from '../report.commands.js';
import { ReportQueries } from '../report.queries.js';
import type { ReportRow, ReportVersion } from '../store/report.store.js';
import {
  Report,
  ReportConnection,
  ReportPublishInput,
  ReportPublishPayload,
  ReportVersionNode,
} from './report.types.js';

@Resolver()
export class ReportResolver {
  constructor(
    private readonly queries: ReportQueries,
    private readonly commands: ReportCommands,
    private readonly config: Config,
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
    const run = runId ? fromGlobalId('Run', runId) : undefined;
    const campaign = campaignId ? fromGlobalId('Campaign', campaignId) : undefined;
    // The id of something else can't have reports.
    const page =
      isRefused(run) || isRefused(campaign)
        ? { nodes: [], cursors: [], hasNextPage: false }
        : await this.queries.page({ first, after }, { runId: run, campaignId: campaign });
    return toConnection(page, (row: ReportRow) => toReport(row, this.config.publicUrl), after);
  }

  @Query(() => Report, { nullable: true, description: 'One report, by its global id or by its name in addresses.' })
  @Access('public')
  async report(
    @Args('id', { type: () => ID, nullable: true, description: 'Global id.' }) id: string | null,
    @Args('slug', { type: () => String, nullable: true, description: 'Name in addresses.' }) slug: string | null,
  ): Promise<Report | null> {
    const uuid = id ? fromGlobalId('Report', id) : undefined;
    if (isRefused(uuid)) return null;
    const row = uuid ? await this.queries.byId(uuid) : slug ? await this.queries.bySlug(slug) : undefined;
    return row ? toReport(row, this.config.publicUrl) : null;
  }

  @Mutation(() => ReportPublishPayload, {
    description: 'Publishes the next version of a report, as of the newest checkpoint of the log.',
  })
  @Access({ scope: 'report:publish', projectRoles: ['owner', 'maintainer', 'auditor'] })
  async reportPublish(
    @Args('input') input: ReportPublishInput,
    @CurrentViewer() viewer: Viewer,
  ): Promise<ReportPublishPayload> {
    const runId = optionalId('Run', input.runId, 'runId');
    const campaignId = optionalId('Campaign', input.campaignId, 'campaignId');
    if (isRefused(runId)) return refused(runId);
    if (isRefused(campaignId)) return refused(campaignId);
    const published = await this.commands.publish({ definition: input.definition, runId, campaignId }, viewer);
    if (isRefused(published)) return refused(published);
    const row = await this.queries.byId(published.reportId);
    return { report: row ? toReport(row, this.config.publicUrl) : null, userErrors: [] };
  }
}

@NodeLookup()
export class ReportLookup implements NodeSource {
  readonly typeName = 'Report';

  constructor(
    private readonly queries: ReportQueries,
    private readonly config: Config,
  ) {}

  async find(id: string): Promise<object | null> {
    const row = await this.queries.byId(id);
    return row ? toReport(row, this.config.publicUrl) : null;
  }
}

function optionalId(type: string, globalId: string | null | undefined, field: string): Outcome<string | undefined> {
  return globalId ? fromGlobalId(type, globalId, ['input', field]) : undefined;
}

function refused(refusal: Refused): ReportPublishPayload {
  return { report: null, userErrors: toUserErrors(refusal) };
}

function toReport(row: ReportRow, base: URL): Report {
  const versions = row.versions.map((version) => toVersion(row.slug, version, base));
  return {
    id: toGlobalId('Report', row.id),
    slug: row.slug,
    definition: row.definition,
    campaignId: toGlobalId('Campaign', row.campaignId),
    runId: toGlobalId('Run', row.runId),
    url: new URL(latestPath(row.slug), base).href,
    latest: versions[0] as ReportVersionNode,
    versions,
  };
}

function toVersion(slug: string, version: ReportVersion, base: URL): ReportVersionNode {
  return {
    version: version.version,
    logSize: BigInt(version.logSize),
    sha256: version.sha256,
    correctsVersion: version.correctsVersion,
    publishedAt: version.publishedAt,
    downloads: version.files.map((file) => ({
      format: file.format,
      url: new URL(versionPath(slug, version.version, file.format), base).href,
      bytes: BigInt(file.bytes),
      sha256: file.sha256,
    })),
  };
}
