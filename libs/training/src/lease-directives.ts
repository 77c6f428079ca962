import { Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import type { LeaseDirectives } from '#nodes';
import { Config, GroupCommitter, UnitOfWork } from '#platform';
import type { messages } from '#protocol';
import { Conductor } from './conductor.js';
import { type LeaseBeat, readDirectives, takeReports } from './store/heartbeat.store.js';

/**
 * Answers heartbeats. Beats that come while a batch is being written make the next batch: one statement takes their
 * reports in, one reads what to tell them, however many they are.
 */
@Injectable()
export class TrainingDirectives implements LeaseDirectives {
  private readonly committer: GroupCommitter<LeaseBeat, messages.LeaseDirective[]>;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly conductor: Conductor,
    private readonly config: Config,
  ) {
    this.committer = new GroupCommitter((batch) => this.flush(batch));
  }

  onHeartbeat(
    nodeId: string,
    reports: readonly messages.LeaseReport[],
    _now: Date,
    beat: messages.HeartbeatRequest,
  ): Promise<messages.LeaseDirective[]> {
    return this.committer.submit({ nodeId, address: beat.address, isDraining: beat.state === 'draining', reports });
  }

  private async flush(batch: LeaseBeat[]): Promise<messages.LeaseDirective[][]> {
    const moved = await this.uow.run('training.heartbeats', (tx) =>
      takeReports(tx, batch, this.config.agent.leaseTtlMs),
    );
    if (isRefused(moved)) throw new Error('reports of heartbeats are never refused');
    // Each attempt in its own transaction, so that one in trouble doesn't hold up the beats of the others.
    for (const attemptId of moved)
      await this.uow.run('training.advance', (tx) => this.conductor.advance(tx, attemptId));
    const directives = await this.uow.read((tx) =>
      readDirectives(
        tx,
        batch.map((beat) => beat.nodeId),
      ),
    );
    return batch.map((beat) => directives.get(beat.nodeId) ?? []);
  }
}
