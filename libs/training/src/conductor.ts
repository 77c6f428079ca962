import { Injectable } from '@nestjs/common';
import { Config, type Tx } from '#platform';
import {
  type AttemptStep,
  type EndReason,
  MAX_FRUITLESS_ATTEMPTS,
  type StopCause,
  backoffMs,
  hasEnded,
  isFruitless,
  nextAttemptStep,
} from './domain/attempt.machine.js';
import { Settlement } from './settlement.js';
import { type AttemptRow, type LeaseRow, lockAttempt } from './store/attempt.store.js';
import { type RunRow, lockRun, moveRun, notifyRun } from './store/run.store.js';

interface Scene {
  readonly run: RunRow;
  readonly attempt: AttemptRow;
  readonly leases: readonly LeaseRow[];
}

/**
 * Moves an attempt along its machine, in one transaction that holds its leases, its row and its run's row. Level-triggered:
 * calling it once too often does nothing, and a call that was lost is made up for by the next tick.
 */
@Injectable()
export class Conductor {
  constructor(
    private readonly settlement: Settlement,
    private readonly config: Config,
  ) {}

  /** Time given to a workload to checkpoint and leave: some for the work, and some beats for the message. */
  get drainMs(): number {
    return 5_000 + 3 * this.config.agent.heartbeatMs;
  }

  /** Takes every step that is due now. */
  async advance(tx: Tx, attemptId: string): Promise<void> {
    // Every step leads closer to the end of the machine, which has five states.
    for (let round = 0; round < 8; round += 1) {
      const scene = await this.lock(tx, attemptId);
      if (!scene || scene.attempt.state === 'ended') return;
      await this.reap(tx, scene);
      const now = (await this.lock(tx, attemptId)) ?? scene;
      const step = nextAttemptStep(factsOf(now), tx.now.getTime());
      if (step.kind === 'none') return this.noteExits(tx, now);
      await this.take(tx, now, step);
    }
    throw new Error(`attempt ${attemptId} does not come to rest`);
  }

  /** Ends leases that ran out, then moves their attempt. The caller gives attempts with such leases. */
  async expire(tx: Tx, attemptId: string, skewMs: number): Promise<number> {
    const scene = await this.lock(tx, attemptId);
    const overdue = (scene?.leases ?? []).filter(
      (lease) => !hasEnded(lease) && lease.expiresAt.getTime() + skewMs <= tx.now.getTime(),
    );
    if (overdue.length > 0) await this.settlement.end(tx, overdue, 'expired', 'no_heartbeat');
    await this.advance(tx, attemptId);
    return overdue.length;
  }

  /** The node said goodbye: what it held counts as given back. */
  async nodeLeft(tx: Tx, nodeId: string): Promise<void> {
    const held = await tx.query<{ attemptId: string }>(
      `SELECT DISTINCT attempt_id AS "attemptId" FROM lease WHERE node_id = $1 AND state IN ('offered', 'active') ORDER BY 1`,
      [nodeId],
    );
    for (const { attemptId } of held) {
      const scene = await this.lock(tx, attemptId);
      const leases = (scene?.leases ?? []).filter((lease) => lease.nodeId === nodeId && !hasEnded(lease));
      if (leases.length > 0) await this.settlement.end(tx, leases, 'released', 'node_left');
      await this.advance(tx, attemptId);
    }
  }

  /** Asks every member to checkpoint and leave by the given moment. No effect unless the attempt is running. */
  async drain(tx: Tx, attemptId: string, cause: string, by: Date): Promise<void> {
    const rows = await tx.query<{ runId: string }>(
      `UPDATE run_attempt SET state = 'draining', drain_by = $2, drain_cause = $3 WHERE id = $1 AND state = 'running'
       RETURNING run_id AS "runId"`,
      [attemptId, by, cause],
    );
    for (const row of rows) await notifyRun(tx, row.runId);
  }

  private async lock(tx: Tx, attemptId: string): Promise<Scene | undefined> {
    const locked = await lockAttempt(tx, attemptId);
    if (!locked) return undefined;
    const run = await lockRun(tx, locked.attempt.runId);
    if (!run) throw new Error(`attempt ${attemptId} has no run`);
    return { run, ...locked };
  }

  /** In a stopping attempt, ends each lease whose node has let go of it, and those that never started. */
  private async reap(tx: Tx, { attempt, leases }: Scene): Promise<void> {
    if (attempt.state !== 'stopping') return;
    const live = leases.filter((lease) => !hasEnded(lease));
    const cause = attempt.stopCause ?? 'stopped';
    if (attempt.startedAt === null) {
      await this.settlement.end(tx, live, 'revoked', cause);
      return;
    }
    const exited = live.filter((lease) => lease.phase === 'exited');
    const stopped = live.filter((lease) => lease.phase === 'stopped');
    if (exited.length > 0) await this.settlement.end(tx, exited, 'released', cause);
    if (stopped.length > 0) await this.settlement.end(tx, stopped, 'revoked', cause);
  }

  private async take(tx: Tx, scene: Scene, step: AttemptStep): Promise<void> {
    switch (step.kind) {
      case 'none':
        return;
      case 'start':
        return this.start(tx, scene);
      case 'drain':
        return this.drain(tx, scene.attempt.id, 'node_draining', new Date(tx.now.getTime() + this.drainMs));
      case 'stop':
        return this.stop(tx, scene, step.cause);
      case 'end':
        return this.end(tx, scene, step.reason);
    }
  }

  private async start(tx: Tx, { run, attempt, leases }: Scene): Promise<void> {
    const expiresAt = new Date(tx.now.getTime() + this.config.agent.leaseTtlMs);
    await tx.query(
      `UPDATE lease SET state = 'active', started_at = $2::timestamptz,
              max_expires_at = $2::timestamptz + (reserved_ms / device_count) * interval '1 millisecond',
              expires_at = least($3::timestamptz, $2::timestamptz + (reserved_ms / device_count) * interval '1 millisecond')
        WHERE attempt_id = $1`,
      [attempt.id, tx.now, expiresAt],
    );
    await tx.query("UPDATE run_attempt SET state = 'running', started_at = $2 WHERE id = $1", [attempt.id, tx.now]);
    await tx.query('UPDATE run SET started_at = coalesce(started_at, $2), step = $3, tokens = $4 WHERE id = $1', [
      run.id,
      tx.now,
      attempt.restoredStep,
      attempt.restoredTokens,
    ]);
    await moveRun(tx, run, attempt.size < run.maxWorkers ? 'start_short' : 'start_full');
    tx.emit({
      type: 'attempt.started',
      aggregateType: 'run',
      aggregateId: run.id,
      isPublic: true,
      payload: {
        runId: run.id,
        attemptId: attempt.id,
        number: attempt.number,
        members: [...leases]
          .sort((a, b) => a.rank - b.rank)
          .map((l) => ({ nodeId: l.nodeId, leaseId: l.id, rank: l.rank, token: String(l.token) })),
        restoredFrom: attempt.restore?.checkpointId ?? null,
        restoredStep: String(attempt.restoredStep),
      },
    });
    await notifyRun(tx, run.id);
  }

  private async stop(tx: Tx, { run, attempt }: Scene, cause: StopCause): Promise<void> {
    await tx.query("UPDATE run_attempt SET state = 'stopping', stop_cause = $2 WHERE id = $1", [attempt.id, cause]);
    await notifyRun(tx, run.id);
  }

  private async end(tx: Tx, { run, attempt, leases }: Scene, reason: EndReason): Promise<void> {
    const live = leases.filter((lease) => !hasEnded(lease));
    if (live.length > 0) await this.settlement.end(tx, live, 'released', reason);
    if (reason === 'completed') await this.proveCompletion(tx, attempt);
    await tx.query("UPDATE run_attempt SET state = 'ended', end_reason = $2, ended_at = $3 WHERE id = $1", [
      attempt.id,
      reason,
      tx.now,
    ]);
    const final = (await lockAttempt(tx, attempt.id))?.attempt ?? attempt;
    await this.settlement.settle(tx, run, final);
    tx.emit({
      type: 'attempt.ended',
      aggregateType: 'run',
      aggregateId: run.id,
      isPublic: true,
      payload: { runId: run.id, attemptId: attempt.id, number: attempt.number, reason },
    });
    await this.moveOn(tx, run, reason);
    await notifyRun(tx, run.id);
  }

  /** The run's completion is proof of all that its last attempt did. */
  private async proveCompletion(tx: Tx, attempt: AttemptRow): Promise<void> {
    await tx.query(
      `UPDATE run_attempt a SET verified_step = a.last_step, verified_tokens = a.last_tokens, verified_at = $2
        WHERE a.id = $1 AND a.last_step IS NOT NULL AND a.last_step > coalesce(a.verified_step, -1)`,
      [attempt.id, tx.now],
    );
  }

  private async moveOn(tx: Tx, run: RunRow, reason: EndReason): Promise<void> {
    if (reason === 'completed') return this.complete(tx, run);
    if (run.cancelRequestedAt !== null) return this.close(tx, run, 'cancel', 'cancelled');
    if (!isFruitless(reason)) {
      await moveRun(tx, run, 'attempt_ended', reason);
      return;
    }
    const fruitless = run.fruitlessAttempts + 1;
    if (fruitless >= MAX_FRUITLESS_ATTEMPTS) return this.close(tx, run, 'fail', reason);
    await moveRun(tx, run, 'attempt_ended', reason);
    await tx.query('UPDATE run SET fruitless_attempts = $2, not_before = $3 WHERE id = $1', [
      run.id,
      fruitless,
      new Date(tx.now.getTime() + backoffMs(fruitless)),
    ]);
  }

  private async complete(tx: Tx, run: RunRow): Promise<void> {
    await moveRun(tx, run, 'complete');
    const done = await lockRun(tx, run.id);
    if (!done) return;
    tx.emit({
      type: 'run.completed',
      aggregateType: 'run',
      aggregateId: run.id,
      isPublic: true,
      payload: {
        runId: run.id,
        campaignId: run.campaignId,
        steps: String(done.step),
        tokens: String(done.tokens),
        firstLoss: done.firstLoss,
        finalLoss: done.lastLoss,
        flopModel: String(done.flopModel),
        flopHardware: String(done.flopHardware),
      },
    });
  }

  /** Ends a run that has no live attempt, other than by completion. */
  async close(tx: Tx, run: RunRow, event: 'fail' | 'cancel', reason: string): Promise<void> {
    await moveRun(tx, run, event, reason);
    tx.emit({
      type: event === 'fail' ? 'run.failed' : 'run.cancelled',
      aggregateType: 'run',
      aggregateId: run.id,
      isPublic: true,
      payload: { runId: run.id, campaignId: run.campaignId, reason },
    });
    await notifyRun(tx, run.id);
  }

  private async noteExits(tx: Tx, { run, attempt, leases }: Scene): Promise<void> {
    if (attempt.state !== 'running' && attempt.state !== 'draining') return;
    if (attempt.firstExitAt !== null || !leases.some((lease) => lease.phase === 'exited')) return;
    await tx.query('UPDATE run_attempt SET first_exit_at = $2 WHERE id = $1', [attempt.id, tx.now]);
    if (targetReached(run, attempt) && (run.state === 'running' || run.state === 'degraded')) {
      await moveRun(tx, run, 'finish');
      await notifyRun(tx, run.id);
    }
  }
}

const targetReached = (run: RunRow, attempt: AttemptRow): boolean => (attempt.lastStep ?? -1n) >= run.targetSteps;

const factsOf = ({ run, attempt, leases }: Scene) => ({
  state: attempt.state,
  assembleByMs: attempt.assembleBy.getTime(),
  drainByMs: attempt.drainBy?.getTime() ?? null,
  firstExitAtMs: attempt.firstExitAt?.getTime() ?? null,
  stopCause: attempt.stopCause,
  targetReached: targetReached(run, attempt),
  cancelRequested: run.cancelRequestedAt !== null,
  leases,
});
