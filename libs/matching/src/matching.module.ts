import { Module } from '@nestjs/common';
import { CampaignsModule } from '#campaigns';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { PaymentsModule } from '#payments';
import { TransparencyModule } from '#transparency';
import { MatchEstimates } from './estimate.js';
import { MatchingMutations } from './graphql/matching.mutations.js';
import {
  MatchDepositResolver,
  MatchPoolLookup,
  MatchPoolResolver,
  MatchRoundLookup,
  MatchingResolver,
} from './graphql/matching.resolver.js';
import { MatchFileController } from './http/match-file.controller.js';
import { MatchRoundClock } from './jobs/round.clock.js';
import { MatchingQueries } from './matching.queries.js';
import { PoolPaymentListener } from './pool-payment.listener.js';
import { PoolCommands } from './pool.commands.js';
import { ReviewCommands } from './review.commands.js';
import { RoundCommands } from './round.commands.js';
import { RoundSettlement } from './round.settlement.js';

/** Pools of sponsors and their rounds. */
@Module({
  imports: [IdentityModule, LedgerModule, CampaignsModule, PaymentsModule, TransparencyModule],
  controllers: [MatchFileController],
  providers: [
    PoolCommands,
    RoundCommands,
    RoundSettlement,
    ReviewCommands,
    MatchingQueries,
    MatchEstimates,
    PoolPaymentListener,
    MatchRoundClock,
    MatchingResolver,
    MatchPoolResolver,
    MatchDepositResolver,
    MatchingMutations,
    MatchRoundLookup,
    MatchPoolLookup,
  ],
  exports: [PoolCommands, RoundCommands, ReviewCommands, MatchingQueries, MatchEstimates],
})
export class MatchingModule {}
