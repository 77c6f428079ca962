import type Stripe from 'stripe';
import { listOf, type ListAnswer } from './account.resource.js';
import { invalidRequest, resourceMissing } from './api.error.js';
import { readTransfer } from './bank-transfer.flow.js';
import { cashBalanceOf, moveCash, reconcile } from './cash-balance.flow.js';
import { CURRENCIES } from './currency.rule.js';
import { findCustomer, setReconciliation } from './customer.resource.js';
import type { Params } from './form.codec.js';
import { financialAddresses } from './funding-address.rule.js';
import {
  allowOnly,
  optionalChoice,
  optionalGroup,
  optionalText,
  requiredInteger,
  requiredText,
} from './params.reader.js';
import { RAIL_CURRENCIES } from './payment-types.rule.js';
import type { SandboxWorld } from './sandbox.world.js';

export function retrieveCashBalance(world: SandboxWorld, customer: string): Stripe.CashBalance {
  return cashBalanceOf(world, findCustomer(world, customer, 'customer').id);
}

export function updateCashBalance(world: SandboxWorld, customer: string, params: Params): Stripe.CashBalance {
  allowOnly(params, ['settings']);
  findCustomer(world, customer, 'customer');
  setReconciliation(world, customer, { cash_balance: params });
  return cashBalanceOf(world, customer);
}

export function createFundingInstructions(
  world: SandboxWorld,
  customer: string,
  params: Params,
): Stripe.FundingInstructions {
  allowOnly(params, ['bank_transfer', 'currency', 'funding_type']);
  findCustomer(world, customer, 'customer');
  requiredText(params, 'funding_type');
  optionalChoice(params, 'funding_type', ['bank_transfer']);
  const currency = fundableCurrency(params);
  const transfer = readTransfer(optionalGroup(params, 'bank_transfer') ?? {}, currency, 'bank_transfer');
  return {
    object: 'funding_instructions',
    bank_transfer: {
      country: transfer.country,
      financial_addresses: financialAddresses(customer, transfer.type, transfer.country),
      type: transfer.type,
    },
    currency,
    funding_type: 'bank_transfer',
    livemode: false,
  };
}

/** A bank transfer arrives. Its amount has no ceiling: only what is taken out of it by one payment has. */
export function fundCashBalance(
  world: SandboxWorld,
  customer: string,
  params: Params,
): Stripe.CustomerCashBalanceTransaction {
  allowOnly(params, ['amount', 'currency', 'reference']);
  findCustomer(world, customer, 'customer');
  const amount = requiredInteger(params, 'amount');
  if (amount < 1 || !Number.isSafeInteger(amount)) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  }
  const currency = fundableCurrency(params);
  const reference = optionalText(params, 'reference') ?? null;
  const transaction = moveCash(world, customer, currency, amount, {
    type: 'funded',
    funded: { bank_transfer: senderOf(currency, reference) },
  });
  reconcile(world, customer, currency, reference);
  return transaction;
}

function fundableCurrency(params: Params): string {
  const currency = requiredText(params, 'currency').toLowerCase();
  if (!CURRENCIES.includes(currency)) throw invalidRequest(`Invalid currency: ${currency}`, { param: 'currency' });
  if (RAIL_CURRENCIES.customer_balance.includes(currency)) return currency;
  throw invalidRequest(
    `The currency ${currency} is not supported for the customer balance. It supports: ${RAIL_CURRENCIES.customer_balance.join(', ')}.`,
    { param: 'currency' },
  );
}

function senderOf(
  currency: string,
  reference: string | null,
): Stripe.CustomerCashBalanceTransaction.Funded.BankTransfer {
  const name = 'Sender Test';
  switch (currency) {
    case 'eur':
      return {
        type: 'eu_bank_transfer',
        reference,
        eu_bank_transfer: { bic: 'BANKDEAAXXX', iban_last4: '7089', sender_name: name },
      };
    case 'gbp':
      return {
        type: 'gb_bank_transfer',
        reference,
        gb_bank_transfer: { account_number_last4: '6789', sender_name: name, sort_code: '200000' },
      };
    case 'jpy':
      return {
        type: 'jp_bank_transfer',
        reference,
        jp_bank_transfer: { sender_bank: 'JP Test Bank', sender_branch: 'Test Branch', sender_name: name },
      };
    default:
      return {
        type: 'us_bank_transfer',
        reference,
        us_bank_transfer: { network: 'domestic_wire_us', sender_name: name },
      };
  }
}

export function listCashTransactions(
  world: SandboxWorld,
  customer: string,
  params: Params,
): ListAnswer<Stripe.CustomerCashBalanceTransaction> {
  findCustomer(world, customer, 'customer');
  return listOf<Stripe.CustomerCashBalanceTransaction>(
    world,
    'customer_cash_balance_transaction',
    `/v1/customers/${customer}/cash_balance_transactions`,
    params,
    { also: [{ sql: 'parent = ?', value: customer }] },
  );
}

export function retrieveCashTransaction(
  world: SandboxWorld,
  customer: string,
  id: string,
): Stripe.CustomerCashBalanceTransaction {
  const found = world.book.find<Stripe.CustomerCashBalanceTransaction>('customer_cash_balance_transaction', id);
  if (found === undefined || found.customer !== customer) {
    throw resourceMissing('customer cash balance transaction', id, 'transaction');
  }
  return found;
}
