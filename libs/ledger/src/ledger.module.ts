import { Module } from '@nestjs/common';
import { LedgerWriter } from './ledger-writer.js';
import { LedgerExpiryJob } from './jobs/ledger-expiry.job.js';
import { Ledger } from './ledger.js';

@Module({ providers: [Ledger, LedgerWriter, LedgerExpiryJob], exports: [Ledger, LedgerWriter] })
export class LedgerModule {}
