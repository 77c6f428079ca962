import { Module } from '@nestjs/common';
import { CampaignsModule } from '#campaigns';
import { TrainingModule } from '#training';
import { TransparencyModule } from '#transparency';
import { ReportPresenter } from './graphql/report.presenter.js';
import { ReportLookup, ReportResolver } from './graphql/report.resolver.js';
import { ReportController } from './http/report.controller.js';
import { PublishAtEnd, PublishOverdue } from './jobs/publish-at-end.subscriber.js';
import { ReportCommands } from './report.commands.js';
import { ReportQueries } from './report.queries.js';

/** Reports: derived from the log, published, served. */
@Module({
  imports: [CampaignsModule, TrainingModule, TransparencyModule],
  controllers: [ReportController],
  providers: [
    ReportCommands,
    ReportQueries,
    ReportPresenter,
    ReportResolver,
    ReportLookup,
    PublishAtEnd,
    PublishOverdue,
  ],
  exports: [ReportCommands, ReportQueries],
})
export class ReportsModule {}
