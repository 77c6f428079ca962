import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AttemptFacts,
  type LeasePhase,
  type LeaseState,
  backoffMs,
  hasEnded,
  nextAttemptStep,
} from './attempt.machine.js';

const lease = (phase: LeasePhase, state: LeaseState = 'active', exitCode: number | null = null) => ({
  phase,
  state,
  exitCode,
  isDraining: false,
});
const facts = (over: Partial<AttemptFacts>): AttemptFacts => ({
  state: 'running',
  assembleByMs: 10_000,
  drainByMs: null,
  firstExitAtMs: null,
  stopCause: null,
  targetReached: false,
  cancelRequested: false,
  leases: [lease('running'), lease('running')],
  ...over,
});
const step = (over: Partial<AttemptFacts>, nowMs = 5_000) => {
  const next = nextAttemptStep(facts(over), nowMs);
  return next.kind === 'stop' ? next.cause : next.kind === 'end' ? next.reason : next.kind;
};

describe('an attempt', () => {
  it('A1 starts when the last member is ready, and stops when one is late or gone', () => {
    const ready = lease('ready', 'offered');
    expect(step({ state: 'assembling', leases: [ready, lease('offered', 'offered')] })).toBe('none');
    expect(step({ state: 'assembling', leases: [ready, ready] })).toBe('start');
    expect(step({ state: 'assembling', leases: [ready, lease('offered', 'offered')] }, 10_000)).toBe('offer_timeout');
    expect(step({ state: 'assembling', leases: [ready, lease('ready', 'expired')] })).toBe('node_lost');
    expect(step({ state: 'assembling', leases: [ready, lease('stopped', 'offered')] })).toBe('offer_declined');
  });

  it('ends by what its members did', () => {
    const ok = lease('exited', 'active', 0);
    expect(step({ leases: [ok, ok], targetReached: true })).toBe('completed');
    expect(step({ leases: [ok, ok] })).toBe('ended_early');
    expect(step({ leases: [ok, ok], state: 'draining' })).toBe('drained');
    expect(step({ leases: [ok, lease('running')], firstExitAtMs: 5_000 })).toBe('none');
    expect(step({ leases: [ok, lease('running')], firstExitAtMs: 5_000 }, 35_000)).toBe('stalled');
    expect(step({ leases: [lease('exited', 'active', 1), lease('running')] })).toBe('workload_failed');
    expect(step({ leases: [lease('running', 'expired'), lease('running')] })).toBe('node_lost');
    expect(step({ leases: [lease('running', 'released'), lease('running')] })).toBe('node_left');
    expect(step({ state: 'draining', drainByMs: 5_000 }, 7_000)).toBe('drain_deadline');
    expect(step({ cancelRequested: true })).toBe('cancelled');
    expect(step({ leases: [lease('stopped'), lease('running')] })).toBe('node_left');
    expect(step({ leases: [{ ...lease('running'), isDraining: true }, lease('running')] })).toBe('drain');
    expect(step({ leases: [{ ...ok, isDraining: true }, ok] })).toBe('drained');
  });

  it('blames the lost node, not the survivors that failed because of it', () => {
    const leases = [lease('exited', 'released', 1), lease('running', 'expired')];
    expect(step({ state: 'stopping', stopCause: 'workload_failed', leases })).toBe('node_lost');
  });

  it('A2 never ends before each lease did, unless all exited well', () => {
    const any = fc.record({
      phase: fc.constantFrom<LeasePhase>('offered', 'ready', 'running', 'exited', 'stopped'),
      state: fc.constantFrom<LeaseState>('offered', 'active', 'released', 'expired', 'revoked'),
      exitCode: fc.constantFrom(null, 0, 1),
      isDraining: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(any, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('assembling' as const, 'running' as const, 'draining' as const, 'stopping' as const),
        fc.boolean(),
        fc.integer({ min: 0, max: 100_000 }),
        (leases, state, cancelRequested, nowMs) => {
          const next = nextAttemptStep(facts({ leases, state, cancelRequested }), nowMs);
          if (next.kind === 'end') {
            expect(leases.every((l) => hasEnded(l) || (l.phase === 'exited' && l.exitCode === 0))).toBe(true);
          }
          if (next.kind === 'start') expect(leases.every((l) => l.phase === 'ready' && !hasEnded(l))).toBe(true);
        },
      ),
    );
  });

  it('waits longer after each fruitless attempt', () => {
    expect([0, 1, 2, 3, 10].map(backoffMs)).toEqual([0, 2_000, 4_000, 8_000, 60_000]);
  });
});
