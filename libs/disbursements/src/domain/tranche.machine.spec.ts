import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stateDiagram } from '#campaigns';
import { DISBURSEMENT_REFUSALS } from '../disbursement.refusal.js';
import { TRANCHE_EVENTS, TRANCHE_STATES, trancheMachine } from './tranche.machine.js';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const SQL = readFileSync(join(import.meta.dirname, '../../../../migrations/0014-disbursements/up.sql'), 'utf8');

describe('tranche machine', () => {
  it.each(trancheMachine.transitions.map((t) => [t.from, t.event, t.to] as const))(
    '%s takes %s to %s',
    (from, event, to) => {
      expect(trancheMachine.next(from, event)).toBe(to);
    },
  );

  it('refuses every step that the table does not name', () => {
    const known = new Set(trancheMachine.transitions.map((t) => `${t.from} ${t.event}`));
    const refused = TRANCHE_STATES.flatMap((from) => TRANCHE_EVENTS.map((event) => [from, event] as const)).filter(
      ([from, event]) => !known.has(`${from} ${event}`),
    );
    expect(refused.length).toBe(TRANCHE_STATES.length * TRANCHE_EVENTS.length - trancheMachine.transitions.length);
    for (const [from, event] of refused) expect(trancheMachine.next(from, event)).toBeUndefined();
  });

  it('is the one that the database guards', () => {
    const [, table = ''] = /INSERT INTO disbursement_transition .*? VALUES([^;]+);/s.exec(SQL) ?? [];
    const steps = [...table.matchAll(/\('(\w+)', '(\w+)'\)/g)].map(([, from, to]) => `${from} ${to}`);
    expect(steps.sort()).toEqual([...new Set(trancheMachine.transitions.map((t) => `${t.from} ${t.to}`))].sort());
  });

  it('is the one that the README draws, with every refusal', () => {
    expect(README).toContain(stateDiagram(trancheMachine));
    expect(DISBURSEMENT_REFUSALS.filter((code) => !README.includes(`\`${code}\``))).toEqual([]);
  });
});
