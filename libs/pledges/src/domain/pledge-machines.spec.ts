import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateDiagram } from '#campaigns';
import { isRefused } from '#kernel';
import { PLEDGE_REFUSALS } from '../pledge.refusal.js';
import {
  CASH_PLEDGE_EVENTS,
  CASH_PLEDGE_STATES,
  type CashPledgeState,
  cashPledgeMachine,
  holdsCash,
  isPromise,
} from './cash-pledge.machine.js';
import { cardAmount } from './cash-pledge.rule.js';
import { COMPUTE_PLEDGE_EVENTS, COMPUTE_PLEDGE_STATES, computePledgeMachine } from './compute-pledge.machine.js';
import { computeOffer } from './compute-pledge.rule.js';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

describe.each([
  { name: 'cash', machine: cashPledgeMachine, states: CASH_PLEDGE_STATES, events: CASH_PLEDGE_EVENTS },
  { name: 'compute', machine: computePledgeMachine, states: COMPUTE_PLEDGE_STATES, events: COMPUTE_PLEDGE_EVENTS },
])('$name pledge machine', ({ machine, states, events }) => {
  const next = machine.next as (from: string, event: string) => string | undefined;

  it('takes each step of its table and refuses every other', () => {
    const known = new Map(machine.transitions.map((t) => [`${t.from} ${t.event}`, t.to as string]));
    for (const from of states)
      for (const event of events) expect(next(from, event), `${from} ${event}`).toBe(known.get(`${from} ${event}`));
  });

  it('reaches every state', () => {
    const reached = new Set<string>([states[0] ?? '', ...machine.transitions.map((t) => t.to)]);
    expect([...reached].sort()).toEqual([...states].sort());
  });

  it('is the one that the README draws', () => {
    expect(readme).toContain(stateDiagram(machine));
  });
});

it('the README names every refusal', () => {
  for (const code of PLEDGE_REFUSALS) expect(readme).toContain(code);
});

describe('cash pledge', () => {
  const walk = fc.array(fc.constantFrom(...CASH_PLEDGE_EVENTS), { maxLength: 80 });

  it('is captured from an unpaid state only, so it is never charged twice in a row', () => {
    fc.assert(
      fc.property(walk, (events) => {
        let state: CashPledgeState = 'created';
        let paid = false;
        for (const event of events) {
          const to = cashPledgeMachine.next(state, event);
          if (to === undefined) continue;
          if (event === 'capture' && paid) return false;
          paid ||= event === 'capture';
          state = to;
          if (holdsCash(state) && !paid) return false;
          if (isPromise(state) && paid) return false;
        }
        return true;
      }),
    );
  });
});

describe('amounts by card', () => {
  it('takes exactly what a card can carry', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (amount) => {
        const accepted = !isRefused(cardAmount(amount));
        return accepted === (amount >= 50n && amount <= 99_999_999n);
      }),
    );
    expect([50n, 99_999_999n].map(cardAmount)).toEqual([50n, 99_999_999n]);
  });

  it.each([
    [-1n, 'AMOUNT_OUT_OF_RANGE'],
    [0n, 'AMOUNT_OUT_OF_RANGE'],
    [49n, 'PLEDGE_AMOUNT_TOO_SMALL'],
    [100_000_000n, 'PLEDGE_AMOUNT_ABOVE_CARD_LIMIT'],
    [10n ** 30n, 'AMOUNT_OUT_OF_RANGE'],
  ])('refuses %s', (amount, code) => {
    const outcome = cardAmount(amount);
    expect(isRefused(outcome) && outcome.first.code).toBe(code);
  });
});

describe('an offer of GPU time', () => {
  const offer = { gpuClass: 'cpu', count: 1, milliseconds: 1000n, idempotencyKey: 'key-12345' };
  const codes = (more: object) => {
    const outcome = computeOffer({ ...offer, ...more });
    return isRefused(outcome) ? outcome.refusals.map((r) => r.code) : outcome;
  };

  it('takes a recurrence of hours', () => {
    expect(codes({ availability: 'RRULE:FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=0,1,2' })).toMatchObject({
      availability: 'FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=0,1,2',
    });
    expect(codes({ availability: '  ' })).toMatchObject({ availability: null });
  });

  it.each([
    ['whenever I like'],
    ['FREQ=MINUTELY'],
    ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'],
    [`FREQ=DAILY;BYHOUR=${'1,'.repeat(300)}1`],
  ])('refuses the availability %s', (availability) => {
    expect(codes({ availability })).toEqual(['PLEDGE_AVAILABILITY_INVALID']);
  });

  it('names every fault at once', () => {
    expect(codes({ gpuClass: 'abacus', count: 0, milliseconds: -1n, region: '!', idempotencyKey: 'x' })).toEqual([
      'AMOUNT_OUT_OF_RANGE',
      'PLEDGE_IDEMPOTENCY_KEY_INVALID',
      'PLEDGE_CLASS_UNKNOWN',
      'PLEDGE_COUNT_INVALID',
      'PLEDGE_REGION_INVALID',
    ]);
  });
});
