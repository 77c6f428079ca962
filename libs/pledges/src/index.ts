export { PledgesModule } from './pledges.module.js';
export { CashPledgeCommands } from './cash-pledge.commands.js';
export { ComputePledgeCommands } from './compute-pledge.commands.js';
export { type OpenCommitment, PledgeQueries } from './pledge.queries.js';
export { commitmentAccount } from './domain/pledge-postings.rule.js';
export { pledgeInvariants } from './pledge.invariants.js';
