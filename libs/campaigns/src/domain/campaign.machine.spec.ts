import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CAMPAIGN_EVENTS, CAMPAIGN_STATES, campaignMachine, takesPledges } from './campaign.machine.js';
import { CAMPAIGN_REFUSALS } from '../campaign.refusal.js';
import { stateDiagram } from './state-machine.rule.js';

describe('campaign machine', () => {
  it.each(campaignMachine.transitions.map((t) => [t.from, t.event, t.to] as const))(
    '%s takes %s to %s',
    (from, event, to) => {
      expect(campaignMachine.next(from, event)).toBe(to);
    },
  );

  it('refuses every step that the table does not name', () => {
    const known = new Set(campaignMachine.transitions.map((t) => `${t.from} ${t.event}`));
    for (const from of CAMPAIGN_STATES)
      for (const event of CAMPAIGN_EVENTS)
        if (!known.has(`${from} ${event}`)) expect(campaignMachine.next(from, event)).toBeUndefined();
  });

  it('reaches every state, and takes pledges in none that no reviewer has seen', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...CAMPAIGN_EVENTS), { maxLength: 60 }), (events) => {
        let state: (typeof CAMPAIGN_STATES)[number] = 'draft';
        let approved = false;
        for (const event of events) {
          const to = campaignMachine.next(state, event);
          if (to === undefined) continue;
          approved ||= event === 'approve';
          state = to;
          if (takesPledges(state, new Date(1), new Date(0)) && !approved) return false;
        }
        return true;
      }),
    );
    const reached = new Set(['draft', ...campaignMachine.transitions.map((t) => t.to)]);
    expect([...reached].sort()).toEqual([...CAMPAIGN_STATES].sort());
    expect(campaignMachine.ends()).toEqual(['closed', 'refunded']);
  });

  it('never leads a campaign that failed or was cancelled back to where money can leave it', () => {
    const onward = new Set<string>(['failed', 'cancelled']);
    for (const state of onward) for (const t of campaignMachine.transitions) if (t.from === state) onward.add(t.to);
    expect([...onward].sort()).toEqual(['cancelled', 'failed', 'refunded', 'refunding']);
  });

  it('is the one that the README draws', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    expect(readme).toContain(stateDiagram(campaignMachine));
    for (const code of CAMPAIGN_REFUSALS) expect(readme).toContain(code);
  });
});
