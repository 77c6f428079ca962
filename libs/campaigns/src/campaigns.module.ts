import { Module } from '@nestjs/common';
import { CatalogModule } from '#catalog';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { AmendmentCommands } from './amendment.commands.js';
import { CampaignCommands } from './campaign.commands.js';
import { CampaignFunds } from './campaign-funds.js';
import { CampaignLife } from './campaign-life.js';
import { CampaignQueries } from './campaign.queries.js';
import { CampaignLookup } from './graphql/campaign.lookup.js';
import {
  CampaignRecordResolver,
  CampaignUpdateLookup,
  CampaignUpdateResolver,
} from './graphql/campaign-record.resolver.js';
import { CampaignResolver } from './graphql/campaign.resolver.js';
import { CampaignDeadlineClock, CampaignRunSubscriber, CampaignVerdictSubscriber } from './jobs/campaign.verdict.js';
import { PendingPayments } from './pending-payments.js';
import { UpdateCommands } from './update.commands.js';

/** What is raised, for what, until when. */
@Module({
  imports: [IdentityModule, LedgerModule, CatalogModule],
  providers: [
    CampaignCommands,
    AmendmentCommands,
    UpdateCommands,
    CampaignFunds,
    CampaignLife,
    PendingPayments,
    CampaignQueries,
    CampaignResolver,
    CampaignRecordResolver,
    CampaignUpdateResolver,
    CampaignUpdateLookup,
    CampaignLookup,
    CampaignVerdictSubscriber,
    CampaignDeadlineClock,
    CampaignRunSubscriber,
  ],
  exports: [CampaignCommands, CampaignFunds, CampaignQueries],
})
export class CampaignsModule {}
