import { Module } from '@nestjs/common';
import { NodesModule } from '#nodes';
import { RESTORE_POINTS, TrainingModule } from '#training';
import { CheckpointQueries } from './checkpoint.queries.js';
import { Checkpoints } from './checkpoints.js';
import { CheckpointLookup, CheckpointResolver, RunCheckpointsResolver } from './graphql/checkpoint.resolver.js';
import { AgentCheckpointController, PublicCheckpointController } from './http/checkpoint.controller.js';
import { InFlightSubscriber } from './jobs/in-flight.subscriber.js';

/** What runs made: checkpoints, byte by byte. */
@Module({
  imports: [NodesModule, TrainingModule],
  controllers: [AgentCheckpointController, PublicCheckpointController],
  providers: [
    Checkpoints,
    CheckpointQueries,
    InFlightSubscriber,
    CheckpointResolver,
    RunCheckpointsResolver,
    CheckpointLookup,
    { provide: RESTORE_POINTS, useExisting: Checkpoints },
  ],
  exports: [Checkpoints, CheckpointQueries, RESTORE_POINTS],
})
export class ProvenanceModule {}
