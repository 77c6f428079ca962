import { Inject, Injectable } from '@nestjs/common';
import { isRefused, refuse, type Outcome, type Refused } from '#kernel';
import { LOGGER, type Logger, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { BookingWriter } from './bookings/booking.writer.js';
import { Customers } from './customers.js';
import { hasEnded, nextSubmitMs, type PaymentStatus } from './domain/payment.machine.js';
import { intentRequest, type ChargedMethod } from './processor/intent.request.js';
import { NotSettledYet, PAYMENT_EXPANSION } from './processor/observation.js';
import { declinedIntent, readFailure, type CallFailure } from './processor/stripe.failure.js';
import { STRIPE } from './processor/stripe.token.js';
import { findPayment, postponePayment, type PaymentRow } from './store/payment.store.js';
import { findSavedMethods, type SavedMethodRow } from './store/saved-method.store.js';
import { Synchronizer } from './synchronizer.js';

/** What Stripe answered, and how the payment stands when that is in the books; undefined where it has to be read. */
export interface Submission {
  readonly intent: Stripe.PaymentIntent;
  readonly booked: Promise<PaymentStatus | undefined>;
}

/**
 * Tells Stripe of payments whose rows and idempotency keys are committed, and writes down what it answers. A call whose
 * outcome is unknown is repeated later with the same key.
 */
@Injectable()
export class Charger {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly bookings: BookingWriter,
    private readonly synchronizer: Synchronizer,
    private readonly customers: Customers,
    @Inject(STRIPE) private readonly stripe: Stripe,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The saved methods of these payments by one statement, for {@link submit}. */
  async methodsOf(rows: readonly PaymentRow[]): Promise<ReadonlyMap<string, SavedMethodRow>> {
    const ids = [...new Set(rows.flatMap((row) => row.saved_method_id ?? []))];
    return ids.length === 0 ? new Map() : this.uow.read((tx) => findSavedMethods(tx, ids));
  }

  /**
   * Makes the payment's intent, or reads it where it was made before. Answers as soon as Stripe does; the booking shares
   * a transaction with others. @throws what the call throws: {@link failed} takes it.
   */
  async submit(row: PaymentRow, methods?: ReadonlyMap<string, SavedMethodRow>): Promise<Submission> {
    const call =
      row.stripe_payment_intent_id === null
        ? this.#create(row, methods)
        : this.stripe.paymentIntents.retrieve(row.stripe_payment_intent_id, { expand: PAYMENT_EXPANSION });
    const booked = call.then((intent) => (hasEnded(row.status) ? row.status : this.#apply(row, intent)));
    this.synchronizer.during(row.id, booked);
    return { intent: await call, booked };
  }

  /**
   * What a call that threw means. Nobody knows what became of it: it is repeated. Stripe said no: the payment has FAILED.
   * @throws what is no answer of Stripe's.
   */
  async failed(row: PaymentRow, error: unknown): Promise<CallFailure> {
    const failure = readFailure(error);
    if (failure.kind === 'rejected') {
      await this.fail(row.id, failure.code, failure.message);
      return failure;
    }
    this.logger.warn({ paymentId: row.id, failure: failure.message }, 'payment not submitted yet; it is tried again');
    await this.uow.run('payment-postpone', (tx) =>
      postponePayment(tx, row.id, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
    );
    return failure;
  }

  /** Ends a payment that Stripe never took up. */
  async fail(paymentId: string, code: string, message: string): Promise<void> {
    const row = await this.uow.read((tx) => findPayment(tx, paymentId));
    if (row === undefined || row.status !== 'LOCAL_INTENT') return;
    await this.bookings.book({
      kind: 'payment',
      paymentId,
      version: row.version,
      intentId: undefined,
      observed: { status: 'FAILED', code, message },
    });
  }

  /**
   * Gives the payment up before anything is charged. Refusals: PAYMENT_NOT_FOUND; PAYMENT_CAPTURED when it is too late
   * (refund it instead); PAYMENT_UNREACHABLE when Stripe does not answer, in which case nothing has been decided.
   */
  async cancel(paymentId: string): Promise<Outcome<{ paymentId: string }>> {
    const row = await this.uow.read((tx) => findPayment(tx, paymentId));
    if (row === undefined) return notFound(paymentId);
    if (row.status === 'CANCELED' || row.status === 'FAILED') return { paymentId };
    if (row.status === 'SUCCEEDED') return tooLate(paymentId);
    try {
      const intentId = row.stripe_payment_intent_id ?? (await this.#createUncharged(row));
      await this.stripe.paymentIntents.cancel(intentId, {}, { idempotencyKey: `${row.idempotency_key}:cancel` });
      await this.synchronizer.payment(paymentId, intentId);
      return { paymentId };
    } catch (error) {
      const failure = readFailure(error);
      if (failure.kind === 'unknown') {
        return refuse({
          code: 'PAYMENT_UNREACHABLE',
          message: 'The payment processor did not answer, so the payment stands as it was.',
          hint: 'Try again in a moment.',
        });
      }
      await this.synchronizer.payment(paymentId);
      const now = await this.uow.read((tx) => findPayment(tx, paymentId));
      return now?.status === 'CANCELED' ? { paymentId } : tooLate(paymentId);
    }
  }

  /** {@link cancel} of many. What Stripe did not hear of the sweep tells it later. */
  async cancelAll(paymentIds: readonly string[]): Promise<void> {
    for (const paymentId of paymentIds) {
      try {
        const outcome = await this.cancel(paymentId);
        if (isRefused(outcome)) this.logger.info({ paymentId, code: outcome.first.code }, 'payment not canceled');
      } catch (error) {
        this.logger.warn({ paymentId, err: error }, 'payment not canceled yet; it is tried again');
      }
    }
  }

  /**
   * For the sweep: after a day Stripe may have forgotten the key, and the call would be made a second time. What was
   * made is found in the list of the customer's intents, which is complete; without a customer nobody ever held the client secret.
   * @returns whether the payment is settled or may be submitted (again).
   */
  async readBack(row: PaymentRow): Promise<'applied' | 'never_made' | 'unpayable'> {
    const method = await this.methodOf(row);
    if (method === undefined) return 'unpayable';
    const intent = await this.#made(row, method);
    if (intent === undefined) return 'never_made';
    await this.synchronizer.payment(row.id, intent.id);
    return 'applied';
  }

  /** Who is charged; undefined for a payment that its payer confirms. `known`: methods that were read before. */
  async methodOf(row: PaymentRow, known?: ReadonlyMap<string, SavedMethodRow>): Promise<ChargedMethod | undefined> {
    if (row.rail === 'bank_transfer') {
      return { customerId: await this.customers.idOf(row.contributor_pseudonym), paymentMethodId: undefined };
    }
    if (row.saved_method_id === null) return undefined;
    const method = (known ?? (await this.methodsOf([row]))).get(row.saved_method_id);
    if (method === undefined) throw new Error(`payment ${row.id} names a method that does not exist`);
    return { customerId: method.stripe_customer_id, paymentMethodId: method.stripe_payment_method_id };
  }

  async #create(row: PaymentRow, methods?: ReadonlyMap<string, SavedMethodRow>): Promise<Stripe.PaymentIntent> {
    const request = intentRequest(row, await this.methodOf(row, methods));
    try {
      return await this.stripe.paymentIntents.create(request, { idempotencyKey: row.idempotency_key });
    } catch (error) {
      // A declined charge without its payer is an answer, not a failure: the intent says what became of it.
      const declined = declinedIntent(error);
      if (declined === undefined) throw error;
      return declined;
    }
  }

  /**
   * What Stripe never heard of is told before it is canceled: a lost answer may have left an intent that can still be
   * paid. It is told without the saved method, so that nobody is charged: from then on the key makes nothing else.
   */
  async #createUncharged(row: PaymentRow): Promise<string> {
    const method = row.saved_method_id === null ? undefined : await this.methodOf(row);
    if (method === undefined) return (await this.#create(row)).id;
    try {
      const options = { idempotencyKey: row.idempotency_key };
      return (await this.stripe.paymentIntents.create(intentRequest(row, undefined), options)).id;
    } catch (error) {
      // The call was made before, with the method: what came of it stands at Stripe.
      const made = error instanceof Stripe.errors.StripeIdempotencyError ? await this.#made(row, method) : undefined;
      if (made === undefined) throw error;
      return made.id;
    }
  }

  /** The payment's intent among those of its payer. */
  async #made(row: PaymentRow, { customerId }: ChargedMethod): Promise<Stripe.PaymentIntent | undefined> {
    const created = { gte: Math.floor(row.created_at.getTime() / 1000) - 60 };
    for await (const intent of this.stripe.paymentIntents.list({ customer: customerId, created, limit: 100 })) {
      if (intent.metadata['payment_id'] === row.id) return intent;
    }
    return undefined;
  }

  async #apply(row: PaymentRow, intent: Stripe.PaymentIntent): Promise<PaymentStatus | undefined> {
    try {
      const step = await this.synchronizer.applyIntent(row, intent);
      if (step === 'stale') await this.synchronizer.reread(row.id, intent.id);
      return step === 'stale' ? undefined : step;
    } catch (error) {
      // Captured, but its fee is not known: the event, or the sweep, books it when it is.
      if (!(error instanceof NotSettledYet)) throw error;
      return undefined;
    }
  }
}

export function notFound(paymentId: string): Refused {
  return refuse({ code: 'PAYMENT_NOT_FOUND', message: 'There is no such payment.', detail: paymentId });
}

function tooLate(paymentId: string): Refused {
  return refuse({
    code: 'PAYMENT_CAPTURED',
    message: 'The payment was charged already.',
    detail: paymentId,
    hint: 'Ask for a refund instead.',
  });
}
