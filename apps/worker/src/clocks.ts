import { Inject, Injectable } from '@nestjs/common';
import { type Clockwork, Handlers, LOGGER, type Logger, Metrics } from '#platform';

/** Ticks every clock of the rooms. Ticks of one clock follow each other; a tick that throws is logged and the next comes. */
@Injectable()
export class Clocks {
  private stopped = false;
  private readonly sleeping = new Set<() => void>();
  private running: Promise<void>[] = [];

  constructor(
    private readonly handlers: Handlers,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  start(): void {
    this.running = this.handlers.clocks().map((clock) => this.run(clock));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const wake of this.sleeping) wake();
    await Promise.race([Promise.all(this.running), new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
  }

  private async run(clock: Clockwork): Promise<void> {
    while (!this.stopped) {
      const started = Date.now();
      const stop = this.metrics.clockSeconds.startTimer({ clock: clock.name });
      try {
        await clock.tick();
        stop({ outcome: 'ok' });
      } catch (error) {
        stop({ outcome: 'error' });
        this.logger.error({ err: error, clock: clock.name }, 'clock tick failed; the next one comes');
      }
      if (this.stopped) return;
      await this.sleep(Math.max(20, clock.everyMs - (Date.now() - started)));
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.sleeping.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.sleeping.add(wake);
    });
  }
}
