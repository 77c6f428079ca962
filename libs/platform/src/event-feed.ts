import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Config } from './config.js';
import type { Logger } from './logger.js';
import { Metrics } from './metrics.js';
import { type DomainEvent, EVENT_CHANNEL, type EventRow, SELECT_EVENT, toEvent } from './outbox.js';
import { LOGGER } from './tokens.js';
import type { Tx } from './unit-of-work.js';

const TOPIC_CHANNEL = 'commonweights_topic';
const RETRY_MS = 500;
const CATCH_UP = 1_000;
const QUEUED = 1_000;

/** Announces that something on the topic changed (for example `run:<id>`), when the transaction commits. */
export const announce = async (tx: Tx, topic: string): Promise<void> => {
  await tx.query('SELECT pg_notify($1, $2)', [TOPIC_CHANNEL, topic]);
};

type Value = DomainEvent | string;

interface Listener {
  /** Set for readers of a topic; they are woken after a gap in which announcements may have been missed. */
  readonly topic: string | undefined;
  offer(value: Value): void;
  end(): void;
}

/**
 * Live updates of this process, over one listening connection.
 *
 * 1. Every relayed event, in the order of positions, and topics announced for changes too frequent to be events.
 * 2. Nothing is missed from the moment that {@link ready} resolves: after a lost connection the events since then are
 *    read from the outbox (the newest 1,000 of them) and every topic is announced.
 * 3. A reader that falls behind loses the oldest values, never memory. Whoever needs each event exactly once is a
 *    subscriber, not a reader of this feed.
 */
@Injectable()
export class EventFeed implements OnModuleDestroy {
  private readonly listeners = new Set<Listener>();
  private client: pg.Client | undefined;
  private listening: Promise<void> | undefined;
  private lastPosition: bigint | undefined;
  private draining: Promise<void> | undefined;
  private behind = false;
  private closed = false;

  constructor(
    private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Events that pass the filter, as they are relayed, until the iterator is closed. */
  subscribe(filter: (event: DomainEvent) => boolean): AsyncIterableIterator<DomainEvent> {
    return this.open(
      undefined,
      (value) => typeof value !== 'string' && filter(value),
    ) as AsyncIterableIterator<DomainEvent>;
  }

  /** The topic's name each time it is announced. Announcements that come while one waits unread are merged. */
  topic(name: string): AsyncIterableIterator<string> {
    return this.open(name, (value) => value === name) as AsyncIterableIterator<string>;
  }

  /** Resolves when the database notifies this process; at once when it does already. */
  ready(): Promise<void> {
    this.listening ??= this.listen();
    return this.listening;
  }

  async onModuleDestroy(): Promise<void> {
    this.closed = true;
    for (const listener of this.listeners) listener.end();
    await this.client?.end().catch(() => undefined);
  }

  private open(topic: string | undefined, wanted: (value: Value) => boolean): AsyncIterableIterator<Value> {
    const queue: Value[] = [];
    let wake: (() => void) | undefined;
    let ended = this.closed;
    const listener: Listener = {
      topic,
      offer: (value) => {
        if (!wanted(value) || (topic !== undefined && queue.length > 0)) return;
        if (queue.length >= QUEUED) queue.shift();
        queue.push(value);
        wake?.();
      },
      end: () => {
        ended = true;
        if (this.listeners.delete(listener)) this.metrics.liveReaders.dec();
        wake?.();
      },
    };
    if (!ended) {
      this.listeners.add(listener);
      this.metrics.liveReaders.inc();
    }
    void this.ready();
    const over = { value: undefined, done: true as const };
    const end = () => {
      listener.end();
      queue.length = 0;
      return Promise.resolve(over);
    };
    const iterator: AsyncIterableIterator<Value> = {
      next: async () => {
        while (queue.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
        const value = queue.shift();
        return value === undefined ? over : { value, done: false };
      },
      return: end,
      throw: end,
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Connects, again and again until it succeeds or the process ends. */
  private async listen(): Promise<void> {
    for (let warned = false; !this.closed; warned = true) {
      try {
        await this.connect();
        return;
      } catch (error) {
        if (!warned) this.logger.warn({ err: error }, 'live feed has no database connection; it goes on trying');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.config.databaseUrl,
      application_name: 'commonweights-feed',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    client.on('notification', ({ channel, payload }) => {
      if (channel === TOPIC_CHANNEL && payload) this.broadcast(payload);
      if (channel === EVENT_CHANNEL) this.catchUp();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${EVENT_CHANNEL}; LISTEN ${TOPIC_CHANNEL}`);
      const { rows } = await client.query<{ next: bigint }>('SELECT next_position AS next FROM event_counter');
      this.lastPosition ??= (rows[0]?.next ?? 0n) - 1n;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.client = client;
    client.once('end', () => this.lost());
    this.catchUp();
    for (const listener of this.listeners) if (listener.topic !== undefined) listener.offer(listener.topic);
  }

  private lost(): void {
    this.client = undefined;
    this.listening = undefined;
    if (!this.closed) void this.ready();
  }

  /** Reads what was relayed since the last event seen; one read at a time, so order is kept. */
  private catchUp(): void {
    this.behind = true;
    this.draining ??= this.drain().finally(() => {
      this.draining = undefined;
      if (this.behind && !this.closed) setTimeout(() => this.catchUp(), RETRY_MS).unref();
    });
  }

  private async drain(): Promise<void> {
    try {
      while (this.behind && !this.closed) {
        this.behind = false;
        // Newest first, so that a reader who was away for long gets the present and not the distant past.
        const rows = await this.dataSource.query<EventRow[]>(
          `${SELECT_EVENT} WHERE position > $1 ORDER BY position DESC LIMIT ${CATCH_UP}`,
          [String(this.lastPosition ?? -1n)],
        );
        for (const event of rows.toReversed().map(toEvent)) {
          this.lastPosition = event.position;
          this.broadcast(event);
          this.broadcast(`${event.aggregateType}:${event.aggregateId}`);
        }
      }
    } catch (error) {
      this.behind = true;
      if (!this.closed) this.logger.warn({ err: error }, 'live feed could not read events; it will try again');
    }
  }

  private broadcast(value: Value): void {
    for (const listener of this.listeners) listener.offer(value);
  }
}
