import { Module } from '@nestjs/common';
import { CampaignsModule } from '#campaigns';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { PaymentsModule } from '#payments';
import { BackersVotes } from './backers-votes.js';
import { DisbursementBooks } from './disbursement.books.js';
import { DisbursementQueries } from './disbursement.queries.js';
import { Disbursements } from './disbursements.js';
import { ExchangeCommands } from './exchange.commands.js';
import { ExchangeResolver } from './graphql/exchange.resolver.js';
import { EvidenceCommands } from './evidence.commands.js';
import { DisbursementResolver } from './graphql/disbursement.resolver.js';
import { EvidenceFileController } from './http/evidence-file.controller.js';
import {
  CampaignEndSubscriber,
  CheckpointSubscriber,
  DisbursementClock,
  ExposureSubscriber,
} from './jobs/disbursement.jobs.js';
import { TranchePayoutListener } from './payout.listener.js';
import { TrancheCommands } from './tranche.commands.js';
import { TrancheSteps } from './tranche.steps.js';

/** How money leaves a campaign: tranches, evidence, approvals, reserve, payouts. */
@Module({
  imports: [IdentityModule, LedgerModule, CampaignsModule, PaymentsModule],
  controllers: [EvidenceFileController],
  providers: [
    TrancheSteps,
    BackersVotes,
    DisbursementBooks,
    Disbursements,
    EvidenceCommands,
    TrancheCommands,
    ExchangeCommands,
    ExchangeResolver,
    DisbursementQueries,
    DisbursementResolver,
    TranchePayoutListener,
    CampaignEndSubscriber,
    ExposureSubscriber,
    CheckpointSubscriber,
    DisbursementClock,
  ],
  exports: [Disbursements, EvidenceCommands, ExchangeCommands, TrancheCommands],
})
export class DisbursementsModule {}
