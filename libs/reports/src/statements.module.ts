import { Module } from '@nestjs/common';
import { IdentityModule } from '#identity';
import { PaymentsModule } from '#payments';
import { PledgesModule } from '#pledges';
import { TransparencyModule } from '#transparency';
import { StatementResolver } from './graphql/statement.resolver.js';
import { StatementController } from './http/statement.controller.js';
import { ReceiptErasure, ReceiptIssue } from './jobs/receipts.subscriber.js';
import { Statements } from './statements.js';

/** Receipts, invoices, yearly summaries and accounts of campaigns: for those whom they concern, and nobody else. */
@Module({
  imports: [IdentityModule, PaymentsModule, PledgesModule, TransparencyModule],
  controllers: [StatementController],
  providers: [Statements, StatementResolver, ReceiptIssue, ReceiptErasure],
})
export class StatementsModule {}
