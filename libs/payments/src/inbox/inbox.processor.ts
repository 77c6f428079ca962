import { Inject, Injectable } from '@nestjs/common';
import { isRefused, isUuid } from '#kernel';
import { LOGGER, type Logger, UnitOfWork } from '#platform';
import { BankTransfers } from '../bank-transfers.js';
import { ORPHAN_MS, retryMs, type EventSubject } from '../domain/event.routing.js';
import { PaymentMethods } from '../payment-methods.js';
import { MoneyOutHints } from '../payouts/money-out.hints.js';
import type { PaymentSubject } from '../processor/payment.reader.js';
import { isMissing } from '../processor/stripe.failure.js';
import {
  claimEvents,
  finishEvents,
  postponeEvents,
  type FinishedEvent,
  type InboxEvent,
  type PostponedEvent,
} from '../store/inbox.store.js';
import { findPaymentsBy, type PaymentRow } from '../store/payment.store.js';
import { Synchronizer, type FollowResult } from '../synchronizer.js';
import { groupedBySubject, type Hint, type PaymentGroup } from './event.groups.js';

/** So many that most of a second's work shares its statements; so few that what a killed worker held is soon redone. */
const BATCH = 500;
/** What is not about payments is rare, and worked off one by one. */
const OTHERS_AT_ONCE = 16;
/** A worker that died with events in hand gives them up after this. */
const LEASE_MS = 10_000;

/** `waiting`: something failed, and it is tried again. `awaits`: the id of the payment, or intent, that wakes it. */
type Verdict =
  | { readonly state: 'done' | 'ignored' | 'orphaned'; readonly note?: string }
  | { readonly state: 'waiting'; readonly note: string }
  | { readonly state: 'parked'; readonly note: string; readonly awaits?: string };

interface Judged {
  readonly events: readonly InboxEvent[];
  readonly verdict: Verdict;
}

/**
 * Makes of stored events what they stand for, from the table alone: any number of workers, any order, any repetition.
 *
 * 1. A batch is claimed, told apart by payment, and its payments' rows are read, by one statement each.
 * 2. All that came about one payment is read from Stripe at the same time and booked together with what was read of the
 *    others; a payment that has ended is not read for its own events.
 * 3. An event whose payment is not there yet is parked, and woken by it (the database does that).
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
    const claimed = await this.uow.run('inbox-claim', async (tx) => ({
      now: tx.now,
      events: await claimEvents(tx, BATCH, new Date(tx.now.getTime() + LEASE_MS)),
    }));
    if (isRefused(claimed)) throw new Error('claiming events is never refused');
    const { now, events } = claimed;
    if (events.length === 0) return 0;
    const { payments, others } = groupedBySubject(events);
    const [judged, ofOthers] = await Promise.all([this.#judgePayments(payments), this.#judgeOthers(others)]);
    await this.#write(now, [...judged, ...ofOthers]);
    return events.length;
  }

  async #judgePayments(groups: readonly PaymentGroup[]): Promise<Judged[]> {
    if (groups.length === 0) return [];
    const marks = groups.flatMap(({ paymentId }) => (paymentId !== undefined && isUuid(paymentId) ? paymentId : []));
    const intents = groups.map(({ intentId }) => intentId);
    const { byIntent, byId } = await this.uow.read((tx) => findPaymentsBy(tx, intents, marks));
    const all = groups.map((group) =>
      this.#judgePayment(group, byIntent.get(group.intentId) ?? byId.get(group.paymentId ?? '')),
    );
    return (await Promise.all(all)).flat();
  }

  async #judgePayment({ intentId, hints }: PaymentGroup, row: PaymentRow | undefined): Promise<Judged[]> {
    const judged = (hint: Hint<PaymentSubject>, result: FollowResult): Judged => ({
      events: hint.events,
      verdict: verdictOf(hint.subject, result),
    });
    try {
      if (row === undefined) return hints.map((hint) => judged(hint, absent(hint.subject)));
      const subjects = hints.map(({ subject }) => subject);
      const results = await this.synchronizer.follow(row, intentId, subjects);
      return hints.map((hint, at) => judged(hint, results[at] ?? 'missing'));
    } catch (error) {
      const result = isMissing(error) ? 'unknown' : asError(error);
      return hints.map((hint) => judged(hint, result));
    }
  }

  async #judgeOthers(hints: readonly Hint<OtherSubject>[]): Promise<Judged[]> {
    const queue = [...hints];
    const judged: Judged[] = [];
    const lane = async (): Promise<void> => {
      for (let hint = queue.shift(); hint !== undefined; hint = queue.shift()) {
        const result = await this.#bringUp(hint.subject).catch((error: unknown): FollowResult =>
          isMissing(error) ? 'unknown' : asError(error),
        );
        judged.push({ events: hint.events, verdict: verdictOf(hint.subject, result) });
      }
    };
    await Promise.all(Array.from({ length: OTHERS_AT_ONCE }, lane));
    return judged;
  }

  async #bringUp(subject: OtherSubject): Promise<FollowResult> {
    switch (subject.kind) {
      case 'none':
        return 'foreign';
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

  /** Lost with the process, the events are worked off again, and find their work done. */
  async #write(now: Date, judged: readonly Judged[]): Promise<void> {
    const finished: FinishedEvent[] = [];
    const postponed: PostponedEvent[] = [];
    for (const { events, verdict } of judged) {
      if (verdict.state === 'waiting') {
        const about = { ids: events.map(({ id }) => id), attempts: events[0]?.attempts, note: verdict.note };
        this.logger.warn(about, 'events not processed; they are tried again');
      }
      for (const event of events) {
        const aged = aging(verdict, now.getTime() - event.received_at.getTime());
        if (aged.state !== 'waiting' && aged.state !== 'parked') {
          finished.push({ id: event.id, state: aged.state, note: aged.note });
          continue;
        }
        postponed.push({
          id: event.id,
          state: aged.state,
          nextAttemptAt: new Date(now.getTime() + retryMs(event.attempts, aged.state === 'parked')),
          note: aged.note,
          awaits: aged.state === 'parked' ? aged.awaits : undefined,
        });
      }
    }
    await this.uow.run('inbox-finish', async (tx) => {
      await finishEvents(tx, finished);
      await postponeEvents(tx, postponed);
    });
  }
}

type OtherSubject = Exclude<EventSubject, PaymentSubject>;

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** There is no row: without our mark the payment was made by somebody else on the same account. */
function absent(subject: PaymentSubject): FollowResult {
  return subject.kind === 'payment' && subject.paymentId === undefined ? 'foreign' : 'missing';
}

function verdictOf(subject: EventSubject, result: FollowResult): Verdict {
  if (result instanceof Error) return { state: 'waiting', note: result.message };
  switch (result) {
    case 'done':
      return { state: 'done' };
    case 'foreign':
      return subject.kind === 'none'
        ? { state: 'ignored' }
        : { state: 'ignored', note: 'not a payment of this platform' };
    case 'unknown':
      return { state: 'orphaned', note: 'Stripe does not know the object' };
    case 'missing': {
      const awaits = 'intentId' in subject ? awaited(subject) : undefined;
      const note = `the payment of ${awaits ?? subject.kind} is not here yet`;
      return { state: 'parked', note, ...(awaits === undefined ? {} : { awaits }) };
    }
  }
}

/** A payment's own event names it; what follows a capture names the intent, which the row has from then on. */
const awaited = (subject: PaymentSubject): string =>
  subject.kind === 'payment' ? (subject.paymentId ?? subject.intentId) : subject.intentId;

function aging(verdict: Verdict, ageMs: number): Verdict {
  if (verdict.state !== 'parked' || ageMs <= ORPHAN_MS) return verdict;
  return { state: 'orphaned', note: verdict.note };
}
