export { DisbursementsModule } from './disbursements.module.js';
export { Disbursements } from './disbursements.js';
export { ExchangeCommands } from './exchange.commands.js';
export { EvidenceCommands } from './evidence.commands.js';
export { TrancheCommands } from './tranche.commands.js';
export { disbursementInvariants } from './disbursement.invariants.js';
