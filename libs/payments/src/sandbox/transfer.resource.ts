import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { availableMinor } from './balance.resource.js';
import { moveBalance } from './charge.resource.js';
import { retrieveAccount } from './connected-account.resource.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  metadataOf,
  optionalChoice,
  optionalInteger,
  optionalText,
  requiredInteger,
  requiredText,
} from './params.reader.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';
import { bookDestinationPayment, bookDestinationRefund } from './transfer-arrival.flow.js';

type Reversal = Stripe.TransferReversal;

/** Money of the platform becomes money of a connected account, in the same currency, at once. */
export function createTransfer(world: SandboxWorld, params: Params): Stripe.Transfer {
  allowOnly(params, [
    'amount',
    'currency',
    'destination',
    'description',
    'metadata',
    'source_transaction',
    'source_type',
    'transfer_group',
  ]);
  if (world.book.scope !== '') throw invalidRequest('Cannot create transfers on behalf of a connected account.');
  const destination = destinationOf(world, requiredText(params, 'destination'));
  const currency = requiredText(params, 'currency').toLowerCase();
  const source = sourceOf(world, params, currency);
  const amount = optionalInteger(params, 'amount') ?? source?.amount ?? requiredInteger(params, 'amount');
  positive(amount);
  if (source === undefined) {
    if (amount > availableMinor(world, currency)) {
      throw invalidRequest(
        'You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance',
        { code: 'balance_insufficient' },
      );
    }
  } else checkSource(world, source, amount);
  const delayMs = source === undefined ? 0 : delayOf(world, source);
  const id = world.book.newId('tr');
  const movement = moveBalance(world, {
    type: 'transfer',
    category: 'transfer',
    amount: -amount,
    fee: 0,
    source: id,
    currency,
    description: optionalText(params, 'description') ?? null,
    delayMs,
  });
  const transfer: Stripe.Transfer = {
    id,
    object: 'transfer',
    amount,
    amount_reversed: 0,
    balance_transaction: movement.id,
    created: world.book.nowSeconds,
    currency,
    description: optionalText(params, 'description') ?? null,
    destination,
    destination_payment: '',
    livemode: false,
    metadata: metadataOf(params),
    reversals: { object: 'list', data: [], has_more: false, url: `/v1/transfers/${id}/reversals` },
    reversed: false,
    source_transaction: source?.id ?? null,
    source_type: optionalChoice(params, 'source_type', ['card', 'bank_account', 'fpx']) ?? 'card',
    transfer_group: optionalText(params, 'transfer_group') ?? groupOf(source) ?? null,
  };
  const arrived = bookDestinationPayment(world, transfer, delayMs);
  const done = world.book.add<Stripe.Transfer>(
    { ...transfer, destination_payment: arrived.id },
    {
      parent: destination,
      hidden: { source: source?.id ?? null },
    },
  );
  world.emit('transfer.created', done);
  return done;
}

export function retrieveTransfer(world: SandboxWorld, id: string): Stripe.Transfer {
  const found = world.book.find<Stripe.Transfer>('transfer', id);
  if (found === undefined) throw resourceMissing('transfer', id, 'transfer');
  return found;
}

export function updateTransfer(world: SandboxWorld, id: string, params: Params): Stripe.Transfer {
  allowOnly(params, ['description', 'metadata']);
  const transfer = retrieveTransfer(world, id);
  const updated = world.book.save<Stripe.Transfer>({
    ...transfer,
    description: optionalText(params, 'description') ?? transfer.description,
    metadata: { ...transfer.metadata, ...metadataOf(params) },
  });
  world.emit('transfer.updated', updated);
  return updated;
}

/** Takes a transfer back, all or part, as long as the connected account has the money. */
export function reverseTransfer(world: SandboxWorld, id: string, params: Params): Reversal {
  allowOnly(params, ['amount', 'description', 'metadata', 'refund_application_fee']);
  const transfer = retrieveTransfer(world, id);
  const left = transfer.amount - transfer.amount_reversed;
  const amount = optionalInteger(params, 'amount') ?? left;
  if (left === 0)
    throw invalidRequest(`Transfer ${id} has already been fully reversed.`, { code: 'transfer_reversal_not_allowed' });
  positive(amount);
  if (amount > left) {
    throw invalidRequest(
      `Transfer reversal amount (${amount}) is greater than unreversed amount on transfer (${left})`,
      { param: 'amount' },
    );
  }
  const destination = idOf(transfer.destination) ?? '';
  const held = world.book.within(destination, () => availableMinor(world, transfer.currency));
  if (amount > held) {
    throw invalidRequest('The connected account does not have enough available balance for this reversal.', {
      code: 'balance_insufficient',
    });
  }
  const reversalId = world.book.newId('trr');
  const movement = moveBalance(world, {
    type: 'transfer_refund',
    category: 'transfer_reversal',
    amount,
    fee: 0,
    source: reversalId,
    currency: transfer.currency,
    description: optionalText(params, 'description') ?? `REFUND FOR TRANSFER (${id})`,
    delayMs: 0,
  });
  const refund = bookDestinationRefund(world, transfer, amount);
  const reversal: Reversal = {
    id: reversalId,
    object: 'transfer_reversal',
    amount,
    balance_transaction: movement.id,
    created: world.book.nowSeconds,
    currency: transfer.currency,
    destination_payment_refund: refund.id,
    metadata: metadataOf(params),
    source_refund: null,
    transfer: id,
  };
  world.book.add(reversal, { parent: id });
  const reversed = transfer.amount_reversed + amount;
  const all = world.book.children<Reversal>(id, 'transfer_reversal').toReversed();
  const updated = world.book.save<Stripe.Transfer>({
    ...transfer,
    amount_reversed: reversed,
    reversed: reversed === transfer.amount,
    reversals: { ...transfer.reversals, data: all.slice(0, 10), has_more: all.length > 10 },
  });
  world.emit('transfer.reversed', updated, { amount_reversed: transfer.amount_reversed, reversed: transfer.reversed });
  return reversal;
}

export function retrieveReversal(world: SandboxWorld, transfer: string, id: string): Reversal {
  const found = world.book.find<Reversal>('transfer_reversal', id);
  if (found === undefined || found.transfer !== transfer) throw resourceMissing('transfer reversal', id, 'id');
  return found;
}

function destinationOf(world: SandboxWorld, id: string): string {
  const known = world.book.find('account', id) !== undefined;
  if (!known) throw invalidRequest(`No such destination: '${id}'`, { code: 'resource_missing', param: 'destination' });
  if (retrieveAccount(world, id).capabilities?.transfers !== 'active') {
    throw invalidRequest(
      'Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments',
      { code: 'insufficient_capabilities_for_transfer' },
    );
  }
  return id;
}

function sourceOf(world: SandboxWorld, params: Params, currency: string): Stripe.Charge | undefined {
  const id = optionalText(params, 'source_transaction');
  if (id === undefined) return undefined;
  const charge = world.book.find<Stripe.Charge>('charge', id);
  if (charge === undefined) {
    throw invalidRequest(`No such charge: '${id}'`, { code: 'resource_missing', param: 'source_transaction' });
  }
  if (charge.currency !== currency) {
    throw invalidRequest(
      `The currency of source_transaction's balance transaction (${charge.currency}) must be the same as the transfer currency (${currency})`,
      { param: 'currency' },
    );
  }
  return charge;
}

/** All transfers of one charge together never exceed the charge. */
function checkSource(world: SandboxWorld, charge: Stripe.Charge, amount: number): void {
  const before = world.book.row(
    `SELECT coalesce(sum(json_extract(body, '$.amount') - json_extract(body, '$.amount_reversed')), 0) AS taken
       FROM object WHERE kind = 'transfer' AND account = '' AND json_extract(hidden, '$.source') = ?`,
    charge.id,
  );
  if (!charge.paid || !charge.captured || amount + Number(before?.['taken']) > charge.amount_captured) {
    throw invalidRequest(
      `The transfers of charge ${charge.id} cannot be more than the charge (${charge.amount_captured}).`,
      { code: 'transfer_source_balance_parameters_mismatch', param: 'amount' },
    );
  }
}

function delayOf(world: SandboxWorld, charge: Stripe.Charge): number {
  const movement = world.book.find<Stripe.BalanceTransaction>(
    'balance_transaction',
    idOf(charge.balance_transaction) ?? '',
  );
  const availableOn = movement?.available_on ?? Math.ceil((world.book.nowMs + world.timing.settlementMs) / 1000);
  return Math.max(0, availableOn * 1000 - world.book.nowMs);
}

function groupOf(charge: Stripe.Charge | undefined): string | undefined {
  if (charge === undefined) return undefined;
  return charge.transfer_group ?? `group_${idOf(charge.payment_intent) ?? charge.id}`;
}

function positive(amount: number): void {
  if (amount >= 1) return;
  throw invalidRequest('This value must be greater than or equal to 1.', {
    code: 'parameter_invalid_integer',
    param: 'amount',
  });
}
