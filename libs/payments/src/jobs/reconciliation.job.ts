import { Inject } from '@nestjs/common';
import type { Clock } from '#kernel';
import { CLOCK, type Clockwork, ClockworkTask, LOGGER, type Logger, Metrics } from '#platform';
import { Reconciliation } from '../reconciliation.js';

/**
 * Compares the books with Stripe's balance and shows how far they are apart. A payment that is booked a moment after
 * Stripe took it differs for that moment, so only a difference that the next comparison still finds is an error.
 */
@ClockworkTask()
export class ReconciliationJob implements Clockwork {
  readonly name = 'stripe-reconciliation';
  readonly everyMs = 60_000;
  /** When they agreed last; before they ever did, when this process first looked. */
  #agreedAt: number | undefined;
  #differing = new Set<string>();

  constructor(
    private readonly reconciliation: Reconciliation,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    // Before, too: a Stripe that can't be asked makes the agreement older.
    this.#showAge();
    const { ok, differences, figures } = await this.reconciliation.compare();
    if (ok) this.#agreedAt = this.clock.now().getTime();
    this.#showAge();
    const before = this.#differing;
    this.#differing = new Set();
    for (const [currency, difference] of differences) {
      this.metrics.reconciliationDifference.set({ currency }, Number(difference));
      if (difference === 0n) continue;
      this.#differing.add(currency);
      if (before.has(currency)) {
        this.logger.error(
          { currency, differenceMinor: String(difference), figures },
          'the books and the balance at Stripe differ',
        );
      }
    }
  }

  #showAge(): void {
    const now = this.clock.now().getTime();
    this.#agreedAt ??= now;
    this.metrics.reconciliationAge.set({ processor: 'stripe' }, (now - this.#agreedAt) / 1000);
  }
}
