import { Injectable } from '@nestjs/common';
import { CatalogQueries, type RecipeRow } from '#catalog';
import { type Outcome, isRefused } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { Conductor } from './conductor.js';
import { isOpenRun } from './domain/run.machine.js';
import { Settlement, hardwareFlopOf } from './settlement.js';
import { type RunSpec, findRuns, insertRun, lockRun, notifyRun } from './store/run.store.js';
import { refuseTraining } from './training.refusal.js';

export interface Promotion {
  readonly runId: string;
  readonly attemptId: string;
  readonly checkpointId: string;
  /** The checkpoint that the caller saw as promoted; another one there now refuses the promotion. */
  readonly previousId: string | null;
  readonly step: bigint;
  readonly tokens: bigint;
}

/** What may be done to runs, besides what scheduler and agents do. */
@Injectable()
export class Runs {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly catalog: CatalogQueries,
    private readonly settlement: Settlement,
    private readonly conductor: Conductor,
  ) {}

  /** Makes the run of a campaign. `RUN_EXISTS` when the campaign trains the recipe already. */
  async create(tx: Tx, input: { campaignId: string; recipeId: string }): Promise<Outcome<string>> {
    const recipe = await this.catalog.recipe(tx, input.recipeId);
    if (!recipe) return refuseTraining('RUN_RECIPE_UNKNOWN');
    const spec = specOf(recipe);
    if (isRefused(spec)) return spec;
    const runId = await insertRun(tx, input.campaignId, spec);
    if (runId === undefined) return refuseTraining('RUN_EXISTS');
    await this.settlement.openAccounts(tx, runId, spec.gpuClass);
    tx.emit({
      type: 'run.created',
      aggregateType: 'run',
      aggregateId: runId,
      isPublic: true,
      payload: { runId, campaignId: input.campaignId, recipeId: input.recipeId, spec },
    });
    return runId;
  }

  /** Ends a run: at once where nothing trains, else when its members have stopped. Repeating it changes nothing. */
  async cancel(runId: string): Promise<Outcome<string>> {
    const marked = await this.uow.run('training.cancel', async (tx) => {
      const run = await lockRun(tx, runId);
      if (!run) return refuseTraining('RUN_NOT_FOUND');
      if (!isOpenRun(run.state)) return refuseTraining('RUN_ENDED', `It is ${run.state}.`);
      await tx.query('UPDATE run SET cancel_requested_at = coalesce(cancel_requested_at, $2) WHERE id = $1', [
        runId,
        tx.now,
      ]);
      const [attempt] = await tx.query<{ id: string }>(
        "SELECT id FROM run_attempt WHERE run_id = $1 AND state <> 'ended'",
        [runId],
      );
      if (!attempt) await this.conductor.close(tx, run, 'cancel', 'cancelled');
      await notifyRun(tx, runId);
      return attempt?.id ?? null;
    });
    if (isRefused(marked)) return marked;
    // In a unit of work of its own, since it locks leases first; should it be lost, the clock makes up for it.
    if (marked !== null) await this.uow.run('training.cancel-attempt', (tx) => this.conductor.advance(tx, marked));
    return runId;
  }

  /**
   * Makes a checkpoint the run's restore point, if the run still has the one that the caller saw and the new one is
   * further. Records it as proof of the attempt's work. False when another was quicker.
   */
  async promote(tx: Tx, p: Promotion): Promise<boolean> {
    // Lease, attempt, run: the order in which everybody locks.
    await tx.query('SELECT 1 FROM run_attempt WHERE id = $1 FOR UPDATE', [p.attemptId]);
    const rows = await tx.query(
      `UPDATE run SET promoted_checkpoint_id = $2, promoted_step = $4, fruitless_attempts = 0, not_before = NULL
        WHERE id = $1 AND promoted_checkpoint_id IS NOT DISTINCT FROM $3::uuid AND coalesce(promoted_step, -1) < $4
          AND ended_at IS NULL
       RETURNING id`,
      [p.runId, p.checkpointId, p.previousId, p.step],
    );
    if (rows.length === 0) return false;
    await tx.query(
      `UPDATE run_attempt a
          SET verified_step = $3, verified_tokens = $4,
              verified_at = coalesce(m.recorded_at, $5), last_step = greatest(a.last_step, $3),
              last_tokens = greatest(a.last_tokens, $4)
         FROM (SELECT 1) one LEFT JOIN metric_step m ON m.run_id = $1 AND m.attempt_id = $2 AND m.step = $3
        WHERE a.id = $2 AND a.state <> 'ended' AND coalesce(a.verified_step, -1) < $3`,
      [p.runId, p.attemptId, p.step, p.tokens, tx.now],
    );
    await notifyRun(tx, p.runId);
    return true;
  }

  /**
   * What the fence would find now, without a lock: good for turning a hopeless caller away early, never instead of the
   * fence. Undefined when the lease isn't live for this node and token.
   */
  async peekLease(
    tx: Tx,
    writer: { leaseId: string; nodeId: string; token: number },
  ): Promise<{ runId: string; attemptId: string; restoredFrom: string | null } | undefined> {
    const [row] = await tx.query<{ runId: string; attemptId: string; restoredFrom: string | null }>(
      `SELECT l.run_id AS "runId", l.attempt_id AS "attemptId", a.restore ->> 'checkpointId' AS "restoredFrom"
         FROM lease l JOIN run_attempt a ON a.id = l.attempt_id
        WHERE l.id = $1 AND l.node_id = $2 AND l.token = $3 AND l.state = 'active' AND l.expires_at > $4`,
      [writer.leaseId, writer.nodeId, writer.token, tx.now],
    );
    return row;
  }

  /** Operations until a step, decimal text: as the workload counted them, or by the formula when it did not say. */
  async flopHardwareAt(
    tx: Tx,
    point: { runId: string; attemptId: string; step: bigint; tokens: bigint },
  ): Promise<string> {
    const { runId, attemptId, step } = point;
    const [row] = await tx.query<{ flop: string | null }>(
      'SELECT flop_hardware::text AS flop FROM metric_step WHERE run_id = $1 AND attempt_id = $2 AND step = $3',
      [runId, attemptId, step],
    );
    if (row?.flop) return row.flop;
    const spec = await this.spec(tx, runId);
    return spec ? String(hardwareFlopOf(spec, point.tokens)) : '0';
  }

  /** The run's restore point, or null. */
  async promotedCheckpoint(tx: Tx, runId: string): Promise<string | null> {
    return (await findRuns(tx, 'WHERE r.id = $1', [runId]))[0]?.promotedCheckpointId ?? null;
  }

  /** The run's fixed description, or undefined. */
  async spec(tx: Tx, runId: string): Promise<RunSpec | undefined> {
    return (await findRuns(tx, 'WHERE r.id = $1', [runId]))[0]?.spec;
  }
}

function specOf(recipe: RecipeRow): Outcome<RunSpec> {
  const steps = recipe.hyperparameters['steps'];
  if (typeof steps !== 'number' || !Number.isSafeInteger(steps) || steps < 1)
    return refuseTraining('RUN_RECIPE_WITHOUT_STEPS');
  return {
    recipe: { id: recipe.id, name: recipe.name, digest: recipe.digest },
    projectId: recipe.projectId,
    workload: recipe.workload,
    driver: recipe.driver === 'torchrun' ? 'torchrun' : 'process',
    hyperparameters: recipe.hyperparameters,
    steps,
    parameters: String(recipe.activeParameters ?? recipe.parameters),
    tokens: String(recipe.tokens),
    gpuClass: recipe.gpuClass,
    minWorkers: recipe.minWorkers,
    maxWorkers: recipe.maxWorkers,
    checkpointEverySteps: recipe.checkpointEverySteps,
    dataset: {
      id: recipe.dataset.id,
      name: recipe.dataset.name,
      licence: recipe.dataset.licence,
      sha256: recipe.dataset.sha256,
    },
  };
}
