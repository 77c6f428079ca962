import { Inject, Injectable } from '@nestjs/common';
import { isRefused, isUuid } from '#kernel';
import { LOGGER, type Logger, UnitOfWork } from '#platform';
import { ORPHAN_MS, retryMs, subjectOf, type EventSubject } from '../domain/event.routing.js';
import { isMissing } from '../processor/stripe.failure.js';
import { claimEvents, finishEvents, postponeEvent, type FinishedEvent, type InboxEvent } from '../store/inbox.store.js';
import { MoneyOutHints } from '../payouts/money-out.hints.js';
import { BankTransfers } from '../bank-transfers.js';
import { PaymentMethods } from '../payment-methods.js';
import { Synchronizer, type SyncResult } from '../synchronizer.js';

const BATCH = 200;
/** What is read at the same time shares bookings. */
const SUBJECTS_AT_ONCE = 16;
/** A worker that died with events in hand gives them up after this. */
const LEASE_MS = 10_000;

type Verdict = { readonly state: 'done' | 'ignored' | 'orphaned' | 'parked'; readonly note?: string };

/**
 * Makes of stored events what they stand for, from the table alone: any number of workers, any order, any repetition.
 * An event whose payment is not there yet is parked and looked at again.
 */
@Injectable()
export class InboxProcessor {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly synchronizer: Synchronizer,
    private readonly methods: PaymentMethods,
    private readonly transfers: BankTransfers,
    private readonly moneyOut: MoneyOutHints,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Works until nothing is due. @returns how many events were taken up. */
  async drain(): Promise<number> {
    let total = 0;
    for (;;) {
      const taken = await this.#batch();
      total += taken;
      if (taken < BATCH) return total;
    }
  }

  async #batch(): Promise<number> {
    const events = await this.uow.run('inbox-claim', (tx) =>
      claimEvents(tx, BATCH, new Date(tx.now.getTime() + LEASE_MS)),
    );
    if (isRefused(events)) throw new Error('claiming events is never refused');
    const queue = [...groupedByIntent(events).values()];
    const finished: FinishedEvent[] = [];
    const lane = async (): Promise<void> => {
      for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
        for (const hint of group) finished.push(...(await this.#handle(hint)));
      }
    };
    await Promise.all(Array.from({ length: SUBJECTS_AT_ONCE }, lane));
    // Lost with the process, the events are worked off again, and find their work done.
    if (finished.length > 0) await this.uow.run('inbox-finish', (tx) => finishEvents(tx, finished));
    return events.length;
  }

  /** @returns the events that are over; the others have been put back. */
  async #handle({ subject, events }: Hint): Promise<FinishedEvent[]> {
    const eldest = events.reduce((a, b) => (a.received_at <= b.received_at ? a : b));
    try {
      const verdict = await this.#judge(eldest, subject);
      if (verdict.state !== 'parked') {
        const { state, note } = verdict;
        return events.map(({ id }) => ({ id, state, note }));
      }
      for (const event of events) await this.#postpone(event, 'parked', verdict.note ?? '');
    } catch (error) {
      const note = error instanceof Error ? error.message : String(error);
      const ids = events.map((event) => event.id);
      this.logger.warn({ ids, attempts: eldest.attempts, note }, 'events not processed; they are tried again');
      for (const event of events) await this.#postpone(event, 'waiting', note);
    }
    return [];
  }

  async #judge(event: InboxEvent, subject: EventSubject): Promise<Verdict> {
    if (subject.kind === 'none') return { state: 'ignored' };
    try {
      const result = await this.#bringUp(subject);
      if (result === 'done') return { state: 'done' };
      if (result === 'foreign') return { state: 'ignored', note: 'not a payment of this platform' };
    } catch (error) {
      if (!isMissing(error)) throw error;
      return { state: 'orphaned', note: 'Stripe does not know the object' };
    }
    const now = await this.uow.read((tx) => Promise.resolve(tx.now));
    const ageMs = now.getTime() - event.received_at.getTime();
    const note = `the payment of ${nameOf(event, subject)} is not here yet`;
    return ageMs > ORPHAN_MS ? { state: 'orphaned', note } : { state: 'parked', note };
  }

  async #bringUp(subject: Exclude<EventSubject, { kind: 'none' }>): Promise<SyncResult> {
    switch (subject.kind) {
      case 'payment': {
        const paymentId = await this.synchronizer.paymentIdOf(subject.intentId, subject.paymentId);
        if (paymentId !== undefined) return this.synchronizer.payment(paymentId, subject.intentId);
        // Without our mark it was made by somebody else on the same account.
        return subject.paymentId === undefined ? 'foreign' : 'missing';
      }
      case 'refund':
        return this.synchronizer.refund(subject.refundId);
      case 'refunds':
        return this.synchronizer.refundsOf(subject.intentId);
      case 'dispute':
        return this.synchronizer.dispute(subject.disputeId);
      case 'warning':
        return this.synchronizer.warning(subject.warningId);
      case 'setup': {
        const { setupIntentId, setupId } = subject;
        if (setupId === undefined || !isUuid(setupId)) return 'foreign';
        return (await this.methods.synchronize(setupIntentId, setupId)) ? 'done' : 'missing';
      }
      case 'cash':
        return (await this.transfers.synchronize(subject.customerId)) ? 'done' : 'foreign';
      case 'cash_return': {
        const { refundId, cashReturnId } = subject;
        if (!isUuid(cashReturnId)) return 'foreign';
        return (await this.transfers.returned(refundId, cashReturnId)) ? 'done' : 'missing';
      }
      case 'account':
        return (await this.moneyOut.account(subject.accountId)) ? 'done' : 'foreign';
      case 'payout':
        return (await this.moneyOut.payout(subject.objectId, subject.attemptId)) ? 'done' : 'foreign';
    }
  }

  async #postpone(event: InboxEvent, state: 'waiting' | 'parked', note: string): Promise<void> {
    await this.uow.run('inbox-postpone', (tx) => {
      const at = new Date(tx.now.getTime() + retryMs(event.attempts, state === 'parked'));
      return postponeEvent(tx, event.id, state, at, note);
    });
  }
}

/** Several events that are hints about one object: they arrived before it is read, so one reading answers them all. */
interface Hint {
  readonly subject: EventSubject;
  readonly events: InboxEvent[];
}

/** What an event is about: its payment, or the object of money out. */
function nameOf(event: InboxEvent, subject: EventSubject): string {
  switch (subject.kind) {
    case 'none':
      return event.id;
    case 'account':
      return subject.accountId;
    case 'payout':
      return subject.attemptId ?? subject.objectId;
    case 'setup':
      return subject.setupIntentId;
    case 'cash':
      return subject.customerId;
    case 'cash_return':
      return subject.refundId;
    case 'payment':
    case 'refund':
    case 'refunds':
    case 'dispute':
    case 'warning':
      return subject.intentId;
  }
}

/** What concerns one payment is worked off one after the other. */
function groupedByIntent(events: readonly InboxEvent[]): Map<string, Hint[]> {
  const groups = new Map<string, Map<string, Hint>>();
  for (const event of events) {
    const subject = subjectOf(event.type, event.payload.data.object);
    const intent = nameOf(event, subject);
    const group = groups.get(intent) ?? new Map<string, Hint>();
    const key = JSON.stringify(subject);
    const hint = group.get(key) ?? { subject, events: [] };
    hint.events.push(event);
    groups.set(intent, group.set(key, hint));
  }
  return new Map([...groups].map(([intent, group]) => [intent, [...group.values()]]));
}
