export { PaymentsModule } from './payments.module.js';
export { type CardPayment, type PaymentInput, Payments } from './commands.js';
export {
  type CashApplication,
  type CashReceipt,
  type Payment,
  type PaymentListener,
  PaymentListeners,
  type PaymentPurpose,
  type PaymentStep,
  type PaymentStepKind,
  type Rail,
  type SetupStep,
} from './payment-listener.port.js';
export { type PaymentStatus } from './domain/payment.machine.js';
export { paymentInvariants } from './payment.invariants.js';
export { BankTransfers } from './bank-transfers.js';
export { convertMinor, type ExchangeRate, rateText } from './domain/exchange-rate.rule.js';
export { ExchangeRates } from './exchange-rates.js';
export { PaymentRail } from './graphql/rail.type.js';
export {
  type KeptMethod,
  type MethodLook,
  type SetupInput,
  type SubmittedSetup,
  PaymentMethods,
} from './payment-methods.js';
export { type FundingInstructions } from './processor/funding.request.js';
export { type RefundInput, type RefundOutcome } from './refunds.js';
export { RAIL_TERMS } from './domain/rail.table.js';
export { type RailQuote, quoteRails, railParts } from './domain/rail.rule.js';
export { type TopUp } from './domain/top-up.rule.js';
export { TopUps } from './top-ups.js';
export { Reconciliation } from './reconciliation.js';
export { ProcessorStatements } from './statements/processor-statements.js';
export { Exposure, type RailExposure } from './payouts/exposure.js';
export { type PayoutAccount, PayoutAccounts } from './payouts/payout-accounts.js';
export { type Payout, type PayoutListener, PayoutListeners, type PayoutStep } from './payouts/payout-listener.port.js';
export { type PayoutAttempt, type PayoutInput, Payouts } from './payouts/payouts.js';
export { payoutInvariants } from './payouts/payout.invariants.js';
