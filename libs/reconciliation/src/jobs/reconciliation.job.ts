import { Inject } from '@nestjs/common';
import type { Clock } from '#kernel';
import { CLOCK, type Clockwork, ClockworkTask, LOGGER, type Logger, Metrics } from '#platform';
import { DIFFERENCE_KINDS } from '../domain/comparison.rule.js';
import { Reconciler } from '../reconciler.js';

/** Compares all sides every minute and shows what is open. */
@ClockworkTask()
export class ReconciliationCasesJob implements Clockwork {
  readonly name = 'reconciliation-cases';
  readonly everyMs = 60_000;
  #known = new Set<string>();

  constructor(
    private readonly reconciler: Reconciler,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    const { open } = await this.reconciler.run();
    for (const kind of DIFFERENCE_KINDS) {
      this.metrics.reconciliationCases.set({ kind }, open.filter((each) => each.kind === kind).length);
    }
    const oldest = Math.min(...open.map((each) => each.opened_at.getTime()));
    this.metrics.reconciliationOldestCase.set(open.length === 0 ? 0 : (this.clock.now().getTime() - oldest) / 1000);
    for (const { id, kind, subject, unit, expected, found } of open) {
      if (this.#known.has(id)) continue;
      const difference = { caseId: id, kind, subject, unit, expected: String(expected), found: String(found) };
      this.logger.error(difference, 'books, processor, bank and meters differ');
    }
    this.#known = new Set(open.map((each) => each.id));
  }
}
