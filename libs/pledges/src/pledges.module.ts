import { Module } from '@nestjs/common';
import { CampaignsModule } from '#campaigns';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { DONOR_PLEDGES } from '#nodes';
import { PaymentsModule } from '#payments';
import { CashPledgeCommands } from './cash-pledge.commands.js';
import { CashPledgeSteps } from './cash-pledge.steps.js';
import { CashPledgeWriter } from './cash-pledge.writer.js';
import { ComputePledgeCommands } from './compute-pledge.commands.js';
import { PledgesOfDonors } from './donor-pledges.js';
import {
  CampaignPledgesResolver,
  CashPledgeCampaignResolver,
  ComputePledgeCampaignResolver,
} from './graphql/campaign-pledges.resolver.js';
import { CashPledgeLookup, ComputePledgeLookup } from './graphql/pledge.lookup.js';
import { PledgeResolver } from './graphql/pledge.resolver.js';
import { UsageSubscriber, WindUpClock } from './jobs/pledge.jobs.js';
import { PledgePaymentListener } from './payment.listener.js';
import { PledgeQueries } from './pledge.queries.js';

/** Promises of cash and compute and their fulfilment. */
@Module({
  imports: [IdentityModule, LedgerModule, CampaignsModule, PaymentsModule],
  providers: [
    CashPledgeCommands,
    CashPledgeSteps,
    CashPledgeWriter,
    ComputePledgeCommands,
    PledgeQueries,
    PledgeResolver,
    CampaignPledgesResolver,
    CashPledgeCampaignResolver,
    ComputePledgeCampaignResolver,
    CashPledgeLookup,
    ComputePledgeLookup,
    UsageSubscriber,
    WindUpClock,
    PledgePaymentListener,
    PledgesOfDonors,
    { provide: DONOR_PLEDGES, useExisting: PledgesOfDonors },
  ],
  exports: [CashPledgeCommands, ComputePledgeCommands, PledgeQueries, DONOR_PLEDGES],
})
export class PledgesModule {}
