import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { availableMinor } from './balance.resource.js';
import { bankNumberOf, banksOf, defaultBankOf } from './bank-account.resource.js';
import { payoutFailureOf, type PayoutFailure } from './bank-account.table.js';
import { moveBalance } from './charge.resource.js';
import { payoutInterval, refreshAccount, retrieveAccount } from './connected-account.resource.js';
import type { Params } from './form.codec.js';
import { allowOnly, metadataOf, optionalChoice, optionalText, requiredInteger, requiredText } from './params.reader.js';
import { idOf, PLATFORM_ACCOUNT, type SandboxWorld } from './sandbox.world.js';

/**
 * pending --submitted--> in_transit --arrived--> paid
 *       \--cancel--> canceled      \--refused--> failed       paid --refused late--> failed
 *                                                           paid --reverse--> paid, with `reversed_by`
 *
 * The money leaves the balance when the payout is made; `canceled` and `failed` bring it back. A bank account that
 * refused a payout takes none until it is replaced.
 */
export function createPayout(world: SandboxWorld, params: Params): Stripe.Payout {
  allowOnly(params, [
    'amount',
    'currency',
    'description',
    'destination',
    'metadata',
    'method',
    'source_type',
    'statement_descriptor',
  ]);
  const amount = requiredInteger(params, 'amount');
  const currency = requiredText(params, 'currency').toLowerCase();
  if (amount < 1) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  }
  const bank = bankFor(world, currency, optionalText(params, 'destination'));
  if (amount > availableMinor(world, currency)) {
    throw invalidRequest(
      'You have insufficient funds in your Stripe account for this transfer. Your card balance is too low.  You can use the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance).',
      { code: 'balance_insufficient', param: 'amount' },
    );
  }
  return send(world, { amount, currency, bank, automatic: false, params });
}

/** By schedule: everything available that no payout has taken goes into one. Called by a timer. */
export function payOut(world: SandboxWorld, currency: string): void {
  const account = ownerOf(world);
  if (payoutInterval(world, account) === 'manual' || !retrieveAccount(world, account).payouts_enabled) return;
  const bank = defaultBankOf(world, account, currency);
  if (bank === undefined || bank.status === 'errored') return;
  const open = 'account = ? AND currency = ? AND available_on <= ? AND payout IS NULL';
  const values = [world.book.scope, currency, world.book.nowSeconds] as const;
  const amount = Number(world.book.row(`SELECT sum(net) AS net FROM movement WHERE ${open}`, ...values)?.['net'] ?? 0);
  if (amount < 1) return;
  const payout = send(world, { amount, currency, bank: bank.id, automatic: true, params: {} });
  world.book.run(`UPDATE movement SET payout = ? WHERE ${open}`, payout.id, ...values);
}

export function retrievePayout(world: SandboxWorld, id: string): Stripe.Payout {
  const found = world.book.find<Stripe.Payout>('payout', id);
  if (found === undefined) throw resourceMissing('payout', id, 'payout');
  return found;
}

export function updatePayout(world: SandboxWorld, id: string, params: Params): Stripe.Payout {
  allowOnly(params, ['metadata']);
  const payout = retrievePayout(world, id);
  return change(world, payout, { metadata: { ...payout.metadata, ...metadataOf(params) } }, 'payout.updated');
}

export function cancelPayout(world: SandboxWorld, id: string, params: Params): Stripe.Payout {
  allowOnly(params, []);
  const payout = retrievePayout(world, id);
  if (payout.status !== 'pending' || payout.automatic) {
    throw invalidRequest('Payouts can only be canceled while they are pending, and only if they were made by hand.', {
      code: 'payouts_not_allowed',
    });
  }
  const back = giveBack(world, payout, 'payout_cancel', payout.id);
  return change(world, payout, { status: 'canceled', failure_balance_transaction: back.id }, 'payout.canceled');
}

/** The bank is asked for the money back: a payout of the opposite sign. */
export function reversePayout(world: SandboxWorld, id: string, params: Params): Stripe.Payout {
  allowOnly(params, ['metadata']);
  const payout = retrievePayout(world, id);
  if (payout.status !== 'paid' || payout.reversed_by !== null || payout.original_payout !== null) {
    throw invalidRequest('Only a payout that arrived, and was not reversed before, can be reversed.', {
      code: 'payouts_not_allowed',
    });
  }
  const reversalId = world.book.newId('po');
  const back = giveBack(world, payout, 'payout', reversalId);
  const reversal: Stripe.Payout = {
    ...payout,
    id: reversalId,
    amount: -payout.amount,
    automatic: false,
    balance_transaction: back.id,
    created: world.book.nowSeconds,
    description: 'STRIPE PAYOUT REVERSAL',
    metadata: metadataOf(params),
    original_payout: payout.id,
    reconciliation_status: 'not_applicable',
    status: 'paid',
  };
  world.book.add(reversal, { parent: payout.id });
  world.emit('payout.created', reversal);
  world.emit('payout.paid', reversal);
  change(world, payout, { reversed_by: reversalId }, 'payout.updated');
  return reversal;
}

/** Timer: Stripe hands the payout to the bank. */
export function submitPayout(world: SandboxWorld, id: string): void {
  const payout = retrievePayout(world, id);
  if (payout.status !== 'pending') return;
  change(world, payout, { status: 'in_transit' }, 'payout.updated');
  world.book.startTimer('settle_payout', id, Math.ceil(world.timing.payoutMs / 2));
}

/** Timer: the bank took it, or sent it back. */
export function settlePayout(world: SandboxWorld, id: string): void {
  const payout = retrievePayout(world, id);
  if (payout.status !== 'in_transit') return;
  const failure = payoutFailureOf(bankNumberOf(world, idOf(payout.destination) ?? ''));
  if (failure === undefined) {
    change(
      world,
      payout,
      { status: 'paid', trace_id: { status: 'supported', value: `trace${payout.id.slice(-10)}` } },
      'payout.paid',
    );
    return;
  }
  failPayout(world, id, failure);
}

/**
 * The bank sends the money back, also after it had arrived; the bank account takes no more payouts.
 * @throws ApiError for a payout that ended otherwise.
 */
export function failPayout(world: SandboxWorld, id: string, failure: PayoutFailure): Stripe.Payout {
  const payout = retrievePayout(world, id);
  if (!['pending', 'in_transit', 'paid'].includes(payout.status) || payout.reversed_by !== null) {
    throw invalidRequest(`Payout ${id} is ${payout.status} and cannot fail any more.`, { param: 'payout' });
  }
  const back = giveBack(world, payout, 'payout_failure', payout.id);
  const failed = change(
    world,
    payout,
    {
      failure_balance_transaction: back.id,
      failure_code: failure.code,
      failure_message: failure.message,
      status: 'failed',
    },
    'payout.failed',
  );
  const account = ownerOf(world);
  const bank = banksOf(world, account).find((each) => each.id === idOf(payout.destination));
  if (bank !== undefined) world.book.save({ ...bank, status: 'errored' });
  refreshAccount(world, account);
  return failed;
}

function send(
  world: SandboxWorld,
  terms: { amount: number; currency: string; bank: string; automatic: boolean; params: Params },
): Stripe.Payout {
  const { params } = terms;
  const id = world.book.newId('po');
  const movement = moveBalance(world, {
    type: 'payout',
    category: 'payout',
    amount: -terms.amount,
    fee: 0,
    source: id,
    currency: terms.currency,
    description: 'STRIPE PAYOUT',
    delayMs: 0,
  });
  const payout: Stripe.Payout = {
    id,
    object: 'payout',
    amount: terms.amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: Math.ceil((world.book.nowMs + world.timing.payoutMs) / 1000),
    automatic: terms.automatic,
    balance_transaction: movement.id,
    created: world.book.nowSeconds,
    currency: terms.currency,
    description: optionalText(params, 'description') ?? 'STRIPE PAYOUT',
    destination: terms.bank,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: metadataOf(params),
    method: optionalChoice(params, 'method', ['standard', 'instant']) ?? 'standard',
    original_payout: null,
    payout_method: null,
    reconciliation_status: terms.automatic ? 'completed' : 'not_applicable',
    reversed_by: null,
    source_type: optionalChoice(params, 'source_type', ['card', 'bank_account', 'fpx']) ?? 'card',
    statement_descriptor: optionalText(params, 'statement_descriptor') ?? null,
    status: 'pending',
    trace_id: { status: 'pending', value: null },
    type: 'bank_account',
  };
  world.book.add(payout, { parent: terms.bank });
  world.emit('payout.created', payout);
  world.book.startTimer('submit_payout', id, Math.floor(world.timing.payoutMs / 2));
  return payout;
}

function change(
  world: SandboxWorld,
  payout: Stripe.Payout,
  next: Partial<Stripe.Payout>,
  event: Stripe.Event['type'],
): Stripe.Payout {
  const changed = world.book.save<Stripe.Payout>({ ...payout, ...next });
  const before = Object.fromEntries(Object.keys(next).map((name) => [name, payout[name as keyof Stripe.Payout]]));
  world.emit(event, changed, before);
  return changed;
}

function giveBack(
  world: SandboxWorld,
  payout: Stripe.Payout,
  type: 'payout' | 'payout_cancel' | 'payout_failure',
  source: string,
): Stripe.BalanceTransaction {
  return moveBalance(world, {
    type,
    category: 'payout_reversal',
    amount: payout.amount,
    fee: 0,
    source,
    currency: payout.currency,
    description: type === 'payout' ? 'STRIPE PAYOUT REVERSAL' : `STRIPE ${type.toUpperCase().replace('_', ' ')}`,
    delayMs: 0,
  });
}

function ownerOf(world: SandboxWorld): string {
  return world.book.scope === '' ? PLATFORM_ACCOUNT : world.book.scope;
}

function bankFor(world: SandboxWorld, currency: string, named: string | undefined): string {
  const owner = ownerOf(world);
  const account = retrieveAccount(world, owner);
  const fitting =
    named === undefined
      ? defaultBankOf(world, owner, currency)
      : banksOf(world, owner).find((bank) => bank.id === named);
  if (named !== undefined && fitting === undefined) {
    throw invalidRequest(`No such external account: '${named}'`, { code: 'resource_missing', param: 'destination' });
  }
  if (fitting === undefined || fitting.currency !== currency) {
    throw invalidRequest(`Sorry, you don't have any external accounts in that currency (${currency}).`, {
      param: 'currency',
    });
  }
  if (!account.payouts_enabled || fitting.status === 'errored') {
    throw invalidRequest(
      'Cannot create payouts: this account has requirements that need to be collected, or its bank account refused a payout.',
      { code: 'payouts_not_allowed' },
    );
  }
  return fitting.id;
}
