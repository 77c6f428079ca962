import type Stripe from 'stripe';
import type { Params } from './form.codec.js';
import { optionalChoice, optionalGroup } from './params.reader.js';

/** Who is responsible for what, from the older `type` or the newer `controller`. */
export function controllerOf(type: string | undefined, given: Params | undefined): Stripe.Account.Controller {
  if (given === undefined) {
    const byPlatform = type === 'express' || type === 'custom';
    return {
      type: 'application',
      fees: { payer: byPlatform ? (type === 'express' ? 'application_express' : 'application_custom') : 'account' },
      is_controller: true,
      losses: { payments: byPlatform ? 'application' : 'stripe' },
      requirement_collection: type === 'custom' ? 'application' : 'stripe',
      stripe_dashboard: { type: type === 'custom' ? 'none' : type === 'express' ? 'express' : 'full' },
    };
  }
  const part = (name: string): Params => optionalGroup(given, name) ?? {};
  return {
    type: 'application',
    fees: { payer: optionalChoice(part('fees'), 'payer', ['account', 'application']) ?? 'account' },
    is_controller: true,
    losses: { payments: optionalChoice(part('losses'), 'payments', ['application', 'stripe']) ?? 'stripe' },
    requirement_collection: optionalChoice(given, 'requirement_collection', ['application', 'stripe']) ?? 'stripe',
    stripe_dashboard: {
      type: optionalChoice(part('stripe_dashboard'), 'type', ['express', 'full', 'none']) ?? 'full',
    },
  };
}

export const SETTINGS_AT_FIRST: Stripe.Account.Settings = {
  bacs_debit_payments: { display_name: null, service_user_number: null },
  branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
  card_issuing: { tos_acceptance: { date: null, ip: null } },
  card_payments: {
    decline_on: { avs_failure: false, cvc_failure: false },
    statement_descriptor_prefix: null,
    statement_descriptor_prefix_kana: null,
    statement_descriptor_prefix_kanji: null,
  },
  dashboard: { display_name: null, timezone: 'Etc/UTC' },
  invoices: { default_account_tax_ids: null, hosted_payment_method_save: null },
  payments: {
    statement_descriptor: null,
    statement_descriptor_kana: null,
    statement_descriptor_kanji: null,
    statement_descriptor_prefix_kana: null,
    statement_descriptor_prefix_kanji: null,
  },
  payouts: {
    debit_negative_balances: true,
    schedule: { delay_days: 2, interval: 'daily' },
    statement_descriptor: null,
  },
  sepa_debit_payments: {},
} as unknown as Stripe.Account.Settings;
