import type Stripe from 'stripe';
import { settleCharge } from './charge.resource.js';
import { decideDispute, endOverdueDispute, openDispute } from './dispute.resource.js';
import { disputeIgnoredWarning, openWarning } from './early-fraud-warning.resource.js';
import { payOut, settlePayout, submitPayout } from './payout.resource.js';
import { scenarioOf } from './payment-method.resource.js';
import { fundRefund, settleRefund } from './refund.resource.js';
import type { SandboxWorld } from './sandbox.world.js';

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
  pay_out: payOut,
  submit_payout: submitPayout,
  settle_payout: settlePayout,
};

/** @returns how many timers fired. */
export function fireDueTimers(world: SandboxWorld): number {
  return world.book.transaction(() => {
    const due = world.book.rows(
      'SELECT id, kind, subject, account FROM timer WHERE due_ms <= ? ORDER BY due_ms, id LIMIT 100',
      world.book.nowMs,
    );
    for (const row of due) {
      const act = ACTIONS[String(row['kind'])];
      if (act !== undefined) world.book.within(String(row['account']), () => act(world, String(row['subject'])));
      world.book.run('DELETE FROM timer WHERE id = ?', Number(row['id']));
    }
    return due.length;
  });
}
