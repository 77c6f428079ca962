import { Module } from '@nestjs/common';
import { Ledger, LedgerModule } from '#ledger';
import { Config } from '#platform';
import { BankTransfers } from './bank-transfers.js';
import { Bookkeeper } from './bookkeeper.js';
import { BookingWriter } from './bookings/booking.writer.js';
import { CashReturns } from './cash-returns.js';
import { Charger } from './charger.js';
import { Payments } from './commands.js';
import { Customers } from './customers.js';
import { DisputeCases } from './dispute-cases.js';
import { ExchangeRates } from './exchange-rates.js';
import { DisputeCaseResolver } from './graphql/dispute-case.resolver.js';
import { RailResolver } from './graphql/rail.resolver.js';
import { RefundCaseResolver } from './graphql/refund-case.resolver.js';
import { StripeConfigResolver } from './graphql/stripe-config.resolver.js';
import { InboxProcessor } from './inbox/inbox.processor.js';
import { WebhookController } from './inbox/webhook.controller.js';
import { WebhookIntake } from './inbox/webhook.intake.js';
import { EventBackfillJob } from './jobs/event-backfill.job.js';
import { InboxJob } from './jobs/inbox.job.js';
import { PaymentSweepJob } from './jobs/payment-sweep.job.js';
import { ReconciliationJob } from './jobs/reconciliation.job.js';
import { PaymentListeners } from './payment-listener.port.js';
import { PaymentMethods } from './payment-methods.js';
import { Exposure } from './payouts/exposure.js';
import { MoneyOutHints } from './payouts/money-out.hints.js';
import { PayoutAccounts } from './payouts/payout-accounts.js';
import { PayoutListeners } from './payouts/payout-listener.port.js';
import { PayoutSweepJob } from './payouts/payout-sweep.job.js';
import { PayoutCourier } from './payouts/payout.courier.js';
import { Payouts } from './payouts/payouts.js';
import { createStripe } from './processor/stripe.client.js';
import { STRIPE } from './processor/stripe.token.js';
import { Reconciliation } from './reconciliation.js';
import { ProcessorStatements } from './statements/processor-statements.js';
import { RefundCases } from './refund-cases.js';
import { Refunds } from './refunds.js';
import { Synchronizer } from './synchronizer.js';
import { TopUps } from './top-ups.js';

/** Payments on every rail through Stripe or its sandbox. */
@Module({
  imports: [LedgerModule],
  controllers: [WebhookController],
  providers: [
    { provide: STRIPE, inject: [Config], useFactory: (config: Config) => createStripe(config.stripe) },
    PaymentListeners,
    PayoutListeners,
    PayoutCourier,
    PayoutAccounts,
    Payouts,
    PayoutSweepJob,
    MoneyOutHints,
    Exposure,
    {
      provide: Bookkeeper,
      inject: [Ledger, PaymentListeners, Config],
      useFactory: (ledger: Ledger, listeners: PaymentListeners, config: Config) =>
        new Bookkeeper(ledger, listeners, { refundUpToMinor: BigInt(config.stripe.warningRefundMinor) }),
    },
    BookingWriter,
    Customers,
    PaymentMethods,
    BankTransfers,
    CashReturns,
    Refunds,
    RefundCases,
    DisputeCases,
    TopUps,
    ExchangeRates,
    Synchronizer,
    Charger,
    Payments,
    WebhookIntake,
    InboxProcessor,
    InboxJob,
    PaymentSweepJob,
    EventBackfillJob,
    ReconciliationJob,
    Reconciliation,
    ProcessorStatements,
    StripeConfigResolver,
    RailResolver,
    RefundCaseResolver,
    DisputeCaseResolver,
  ],
  exports: [
    Payments,
    PaymentListeners,
    PaymentMethods,
    BankTransfers,
    ExchangeRates,
    Payouts,
    PayoutAccounts,
    PayoutListeners,
    Exposure,
    Reconciliation,
    ProcessorStatements,
  ],
})
export class PaymentsModule {}
