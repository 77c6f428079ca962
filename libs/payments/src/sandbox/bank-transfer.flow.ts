import type Stripe from 'stripe';
import { invalidRequest } from './api.error.js';
import { applyCash, cashOf, isManual, remainingOf } from './cash-balance.flow.js';
import type { Params } from './form.codec.js';
import {
  CURRENCY_OF_TRANSFER,
  EU_COUNTRIES,
  financialAddresses,
  TRANSFER_TYPES,
  transferReference,
  type TransferType,
} from './funding-address.rule.js';
import { allowOnly, optionalChoice, optionalGroup, optionalText } from './params.reader.js';
import type { SandboxWorld } from './sandbox.world.js';

/**
 * A payment by bank transfer: from the cash that the customer has with us, or from what he will send.
 *
 *   confirm, covered      --> succeeded
 *   confirm, not covered  --> requires_action --money--> (partially funded) --money--> succeeded
 */
export function confirmTransfer(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  params: Params,
): Stripe.PaymentIntent {
  if (typeof intent.customer !== 'string') {
    throw invalidRequest('The payment method `customer_balance` requires a customer.', {
      code: 'parameter_missing',
      param: 'customer',
    });
  }
  const held = cashOf(world, intent.customer, intent.currency);
  const remaining = remainingOf(world, intent);
  if (held >= remaining) return applyCash(world, intent, remaining);
  const asked = transferOptions(world, intent, params);
  const addresses = financialAddresses(intent.customer, asked.type, asked.country);
  const waiting = world.book.save<Stripe.PaymentIntent>({
    ...intent,
    status: 'requires_action',
    next_action: {
      type: 'display_bank_transfer_instructions',
      display_bank_transfer_instructions: {
        amount_remaining: remaining,
        currency: intent.currency,
        financial_addresses:
          addresses as Stripe.PaymentIntent.NextAction.DisplayBankTransferInstructions.FinancialAddress[],
        hosted_instructions_url: `${world.baseUrl}/bank_transfers/${intent.id}`,
        reference: transferReference(intent.id),
        type: asked.type,
      },
    },
  });
  world.emit('payment_intent.requires_action', waiting);
  return held > 0 && !isManual(world, intent.customer) ? applyCash(world, waiting, held) : waiting;
}

/** Cash that waits is given to an intent by hand. */
export function applyCustomerBalance(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  amount: number | undefined,
): Stripe.PaymentIntent {
  if (
    intent.status !== 'requires_action' ||
    intent.next_action?.type !== 'display_bank_transfer_instructions' ||
    typeof intent.customer !== 'string'
  ) {
    throw invalidRequest(
      `The customer balance cannot be applied to this PaymentIntent because it has a status of ${intent.status}.`,
      { code: 'payment_intent_unexpected_state' },
    );
  }
  const held = cashOf(world, intent.customer, intent.currency);
  const remaining = remainingOf(world, intent);
  const wanted = amount ?? Math.min(held, remaining);
  if (wanted < 1 || wanted > remaining || wanted > held) {
    throw invalidRequest(
      `The amount must be between 1 and what the PaymentIntent still needs (${remaining}) and the customer has (${held}).`,
      { code: 'amount_too_large', param: 'amount' },
    );
  }
  return applyCash(world, intent, wanted);
}

export interface TransferOptions {
  readonly type: TransferType;
  readonly country: string;
}

function transferOptions(world: SandboxWorld, intent: Stripe.PaymentIntent, params: Params): TransferOptions {
  const given = optionalGroup(optionalGroup(params, 'payment_method_options') ?? {}, 'customer_balance') ?? {};
  const kept = world.book.hidden<{ customerBalance?: Params }>(intent.id)?.customerBalance ?? {};
  const options: Params = { ...kept, ...given };
  const path = 'payment_method_options[customer_balance]';
  if (optionalChoice(options, 'funding_type', ['bank_transfer']) === undefined) {
    throw invalidRequest(
      `The customer's cash balance does not cover this PaymentIntent. Pass ${path}[funding_type] so that it can be funded by a bank transfer.`,
      { code: 'parameter_missing', param: `${path}[funding_type]` },
    );
  }
  return readTransfer(optionalGroup(options, 'bank_transfer') ?? {}, intent.currency, `${path}[bank_transfer]`);
}

/** @throws ApiError for a kind of transfer that is not made in the currency, or needs a country. */
export function readTransfer(group: Params, currency: string, path: string): TransferOptions {
  allowOnly(group, ['type', 'requested_address_types', 'eu_bank_transfer']);
  const type = optionalChoice(group, 'type', TRANSFER_TYPES);
  if (type === undefined) {
    throw invalidRequest(`Missing required param: ${path}[type].`, {
      code: 'parameter_missing',
      param: `${path}[type]`,
    });
  }
  if (CURRENCY_OF_TRANSFER[type] !== currency) {
    throw invalidRequest(
      `Bank transfers of type ${type} are made in ${CURRENCY_OF_TRANSFER[type]}, not in ${currency}.`,
      {
        param: `${path}[type]`,
      },
    );
  }
  if (type !== 'eu_bank_transfer') return { type, country: type.slice(0, 2).toUpperCase() };
  const eu = optionalGroup(group, 'eu_bank_transfer') ?? {};
  const param = `${path}[eu_bank_transfer][country]`;
  if (optionalText(eu, 'country') === undefined) {
    throw invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  return { type, country: optionalChoice(eu, 'country', EU_COUNTRIES) ?? 'DE' };
}
