import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { moveBalance } from './charge.resource.js';
import { CURRENCIES } from './currency.rule.js';
import type { Params } from './form.codec.js';
import { allowOnly, metadataOf, optionalText, requiredInteger, requiredText } from './params.reader.js';
import type { SandboxWorld } from './sandbox.world.js';

/**
 * Money that the platform's own bank sends to its balance: pending --the bank pays--> succeeded, or canceled before.
 * It is on the balance when it has succeeded.
 */
export function createTopup(world: SandboxWorld, params: Params): Stripe.Topup {
  allowOnly(params, ['amount', 'currency', 'description', 'metadata', 'statement_descriptor', 'transfer_group']);
  const amount = requiredInteger(params, 'amount');
  const currency = requiredText(params, 'currency').toLowerCase();
  if (!CURRENCIES.includes(currency)) throw invalidRequest(`Invalid currency: ${currency}`, { param: 'currency' });
  if (amount < 1) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  }
  const arrivesMs = world.book.nowMs + world.timing.payoutMs;
  const topup: Stripe.Topup = {
    id: world.book.newId('tu'),
    object: 'topup',
    amount,
    balance_transaction: null,
    created: world.book.nowSeconds,
    currency,
    description: optionalText(params, 'description') ?? null,
    expected_availability_date: Math.floor(arrivesMs / 1000),
    failure_code: null,
    failure_message: null,
    initiated_by: null,
    livemode: false,
    metadata: metadataOf(params),
    source: null,
    statement_descriptor: optionalText(params, 'statement_descriptor') ?? null,
    status: 'pending',
    transfer_group: optionalText(params, 'transfer_group') ?? null,
  };
  world.book.add(topup);
  world.emit('topup.created', topup);
  world.book.startTimer('settle_topup', topup.id, world.timing.payoutMs);
  return topup;
}

export function retrieveTopup(world: SandboxWorld, id: string): Stripe.Topup {
  const found = world.book.find<Stripe.Topup>('topup', id);
  if (found === undefined) throw resourceMissing('topup', id, 'topup');
  return found;
}

export function cancelTopup(world: SandboxWorld, id: string, params: Params): Stripe.Topup {
  allowOnly(params, []);
  const topup = retrieveTopup(world, id);
  if (topup.status !== 'pending') {
    throw invalidRequest(`Top-ups with status ${topup.status} cannot be canceled.`, { param: 'topup' });
  }
  const canceled = world.book.save<Stripe.Topup>({ ...topup, status: 'canceled' });
  world.emit('topup.canceled', canceled, { status: 'pending' });
  return canceled;
}

/** Timer: the bank has paid. */
export function settleTopup(world: SandboxWorld, id: string): void {
  const topup = retrieveTopup(world, id);
  if (topup.status !== 'pending') return;
  const transaction = moveBalance(world, {
    type: 'topup',
    category: 'topup',
    amount: topup.amount,
    fee: 0,
    source: id,
    currency: topup.currency,
    description: topup.description ?? 'Top-up',
    delayMs: 0,
  });
  const paid = world.book.save<Stripe.Topup>({
    ...topup,
    balance_transaction: transaction.id,
    status: 'succeeded',
  });
  world.emit('topup.succeeded', paid, { status: 'pending', balance_transaction: null });
}
