import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { canonicalJson, isRefused, refuse, type Json, type Outcome, type Refused } from '#kernel';
import { announce, Config, GroupCommitter, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { eventEssence } from '../domain/event.essence.rule.js';
import { isLiveMode } from '../processor/stripe.client.js';
import { STRIPE } from '../processor/stripe.token.js';
import { storeEvents, type ReceivedEvent, type Reception } from '../store/inbox.store.js';

/** Announced with every commit that brought events: the worker listens. */
export const INBOX_TOPIC = 'stripe-inbox';

const BATCH_MAX = 200;
/** What the platform hears of the accounts that it pays out to; all else of theirs is none of its business. */
const OF_CONNECTED_ACCOUNTS = /^(account|capability|person|payout|transfer|balance)\./;

/**
 * The way in for events: signature first, then the row, then (after the commit) the acknowledgement. Nothing is made
 * of an event here. Deliveries that come together share one commit.
 */
@Injectable()
export class WebhookIntake {
  readonly #committer: GroupCommitter<ReceivedEvent, Reception>;

  constructor(
    uow: UnitOfWork,
    private readonly config: Config,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {
    this.#committer = new GroupCommitter(
      async (batch) => {
        const outcome = await uow.run('stripe-events', async (tx) => {
          const receptions = await storeEvents(tx, batch);
          if (receptions.includes('stored')) await announce(tx, INBOX_TOPIC);
          return receptions;
        });
        if (isRefused(outcome)) throw new Error('storing events is never refused');
        return outcome;
      },
      { maxBatch: BATCH_MAX, lanes: 2 },
    );
  }

  /**
   * A delivery as it came over the wire. Resolves after the commit.
   * Refusals: STRIPE_SIGNATURE_INVALID, STRIPE_EVENT_INVALID, STRIPE_EVENT_WRONG_MODE, STRIPE_EVENT_WRONG_ACCOUNT,
   * STRIPE_EVENT_CONFLICT.
   */
  async receive(rawBody: Buffer, signature: string | undefined): Promise<Outcome<{ eventId: string; isNew: boolean }>> {
    const event = this.#verify(rawBody, signature);
    return isRefused(event) ? event : this.accept(event);
  }

  /** An event that is known to be Stripe's: verified, or read from Stripe's own list. */
  async accept(event: Stripe.Event): Promise<Outcome<{ eventId: string; isNew: boolean }>> {
    const received = this.#read(event);
    if (isRefused(received)) return received;
    const reception = await this.#committer.submit(received);
    if (reception === 'conflict') {
      return refuse({
        code: 'STRIPE_EVENT_CONFLICT',
        message: 'An event with this id was received before and said something else.',
        detail: event.id,
        hint: 'An event never changes. Find out who sent this one.',
      });
    }
    return { eventId: event.id, isNew: reception === 'stored' };
  }

  #verify(rawBody: Buffer, signature: string | undefined): Stripe.Event | Refused {
    try {
      return this.stripe.webhooks.constructEvent(rawBody, signature ?? '', this.config.stripe.webhookSecret);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) {
        return refuse({
          code: 'STRIPE_SIGNATURE_INVALID',
          message: 'The Stripe-Signature header does not fit the body.',
          hint: 'Check that STRIPE_WEBHOOK_SECRET is the secret of this endpoint, and that the clocks agree to 5 minutes.',
        });
      }
      return invalid();
    }
  }

  #read(event: Stripe.Event): ReceivedEvent | Refused {
    const object = (event as Partial<Stripe.Event>).data?.object as { id?: unknown } | undefined;
    if (
      typeof event.id !== 'string' ||
      typeof event.type !== 'string' ||
      typeof event.created !== 'number' ||
      !object
    ) {
      return invalid();
    }
    if (event.livemode !== isLiveMode(this.config.stripe)) {
      return refuse({
        code: 'STRIPE_EVENT_WRONG_MODE',
        message: event.livemode
          ? 'This event is about real money, and this platform runs in test mode.'
          : 'This event is from test mode, and this platform takes real money.',
        hint: 'Let the endpoint of this address receive events of one mode only.',
      });
    }
    if (event.account !== undefined && !OF_CONNECTED_ACCOUNTS.test(event.type)) {
      return refuse({
        code: 'STRIPE_EVENT_WRONG_ACCOUNT',
        message: 'This event is about a payment of another account.',
        detail: event.account,
        hint: 'Let the endpoint receive events of this account, and of connected accounts only what concerns payouts.',
      });
    }
    const content = { id: event.id, type: event.type, created: event.created, data: event.data } as unknown as Json;
    return {
      id: event.id,
      type: event.type,
      objectId: typeof object.id === 'string' ? object.id : '',
      payload: eventEssence(event as unknown as Readonly<Record<string, unknown>>),
      contentSha256: createHash('sha256').update(canonicalJson(content)).digest('hex'),
      occurredAt: new Date(event.created * 1000),
    };
  }
}

function invalid(): Refused {
  return refuse({
    code: 'STRIPE_EVENT_INVALID',
    message: 'The body is not an event of Stripe.',
    hint: 'Send the event as Stripe sends it, as JSON.',
  });
}
