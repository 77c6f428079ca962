import { Args, ID, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { isRefused } from '#kernel';
import {
  AFTER_ARG,
  Access,
  CursorKey,
  askedId,
  CurrentViewer,
  EventFeed,
  FIRST_ARG,
  NodeLookup,
  type NodeSource,
  type Viewer,
  follow,
  fromGlobalId,
  toConnection,
  toUserErrors,
} from '#platform';
import { RunCommands } from '../run.commands.js';
import { RunQueries } from '../run.queries.js';
import { runTopic } from '../store/run.store.js';
import { toRun } from './run.mapper.js';
import { LeaseLogConnection, Run, RunCancelInput, RunConnection, RunCreateInput, RunPayload } from './run.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
/** A live page is told at most this often; steps may come much faster. */
const PUSH_EVERY_MS = 250;

@Resolver(() => Run)
export class RunResolver {
  constructor(
    private readonly commands: RunCommands,
    private readonly queries: RunQueries,
    private readonly feed: EventFeed,
  ) {}

  @Access('public')
  @Query(() => RunConnection, { description: 'Runs, newest first.' })
  async runs(
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('campaignId', { type: () => ID, nullable: true, description: 'Only those of this campaign.' })
    campaignId?: string,
  ) {
    const wanted = campaignId == null ? {} : { campaignId: askedId('Campaign', campaignId) };
    return toConnection(await this.queries.page({ first, after, ...wanted }), toRun, after);
  }

  @Access('public')
  @Query(() => Run, { nullable: true, description: 'A run by its id; null when there is none.' })
  async run(@Args('id', { type: () => ID, description: 'Global id.' }) globalId: string): Promise<Run | null> {
    const row = await this.queries.find(askedId('Run', globalId));
    return row ? toRun(row) : null;
  }

  @Access('signedIn')
  @CursorKey(/^\d{1,18}$/)
  @Query(() => LeaseLogConnection, {
    nullable: true,
    description:
      "What a lease's process printed. For members of the project, the machine's donor and operators; null for others.",
  })
  async leaseLog(
    @CurrentViewer() viewer: SignedIn,
    @Args('leaseId', { type: () => ID, description: 'Id of the lease, as in the public record.' }) leaseId: string,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
  ) {
    const page = await this.commands.readLog(viewer, leaseId, { first, after });
    return page ? toConnection(page, (piece) => piece, after) : null;
  }

  @Access({ scope: 'run:write', projectRoles: ['maintainer'] })
  @Mutation(() => RunPayload, {
    description: 'Makes the run of a funded campaign. It starts when its workers are there.',
  })
  async runCreate(
    @Args('input', { description: 'The campaign.' }) input: RunCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<RunPayload> {
    const campaignId = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    return this.payload(isRefused(campaignId) ? campaignId : await this.commands.create(viewer, campaignId));
  }

  @Access({ scope: 'run:write', projectRoles: ['maintainer'] })
  @Mutation(() => RunPayload, { description: 'Calls a run off. Its workers stop; what they proved is settled.' })
  async runCancel(
    @Args('input', { description: 'The run.' }) input: RunCancelInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<RunPayload> {
    const runId = fromGlobalId('Run', input.runId, ['input', 'runId']);
    return this.payload(isRefused(runId) ? runId : await this.commands.cancel(viewer, runId));
  }

  @Access('public')
  @Subscription(() => Run, {
    description: 'The run, now and whenever it makes steps or something happens to it; at most four times a second.',
    resolve: (run: Run) => run,
  })
  runChanged(
    @Args('runId', { type: () => ID, description: 'Global id.' }) globalId: string,
  ): AsyncIterableIterator<Run> {
    return this.changes(askedId('Run', globalId));
  }

  private changes(id: string): AsyncIterableIterator<Run> {
    // The feed opens before the first read, so nothing that happens in between is missed.
    const read = async () => {
      const row = await this.queries.find(id);
      return row && toRun(row);
    };
    return follow(this.feed.topic(runTopic(id)), read, PUSH_EVERY_MS);
  }

  private async payload(outcome: Awaited<ReturnType<RunCommands['create']>>): Promise<RunPayload> {
    if (isRefused(outcome)) return { run: null, userErrors: toUserErrors(outcome) };
    const row = await this.queries.find(outcome);
    return { run: row ? toRun(row) : null, userErrors: [] };
  }
}

@NodeLookup()
export class RunLookup implements NodeSource {
  readonly typeName = 'Run';
  constructor(private readonly queries: RunQueries) {}

  async find(id: string): Promise<object | null> {
    const row = await this.queries.find(id);
    return row ? toRun(row) : null;
  }
}
