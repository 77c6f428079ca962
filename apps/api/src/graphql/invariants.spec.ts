import { describe, expect, it } from 'vitest';
import type { InvariantCheck, InvariantResult } from '#platform';
import { InvariantBoard } from './invariants.resolver.js';

/** A board whose checks count how often they run, and a clock that stands where it is put. */
function stage(results: InvariantResult[]) {
  const clock = { at: 0, now: () => new Date(clock.at) };
  const runs = { count: 0, fail: false };
  const checks = results.map((result, index): InvariantCheck => ({
    name: `check-${index}`,
    invariant: results.length - index,
    description: 'A promise.',
    run: () => {
      runs.count += 1;
      return runs.fail ? Promise.reject(new Error('away')) : Promise.resolve(result);
    },
  }));
  const read = <T>(body: (tx: never) => Promise<T>) => body(undefined as never);
  return { clock, runs, board: new InvariantBoard({ read } as never, clock, checks) };
}

describe('invariant board', () => {
  it('answers in the order of invariants, with figures', async () => {
    const { board } = stage([
      { ok: true, violations: [], figures: { rows: '7' } },
      { ok: false, violations: ['one'] },
    ]);
    expect(await board.statuses()).toMatchObject([
      { name: 'check-1', invariant: 1, ok: false, figures: [] },
      { name: 'check-0', invariant: 2, ok: true, figures: [{ name: 'rows', value: '7' }] },
    ]);
  });

  it('runs once a minute, however many ask at once', async () => {
    const { board, runs, clock } = stage([{ ok: true, violations: [] }]);
    await Promise.all(Array.from({ length: 50 }, () => board.statuses()));
    clock.at = 59_999;
    await board.statuses();
    expect(runs.count).toBe(1);
    clock.at = 60_000;
    await board.statuses();
    expect(runs.count).toBe(2);
  });

  it('does not keep a run that failed', async () => {
    const { board, runs } = stage([{ ok: true, violations: [] }]);
    runs.fail = true;
    await expect(board.statuses()).rejects.toThrow('away');
    runs.fail = false;
    expect(await board.statuses()).toMatchObject([{ ok: true }]);
  });
});
