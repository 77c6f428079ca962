import { Module } from '@nestjs/common';
import { LedgerAccountSource, LedgerTransferSource } from './graphql/ledger-node.source.js';
import { LedgerAccountResolver, LedgerTransferResolver } from './graphql/ledger.resolver.js';
import { LedgerExpiryJob } from './jobs/ledger-expiry.job.js';
import { LedgerSealJob } from './jobs/ledger-seal.job.js';
import { LedgerSealNoticeJob } from './jobs/ledger-seal-notice.job.js';
import { LedgerWriter } from './ledger-writer.js';
import { Ledger } from './ledger.js';

@Module({
  providers: [
    Ledger,
    LedgerWriter,
    LedgerExpiryJob,
    LedgerSealJob,
    LedgerSealNoticeJob,
    LedgerAccountResolver,
    LedgerTransferResolver,
    LedgerAccountSource,
    LedgerTransferSource,
  ],
  exports: [Ledger, LedgerWriter],
})
export class LedgerModule {}
