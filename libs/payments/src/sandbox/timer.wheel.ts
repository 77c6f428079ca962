import type Stripe from 'stripe';
import { settleCashRefund } from './cash-refund.flow.js';
import { settleCharge } from './charge.resource.js';
import { returnDebit, settleDebit } from './debit.flow.js';
import { decideDispute, endOverdueDispute, openDispute } from './dispute.resource.js';
import { disputeIgnoredWarning, openWarning } from './early-fraud-warning.resource.js';
import { payOut, settlePayout, submitPayout } from './payout.resource.js';
import { scenarioOf } from './payment-method.resource.js';
import { fundRefund, settleRefund } from './refund.resource.js';
import type { SandboxWorld } from './sandbox.world.js';
import { readyTestClock } from './test-clock.resource.js';
import { settleTopup } from './topup.resource.js';
import { failDeposits } from './verification.flow.js';

/** Timers that only look again whether something has come about: they need not be caught up with. */
const POLLS = new Set(['fund_refund']);

/** A long jump is worked off in pieces, between which the sandbox answers. */
const FIRED_AT_ONCE_MAX = 1000;

/** What happens on its own, a moment later. Timers are rows: a restart fires the ones that fell due meanwhile. */
const ACTIONS: Record<string, (world: SandboxWorld, subject: string) => void> = {
  settle_charge: (world, chargeId) => {
    const charge = world.book.find<Stripe.Charge>('charge', chargeId);
    if (charge === undefined || charge.balance_transaction !== null || typeof charge.payment_method !== 'string')
      return;
    const settled = settleCharge(world, charge, scenarioOf(world, charge.payment_method).bypassPending === true);
    world.emit('charge.updated', settled, { balance_transaction: null });
  },
  open_dispute: (world, chargeId) => {
    const charge = world.book.find<Stripe.Charge>('charge', chargeId);
    if (charge === undefined || typeof charge.payment_method !== 'string') return;
    const terms = scenarioOf(world, charge.payment_method).dispute;
    if (terms === undefined) return;
    const parts = terms.parts ?? 1;
    for (let part = 1; part <= parts; part += 1) {
      const amountMinor = part === parts ? undefined : Math.floor(charge.amount / parts);
      openDispute(world, chargeId, { ...terms, amountMinor });
    }
  },
  open_warning: (world, chargeId) => openWarning(world, chargeId, { becomesDispute: true }),
  warning_ignored: disputeIgnoredWarning,
  dispute_overdue: endOverdueDispute,
  fund_refund: fundRefund,
  decide_dispute: decideDispute,
  settle_refund: settleRefund,
  settle_cash_refund: settleCashRefund,
  settle_debit: settleDebit,
  return_debit: returnDebit,
  deposits_failed: failDeposits,
  advance_clock: (world, clock) => {
    const frozen = world.book.find<Stripe.TestHelpers.TestClock>('test_helpers.test_clock', clock)?.frozen_time;
    if (frozen === undefined) return;
    while (fireTimersOfClock(world, clock, frozen * 1000) > 0);
    readyTestClock(world, clock);
  },
  pay_out: payOut,
  submit_payout: submitPayout,
  settle_payout: settlePayout,
  settle_topup: settleTopup,
};

/**
 * Each timer acts at the instant it was due, so that what follows from it is counted from there, and in the order of
 * these instants: a jump in time unrolls as the days would have.
 * @returns how many timers fired.
 */
export function fireDueTimers(world: SandboxWorld): number {
  return fire(world, 'clock IS NULL AND due_ms <= ?', [world.book.nowMs]);
}

/** The timers of what belongs to a test clock wait for that clock. */
export function fireTimersOfClock(world: SandboxWorld, clock: string, untilMs: number): number {
  return fire(world, 'clock = ? AND due_ms <= ?', [clock, untilMs]);
}

function fire(world: SandboxWorld, condition: string, values: readonly (string | number)[]): number {
  return world.book.transaction(() => {
    let fired = 0;
    for (; fired < FIRED_AT_ONCE_MAX; fired += 1) {
      const row = world.book.row(
        `SELECT id, due_ms, kind, subject, account, clock FROM timer WHERE ${condition} ORDER BY due_ms, id LIMIT 1`,
        ...values,
      );
      if (row === undefined) break;
      world.book.run('DELETE FROM timer WHERE id = ?', Number(row['id']));
      const act = ACTIONS[String(row['kind'])];
      if (act === undefined) continue;
      const clock = row['clock'] === null ? null : String(row['clock']);
      const nowMs = POLLS.has(String(row['kind'])) ? world.book.nowMs : Number(row['due_ms']);
      const instant = { nowMs, clock };
      world.book.at(instant, () => world.book.within(String(row['account']), () => act(world, String(row['subject']))));
    }
    return fired;
  });
}
