/** One permitted step. `guard` says in words what else must hold; the code that takes the step checks it. */
export interface Transition<State extends string, Event extends string> {
  readonly from: State;
  readonly event: Event;
  readonly to: State;
  readonly guard?: string;
}

/**
 * A state machine as data: code takes steps by it, the database's check is compared with it, the diagram in the README
 * is printed from it, and the tests walk it.
 */
export interface StateMachine<State extends string, Event extends string> {
  readonly states: readonly State[];
  readonly transitions: readonly Transition<State, Event>[];
  /** Where the event leads, or undefined when the state doesn't know it. */
  readonly next: (from: State, event: Event) => State | undefined;
  /** States that nothing leads out of. */
  ends(): readonly State[];
}

export function stateMachine<State extends string, Event extends string>(
  states: readonly State[],
  transitions: readonly Transition<State, Event>[],
): StateMachine<State, Event> {
  const steps = new Map(transitions.map((t) => [`${t.from} ${t.event}`, t.to]));
  if (steps.size !== transitions.length) throw new Error('a state knows the same event twice');
  return {
    states,
    transitions,
    next: (from, event) => steps.get(`${from} ${event}`),
    ends: () => states.filter((state) => transitions.every((t) => t.from !== state)),
  };
}

/** The machine as a Mermaid state diagram, for the README. */
export const stateDiagram = (machine: Pick<StateMachine<string, string>, 'states' | 'transitions' | 'ends'>): string =>
  [
    'stateDiagram-v2',
    `  [*] --> ${machine.states[0] ?? ''}`,
    ...machine.transitions.map((t) => `  ${t.from} --> ${t.to}: ${t.event}`),
    ...machine.ends().map((state) => `  ${state} --> [*]`),
  ].join('\n');
