import { invalidRequest } from './api.error.js';
import type { Params } from './form.codec.js';
import { optionalFlag, optionalGroup, optionalList } from './params.reader.js';
import { METHOD_TYPES, type MethodType } from './payment-method.resource.js';

/** Where a rail exists: its currencies. A card takes all. */
export const RAIL_CURRENCIES: Readonly<Record<Exclude<MethodType, 'card'>, readonly string[]>> = {
  us_bank_account: ['usd'],
  sepa_debit: ['eur'],
  customer_balance: ['usd', 'eur', 'gbp', 'jpy'],
};

export interface MethodTypes {
  /** As asked for by name, null when Stripe chooses. */
  readonly asked: MethodType[] | null;
  readonly offered: readonly MethodType[];
}

/** Which methods an intent offers: those named, those that fit its currency when Stripe chooses, else the card. */
export function methodTypesOf(params: Params, currency: string): MethodTypes {
  const name = 'allowed_payment_method_types' in params ? 'allowed_payment_method_types' : 'payment_method_types';
  const named = optionalList(params, name).map((type) => knownType(type, name));
  if (named.length > 0) return { asked: named, offered: named };
  const automatic = optionalFlag(optionalGroup(params, 'automatic_payment_methods') ?? {}, 'enabled') === true;
  if (!automatic) return { asked: null, offered: ['card'] };
  const debits = (['us_bank_account', 'sepa_debit'] as const).filter((rail) =>
    RAIL_CURRENCIES[rail].includes(currency),
  );
  return { asked: null, offered: ['card', ...debits] };
}

function knownType(type: string, param: string): MethodType {
  const known = METHOD_TYPES.find((each) => each === type);
  if (known !== undefined) return known;
  throw invalidRequest(
    `The payment method type "${type}" is invalid. Please ensure the provided type is activated in your dashboard. The sandbox knows ${METHOD_TYPES.join(', ')}.`,
    { code: 'payment_intent_invalid_parameter', param },
  );
}

/** @throws ApiError for a rail that does not carry the intent's currency. */
export function checkRailCurrency(types: readonly MethodType[], currency: string): void {
  for (const type of types) {
    if (type === 'card' || RAIL_CURRENCIES[type].includes(currency)) continue;
    throw invalidRequest(
      `The payment method \`${type}\` does not support the currency \`${currency}\`. It supports: ${RAIL_CURRENCIES[type].join(', ')}.`,
      { code: 'payment_intent_invalid_parameter', param: 'payment_method_types' },
    );
  }
}
