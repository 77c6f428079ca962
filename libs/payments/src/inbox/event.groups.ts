import { subjectOf, type EventSubject } from '../domain/event.routing.js';
import type { PaymentSubject } from '../processor/payment.reader.js';
import type { InboxEvent } from '../store/inbox.store.js';

/** Several events that are hints about one object: they arrived before it is read, so one reading answers them all. */
export interface Hint<Subject extends EventSubject = EventSubject> {
  readonly subject: Subject;
  readonly events: InboxEvent[];
}

/** All that came about one payment. */
export interface PaymentGroup {
  readonly intentId: string;
  /** What the events say of themselves; undefined where none of them carries our mark. */
  readonly paymentId: string | undefined;
  readonly hints: readonly Hint<PaymentSubject>[];
}

export interface EventGroups {
  readonly payments: readonly PaymentGroup[];
  /** What is about something else than a payment: one object each. */
  readonly others: readonly Hint<Exclude<EventSubject, PaymentSubject>>[];
}

/** What concerns one payment is worked off together. */
export function groupedBySubject(events: readonly InboxEvent[]): EventGroups {
  const byIntent = new Map<string, Map<string, Hint<PaymentSubject>>>();
  const others = new Map<string, Hint<Exclude<EventSubject, PaymentSubject>>>();
  for (const event of events) {
    const subject = subjectOf(event.type, event.payload.data.object);
    const key = JSON.stringify(subject);
    if (!('intentId' in subject)) {
      put(others, key, subject, event);
      continue;
    }
    const hints = byIntent.get(subject.intentId) ?? new Map<string, Hint<PaymentSubject>>();
    byIntent.set(subject.intentId, hints);
    put(hints, key, subject, event);
  }
  const payments = [...byIntent].map(([intentId, hints]): PaymentGroup => {
    const all = [...hints.values()];
    const marked = all.map(({ subject }) => (subject.kind === 'payment' ? subject.paymentId : undefined));
    return { intentId, paymentId: marked.find((id) => id !== undefined), hints: all };
  });
  return { payments, others: [...others.values()] };
}

function put<Subject extends EventSubject>(
  hints: Map<string, Hint<Subject>>,
  key: string,
  subject: Subject,
  event: InboxEvent,
): void {
  const hint = hints.get(key);
  if (hint === undefined) hints.set(key, { subject, events: [event] });
  else hint.events.push(event);
}
