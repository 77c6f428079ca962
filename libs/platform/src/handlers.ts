import { SetMetadata, applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService, Reflector } from '@nestjs/core';
import type { DomainEvent } from './outbox.js';
import type { Tx } from './unit-of-work.js';

/**
 * Listens to outbox events. `handle` runs in a unit of work that also marks the delivery done, so its effects happen
 * exactly once although it may be called more often. Events may arrive out of order: look at the present state, don't
 * trust the event to be the newest. An effect outside the database must be idempotent by event id.
 */
export interface EventSubscriber {
  readonly name: string;
  readonly types: readonly string[];
  handle(event: DomainEvent, tx: Tx): Promise<void>;
  /**
   * Several events in one unit of work, where that is less work than one after another. Where it throws, each is handed
   * to {@link handle} in a unit of work of its own.
   */
  handleAll?(events: readonly DomainEvent[], tx: Tx): Promise<void>;
}

/** Work that the clock starts: leases that run out, charges to repeat. Ticks of one clock never overlap. */
export interface Clockwork {
  readonly name: string;
  readonly everyMs: number;
  tick(): Promise<void>;
}

const SUBSCRIBER = 'commonweights:subscriber';
const CLOCKWORK = 'commonweights:clockwork';

/** Marks a provider as an {@link EventSubscriber}; the worker finds it. */
export const Subscriber = (): ClassDecorator => applyDecorators(Injectable(), SetMetadata(SUBSCRIBER, true));
/** Marks a provider as a {@link Clockwork}; the worker finds it. */
export const ClockworkTask = (): ClassDecorator => applyDecorators(Injectable(), SetMetadata(CLOCKWORK, true));

/** Every subscriber and clock of the running process. */
@Injectable()
export class Handlers {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly reflector: Reflector,
  ) {}

  subscribers(): EventSubscriber[] {
    return this.marked(SUBSCRIBER) as EventSubscriber[];
  }

  clocks(): Clockwork[] {
    return this.marked(CLOCKWORK) as Clockwork[];
  }

  private marked(key: string): unknown[] {
    return this.discovery
      .getProviders()
      .filter((wrapper) => wrapper.metatype && typeof wrapper.metatype === 'function' && wrapper.instance)
      .filter((wrapper) => this.reflector.get<boolean>(key, wrapper.metatype as never))
      .map((wrapper) => wrapper.instance as unknown);
  }
}
