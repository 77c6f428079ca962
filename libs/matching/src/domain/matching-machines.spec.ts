import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateDiagram } from '#campaigns';
import { MATCH_REFUSALS } from '../matching.refusal.js';
import { DEPOSIT_EVENTS, DEPOSIT_STATES, depositMachine } from './deposit.machine.js';
import { ROUND_EVENTS, ROUND_STATES, roundMachine } from './round.machine.js';
import { returnsOf } from './return.rule.js';

const MACHINES = [
  ['round', roundMachine, ROUND_STATES, ROUND_EVENTS],
  ['deposit', depositMachine, DEPOSIT_STATES, DEPOSIT_EVENTS],
] as const;
const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const SQL = readFileSync(join(import.meta.dirname, '../../../../migrations/0013-matching/up.sql'), 'utf8');

describe.each(MACHINES)('the machine of a %s', (name, machine, states, events) => {
  it.each(machine.transitions.map((t) => [t.from, t.event, t.to] as const))('%s takes %s to %s', (from, event, to) => {
    expect(machine.next(from as never, event as never)).toBe(to);
  });

  it('refuses every step that the table does not name', () => {
    const known = new Set(machine.transitions.map((t) => `${t.from} ${t.event}`));
    for (const from of states)
      for (const event of events)
        if (!known.has(`${from} ${event}`)) expect(machine.next(from as never, event as never)).toBeUndefined();
  });

  it('reaches every state, and is the one that the README draws and the database keeps', () => {
    const reached = new Set<string>([states[0], ...machine.transitions.map((t) => t.to)]);
    expect([...reached].sort()).toEqual([...states].sort());
    expect(README).toContain(stateDiagram(machine));
    const table = SQL.split(`INSERT INTO match_${name}_transition`)[1]?.split(';')[0] ?? '';
    const stored = [...table.matchAll(/\('(\w+)', '(\w+)'\)/g)].map(([, from, to]) => `${from} ${to}`);
    expect(stored.sort()).toEqual([...new Set(machine.transitions.map((t) => `${t.from} ${t.to}`))].sort());
  });
});

describe('what sponsors get back', () => {
  it('sums to what is left, and is never more than anybody has in the pool', () => {
    const deposits = fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 16n }), deposits, (left, held) => {
        const rows = held.map((heldMinor, n) => ({ paymentId: String(n).padStart(2, '0'), heldMinor }));
        const returns = returnsOf(left, rows);
        const total = held.reduce((a, b) => a + b, 0n);
        const sum = [...returns.values()].reduce((a, b) => a + b, 0n);
        expect(sum).toBe(left < total ? left : total);
        for (const { paymentId, heldMinor } of rows)
          expect(returns.get(paymentId) ?? 0n).toBeLessThanOrEqual(heldMinor);
      }),
    );
  });
});

it('the README names every refusal', () => {
  for (const code of MATCH_REFUSALS) expect(README).toContain(code);
});
