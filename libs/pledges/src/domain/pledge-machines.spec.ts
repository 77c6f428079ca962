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
import { railAmount } from './cash-pledge.rule.js';
import { countedShare } from './counted.rule.js';
import { instalmentCount, instalments } from './instalment.rule.js';
import { PLEDGE_PLAN_EVENTS, PLEDGE_PLAN_STATES, dueMonth, monthOf, pledgePlanMachine } from './plan.machine.js';
import { share } from './wire.rule.js';
import { COMPUTE_PLEDGE_EVENTS, COMPUTE_PLEDGE_STATES, computePledgeMachine } from './compute-pledge.machine.js';
import { computeOffer } from './compute-pledge.rule.js';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

describe.each([
  { name: 'cash', machine: cashPledgeMachine, states: CASH_PLEDGE_STATES, events: CASH_PLEDGE_EVENTS },
  { name: 'plan', machine: pledgePlanMachine, states: PLEDGE_PLAN_STATES, events: PLEDGE_PLAN_EVENTS },
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

  it('is collected from an unpaid state only, so it is never charged twice in a row', () => {
    fc.assert(
      fc.property(walk, (events) => {
        let state: CashPledgeState = 'created';
        let paid = false;
        for (const event of events) {
          const to = cashPledgeMachine.next(state, event);
          if (to === undefined) continue;
          if (event === 'collect' && paid && state !== 'funded') return false;
          paid ||= event === 'collect' || event === 'fund' || event === 'fund_part';
          state = to;
          if (holdsCash(state) && !paid) return false;
          if (isPromise(state) && paid && state !== 'funded' && state !== 'partially_funded') return false;
        }
        return true;
      }),
    );
  });
});

describe('amounts by rail', () => {
  it('takes what a card can carry in up to twenty charges', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (amount) => {
        const accepted = !isRefused(railAmount(amount, 'USD', 'card'));
        return accepted === (amount >= 50n && amount <= 20n * 99_999_999n);
      }),
    );
    expect([50n, 99_999_999n, 100_000_000n, 300_000_000n].map((a) => railAmount(a, 'USD', 'card'))).toEqual([
      1, 1, 2, 4,
    ]);
    expect(railAmount(15_000_000_000n, 'USD', 'bank_transfer')).toBe(1);
  });

  it.each([
    [-1n, 'USD', 'card', 'AMOUNT_OUT_OF_RANGE'],
    [0n, 'USD', 'card', 'AMOUNT_OUT_OF_RANGE'],
    [49n, 'USD', 'card', 'PLEDGE_AMOUNT_TOO_SMALL'],
    [29n, 'GBP', 'card', 'PLEDGE_AMOUNT_TOO_SMALL'],
    [2_000_000_000n, 'USD', 'card', 'PLEDGE_AMOUNT_ABOVE_CARD_LIMIT'],
    [100n, 'USD', 'sepa_debit', 'PLEDGE_RAIL_UNAVAILABLE'],
    [100n, 'XAU', 'card', 'PLEDGE_CURRENCY_UNSUPPORTED'],
    [10n ** 30n, 'USD', 'bank_transfer', 'AMOUNT_OUT_OF_RANGE'],
  ] as const)('refuses %s %s by %s', (amount, currency, rail, code) => {
    const outcome = railAmount(amount, currency, rail);
    expect(isRefused(outcome) && outcome.first.code).toBe(code);
  });
});

describe('parts', () => {
  const amounts = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

  it('sum to the whole, none above the ceiling, none below half of it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 50n, max: 10n ** 12n }), (amount) => {
        const count = instalmentCount(amount, 99_999_999n);
        const parts = instalments(amount, count);
        const sum = parts.reduce((a, b) => a + b, 0n);
        return sum === amount && parts.every((p) => p <= 99_999_999n && (count === 1 || p >= 49_999_999n));
      }),
    );
  });

  it('of a pledge in another currency count the whole exactly, whatever the parts', () => {
    fc.assert(
      fc.property(amounts, amounts, fc.array(fc.nat(1000), { maxLength: 20 }), (amountMinor, countedMinor, cuts) => {
        let paid = 0n;
        let counted = 0n;
        for (const cut of [...cuts.sort((a, b) => a - b), 1000]) {
          const until = (amountMinor * BigInt(cut)) / 1000n;
          const more =
            countedShare({ amountMinor, countedMinor }, until) - countedShare({ amountMinor, countedMinor }, paid);
          if (more < 0n) return false;
          counted += more;
          paid = until;
        }
        return counted === countedMinor;
      }),
    );
  });

  it('of a bank transfer go to the pledge that they fit, else to the oldest; what is over stays', () => {
    const waiting = [
      { id: 'a', missingMinor: 100n },
      { id: 'b', missingMinor: 40n },
    ];
    expect([...share(40n, 40n, waiting, 1n)]).toEqual([['b', 40n]]);
    expect([...share(120n, 120n, waiting, 1n)]).toEqual([
      ['a', 100n],
      ['b', 20n],
    ]);
    expect([...share(999n, 999n, waiting, 1n)].reduce((sum, [, part]) => sum + part, 0n)).toBe(140n);
    expect([...share(0n, 40n, waiting, 1n)]).toEqual([]);
    expect([...share(30n, 30n, waiting, 50n)]).toEqual([]);
    expect([...share(80n, 80n, [{ id: 'a', missingMinor: 120n }], 50n)]).toEqual([['a', 70n]]);
  });
});

describe('months of a plan', () => {
  const startsAt = new Date('2027-01-31T10:00:00Z');
  const plan = (nextMonth: number) => ({ startsAt, endsAt: new Date('2027-06-30T10:00:00Z'), nextMonth });

  it('fall on the same day, or the last of a short month', () => {
    expect([1, 2, 3, 4].map((n) => monthOf(startsAt, n).toISOString().slice(0, 10))).toEqual([
      '2027-01-31',
      '2027-02-28',
      '2027-03-31',
      '2027-04-30',
    ]);
  });

  it('are charged once each; those that passed meanwhile are skipped, and none begins at the end or later', () => {
    expect(dueMonth(plan(1), startsAt)).toEqual({ month: 1, next: 2 });
    expect(dueMonth(plan(2), new Date('2027-02-01T00:00:00Z'))).toBeUndefined();
    expect(dueMonth(plan(2), new Date('2027-04-30T12:00:00Z'))).toEqual({ month: 4, next: 5 });
    expect(dueMonth(plan(5), new Date('2028-01-01T00:00:00Z'))).toEqual({ month: 5, next: null });
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
