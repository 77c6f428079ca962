import { Module } from '@nestjs/common';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { PaymentsModule } from '#payments';
import { BankMatches } from './bank-matches.js';
import { CaseCommands } from './case.commands.js';
import { Corrections } from './corrections.js';
import { BankResolver } from './graphql/bank.resolver.js';
import { CorrectionResolver } from './graphql/correction.resolver.js';
import { ReconciliationResolver } from './graphql/reconciliation.resolver.js';
import { ExportController } from './http/export.controller.js';
import { ReconciliationCasesJob } from './jobs/reconciliation.job.js';
import { Reconciler } from './reconciler.js';

/** Books, processor, bank and meters held against each other. */
@Module({
  imports: [IdentityModule, LedgerModule, PaymentsModule],
  controllers: [ExportController],
  providers: [
    Reconciler,
    CaseCommands,
    Corrections,
    BankMatches,
    ReconciliationCasesJob,
    ReconciliationResolver,
    BankResolver,
    CorrectionResolver,
  ],
  exports: [Reconciler, CaseCommands, Corrections, BankMatches],
})
export class ReconciliationModule {}
