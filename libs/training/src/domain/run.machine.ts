/**
 * The run's states and edges. The database checks the states, the docs draw the edges, `moveRun` follows them.
 *
 *     queued ⇄ starved          below its minimum of workers
 *       │ place
 *     assembling ── start ──▶ running ⇄ degraded (below its maximum)
 *       ▲                        │ finish
 *       └── attempt_ended ───────┤
 *                                ▼
 *                            finishing ──▶ done          any open state ──▶ failed | cancelled
 */
export const RUN_STATES = [
  'queued',
  'assembling',
  'running',
  'degraded',
  'starved',
  'finishing',
  'done',
  'failed',
  'cancelled',
] as const;
export type RunState = (typeof RUN_STATES)[number];

export type RunEvent =
  | 'place'
  | 'start_full'
  | 'start_short'
  | 'attempt_ended'
  | 'starve'
  | 'recover'
  | 'finish'
  | 'complete'
  | 'fail'
  | 'cancel';

const OPEN: readonly RunState[] = ['queued', 'assembling', 'running', 'degraded', 'starved', 'finishing'];

export const RUN_EDGES: readonly {
  readonly from: readonly RunState[];
  readonly event: RunEvent;
  readonly to: RunState;
}[] = [
  { from: ['queued', 'starved'], event: 'place', to: 'assembling' },
  { from: ['assembling'], event: 'start_full', to: 'running' },
  { from: ['assembling'], event: 'start_short', to: 'degraded' },
  { from: ['assembling', 'running', 'degraded', 'finishing'], event: 'attempt_ended', to: 'queued' },
  { from: ['queued'], event: 'starve', to: 'starved' },
  { from: ['starved'], event: 'recover', to: 'queued' },
  { from: ['running', 'degraded'], event: 'finish', to: 'finishing' },
  { from: ['running', 'degraded', 'finishing'], event: 'complete', to: 'done' },
  { from: OPEN, event: 'fail', to: 'failed' },
  { from: OPEN, event: 'cancel', to: 'cancelled' },
];

/** The state after the event, or undefined where there is no such edge. */
export const nextRunState = (from: RunState, event: RunEvent): RunState | undefined =>
  RUN_EDGES.find((edge) => edge.event === event && edge.from.includes(from))?.to;

export const isOpenRun = (state: RunState): boolean => OPEN.includes(state);
