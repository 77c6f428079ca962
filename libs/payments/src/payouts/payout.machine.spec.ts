import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAYOUT_ATTEMPT_TRANSITIONS } from './payout.machine.js';
import { PAYOUT_REFUSALS } from './payout.refusal.js';

const ROOT = join(import.meta.dirname, '../../../..');
const SQL = readFileSync(join(ROOT, 'migrations/0014-disbursements/up.sql'), 'utf8');
const README = readFileSync(join(ROOT, 'libs/payments/README.md'), 'utf8');
const steps = Object.entries(PAYOUT_ATTEMPT_TRANSITIONS).flatMap(([from, to]) => to.map((next) => [from, next]));

describe('attempts of payouts', () => {
  it('take the steps that the database guards, and no other', () => {
    const [, table = ''] = /INSERT INTO payout_attempt_edge .*? VALUES([^;]+);/s.exec(SQL) ?? [];
    const guarded = [...table.matchAll(/\('(\w+)', '(\w+)'\)/g)].map(([, from, to]) => `${from} ${to}`);
    expect(guarded.sort()).toEqual(steps.map(([from, to]) => `${from} ${to}`).sort());
  });

  it('are drawn in the README, with every refusal', () => {
    expect(steps.filter(([from, to]) => !README.includes(`  ${from} --> ${to}`))).toEqual([]);
    expect(PAYOUT_REFUSALS.filter((code) => !README.includes(`\`${code}\``))).toEqual([]);
  });
});
