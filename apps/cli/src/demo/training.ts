import { type ApiClient, until } from './client.js';
import type { Stage } from './main-job.js';

/** How a training went. */
export interface Training {
  readonly runId: string;
  readonly state: string;
  readonly firstLoss: number;
  readonly finalLoss: number;
}

interface RunState {
  id: string;
  state: string;
  stateReason: string | null;
  waitReason: string | null;
  step: number;
  targetSteps: number;
  firstLoss: number | null;
  lastLoss: number | null;
  attempts: {
    number: number;
    state: string;
    reason: string | null;
    restoredFromStep: number | null;
    members: { rank: number }[];
  }[];
  checkpoints: { nodes: { step: number; state: string }[] };
}

const RUN = `id state stateReason waitReason step targetSteps firstLoss lastLoss
  attempts { number state reason restoredFromStep members { rank } }
  checkpoints(first: 20) { nodes { step state } }`;

const ENDED = new Set(['DONE', 'FAILED', 'CANCELLED']);

/**
 * Follows the run to its end, telling what happens. Once a checkpoint is promoted and the run is a good part on, one
 * agent is killed; the run has to go on with the others from that checkpoint.
 */
export async function watchTraining(
  stage: Stage,
  api: ApiClient,
  campaignId: string,
  victim: { killed: boolean; kill: (step: number) => string },
): Promise<Training> {
  const { progress, signal } = stage;
  let killed = victim.killed;
  let told = 0;
  let toldAttempt = 0;
  const run = await until(
    'training',
    signal,
    () => findRun(api, campaignId),
    (state) => {
      if (!state) return false;
      const attempt = state.attempts.find(
        (a) => a.number > toldAttempt && a.members.length > 0 && a.state !== 'OFFERED',
      );
      if (attempt) {
        toldAttempt = attempt.number;
        const from =
          attempt.restoredFromStep === null
            ? 'from the beginning'
            : `from the checkpoint of step ${attempt.restoredFromStep}`;
        progress.line(`  Attempt ${attempt.number}: a gang of ${attempt.members.length} trains ${from}.`);
      }
      if (state.step >= told + 25 && state.lastLoss !== null) {
        told = state.step - (state.step % 25);
        progress.line(`    step ${state.step} of ${state.targetSteps}, loss ${state.lastLoss.toFixed(3)}`);
      }
      const promoted = state.checkpoints.nodes.some((c) => c.state === 'PROMOTED');
      if (!killed && promoted && state.step >= state.targetSteps / 3) {
        killed = true;
        progress.line(
          `  Killing ${victim.kill(state.step)} with SIGKILL at step ${state.step}; its lease runs out in seconds.`,
        );
      }
      return ENDED.has(state.state);
    },
    15 * 60_000,
  );
  if (!run) throw new Error('the run vanished');
  progress.line(
    `  Run ${run.state}: loss ${run.firstLoss?.toFixed(3)} → ${run.lastLoss?.toFixed(3)} in ${run.attempts.length} attempts${run.stateReason ? ` (${run.stateReason})` : ''}.`,
  );
  return {
    runId: run.id,
    state: run.state,
    firstLoss: run.firstLoss ?? 0,
    finalLoss: run.lastLoss ?? Number.POSITIVE_INFINITY,
  };
}

async function findRun(api: ApiClient, campaignId: string): Promise<RunState | undefined> {
  const { runs } = await api.query<{ runs: { nodes: RunState[] } }>(
    `query Runs($campaignId: ID!) { runs(first: 1, campaignId: $campaignId) { nodes { ${RUN} } } }`,
    { campaignId },
  );
  return runs.nodes[0];
}
