import { type DomainEvent, EVENT_CHANNEL, type EventRow, SELECT_EVENT, toEvent } from './outbox.js';
import type { Tx, UnitOfWork } from './unit-of-work.js';

/** Takes public events into the permanent record, inside the relay's transaction. Implemented by transparency. */
export interface PublicRecord {
  append(tx: Tx, events: readonly DomainEvent[]): Promise<void>;
}
export const PUBLIC_RECORD = Symbol('PUBLIC_RECORD');

/** An event that a subscriber still has to see. */
export interface Delivery {
  readonly eventId: string;
  readonly subscriber: string;
}

/**
 * Gives every committed event its position and hands it on, at least once, in commit order.
 *
 * 1. One relay at a time: the counter row is locked for the whole pass.
 * 2. Nothing is skipped: events are found by "has no position", not by a cursor, so one that commits late is found
 *    when it does.
 * 3. Order: within a pass by sequence number, which a unit of work draws just before it commits; whatever an event
 *    builds on was committed before and has a lower number. Across passes by visibility, which is commit order.
 * 4. Position, log leaf and deliveries commit together.
 */
export class OutboxRelay {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly record: PublicRecord,
    private readonly subscribersOf: (type: string) => readonly string[],
    private readonly batchSize = 500,
  ) {}

  /** One pass. Returns the deliveries to enqueue and whether more events may be waiting. */
  async pass(): Promise<{ deliveries: Delivery[]; relayed: number }> {
    const deliveries: Delivery[] = [];
    let relayed = 0;
    await this.uow.run('outbox.relay', async (tx) => {
      deliveries.length = 0;
      const [counter] = await tx.query<{ next_position: bigint }>(
        'SELECT next_position FROM event_counter WHERE id = 1 FOR UPDATE',
      );
      const rows = await tx.query<EventRow>(
        `${SELECT_EVENT} WHERE position IS NULL ORDER BY seq LIMIT ${this.batchSize}`,
      );
      relayed = rows.length;
      if (rows.length === 0) return undefined;
      const first = counter?.next_position ?? 0n;
      const events = rows.map((row, index) => toEvent({ ...row, position: first + BigInt(index) }));
      await tx.query(
        `UPDATE event_outbox o SET position = p.position, relayed_at = $3
           FROM unnest($1::uuid[], $2::bigint[]) AS p(id, position) WHERE o.id = p.id`,
        [events.map((e) => e.id), events.map((e) => String(e.position)), tx.now],
      );
      await tx.query('UPDATE event_counter SET next_position = $1 WHERE id = 1', [String(first + BigInt(rows.length))]);
      await this.record.append(
        tx,
        events.filter((e) => e.isPublic),
      );
      for (const event of events) {
        for (const subscriber of this.subscribersOf(event.type)) deliveries.push({ eventId: event.id, subscriber });
      }
      if (deliveries.length > 0) {
        await tx.query(
          `INSERT INTO event_delivery (event_id, subscriber, enqueued_at)
           SELECT *, $3::timestamptz FROM unnest($1::uuid[], $2::text[])`,
          [deliveries.map((d) => d.eventId), deliveries.map((d) => d.subscriber), tx.now],
        );
      }
      await tx.query(`SELECT pg_notify('${EVENT_CHANNEL}', p::text) FROM unnest($1::bigint[]) AS p`, [
        events.map((e) => String(e.position)),
      ]);
      return undefined;
    });
    return { deliveries, relayed };
  }

  /**
   * Deliveries that were enqueued but not done within the patience: their queue may have lost them, or they failed.
   * The patience doubles with each failure, up to 64 times, so a subscriber that always fails doesn't hold up others.
   */
  async overdue(patienceMs: number, limit = 500): Promise<Delivery[]> {
    const found: Delivery[] = [];
    await this.uow.run('outbox.overdue', async (tx) => {
      const rows = await tx.query<{ event_id: string; subscriber: string }>(
        `UPDATE event_delivery d SET enqueued_at = $1
           FROM (SELECT event_id, subscriber FROM event_delivery
                  WHERE state = 'waiting'
                    AND enqueued_at < $1::timestamptz - make_interval(secs => $2 / 1000.0 * 2 ^ least(attempts, 6))
                  ORDER BY enqueued_at LIMIT ${limit} FOR UPDATE SKIP LOCKED) AS late
          WHERE d.event_id = late.event_id AND d.subscriber = late.subscriber
          RETURNING d.event_id, d.subscriber`,
        [tx.now, patienceMs],
      );
      found.length = 0;
      for (const row of rows) found.push({ eventId: row.event_id, subscriber: row.subscriber });
      return undefined;
    });
    return found;
  }
}
