import { Module } from '@nestjs/common';
import { CampaignsModule } from '#campaigns';
import { CatalogModule } from '#catalog';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { LEASE_DIRECTIVES, NodesModule } from '#nodes';
import { Conductor } from './conductor.js';
import { LeaseFieldsResolver, RunFieldsResolver, UsageFieldsResolver } from './graphql/run-fields.resolver.js';
import { RunLookup, RunResolver } from './graphql/run.resolver.js';
import { LeaseController } from './http/lease.controller.js';
import { LeaseClock, SchedulerClock } from './jobs/training.clock.js';
import {
  CommitmentSubscriber,
  NodeLeftSubscriber,
  SchedulerWakeSubscriber,
  TrainingRequestSubscriber,
} from './jobs/training.subscriber.js';
import { TrainingDirectives } from './lease-directives.js';
import { RunCommands } from './run.commands.js';
import { RunQueries } from './run.queries.js';
import { Runs } from './runs.js';
import { Scheduler } from './scheduler.service.js';
import { Settlement } from './settlement.js';

/** Runs, attempts and leases: who trains what, and what it was worth. */
@Module({
  imports: [IdentityModule, LedgerModule, CatalogModule, CampaignsModule, NodesModule],
  controllers: [LeaseController],
  providers: [
    Conductor,
    RunCommands,
    RunQueries,
    Runs,
    Scheduler,
    Settlement,
    TrainingDirectives,
    { provide: LEASE_DIRECTIVES, useExisting: TrainingDirectives },
    SchedulerClock,
    LeaseClock,
    TrainingRequestSubscriber,
    CommitmentSubscriber,
    SchedulerWakeSubscriber,
    NodeLeftSubscriber,
    RunResolver,
    RunFieldsResolver,
    LeaseFieldsResolver,
    UsageFieldsResolver,
    RunLookup,
  ],
  exports: [Runs, RunQueries, Scheduler, Conductor, LEASE_DIRECTIVES],
})
export class TrainingModule {}
