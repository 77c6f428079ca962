import type Stripe from 'stripe';
import { resourceMissing } from './api.error.js';
import { retrieveCharge } from './charge.resource.js';
import { openDispute } from './dispute.resource.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

type Warning = Stripe.Radar.EarlyFraudWarning;

/**
 * actionable --left alone--> the charge is disputed; --refunded in full, or disputed--> not actionable any more.
 * No money moves by a warning.
 */
export function openWarning(
  world: SandboxWorld,
  chargeId: string,
  terms: { fraudType?: string | undefined; becomesDispute: boolean },
): Warning {
  const charge = retrieveCharge(world, chargeId, 'charge');
  const warning: Warning = {
    id: world.book.newId('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: !charge.refunded && !charge.disputed,
    charge: charge.id,
    created: world.book.nowSeconds,
    fraud_type: terms.fraudType ?? 'made_with_stolen_card',
    livemode: false,
    ...(charge.payment_intent === null ? {} : { payment_intent: idOf(charge.payment_intent) ?? '' }),
  };
  world.book.add(warning, { parent: charge.id });
  world.emit('radar.early_fraud_warning.created', warning);
  if (terms.becomesDispute) world.book.startTimer('warning_ignored', warning.id, world.timing.warningDelayMs);
  return warning;
}

export function retrieveWarning(world: SandboxWorld, id: string): Warning {
  const found = world.book.find<Warning>('radar.early_fraud_warning', id);
  if (found === undefined) throw resourceMissing('early fraud warning', id, 'early_fraud_warning');
  return withAction(world, found);
}

/** Whether anything can still be done is read from the charge. */
export function withAction(world: SandboxWorld, warning: Warning): Warning {
  const charge = world.book.find<Stripe.Charge>('charge', idOf(warning.charge) ?? '');
  return { ...warning, actionable: charge !== undefined && !charge.refunded && !charge.disputed };
}

/** Timer: nobody refunded the charge in time. */
export function disputeIgnoredWarning(world: SandboxWorld, id: string): void {
  const warning = retrieveWarning(world, id);
  if (!warning.actionable) {
    tellSettled(world, warning);
    return;
  }
  openDispute(world, idOf(warning.charge) ?? '', { reason: 'fraudulent', inquiry: false });
  tellSettled(world, retrieveWarning(world, id));
}

function tellSettled(world: SandboxWorld, warning: Warning): void {
  world.book.save(warning);
  world.emit('radar.early_fraud_warning.updated', warning, { actionable: true });
}
