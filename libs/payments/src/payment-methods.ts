import { Inject, Injectable } from '@nestjs/common';
import { newId, refuse, type Outcome, type Refused } from '#kernel';
import { LOGGER, type Logger, type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { SetupWriter } from './bookings/setup.writer.js';
import { Customers } from './customers.js';
import { nextSubmitMs, SUBMISSION_MS_MAX } from './domain/payment.machine.js';
import { RAIL_TERMS } from './domain/rail.table.js';
import { setupHasEnded, type SetupStatus } from './domain/setup.machine.js';
import { PaymentListeners, type PaymentPurpose, type Rail } from './payment-listener.port.js';
import { observeSetup } from './processor/setup.observation.js';
import { readFailure } from './processor/stripe.failure.js';
import { STRIPE } from './processor/stripe.token.js';
import { keptMethods, markReleased, markReleasing, type SavedMethodRow } from './store/saved-method.store.js';
import { insertSetups, markSetupsUnwanted, openSetups, postponeSetups, type SetupRow } from './store/setup.store.js';

export interface SetupInput {
  /** What the method is saved for; at most one setup is under way for it. */
  readonly reference: string;
  readonly purpose: PaymentPurpose;
  readonly beneficiaryId: string;
  readonly contributorPseudonym: string;
  readonly rail: Rail;
}

export interface SubmittedSetup {
  readonly setupId: string;
  readonly status: SetupStatus;
  /** Undefined while Stripe has not been reached yet: the sweep goes on trying. */
  readonly clientSecret: string | undefined;
}

export interface KeptMethod {
  readonly id: string;
  readonly rail: Rail;
  readonly savedAt: Date;
}

/** What is printed on a card or a bank's letter, as far as its owner needs it to tell one from another. */
export interface MethodLook {
  /** "visa", or the name of the bank. */
  readonly brand: string | null;
  readonly last4: string | null;
  /** "2030-12"; null for accounts. */
  readonly expires: string | null;
}

/** The sweep leaves the first call to whoever made the row, for this long. */
const FIRST_CALL_MS = 5000;

/**
 * Methods that are saved now and charged later, without their owner. The row of a setup and its idempotency key are
 * committed before Stripe hears of it; what the method is stays with Stripe.
 */
@Injectable()
export class PaymentMethods {
  readonly #writer: SetupWriter;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly customers: Customers,
    listeners: PaymentListeners,
    @Inject(STRIPE) private readonly stripe: Stripe,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.#writer = new SetupWriter(uow, listeners);
  }

  /**
   * The rows of setups, in the caller's transaction. Follow with {@link submitSetup} after the commit; if the process
   * dies in between, the sweep does it. A setup that is under way for the reference is answered again; after one that
   * succeeded a new one is made, for another card. Refusals: PAYMENT_RAIL_UNSAVED, SETUP_REFERENCE_CONFLICT.
   * @returns the setups' ids in the order of the inputs.
   */
  async prepareSetups(tx: Tx, inputs: readonly SetupInput[]): Promise<Outcome<string[]>> {
    const unsaved = inputs.find((input) => !RAIL_TERMS[input.rail].canBeSaved);
    if (unsaved !== undefined) return notSaved();
    const rows = inputs.map((input) => ({ ...input, id: newId() }));
    const added = await insertSetups(tx, rows, new Date(tx.now.getTime() + FIRST_CALL_MS));
    const known =
      added.size === rows.length
        ? new Map<string, SetupRow>()
        : await openSetups(
            tx,
            rows.map((row) => row.reference),
          );
    const ids: string[] = [];
    for (const row of rows) {
      const standing = known.get(row.reference);
      if (added.has(row.id)) ids.push(row.id);
      else if (standing !== undefined && isSame(standing, row)) ids.push(standing.id);
      else return conflict(row.reference);
    }
    return ids;
  }

  /**
   * Tells Stripe of a prepared setup, or reads it again: the client secret is what the owner's browser confirms with.
   * Refusals: SETUP_NOT_FOUND; SETUP_REJECTED when Stripe will not have it (the setup is FAILED then).
   */
  async submitSetup(setupId: string): Promise<Outcome<SubmittedSetup>> {
    const row = await this.#writer.row(setupId);
    if (row === undefined) return notFound(setupId);
    try {
      const intent =
        row.stripe_setup_intent_id === null
          ? await this.#create(row)
          : await this.stripe.setupIntents.retrieve(row.stripe_setup_intent_id);
      const status = await this.#apply(row.id, intent);
      return { setupId, status, clientSecret: intent.client_secret ?? undefined };
    } catch (error) {
      const failure = readFailure(error);
      if (failure.kind === 'unknown') {
        this.logger.warn({ setupId, failure: failure.message }, 'setup not submitted yet; it is tried again');
        await this.postpone(row);
        return { setupId, status: row.status, clientSecret: undefined };
      }
      await this.#writer.observe(setupId, undefined, {
        status: 'FAILED',
        code: failure.code,
        message: failure.message,
      });
      return refuse({
        code: 'SETUP_REJECTED',
        message: 'The payment processor did not accept the payment method.',
        detail: `${failure.code}: ${failure.message}`,
        hint: 'Begin again, or with another method; nothing was charged.',
      });
    }
  }

  /** What a person saved and what may still be charged, newest first. What it is stays with Stripe: {@link looks}. */
  async kept(tx: Tx, pseudonym: string): Promise<KeptMethod[]> {
    return (await keptMethods(tx, pseudonym)).map(({ id, rail, created_at }) => ({ id, rail, savedAt: created_at }));
  }

  /**
   * How a person's saved methods look to him, by their ids: asked of Stripe each time, and kept nowhere. Empty while
   * Stripe can't be reached.
   */
  async looks(pseudonym: string): Promise<Map<string, MethodLook>> {
    const rows = await this.uow.read((tx) => keptMethods(tx, pseudonym));
    const ids = new Map(rows.map((row) => [row.stripe_payment_method_id, row.id]));
    const found = new Map<string, MethodLook>();
    for (const customer of new Set(rows.map((row) => row.stripe_customer_id))) {
      const list = await this.stripe.customers.listPaymentMethods(customer, { limit: 100 }).catch((error: unknown) => {
        this.logger.warn({ failure: readFailure(error).message }, 'saved methods could not be read');
        return { data: [] as Stripe.PaymentMethod[] };
      });
      for (const method of list.data) {
        const id = ids.get(method.id);
        if (id !== undefined) found.set(id, lookOf(method));
      }
    }
    return found;
  }

  /** In the caller's transaction; Stripe is told by the sweep. A method that is released is never charged again. */
  async release(tx: Tx, savedMethodIds: readonly string[]): Promise<void> {
    await markReleasing(tx, savedMethodIds);
  }

  /** Writes down, in the caller's transaction, that nothing more shall be saved for the references. */
  async cancelSetups(tx: Tx, references: readonly string[]): Promise<void> {
    await markSetupsUnwanted(tx, references);
  }

  /** Brings a setup up to what Stripe says. @returns false when it is none of ours. */
  async synchronize(setupIntentId: string, setupId: string): Promise<boolean> {
    const row = await this.#writer.row(setupId);
    if (row === undefined) return false;
    if (row.stripe_setup_intent_id === setupIntentId && setupHasEnded(row.status)) return true;
    const intent = await this.stripe.setupIntents.retrieve(setupIntentId);
    if (intent.metadata?.['setup_id'] !== setupId) return false;
    await this.#apply(setupId, intent);
    return true;
  }

  /** For the sweep: submits what a crash left open, gives up what is not wanted, asks about what is quiet. */
  async advance(row: SetupRow, now: Date): Promise<void> {
    const isForgotten = now.getTime() - row.created_at.getTime() >= SUBMISSION_MS_MAX;
    if (row.stripe_setup_intent_id === null && isForgotten) {
      // Nobody ever held the client secret, so no method can come of it.
      await this.#writer.observe(row.id, undefined, {
        status: 'FAILED',
        code: 'submission_expired',
        message: 'Stripe could not be reached for a day.',
      });
      return;
    }
    if (row.cancel_requested_at === null) {
      await this.submitSetup(row.id);
      return;
    }
    const intentId = row.stripe_setup_intent_id ?? (await this.#create(row)).id;
    const key = { idempotencyKey: `${row.idempotency_key}:cancel` };
    await this.stripe.setupIntents.cancel(intentId, {}, key).catch((error: unknown) => {
      // Ended at Stripe in the meantime: what it ended as is read below.
      if (readFailure(error).kind === 'unknown') throw error;
    });
    await this.#apply(row.id, await this.stripe.setupIntents.retrieve(intentId));
  }

  /** For the sweep: a method that Stripe does not know any more is released as well. */
  async detach(method: SavedMethodRow): Promise<void> {
    try {
      await this.stripe.paymentMethods.detach(
        method.stripe_payment_method_id,
        {},
        { idempotencyKey: `detach:${method.id}` },
      );
    } catch (error) {
      if (readFailure(error).kind === 'unknown') throw error;
    }
    await this.uow.run('method-released', (tx) => markReleased(tx, method.id));
  }

  async postpone(row: SetupRow): Promise<void> {
    await this.uow.run('setup-postpone', (tx) =>
      postponeSetups(tx, [{ id: row.id, nextCheckAt: new Date(tx.now.getTime() + nextSubmitMs(row.checks)) }]),
    );
  }

  async #create(row: SetupRow): Promise<Stripe.SetupIntent> {
    const customer = await this.customers.idOf(row.contributor_pseudonym);
    return this.stripe.setupIntents.create(
      {
        customer,
        usage: 'off_session',
        allowed_payment_method_types: [row.rail as 'card' | 'us_bank_account' | 'sepa_debit'],
        metadata: { setup_id: row.id, reference: row.reference, beneficiary_id: row.beneficiary_id },
      },
      { idempotencyKey: row.idempotency_key },
    );
  }

  #apply(setupId: string, intent: Stripe.SetupIntent): Promise<SetupStatus> {
    return this.#writer.observe(setupId, intent.id, observeSetup(intent));
  }
}

const isSame = (standing: SetupRow, asked: SetupInput): boolean =>
  standing.rail === asked.rail &&
  standing.purpose === asked.purpose &&
  standing.beneficiary_id === asked.beneficiaryId &&
  standing.contributor_pseudonym === asked.contributorPseudonym;

function notSaved(): Refused {
  return refuse({
    code: 'PAYMENT_RAIL_UNSAVED',
    message: 'A bank transfer is sent by its payer and can not be saved.',
    hint: 'Save a card or a bank account, or ask for transfer instructions.',
    path: ['rail'],
  });
}

function conflict(reference: string): Refused {
  return refuse({
    code: 'SETUP_REFERENCE_CONFLICT',
    message: 'Another method is being saved for this already.',
    detail: reference,
    hint: 'Finish it, or give it up before beginning with another.',
  });
}

function notFound(setupId: string): Refused {
  return refuse({ code: 'SETUP_NOT_FOUND', message: 'There is no such setup.', detail: setupId });
}

function lookOf(method: Stripe.PaymentMethod): MethodLook {
  const { card, us_bank_account: account, sepa_debit: debit } = method;
  if (card)
    return {
      brand: card.brand,
      last4: card.last4,
      expires: `${card.exp_year}-${String(card.exp_month).padStart(2, '0')}`,
    };
  return {
    brand: account?.bank_name ?? debit?.bank_code ?? null,
    last4: account?.last4 ?? debit?.last4 ?? null,
    expires: null,
  };
}
