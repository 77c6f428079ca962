import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RUN_EDGES, RUN_STATES, isOpenRun, nextRunState } from './run.machine.js';

describe('the run machine', () => {
  it('has the states that the database checks', () => {
    const sql = readFileSync(join(import.meta.dirname, '../../../../migrations/0010-training/up.sql'), 'utf8');
    const check = /run_state_ck CHECK \(state IN\s+\(([^)]*)\)/.exec(sql)?.[1] ?? '';
    expect([...check.matchAll(/'(\w+)'/g)].map((m) => m[1])).toEqual([...RUN_STATES]);
  });

  it('leads from every open state to an end, and nowhere from an end', () => {
    for (const state of RUN_STATES) {
      const out = RUN_EDGES.filter((edge) => edge.from.includes(state));
      expect(out.length > 0).toBe(isOpenRun(state));
    }
    expect(nextRunState('done', 'cancel')).toBeUndefined();
    expect(nextRunState('queued', 'complete')).toBeUndefined();
    expect(nextRunState('degraded', 'attempt_ended')).toBe('queued');
  });
});
