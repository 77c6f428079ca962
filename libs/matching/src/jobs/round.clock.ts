import { Inject } from '@nestjs/common';
import { isRefused } from '#kernel';
import { type Clockwork, ClockworkTask, LOGGER, type Logger, UnitOfWork } from '#platform';
import { RoundSettlement } from '../round.settlement.js';
import { roundsDue } from '../store/round.store.js';

/** Cuts rounds off, computes them, ends their review and pays them, each when it is due; goes on after any crash. */
@ClockworkTask()
export class MatchRoundClock implements Clockwork {
  readonly name = 'matching.rounds';
  readonly everyMs = 2_000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly settlement: RoundSettlement,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    for (const { id } of await this.uow.read((tx) => roundsDue(tx))) {
      try {
        const outcome = await this.settlement.next(id);
        if (isRefused(outcome)) this.logger.warn({ roundId: id, code: outcome.first.code }, 'a round could not go on');
      } catch (error) {
        this.logger.error({ err: error, roundId: id }, 'a round could not go on; it is tried again');
      }
    }
  }
}
