import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import type { HiddenMethod } from './payment-method.resource.js';
import type { SandboxWorld } from './sandbox.world.js';
import type { Decline } from './test-card.table.js';

interface Outcome {
  readonly decline: Decline | undefined;
  readonly authenticated: boolean;
}

/** What a charge says about the method that paid it. */
export function paymentDetailsOf(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  outcome: Outcome,
): Stripe.Charge.PaymentMethodDetails {
  const { card, us_bank_account: account, sepa_debit: sepa } = method;
  const mandate = world.book.hidden<HiddenMethod>(method.id)?.mandate;
  const debitDate = new Date(world.book.nowMs + world.timing.debitDelayMs).toISOString().slice(0, 10);
  if (card !== undefined) return { card: cardDetailsOf(intent, card, outcome), type: 'card' };
  if (account !== undefined) {
    const { account_holder_type, account_type, bank_name, fingerprint, last4, routing_number } = account;
    const paid = { account_holder_type, account_type, bank_name, fingerprint, last4, routing_number };
    return {
      us_bank_account: {
        ...paid,
        expected_debit_date: debitDate,
        ...(mandate === undefined ? {} : { mandate }),
        payment_reference: null,
      },
      type: 'us_bank_account',
    };
  }
  if (sepa !== undefined) {
    const { bank_code, branch_code, country, fingerprint, last4 } = sepa;
    return {
      sepa_debit: {
        bank_code,
        branch_code,
        country,
        fingerprint,
        last4,
        expected_debit_date: debitDate,
        mandate: mandate ?? null,
      },
      type: 'sepa_debit',
    };
  }
  return { customer_balance: {}, type: 'customer_balance' };
}

function cardDetailsOf(
  intent: Stripe.PaymentIntent,
  card: Stripe.PaymentMethod.Card,
  { decline, authenticated }: Outcome,
): Stripe.Charge.PaymentMethodDetails.Card {
  return {
    amount_authorized: decline === undefined ? intent.amount : null,
    authorization_code: null,
    brand: card.brand,
    checks: {
      address_line1_check: null,
      address_postal_code_check: null,
      cvc_check: decline?.code === 'incorrect_cvc' ? 'fail' : 'pass',
    },
    country: card.country,
    electronic_commerce_indicator: null,
    exp_month: card.exp_month,
    exp_year: card.exp_year,
    extended_authorization: { status: 'disabled' },
    fingerprint: card.fingerprint ?? null,
    funding: card.funding,
    incremental_authorization: { status: 'unavailable' },
    installments: null,
    last4: card.last4,
    mandate: null,
    multicapture: { status: 'unavailable' },
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: networkReferenceOf(card.fingerprint ?? ''),
    overcapture: { maximum_amount_capturable: intent.amount, status: 'unavailable' },
    regulated_status: card.regulated_status,
    three_d_secure: authenticated
      ? {
          authentication_flow: 'challenge',
          electronic_commerce_indicator: '05',
          exemption_indicator: null,
          result: 'authenticated',
          result_reason: null,
          transaction_id: null,
          version: '2.2.0',
        }
      : null,
    transaction_link_id: null,
    wallet: null,
  };
}

/** What the card's network calls it: fifteen digits, the same for the same card, as in test mode. */
function networkReferenceOf(fingerprint: string): string {
  const number = createHash('sha256').update(`network:${fingerprint}`).digest().readBigUInt64BE(0);
  return String(number % 10n ** 15n).padStart(15, '0');
}
