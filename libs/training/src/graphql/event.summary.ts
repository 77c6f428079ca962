import { formatMinorUnits } from '#kernel';

type Payload = Record<string, unknown>;

const seconds = (value: unknown): string =>
  typeof value === 'string' && /^\d{1,20}$/.test(value) ? `${formatMinorUnits(BigInt(value), 3)} s` : 'some time';
const count = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
const loss = (value: unknown): string => (typeof value === 'number' ? value.toFixed(3) : 'unknown');

const REASONS: Record<string, string> = {
  completed: 'the training is complete',
  drained: 'its members wrote a checkpoint and left',
  node_lost: 'a node was lost',
  node_left: 'a node gave its lease back',
  workload_failed: 'the workload failed',
  ended_early: 'the workload ended before its last step',
  offer_timeout: 'not every agent answered its offer',
  offer_declined: 'an agent declined its offer',
  drain_deadline: 'the drain took too long',
  stalled: 'a member did not follow the others to the end',
  cancelled: 'the run was called off',
};
const because = (value: unknown): string => REASONS[String(value)] ?? String(value);

const SENTENCES: Record<string, (p: Payload) => string> = {
  'run.created': () => 'The run was made',
  'attempt.started': (p) =>
    `Attempt ${String(p['number'])} began with ${count(p['members'])} nodes` +
    (p['restoredFrom'] ? ` from the checkpoint of step ${String(p['restoredStep'])}` : ''),
  'attempt.ended': (p) => `Attempt ${String(p['number'])} ended: ${because(p['reason'])}`,
  'lease.ended': (p) =>
    `A lease ${p['reason'] === 'expired' ? 'ran out' : `was ${String(p['reason'])}`} after ${seconds(p['milliseconds'])}`,
  'usage.settled': (p) => `${seconds(p['acceptedMs'])} of ${seconds(p['deliveredMs'])} delivered were accepted`,
  'checkpoint.promoted': (p) => `The checkpoint of step ${String(p['step'])} was promoted, loss ${loss(p['loss'])}`,
  'run.completed': (p) =>
    `The training is complete: ${String(p['steps'])} steps, loss ${loss(p['firstLoss'])} to ${loss(p['finalLoss'])}`,
  'run.failed': (p) => `The run was given up: ${because(p['reason'])}`,
  'run.cancelled': () => 'The run was called off',
};

/** One line for people about a public event of a run. */
export const runEventSummary = (type: string, payload: Payload): string => SENTENCES[type]?.(payload) ?? type;
