import { Inject } from '@nestjs/common';
import { type Clockwork, ClockworkTask, Config, LOGGER, type Logger, UnitOfWork } from '#platform';
import { Fleet } from '#nodes';
import { Conductor } from '../conductor.js';
import { Scheduler } from '../scheduler.service.js';
import { findRestless } from '../store/attempt.store.js';

/** Schedules. Also what makes up for every wake-up that was lost. */
@ClockworkTask()
export class SchedulerClock implements Clockwork {
  readonly name = 'training-scheduler';
  readonly everyMs = 500;
  constructor(private readonly scheduler: Scheduler) {}

  async tick(): Promise<void> {
    await this.scheduler.round();
  }
}

/** The platform takes a lease as over this long after its expiry, the agent this long before: their clocks may differ. */
export const skewMs = (leaseTtlMs: number): number => Math.min(1_000, Math.floor(leaseTtlMs / 10));

/** Ends leases that ran out and takes the steps of attempts that only the time brings. */
@ClockworkTask()
export class LeaseClock implements Clockwork {
  readonly name = 'training-leases';
  readonly everyMs = 500;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly conductor: Conductor,
    private readonly fleet: Fleet,
    private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    const skew = skewMs(this.config.agent.leaseTtlMs);
    const attempts = await this.uow.read((tx) => findRestless(tx, skew));
    for (const attempt of attempts) {
      try {
        await this.uow.run('training.expire', (tx) => this.conductor.expire(tx, attempt.id, skew));
        for (const nodeId of attempt.lostNodes ?? []) {
          await this.uow.run('training.node-lost', (tx) => this.fleet.markLost(tx, nodeId));
        }
      } catch (error) {
        this.logger.error({ err: error, attemptId: attempt.id }, 'an attempt could not be moved');
      }
    }
  }
}
