import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Config } from './config.js';
import type { Logger } from './logger.js';
import { type DomainEvent, EVENT_CHANNEL } from './outbox.js';
import { LOGGER } from './tokens.js';
import type { Tx } from './unit-of-work.js';

const TOPIC_CHANNEL = 'commonweights_topic';

/** Announces that something on the topic changed (for example `run:<id>`), when the transaction commits. */
export const announce = async (tx: Tx, topic: string): Promise<void> => {
  await tx.query('SELECT pg_notify($1, $2)', [TOPIC_CHANNEL, topic]);
};

interface Listener {
  offer(value: DomainEvent | string): void;
}

/**
 * Live updates of this process, over one listening connection: every relayed event, and topics announced for changes
 * too frequent to be events. A reader that falls behind loses the oldest values, never memory: whoever needs each
 * event exactly once is a subscriber, not a reader of this feed. After a lost connection every topic is announced.
 */
@Injectable()
export class EventFeed implements OnModuleDestroy {
  private readonly listeners = new Set<Listener>();
  private client: pg.Client | undefined;
  private connecting: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly config: Config,
    private readonly dataSource: DataSource,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Events that pass the filter, as they are relayed, until the iterator is closed. */
  subscribe(filter: (event: DomainEvent) => boolean): AsyncIterableIterator<DomainEvent> {
    return this.open((value) => typeof value !== 'string' && filter(value)) as AsyncIterableIterator<DomainEvent>;
  }

  /** The topic's name each time it is announced. Announcements that come while one waits unread are merged. */
  topic(name: string): AsyncIterableIterator<string> {
    return this.open((value) => value === name, true) as AsyncIterableIterator<string>;
  }

  async onModuleDestroy(): Promise<void> {
    this.closed = true;
    await this.client?.end().catch(() => undefined);
  }

  private open(wanted: (value: DomainEvent | string) => boolean, merge = false) {
    const queue: (DomainEvent | string)[] = [];
    let wake: (() => void) | undefined;
    let ended = false;
    const listener: Listener = {
      offer: (value) => {
        if (!wanted(value) || (merge && queue.length > 0)) return;
        if (queue.length >= 1000) queue.shift();
        queue.push(value);
        wake?.();
      },
    };
    this.listeners.add(listener);
    void this.connect();
    const end = () => {
      ended = true;
      this.listeners.delete(listener);
      wake?.();
      return Promise.resolve({ value: undefined, done: true as const });
    };
    const iterator: AsyncIterableIterator<DomainEvent | string> = {
      next: async () => {
        while (queue.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
        const value = queue.shift();
        return value === undefined ? { value: undefined, done: true } : { value, done: false };
      },
      return: end,
      throw: end,
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  private connect(): Promise<void> {
    this.connecting ??= this.listen().catch((error: unknown) => {
      this.logger.warn({ err: error }, 'live feed lost its database connection; it will try again');
      this.connecting = undefined;
      if (!this.closed) setTimeout(() => void this.connect(), 1_000).unref();
    });
    return this.connecting;
  }

  private async listen(): Promise<void> {
    const client = new pg.Client({ connectionString: this.config.databaseUrl, application_name: 'commonweights-feed' });
    client.on('error', () => undefined);
    client.on('end', () => {
      this.client = undefined;
      this.connecting = undefined;
      if (!this.closed && this.listeners.size > 0) setTimeout(() => void this.connect(), 1_000).unref();
    });
    client.on('notification', ({ channel, payload }) => {
      if (channel === TOPIC_CHANNEL && payload) this.broadcast(payload);
      if (channel === EVENT_CHANNEL && payload) void this.deliver(payload);
    });
    await client.connect();
    await client.query(`LISTEN ${EVENT_CHANNEL}`);
    await client.query(`LISTEN ${TOPIC_CHANNEL}`);
    this.client = client;
  }

  private async deliver(position: string): Promise<void> {
    try {
      const [row] = await this.dataSource.query<EventRow[]>(`${SELECT_EVENT} WHERE position = $1`, [position]);
      if (!row) return;
      const event = toEvent(row);
      this.broadcast(event);
      this.broadcast(`${event.aggregateType}:${event.aggregateId}`);
    } catch (error) {
      this.logger.warn({ err: error, position }, 'live feed could not read an event');
    }
  }

  private broadcast(value: DomainEvent | string): void {
    for (const listener of this.listeners) listener.offer(value);
  }
}

export interface EventRow {
  id: string;
  position: bigint;
  type: string;
  aggregate_type: string;
  aggregate_id: string;
  payload: Record<string, unknown>;
  is_public: boolean;
  occurred_at: Date;
}

export const SELECT_EVENT =
  'SELECT id, position, type, aggregate_type, aggregate_id, payload, is_public, occurred_at FROM event_outbox';

/** The event in a row of {@link SELECT_EVENT}. */
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

/** One relayed event by its id. */
export async function eventById(tx: Tx, id: string): Promise<DomainEvent | undefined> {
  const [row] = await tx.query<EventRow>(`${SELECT_EVENT} WHERE id = $1 AND position IS NOT NULL`, [id]);
  return row ? toEvent(row) : undefined;
}
