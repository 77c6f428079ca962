import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import {
  AFTER_ARG,
  Access,
  Config,
  FIRST_ARG,
  NodeLookup,
  type NodeSource,
  askedId,
  toConnection,
  toGlobalId,
} from '#platform';
import { Run, RunQueries, toRun } from '#training';
import { CheckpointQueries, type CheckpointWithFiles } from '../checkpoint.queries.js';
import { publicFileUrl } from '../checkpoints.js';
import { isPublic } from '../domain/checkpoint.machine.js';
import { Checkpoint, CheckpointConnection, type CheckpointStateEnum } from './checkpoint.type.js';

export const toCheckpoint = (row: CheckpointWithFiles, origin: string): Checkpoint => ({
  id: toGlobalId('Checkpoint', row.id),
  step: row.step,
  tokens: row.tokens,
  loss: row.loss,
  flop: BigInt(row.flop),
  state: row.state as CheckpointStateEnum,
  manifestSha256: row.manifestSha256,
  promotedAt: row.promotedAt,
  files: row.files.map(({ path, bytes, sha256 }) => ({
    path,
    bytes,
    sha256,
    downloadUrl: isPublic(row.state) ? `${origin}${publicFileUrl(row.id, path)}` : null,
  })),
  runRowId: row.runId,
});

@Resolver(() => Checkpoint)
export class CheckpointResolver {
  constructor(
    private readonly queries: CheckpointQueries,
    private readonly runs: RunQueries,
    private readonly config: Config,
  ) {}

  @Access('public')
  @Query(() => Checkpoint, { nullable: true, description: 'A checkpoint by its id; null when there is none.' })
  async checkpoint(
    @Args('id', { type: () => ID, description: 'Global id.' }) globalId: string,
  ): Promise<Checkpoint | null> {
    const row = await this.queries.find(askedId('Checkpoint', globalId));
    return row ? toCheckpoint(row, this.config.publicUrl.origin) : null;
  }

  @ResolveField(() => Run, { nullable: true, description: 'The run that made it.' })
  async run(@Parent() checkpoint: Checkpoint): Promise<Run | null> {
    const row = await this.runs.find(checkpoint.runRowId);
    return row ? toRun(row) : null;
  }
}

/** What this room adds to a run. */
@Resolver(() => Run)
export class RunCheckpointsResolver {
  constructor(
    private readonly queries: CheckpointQueries,
    private readonly config: Config,
  ) {}

  @ResolveField(() => CheckpointConnection, { description: 'Its checkpoints, newest first.' })
  async checkpoints(@Parent() run: Run, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const page = await this.queries.ofRun(run.rowId, { first, after });
    return toConnection(page, (row) => toCheckpoint(row, this.config.publicUrl.origin), after);
  }
}

@NodeLookup()
export class CheckpointLookup implements NodeSource {
  readonly typeName = 'Checkpoint';
  constructor(
    private readonly queries: CheckpointQueries,
    private readonly config: Config,
  ) {}

  async find(id: string): Promise<object | null> {
    const row = await this.queries.find(id);
    return row ? toCheckpoint(row, this.config.publicUrl.origin) : null;
  }
}
