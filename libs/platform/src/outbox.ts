import { newId } from '#kernel';
import type { Tx } from './unit-of-work.js';

/** What a room says happened. Payloads are JSON: amounts as decimal text, people only by pseudonym. */
export interface DomainEventInput {
  readonly type: string;
  readonly aggregateType: string;
  readonly aggregateId: string;
  readonly payload: object;
  /** Public events become leaves of the transparency log and can never be taken back. */
  readonly isPublic?: boolean;
}

/** An event as subscribers and the log see it. `position` counts from 0 without gaps, in commit order. */
export interface DomainEvent {
  readonly id: string;
  readonly position: bigint;
  readonly type: string;
  readonly aggregateType: string;
  readonly aggregateId: string;
  readonly payload: Record<string, unknown>;
  readonly isPublic: boolean;
  readonly occurredAt: Date;
}

/** Channel on which the relay is woken after a commit with events. */
export const OUTBOX_CHANNEL = 'commonweights_outbox';
/** Channel on which every relayed event is announced (payload: its position). */
export const EVENT_CHANNEL = 'commonweights_event';

/** Writes the events of a unit of work; called by it alone, just before commit. */
export async function writeEvents(tx: Tx, events: readonly DomainEventInput[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `WITH written AS (
       INSERT INTO event_outbox (id, type, aggregate_type, aggregate_id, payload, is_public, occurred_at)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[], $7::timestamptz[]))
     SELECT pg_notify('${OUTBOX_CHANNEL}', '')`,
    [
      events.map(() => newId()),
      events.map((e) => e.type),
      events.map((e) => e.aggregateType),
      events.map((e) => e.aggregateId),
      events.map((e) => JSON.stringify(e.payload)),
      events.map((e) => e.isPublic ?? false),
      events.map(() => tx.now),
    ],
  );
}

/** A row of `event_outbox`, as {@link SELECT_EVENT} reads it. */
export interface EventRow {
  readonly id: string;
  readonly position: bigint;
  readonly type: string;
  readonly aggregate_type: string;
  readonly aggregate_id: string;
  readonly payload: Record<string, unknown>;
  readonly is_public: boolean;
  readonly occurred_at: Date;
}

export const SELECT_EVENT =
  'SELECT id, position, type, aggregate_type, aggregate_id, payload, is_public, occurred_at FROM event_outbox';

/** The event in a row. */
export const toEvent = (row: EventRow): DomainEvent => ({
  id: row.id,
  position: row.position,
  type: row.type,
  aggregateType: row.aggregate_type,
  aggregateId: row.aggregate_id,
  payload: row.payload,
  isPublic: row.is_public,
  occurredAt: row.occurred_at,
});

/** Relayed events by their ids, in the order of their positions. */
export async function eventsByIds(tx: Tx, ids: readonly string[]): Promise<DomainEvent[]> {
  const rows = await tx.query<EventRow>(
    `${SELECT_EVENT} WHERE id = ANY($1::uuid[]) AND position IS NOT NULL ORDER BY position`,
    [ids],
  );
  return rows.map(toEvent);
}
