/** What was trained, on what, by whom, and what went wrong on the way. */
import { type CitedEvent, list, measure, optionalText, record, sum, text, whole } from './cited-event.js';

export interface RecipeFacts {
  readonly recipeId: string;
  readonly name: string;
  readonly workload: string;
  readonly digest: string;
  readonly parameters: string;
  readonly tokens: string;
  readonly gpuClass: string;
}

export interface DatasetFacts {
  readonly datasetId: string;
  readonly name: string;
  readonly licence: string;
  readonly source: string;
  readonly sha256: string;
  readonly bytes: string;
  /** Null when nobody counted them. */
  readonly tokens: string | null;
}

export interface CheckpointFacts {
  readonly checkpointId: string;
  readonly at: string;
  readonly step: string;
  readonly tokens: string;
  readonly flop: string;
  readonly loss: number | null;
  readonly manifestSha256: string;
  readonly files: number;
  readonly bytes: string;
}

export interface AttemptFacts {
  readonly number: string;
  readonly attemptId: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly reason: string | null;
  readonly restoredFrom: string | null;
  readonly members: readonly { readonly nodeId: string; readonly leaseId: string; readonly rank: number }[];
}

export interface LeaseFacts {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly attemptId: string;
  readonly reason: string;
  readonly cause: string | null;
  readonly milliseconds: string;
  readonly grantedAt: string | null;
  readonly endedAt: string;
}

export interface NodeFacts {
  readonly nodeId: string;
  readonly name: string;
  /** The owner's pseudonym. */
  readonly owner: string;
  readonly class: string;
  readonly count: string;
  readonly region: string;
}

export interface TrainingFacts {
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'not ended';
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly steps: string | null;
  readonly tokens: string | null;
  readonly firstLoss: number | null;
  readonly finalLoss: number | null;
  /** The loss where the log states it: at promoted checkpoints, and at both ends of a completed run. */
  readonly losses: readonly { readonly step: string; readonly loss: number }[];
  readonly recipe: RecipeFacts | null;
  readonly datasets: readonly DatasetFacts[];
  readonly checkpoints: readonly CheckpointFacts[];
  readonly attempts: readonly AttemptFacts[];
  readonly leases: readonly LeaseFacts[];
  readonly nodes: readonly NodeFacts[];
  readonly nodeLosses: readonly { readonly nodeId: string; readonly at: string; readonly lastSeenAt: string | null }[];
}

export function trainingFacts(events: readonly CitedEvent[]): TrainingFacts {
  const of = (type: string): CitedEvent[] => events.filter((event) => event.type === type);
  const completed = of('run.completed')[0];
  const ended = completed ?? of('run.failed')[0] ?? of('run.cancelled')[0];
  const checkpoints = of('checkpoint.promoted').map(checkpointFacts);
  return {
    outcome: completed ? 'completed' : ended?.type === 'run.failed' ? 'failed' : ended ? 'cancelled' : 'not ended',
    createdAt: of('run.created')[0]?.at ?? '',
    startedAt: of('attempt.started')[0]?.at ?? null,
    endedAt: ended?.at ?? null,
    steps: completed ? String(whole(completed.payload, 'steps')) : null,
    tokens: completed ? String(whole(completed.payload, 'tokens')) : null,
    firstLoss: completed ? measure(completed.payload, 'firstLoss') : null,
    finalLoss: completed ? measure(completed.payload, 'finalLoss') : null,
    losses: lossPoints(checkpoints, completed),
    recipe: of('recipe.registered').map(recipeFacts)[0] ?? null,
    datasets: of('dataset.registered').map(datasetFacts),
    checkpoints,
    attempts: of('attempt.started').map((started) => attemptFacts(started, of('attempt.ended'))),
    leases: of('lease.ended').map(leaseFacts),
    // A node that comes back joins again; what it said last is what it is.
    nodes: [...new Map(of('node.joined').map((event) => [text(event.payload, 'nodeId'), nodeFacts(event)])).values()],
    nodeLosses: of('node.lost').map(({ at, payload }) => ({
      nodeId: text(payload, 'nodeId'),
      at,
      lastSeenAt: optionalText(payload, 'lastSeenAt'),
    })),
  };
}

function lossPoints(
  checkpoints: readonly CheckpointFacts[],
  completed: CitedEvent | undefined,
): { step: string; loss: number }[] {
  const points = new Map<string, number>();
  const first = completed && measure(completed.payload, 'firstLoss');
  if (typeof first === 'number') points.set('1', first);
  for (const { step, loss } of checkpoints) if (loss !== null) points.set(step, loss);
  const final = completed && measure(completed.payload, 'finalLoss');
  if (completed && typeof final === 'number') points.set(String(whole(completed.payload, 'steps')), final);
  return [...points].map(([step, loss]) => ({ step, loss })).sort((a, b) => Number(BigInt(a.step) - BigInt(b.step)));
}

function recipeFacts({ payload }: CitedEvent): RecipeFacts {
  return {
    recipeId: text(payload, 'recipeId'),
    name: text(payload, 'name'),
    workload: text(payload, 'workload'),
    digest: text(payload, 'digest'),
    parameters: String(whole(payload, 'parameters')),
    tokens: String(whole(payload, 'tokens')),
    gpuClass: text(payload, 'gpuClass'),
  };
}

function datasetFacts({ payload }: CitedEvent): DatasetFacts {
  return {
    datasetId: text(payload, 'datasetId'),
    name: text(payload, 'name'),
    licence: text(payload, 'licence'),
    source: text(payload, 'source'),
    sha256: text(payload, 'sha256'),
    bytes: String(whole(payload, 'bytes')),
    tokens: payload['tokens'] === undefined || payload['tokens'] === null ? null : String(whole(payload, 'tokens')),
  };
}

function checkpointFacts({ at, payload }: CitedEvent): CheckpointFacts {
  const files = list(payload, 'files');
  return {
    checkpointId: text(payload, 'checkpointId'),
    at,
    step: String(whole(payload, 'step')),
    tokens: String(whole(payload, 'tokens')),
    flop: String(whole(payload, 'flop')),
    loss: measure(payload, 'loss'),
    manifestSha256: text(payload, 'manifestSha256'),
    files: files.length,
    bytes: String(sum(files.map((file) => whole(file, 'bytes')))),
  };
}

function attemptFacts({ at, payload }: CitedEvent, endings: readonly CitedEvent[]): AttemptFacts {
  const ended = endings.find((event) => event.payload['attemptId'] === payload['attemptId']);
  const restored = payload['restoredFrom'];
  return {
    number: String(whole(payload, 'number')),
    attemptId: text(payload, 'attemptId'),
    startedAt: at,
    endedAt: ended?.at ?? null,
    reason: ended ? optionalText(ended.payload, 'reason') : null,
    restoredFrom:
      typeof restored === 'string' ? restored : optionalText(record(payload, 'restoredFrom'), 'checkpointId'),
    members: list(payload, 'members').map((member) => ({
      nodeId: text(member, 'nodeId'),
      leaseId: text(member, 'leaseId'),
      rank: Number(whole(member, 'rank')),
    })),
  };
}

function leaseFacts({ at, payload }: CitedEvent): LeaseFacts {
  return {
    leaseId: text(payload, 'leaseId'),
    nodeId: text(payload, 'nodeId'),
    attemptId: text(payload, 'attemptId'),
    reason: text(payload, 'reason'),
    cause: optionalText(payload, 'cause'),
    milliseconds: String(whole(payload, 'milliseconds')),
    grantedAt: optionalText(payload, 'grantedAt'),
    endedAt: optionalText(payload, 'endedAt') ?? at,
  };
}

function nodeFacts({ payload }: CitedEvent): NodeFacts {
  return {
    nodeId: text(payload, 'nodeId'),
    name: text(payload, 'name'),
    owner: text(payload, 'owner'),
    class: text(payload, 'class'),
    count: String(whole(payload, 'count')),
    region: text(payload, 'region'),
  };
}
