import { Module } from '@nestjs/common';
import { LedgerWriter } from './ledger-writer.js';
import { Ledger } from './ledger.js';

@Module({ providers: [Ledger, LedgerWriter], exports: [Ledger, LedgerWriter] })
export class LedgerModule {}
