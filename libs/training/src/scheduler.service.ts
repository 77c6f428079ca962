import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { Fleet, type FleetNode } from '#nodes';
import { Config, type Tx, UnitOfWork } from '#platform';
import { Conductor } from './conductor.js';
import { RESTORE_POINTS, type RestorePoints } from './restore-points.port.js';
import { schedule } from './scheduler/schedule.rule.js';
import type { Decision, SchedulerPolicy, WaitReason } from './scheduler/snapshot.type.js';
import { Settlement } from './settlement.js';
import { insertAttempt, insertLeases } from './store/attempt.store.js';
import { lockRun, moveRun, notifyRun } from './store/run.store.js';
import { readSnapshot } from './store/snapshot.query.js';

const LOCK = 7_210;
/** Time that agents have to answer an offer, beyond two heartbeats. */
const OFFER_MS = 8_000;
/** Leases on offer outlive the offer by this, so that the offer ends by its own deadline. */
const OFFER_MARGIN_MS = 5_000;

/** One round of the scheduler: a snapshot, decisions, all of them applied in the same transaction. */
@Injectable()
export class Scheduler {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly fleet: Fleet,
    private readonly settlement: Settlement,
    private readonly conductor: Conductor,
    private readonly config: Config,
    private readonly modules: ModuleRef,
  ) {}

  policy(): SchedulerPolicy {
    const { heartbeatMs } = this.config.agent;
    return {
      gatherMs: 5 * heartbeatMs,
      regatherMs: heartbeatMs,
      growAfterMs: 120_000,
      drainMs: this.conductor.drainMs,
      minReserveMs: 2 * this.conductor.drainMs,
      maxReserveMs: 24 * 3_600_000,
    };
  }

  /** Decisions taken, or undefined when another process is at it: one scheduler decides at a time. */
  async round(): Promise<readonly Decision[] | undefined> {
    const outcome = await this.uow.run('training.schedule', async (tx) => {
      const [lock] = await tx.query<{ held: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS held', [LOCK]);
      if (!lock?.held) return undefined;
      const [open] = await tx.query('SELECT 1 FROM run WHERE ended_at IS NULL LIMIT 1');
      if (!open) return [];
      const fleet = await this.fleet.snapshot(tx);
      const decisions = schedule(await readSnapshot(tx, this.ledger, fleet, this.policy()));
      const nodes = new Map(fleet.map((node) => [node.nodeId, node]));
      for (const decision of decisions) await this.apply(tx, decision, nodes);
      return decisions;
    });
    if (isRefused(outcome)) throw new Error(`scheduling was refused: ${outcome.first.code}`);
    return outcome;
  }

  private async apply(tx: Tx, decision: Decision, nodes: ReadonlyMap<string, FleetNode>): Promise<void> {
    switch (decision.kind) {
      case 'wait':
        return this.wait(tx, decision.runId, decision.starved, decision.reason);
      case 'drain':
        return this.conductor.drain(tx, decision.attemptId, decision.cause, new Date(decision.byMs));
      case 'place':
        return this.place(tx, decision, nodes);
    }
  }

  /** Writes the reason where it changed, and whether the run starves. */
  private async wait(tx: Tx, runId: string, starved: boolean, reason: WaitReason): Promise<void> {
    const run = await lockRun(tx, runId);
    if (!run) return;
    if (starved && run.state === 'queued') await moveRun(tx, run, 'starve', reason.code);
    if (!starved && run.state === 'starved') await moveRun(tx, run, 'recover', reason.code);
    const rows = await tx.query(
      'UPDATE run SET wait_reason = $2::jsonb WHERE id = $1 AND wait_reason IS DISTINCT FROM $2::jsonb RETURNING id',
      [runId, JSON.stringify(reason)],
    );
    if (rows.length > 0) await notifyRun(tx, runId);
  }

  /** Offers a gang its leases, with every reservation, or nothing at all: a savepoint undoes a gang that can't be paid. */
  private async place(
    tx: Tx,
    decision: Extract<Decision, { kind: 'place' }>,
    nodes: ReadonlyMap<string, FleetNode>,
  ): Promise<void> {
    const run = await lockRun(tx, decision.runId);
    if (!run || (run.state !== 'queued' && run.state !== 'starved')) return;
    await tx.query('SAVEPOINT gang');
    const point = await this.restorePoints().latestPromoted(tx, run.id);
    const assembleBy = new Date(tx.now.getTime() + OFFER_MS + 2 * this.config.agent.heartbeatMs);
    const attempt = await insertAttempt(tx, {
      runId: run.id,
      size: decision.members.length,
      assembleBy,
      restored: {
        restore: point?.restore ?? null,
        step: point?.step ?? 0n,
        tokens: point?.tokens ?? 0n,
        flopHardware: point?.flopHardware ?? '0',
      },
    });
    const leases = await insertLeases(tx, {
      runId: run.id,
      attemptId: attempt.id,
      gpuClass: run.gpuClass,
      expiresAt: new Date(assembleBy.getTime() + OFFER_MARGIN_MS),
      members: decision.members.map((member) => {
        const node = nodes.get(member.nodeId);
        if (!node) throw new Error(`placed on ${member.nodeId}, which is not in the fleet`);
        return { ...member, contributor: node.owner, region: node.region };
      }),
    });
    const reserved = await this.ledger.post(
      tx,
      leases.map((lease) => this.settlement.reservation(lease, run.id, run.gpuClass)),
    );
    if (isRefused(reserved)) {
      // A pledge shrank between the snapshot and here. The next round sees the new figures.
      await tx.query('ROLLBACK TO SAVEPOINT gang');
      return;
    }
    await tx.query('RELEASE SAVEPOINT gang');
    await moveRun(tx, run, 'place');
    await notifyRun(tx, run.id);
  }

  /** Found in the whole application, because the room that keeps checkpoints stands above this one. */
  private restorePoints(): RestorePoints {
    return this.modules.get<RestorePoints>(RESTORE_POINTS, { strict: false });
  }
}
