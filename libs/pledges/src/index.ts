export { PledgesModule } from './pledges.module.js';
export { CashPledgeCommands } from './cash-pledge.commands.js';
export { ComputePledgeCommands } from './compute-pledge.commands.js';
export { PledgeQueries } from './pledge.queries.js';
export { pledgeInvariants } from './pledge.invariants.js';
