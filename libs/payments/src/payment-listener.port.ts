import { Injectable } from '@nestjs/common';
import type { Tx } from '#platform';
import type { PaymentStatus } from './domain/payment.machine.js';

/** How money comes: by card, by debit of a US or a SEPA account, or pushed by the payer's own bank. */
export const RAILS = ['card', 'us_bank_account', 'sepa_debit', 'bank_transfer'] as const;
export type Rail = (typeof RAILS)[number];

/** Which room asked for a payment, and hears of it. */
export const PAYMENT_PURPOSES = ['pledge', 'pool'] as const;
export type PaymentPurpose = (typeof PAYMENT_PURPOSES)[number];

/** A payment as other rooms see it. Amounts in minor units of `currency`. */
export interface Payment {
  readonly id: string;
  /** What is paid for, in the words of the room that asked for it. */
  readonly reference: string;
  readonly instalment: number;
  readonly purpose: PaymentPurpose;
  /** The campaign or the pool that the money is for. */
  readonly beneficiaryId: string;
  readonly contributorPseudonym: string;
  readonly rail: Rail;
  /** Set for a payment that is charged without its payer, by a method saved before. */
  readonly savedMethodId: string | undefined;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly status: PaymentStatus;
  readonly escrowAccount: string;
  readonly refundsPayableAccount: string;
  readonly debtAccount: string;
  /** What is held back for disputes; a loss is taken from it first. */
  readonly reserveAccount: string | undefined;
  readonly stripePaymentIntentId: string | undefined;
  /** Known once the payment is captured. */
  readonly feeMinor: bigint | undefined;
}

interface About {
  readonly payment: Payment;
}

/** One step of a payment. Amounts in minor units of its currency; ids are ours unless said otherwise. */
export type PaymentStep = About &
  (
    | { readonly kind: 'processing' }
    /** The bank wants the payer: `Payments.submitPayment` gives the client secret with which he goes on. */
    | { readonly kind: 'requires_action' }
    | { readonly kind: 'captured'; readonly feeMinor: bigint }
    | {
        readonly kind: 'failed';
        /** Stripe's decline code where there is one (`insufficient_funds`), else its error code. */
        readonly code: string;
        readonly message: string;
        /** False when the payer may still succeed on the same payment; nothing follows a final one. */
        readonly final: boolean;
        /** True for a soft decline: the same method may be charged again later, by a new payment. */
        readonly retryable: boolean;
      }
    /** Given up before it was charged. */
    | { readonly kind: 'canceled' }
    | { readonly kind: 'refunded'; readonly refundId: string; readonly amountMinor: bigint }
    | { readonly kind: 'refund_failed'; readonly refundId: string; readonly amountMinor: bigint; readonly code: string }
    | {
        readonly kind: 'dispute_opened';
        readonly disputeId: string;
        readonly amountMinor: bigint;
        readonly feeMinor: bigint;
      }
    | {
        readonly kind: 'dispute_closed';
        readonly disputeId: string;
        readonly won: boolean;
        readonly amountMinor: bigint;
        /** What the bank gave back of its fee; 0 unless won. */
        readonly feeReturnedMinor: bigint;
      }
    /** The bank suspects fraud: a dispute is likely to follow. No money has moved. */
    | {
        readonly kind: 'warning';
        readonly warningId: string;
        readonly amountMinor: bigint;
        /** Stripe's own word for the kind of fraud. */
        readonly reason: string;
        /** The refund by which the dispute is forestalled, where the policy made one. */
        readonly refundId: string | undefined;
      }
  );
export type PaymentStepKind = PaymentStep['kind'];

/** One step of the saving of a payment method. */
export type SetupStep = {
  readonly setupId: string;
  /** What the method is saved for, in the words of the room that asked. */
  readonly reference: string;
  readonly purpose: PaymentPurpose;
  readonly beneficiaryId: string;
  readonly contributorPseudonym: string;
} & (
  | { readonly kind: 'saved'; readonly savedMethodId: string; readonly rail: Rail }
  | { readonly kind: 'requires_action' }
  /** May be followed by `saved` unless `final`. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly final: boolean }
);

/**
 * Money that a donor's bank sent and that stands in `donor:<pseudonym>:unapplied_cash:<currency>` now. What arrived
 * together is told as one: there is one for a donor and currency in a call.
 */
export interface CashReceipt {
  /** Of the latest arrival. */
  readonly receiptId: string;
  readonly contributorPseudonym: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  /** All that stands unapplied for the donor in this currency, this receipt included. */
  readonly unappliedMinor: bigint;
  /** The least that one application can be: less can't be moved at the processor, and waits for more. */
  readonly minimumMinor: bigint;
  readonly receivedAt: Date;
}

/** How much of a donor's unapplied cash goes where. The accounts are those of a {@link Payment}. */
export interface CashApplication {
  readonly contributorPseudonym: string;
  readonly currency: string;
  /** With `reference` the key under which applying twice is applying once. */
  readonly applicationKey: string;
  readonly reference: string;
  readonly purpose: PaymentPurpose;
  readonly beneficiaryId: string;
  readonly amountMinor: bigint;
  readonly escrowAccount: string;
  readonly refundsPayableAccount: string;
  readonly debtAccount: string;
  readonly reserveAccount?: string;
}

/**
 * What the room that asked for payments hears of them, in batches: called inside the transaction that changes payment
 * and ledger, so that all three change together or not at all. Each step is told once; the steps of one payment come in
 * the order in which they were taken. A throw undoes the whole batch, which is then tried in halves, so that one step
 * that can't be taken stands in nobody else's way; so throw only for what must not be lost.
 */
export interface PaymentListener {
  onPayments(tx: Tx, steps: readonly PaymentStep[]): Promise<void>;
  onSetups?(tx: Tx, steps: readonly SetupStep[]): Promise<void>;
  /** The campaigns or pools over whose money this person decides. None, where it is left out. */
  treasuredBy?(tx: Tx, contributorId: string): Promise<readonly string[]>;
  /** @returns what the receipts are applied to; at most what stands unapplied for each donor. */
  onCash?(tx: Tx, receipts: readonly CashReceipt[]): Promise<readonly CashApplication[]>;
}

/** Who hears of payments, by purpose. The rooms that ask for payments stand above this one and enter themselves. */
@Injectable()
export class PaymentListeners {
  readonly #byPurpose = new Map<PaymentPurpose, PaymentListener>();

  /** @throws if another room has entered itself for the purpose. */
  register(purpose: PaymentPurpose, listener: PaymentListener): void {
    const known = this.#byPurpose.get(purpose);
    if (known !== undefined && known !== listener) throw new Error(`${purpose} payments have a listener already`);
    this.#byPurpose.set(purpose, listener);
  }

  /** @throws where nobody listens: a step that nobody hears of would be lost, so it is tried again instead. */
  of(purpose: PaymentPurpose): PaymentListener {
    const listener = this.#byPurpose.get(purpose);
    if (listener === undefined) throw new Error(`nobody listens to ${purpose} payments in this process`);
    return listener;
  }

  /** All that have entered themselves, in the order of {@link PAYMENT_PURPOSES}. */
  all(): PaymentListener[] {
    return PAYMENT_PURPOSES.flatMap((purpose) => this.#byPurpose.get(purpose) ?? []);
  }
}
