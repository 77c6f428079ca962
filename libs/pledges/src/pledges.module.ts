import { Module } from '@nestjs/common';
import { CampaignsModule } from '#campaigns';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { DONOR_PLEDGES } from '#nodes';
import { PaymentsModule } from '#payments';
import { CashPledgeCommands } from './cash-pledge.commands.js';
import { PledgePaying } from './pledge.paying.js';
import { CashPledgeWriter } from './cash-pledge.writer.js';
import { CloseMoney } from './close.money.js';
import { CloseRunner } from './close.runner.js';
import { ComputePledgeCommands } from './compute-pledge.commands.js';
import { PledgesOfDonors } from './donor-pledges.js';
import {
  CampaignPledgesResolver,
  CampaignCloseResolver,
  CashPledgeCampaignResolver,
  ComputePledgeCampaignResolver,
  MethodUseCampaignResolver,
  PledgePlanCampaignResolver,
} from './graphql/campaign-pledges.resolver.js';
import { ComputePledgeResolver } from './graphql/compute-pledge.resolver.js';
import { PledgePlanResolver } from './graphql/plan.resolver.js';
import { CashPledgeLookup, ComputePledgeLookup } from './graphql/pledge.lookup.js';
import { PledgeResolver } from './graphql/pledge.resolver.js';
import { SavedMethodResolver } from './graphql/saved-method.resolver.js';
import { UnappliedCashResolver } from './graphql/unapplied.resolver.js';
import {
  CampaignEndSubscriber,
  ChargingClock,
  CloseClock,
  ErasureSubscriber,
  SuspensionSubscriber,
  PlanClock,
  UsageSubscriber,
  WindUpClock,
} from './jobs/pledge.jobs.js';
import { PledgePaymentListener } from './payment.listener.js';
import { PledgePlanCommands } from './plan.commands.js';
import { PledgeBatches } from './pledge.batch.js';
import { PledgeCharging } from './pledge.charging.js';
import { PledgeMethods } from './pledge.methods.js';
import { PledgeQueries } from './pledge.queries.js';
import { PledgeRates } from './pledge.rates.js';
import { PledgeRefunds } from './pledge.refunds.js';
import { PledgeWires } from './pledge.wires.js';
import { RefundRunner } from './refund.runner.js';
import { SavedMethods } from './saved-methods.js';
import { UnappliedCashCommands } from './unapplied.commands.js';

/** Promises of cash and compute and their fulfilment. */
@Module({
  imports: [IdentityModule, LedgerModule, CampaignsModule, PaymentsModule],
  providers: [
    CashPledgeCommands,
    PledgePaying,
    CashPledgeWriter,
    PledgeBatches,
    PledgeCharging,
    PledgeMethods,
    UnappliedCashCommands,
    UnappliedCashResolver,
    PledgeRates,
    PledgeRefunds,
    PledgeWires,
    PledgePlanCommands,
    CloseMoney,
    CloseRunner,
    RefundRunner,
    ComputePledgeCommands,
    PledgeQueries,
    PledgeResolver,
    ComputePledgeResolver,
    PledgePlanResolver,
    CampaignPledgesResolver,
    CampaignCloseResolver,
    CashPledgeCampaignResolver,
    ComputePledgeCampaignResolver,
    PledgePlanCampaignResolver,
    MethodUseCampaignResolver,
    SavedMethods,
    SavedMethodResolver,
    CashPledgeLookup,
    ComputePledgeLookup,
    UsageSubscriber,
    CampaignEndSubscriber,
    ErasureSubscriber,
    SuspensionSubscriber,
    CloseClock,
    PlanClock,
    ChargingClock,
    WindUpClock,
    PledgePaymentListener,
    PledgesOfDonors,
    { provide: DONOR_PLEDGES, useExisting: PledgesOfDonors },
  ],
  exports: [CashPledgeCommands, ComputePledgeCommands, PledgeQueries, DONOR_PLEDGES],
})
export class PledgesModule {}
