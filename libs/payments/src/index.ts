export { PaymentsModule } from './payments.module.js';
export { type CardPayment, type CardPaymentInput, Payments } from './commands.js';
export { PAYMENT_LISTENER, type Payment, type PaymentFailure, type PaymentListener } from './payment-listener.port.js';
export { type PaymentStatus } from './domain/payment.machine.js';
export { paymentInvariants } from './payment.invariants.js';
export { Reconciliation } from './reconciliation.js';
