import { randomInt } from 'node:crypto';
import { type Clockwork, ClockworkTask, Config, UnitOfWork } from '#platform';
import { nextChallengeMs } from './challenge.rule.js';
import { ChallengesCommands } from './challenges.commands.js';

const HOUR_MS = 3_600_000;
const FINE = 2 ** 32;

/** Checks what nodes have opened, ends what they left unanswered, and challenges them again unannounced. */
@ClockworkTask()
export class NodeChallengeClock implements Clockwork {
  readonly name = 'node-challenges';
  readonly everyMs: number;

  constructor(
    private readonly commands: ChallengesCommands,
    private readonly uow: UnitOfWork,
    private readonly config: Config,
  ) {
    this.everyMs = Math.max(250, Math.round(config.agent.heartbeatMs / 2));
  }

  async tick(): Promise<void> {
    await this.commands.checkOpened();
    await this.commands.endOverdue();
    await this.setDates();
    await this.commands.challengeAgain();
  }

  /** Draws for every verified node when it is challenged again. */
  private async setDates(): Promise<void> {
    const everyMs = this.config.agent.challengeEveryHours * HOUR_MS;
    if (everyMs === 0) return;
    await this.uow.run('node-challenge-dates', async (tx) => {
      const undated = await tx.query<{ id: string }>(
        `SELECT id FROM node WHERE state = 'idle' AND verified_at IS NOT NULL AND challenge_due_at IS NULL ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED`,
      );
      const dates = undated.map(() => new Date(tx.now.getTime() + nextChallengeMs(everyMs, randomInt(FINE) / FINE)));
      await tx.query(
        `UPDATE node n SET challenge_due_at = d.at FROM unnest($1::uuid[], $2::timestamptz[]) AS d(id, at) WHERE n.id = d.id`,
        [undated.map((row) => row.id), dates],
      );
    });
  }
}
