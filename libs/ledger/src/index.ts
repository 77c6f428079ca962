export { Ledger } from './ledger.js';
export { LedgerWriter } from './ledger-writer.js';
export { LedgerExpiryJob } from './jobs/ledger-expiry.job.js';
export { LedgerSealJob } from './jobs/ledger-seal.job.js';
export { LedgerModule } from './ledger.module.js';
export { type AccountSpec, type Transfer, type TransferSpec } from './domain/transfer.rules.js';
export { type Balance } from './store/balance.store.js';
export { ledgerInvariants } from './ledger.invariants.js';
