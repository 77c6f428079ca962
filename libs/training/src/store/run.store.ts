import { newId } from '#kernel';
import { type Tx, announce } from '#platform';
import { type RunEvent, type RunState, nextRunState } from '../domain/run.machine.js';

/** What a run was asked to do, fixed at its creation. Amounts are decimal text, so that it is its own public record. */
export interface RunSpec {
  readonly recipe: { readonly id: string; readonly name: string; readonly digest: string };
  readonly projectId: string;
  readonly workload: string;
  readonly driver: 'process' | 'torchrun';
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly parameters: string;
  readonly tokens: string;
  readonly gpuClass: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly checkpointEverySteps: number;
  readonly dataset: { readonly id: string; readonly name: string; readonly licence: string; readonly sha256: string };
}

export interface RunRow {
  readonly id: string;
  readonly campaignId: string;
  readonly recipeId: string;
  readonly state: RunState;
  readonly stateReason: string | null;
  readonly waitReason: { readonly code: string; readonly message: string; readonly unblock: string } | null;
  readonly spec: RunSpec;
  readonly gpuClass: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly targetSteps: bigint;
  readonly step: bigint;
  readonly tokens: bigint;
  readonly firstLoss: number | null;
  readonly lastLoss: number | null;
  readonly flopModel: bigint;
  readonly flopHardware: bigint;
  readonly promotedCheckpointId: string | null;
  readonly promotedStep: bigint | null;
  readonly fruitlessAttempts: number;
  readonly cancelRequestedAt: Date | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

export const RUN_COLUMNS = `r.id, r.campaign_id AS "campaignId", r.recipe_id AS "recipeId", r.state,
  r.state_reason AS "stateReason", r.wait_reason AS "waitReason", r.spec, r.gpu_class AS "gpuClass",
  r.min_workers AS "minWorkers", r.max_workers AS "maxWorkers", r.target_steps AS "targetSteps", r.step, r.tokens,
  r.first_loss AS "firstLoss", r.last_loss AS "lastLoss", r.flop_model::text AS "flopModel",
  r.flop_hardware::text AS "flopHardware", r.promoted_checkpoint_id AS "promotedCheckpointId",
  r.promoted_step AS "promotedStep", r.fruitless_attempts AS "fruitlessAttempts",
  r.cancel_requested_at AS "cancelRequestedAt", r.created_at AS "createdAt", r.started_at AS "startedAt",
  r.ended_at AS "endedAt"`;

type RawRun = Omit<RunRow, 'flopModel' | 'flopHardware'> & { flopModel: string; flopHardware: string };
/** `numeric` arrives as text. */
export const toRunRow = (row: RawRun): RunRow => ({
  ...row,
  flopModel: BigInt(row.flopModel),
  flopHardware: BigInt(row.flopHardware),
});

export async function findRuns(tx: Tx, where: string, params: readonly unknown[]): Promise<RunRow[]> {
  return (await tx.query<RawRun>(`SELECT ${RUN_COLUMNS} FROM run r ${where}`, params)).map(toRunRow);
}

/** The run's row, locked until the transaction ends: whoever holds it is the run's single writer. */
export async function lockRun(tx: Tx, id: string): Promise<RunRow | undefined> {
  return (await findRuns(tx, 'WHERE r.id = $1 FOR UPDATE', [id]))[0];
}

export async function insertRun(tx: Tx, campaignId: string, spec: RunSpec): Promise<string | undefined> {
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO run (id, campaign_id, recipe_id, state, spec, gpu_class, min_workers, max_workers, target_steps, queued_at, created_at)
     VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $9)
     ON CONFLICT (campaign_id, recipe_id) WHERE state NOT IN ('failed', 'cancelled') DO NOTHING RETURNING id`,
    [
      newId(),
      campaignId,
      spec.recipe.id,
      JSON.stringify(spec),
      spec.gpuClass,
      spec.minWorkers,
      spec.maxWorkers,
      spec.steps,
      tx.now,
    ],
  );
  return rows[0]?.id;
}

/** Takes one edge of the run's machine. Throws where there is none: the caller holds the row and knows its state. */
export async function moveRun(
  tx: Tx,
  run: Pick<RunRow, 'id' | 'state'>,
  event: RunEvent,
  reason: string | null = null,
): Promise<RunState> {
  const to = nextRunState(run.state, event);
  if (!to) throw new Error(`run ${run.id} can't take ${event} from ${run.state}`);
  await tx.query(
    `UPDATE run SET state = $3, state_reason = $4, wait_reason = CASE WHEN $3 IN ('queued', 'starved') THEN wait_reason END,
            queued_at = CASE WHEN $5 THEN $6 ELSE queued_at END,
            ended_at = CASE WHEN $3 IN ('done', 'failed', 'cancelled') THEN $6::timestamptz END
      WHERE id = $1 AND state = $2`,
    [run.id, run.state, to, reason, event === 'attempt_ended', tx.now],
  );
  return to;
}

/** Tells live pages, when the transaction commits, that the run changed. */
export const notifyRun = (tx: Tx, runId: string): Promise<void> => announce(tx, runTopic(runId));
export const runTopic = (runId: string): string => `run:${runId}`;
