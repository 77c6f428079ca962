import { Inject, type OnModuleDestroy } from '@nestjs/common';
import { type Clockwork, ClockworkTask, EventFeed, LOGGER, type Logger } from '#platform';
import { InboxProcessor } from '../inbox/inbox.processor.js';
import { INBOX_TOPIC } from '../inbox/webhook.intake.js';

/**
 * Works the inbox off: at once when an arrival is announced, and by the clock for what is due again. The listening
 * begins with the first tick, so only the worker process listens.
 */
@ClockworkTask()
export class InboxJob implements Clockwork, OnModuleDestroy {
  readonly name = 'stripe-inbox';
  readonly everyMs = 500;
  #arrivals: AsyncIterableIterator<string> | undefined;
  #draining: Promise<void> | undefined;
  #again = false;

  constructor(
    private readonly processor: InboxProcessor,
    private readonly feed: EventFeed,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    if (this.#arrivals === undefined) {
      this.#arrivals = this.feed.topic(INBOX_TOPIC);
      void this.#listen(this.#arrivals);
    }
    await this.#drain();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#arrivals?.return?.();
    await this.#draining?.catch(() => undefined);
  }

  async #listen(arrivals: AsyncIterableIterator<string>): Promise<void> {
    for await (const _ of arrivals) {
      await this.#drain().catch((error: unknown) => this.logger.error({ err: error }, 'inbox could not be worked off'));
    }
  }

  /** One at a time in this process; an arrival during the last claim of a drain makes it go round once more. */
  async #drain(): Promise<void> {
    this.#again = true;
    this.#draining ??= this.#rounds().finally(() => (this.#draining = undefined));
    await this.#draining;
  }

  async #rounds(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.processor.drain();
    }
  }
}
