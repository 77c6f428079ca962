import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NODE_STATES, mayBecome, nodeEdges, stateAfterBeat, stateWhenSilent } from './node.machine.js';

const limits = { heartbeatMs: 2_000, leaseTtlMs: 30_000 };
const anyState = fc.constantFrom(...NODE_STATES);
const anyBeat = fc.record({
  state: fc.constantFrom('available' as const, 'draining' as const),
  desiredState: fc.constantFrom('available' as const, 'draining' as const),
  leases: fc.nat(3),
  isVerified: fc.boolean(),
});

describe('node machine', () => {
  it('takes only allowed edges, whatever the beats and silences', () => {
    fc.assert(
      fc.property(anyState, anyBeat, fc.nat(100_000), (state, beat, silentMs) => {
        const beaten = stateAfterBeat(state, beat);
        expect(beaten === state || mayBecome(state, beaten)).toBe(true);
        const silent = stateWhenSilent(state, silentMs, limits);
        expect(silent === state || mayBecome(state, silent)).toBe(true);
      }),
    );
  });

  it('suspects after three missed beats and gives up only when no lease can be live', () => {
    expect(stateWhenSilent('leased', 6_000, limits)).toBe('leased');
    expect(stateWhenSilent('leased', 6_001, limits)).toBe('suspect');
    expect(stateWhenSilent('suspect', 33_000, limits)).toBe('suspect');
    expect(stateWhenSilent('suspect', 33_001, limits)).toBe('lost');
    expect(stateWhenSilent('offline', 1e9, limits)).toBe('offline');
  });

  it('lets nothing leave retirement, and no beat leave quarantine', () => {
    expect(nodeEdges().filter((edge) => edge.from === 'retired')).toEqual([]);
    expect(
      stateAfterBeat('quarantined', { state: 'available', desiredState: 'available', leases: 0, isVerified: true }),
    ).toBe('quarantined');
  });

  it('brings a lost node back as idle even when it claims leases', () => {
    expect(stateAfterBeat('lost', { state: 'available', desiredState: 'available', leases: 2, isVerified: true })).toBe(
      'idle',
    );
  });

  it('sends to the challenge whoever has not passed it, but cuts off no work', () => {
    const beat = { state: 'available' as const, desiredState: 'available' as const, leases: 0, isVerified: false };
    for (const state of ['registered', 'lost', 'offline', 'idle', 'suspect', 'draining'] as const)
      expect(stateAfterBeat(state, beat)).toBe('attesting');
    expect(stateAfterBeat('leased', { ...beat, leases: 1 })).toBe('leased');
    expect(stateAfterBeat('benchmarking', beat)).toBe('benchmarking');
    expect(stateAfterBeat('registered', { ...beat, isVerified: true })).toBe('idle');
  });
});
