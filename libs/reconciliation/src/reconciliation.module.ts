import { Module } from '@nestjs/common';
import { LedgerModule } from '#ledger';
import { PaymentsModule } from '#payments';
import { CaseCommands } from './case.commands.js';
import { ReconciliationResolver } from './graphql/reconciliation.resolver.js';
import { ReconciliationCasesJob } from './jobs/reconciliation.job.js';
import { Reconciler } from './reconciler.js';

/** Books, processor, bank and meters held against each other. */
@Module({
  imports: [LedgerModule, PaymentsModule],
  providers: [Reconciler, CaseCommands, ReconciliationCasesJob, ReconciliationResolver],
  exports: [Reconciler, CaseCommands],
})
export class ReconciliationModule {}
