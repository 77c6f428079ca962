import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DISPUTE_STATUSES, DISPUTE_TRANSITIONS, disputeSteps, type DisputeObservation } from './dispute.machine.js';
import {
  hasEnded,
  nextCheckMs,
  nextPaymentStatus,
  nextSubmitMs,
  PAYMENT_STATUSES,
  PAYMENT_TRANSITIONS,
  type PaymentObservation,
  type PaymentStatus,
} from './payment.machine.js';
import { REFUND_CASE_STATES, REFUND_CASE_TRANSITIONS } from './refund-case.machine.js';
import { nextRefundStatus, REFUND_STATUSES, REFUND_TRANSITIONS, type RefundStatus } from './refund.machine.js';

const observation = (status: PaymentStatus): PaymentObservation | undefined => {
  switch (status) {
    case 'LOCAL_INTENT':
      return undefined;
    case 'SUCCEEDED':
      return { status, chargeId: 'ch_1', amountMinor: 1n, currency: 'USD', feeMinor: 0n };
    case 'FAILED':
    case 'REQUIRES_PAYMENT_METHOD':
      return { status, code: 'c', message: 'm' };
    case 'SUBMITTED':
    case 'REQUIRES_ACTION':
    case 'PROCESSING':
    case 'CANCELED':
      return { status };
  }
};
const pairs = <T>(statuses: readonly T[]): [T, T][] =>
  statuses.flatMap((from) => statuses.map((to): [T, T] => [from, to]));

describe('the payment machine', () => {
  it.each(pairs(PAYMENT_STATUSES))('from %s, seeing %s', (from, to) => {
    const observed = observation(to);
    if (observed === undefined) return;
    expect(nextPaymentStatus(from, observed)).toBe(PAYMENT_TRANSITIONS[from].includes(to) ? to : undefined);
  });

  it('never leaves an end, whatever is observed in whatever order (2)', () => {
    const seen = fc.constantFrom(...PAYMENT_STATUSES.map(observation).filter((each) => each !== undefined));
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 30 }), (observations) => {
        let status: PaymentStatus = 'LOCAL_INTENT';
        let end: PaymentStatus | undefined;
        for (const each of observations) {
          status = nextPaymentStatus(status, each) ?? status;
          if (end !== undefined) expect(status).toBe(end);
          if (hasEnded(status)) end = status;
        }
      }),
    );
  });

  it('waits longer each time, and never longer than its bound', () => {
    expect([0, 1, 40].map(nextSubmitMs)).toEqual([1000, 2000, 300_000]);
    expect([0, 1, 40].map(nextCheckMs)).toEqual([60_000, 120_000, 21_600_000]);
  });
});

describe('the refund machine', () => {
  it.each(pairs(REFUND_STATUSES))('from %s, seeing %s', (from, to) => {
    if (to === 'REQUESTED') return;
    expect(nextRefundStatus(from, { status: to })).toBe(REFUND_TRANSITIONS[from].includes(to) ? to : undefined);
  });

  it('comes to the same end for every order of what one refund can show', () => {
    const lives: Exclude<RefundStatus, 'REQUESTED'>[][] = [
      ['PENDING', 'SUCCEEDED'],
      ['SUCCEEDED', 'FAILED'],
      ['PENDING', 'SUCCEEDED', 'FAILED'],
      ['PENDING', 'CANCELED'],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...lives), fc.infiniteStream(fc.nat()), (life, ranks) => {
        const order = [...life, ...life].map((status) => ({ status, rank: ranks.next().value as number }));
        let status: RefundStatus = 'REQUESTED';
        for (const each of order.toSorted((a, b) => a.rank - b.rank)) {
          status = nextRefundStatus(status, { status: each.status }) ?? status;
        }
        expect(status).toBe(life.at(-1));
      }),
    );
  });
});

describe('the dispute machine', () => {
  const withdrawn = { amountMinor: 5000n, feeMinor: 1500n };
  const reinstated = { amountMinor: 5000n, feeReturnedMinor: 0n };
  const see = (stripeStatus: string, more: Partial<DisputeObservation> = {}): DisputeObservation => ({
    stripeStatus,
    withdrawn: undefined,
    reinstated: undefined,
    ...more,
  });

  it.each([
    [undefined, see('warning_needs_response'), ['INQUIRY']],
    [undefined, see('needs_response', { withdrawn }), ['INQUIRY', 'OPEN']],
    [undefined, see('lost', { withdrawn }), ['INQUIRY', 'OPEN', 'LOST']],
    ['INQUIRY', see('needs_response', { withdrawn }), ['OPEN']],
    ['INQUIRY', see('warning_closed'), ['CLOSED']],
    ['OPEN', see('under_review', { withdrawn }), []],
    // Stripe's word alone moves no money: it is won when the money is back.
    ['OPEN', see('won', { withdrawn }), []],
    ['OPEN', see('won', { withdrawn, reinstated }), ['WON']],
    ['OPEN', see('lost', { withdrawn }), ['LOST']],
    ['WON', see('needs_response', { withdrawn }), []],
    ['LOST', see('needs_response', { withdrawn }), []],
    ['LOST', see('won', { withdrawn, reinstated }), ['WON']],
    ['WON', see('won', { withdrawn, reinstated }), ['WON']],
    ['CLOSED', see('warning_needs_response'), []],
  ] as const)('from %s, seeing %o, takes %o', (from, observed, steps) => {
    expect(disputeSteps(from, observed)).toEqual(steps);
    [from ?? 'INQUIRY', ...steps].reduce((before, step) => {
      if (before !== step) expect(DISPUTE_TRANSITIONS[before]).toContain(step);
      return step;
    });
  });
});

describe('the README', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const machines: Record<string, Readonly<Record<string, readonly string[]>>> = {
    payment: PAYMENT_TRANSITIONS,
    refund: REFUND_TRANSITIONS,
    dispute: DISPUTE_TRANSITIONS,
    'refund case': REFUND_CASE_TRANSITIONS,
  };

  it.each(Object.entries(machines))('draws the %s machine as it is', (_, transitions) => {
    const arrows = Object.entries(transitions).flatMap(([from, to]) => to.map((each) => `  ${from} --> ${each}`));
    expect(readme).toContain(['stateDiagram-v2', ...arrows].join('\n'));
  });

  it('knows every status', () => {
    for (const status of [...PAYMENT_STATUSES, ...REFUND_STATUSES, ...DISPUTE_STATUSES, ...REFUND_CASE_STATES])
      expect(readme).toContain(status);
  });
});
