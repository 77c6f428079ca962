import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import type { Params } from './form.codec.js';
import { optionalChoice, optionalGroup, optionalInteger, optionalText, requiredText } from './params.reader.js';
import type { HiddenMethod } from './payment-method.resource.js';
import type { SandboxWorld } from './sandbox.world.js';

/** Stripe's mandate shows no date; the book is given one for its order. */
type StoredMandate = Stripe.Mandate & { readonly created: number };

/** Leave to debit an account: without one no debit starts, and one that the bank has ended starts none any more. */
export function retrieveMandate(world: SandboxWorld, id: string): Stripe.Mandate {
  const found = world.book.find<StoredMandate>('mandate', id);
  if (found === undefined) throw resourceMissing('mandate', id, 'mandate');
  return found;
}

interface MandateTerms {
  readonly multiUse: boolean;
  readonly amount?: number;
  readonly currency?: string;
  /** Of which kind of intent the refusals speak. */
  readonly noun: 'PaymentIntent' | 'SetupIntent';
  /** In a browser the payer has just agreed on the page. */
  readonly publishable: boolean;
}

/**
 * The mandate that a debit rests on: the one named, the one the account has, or a new one from what the payer accepted.
 * @throws ApiError when there is none, or it is no longer active.
 */
export function mandateFor(
  world: SandboxWorld,
  method: Stripe.PaymentMethod,
  params: Params,
  terms: MandateTerms,
): Stripe.Mandate {
  const known = world.book.hidden<HiddenMethod>(method.id)?.mandate;
  const named = optionalText(params, 'mandate');
  if (named !== undefined && named !== known) {
    const mandate = retrieveMandate(world, named);
    if (mandate.payment_method !== method.id) throw inactive(terms, 'The mandate belongs to another payment method.');
  }
  const given = optionalGroup(params, 'mandate_data');
  if (given === undefined && known !== undefined) {
    const mandate = retrieveMandate(world, named ?? known);
    if (mandate.status === 'active') return mandate;
    throw inactive(terms, 'The provided mandate is inactive and cannot be used.');
  }
  if (given === undefined && !terms.publishable) {
    throw invalidRequest(
      `This ${terms.noun} requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.`,
      { code: 'parameter_missing', param: 'mandate_data' },
    );
  }
  return createMandate(world, method, acceptanceOf(world, given), terms);
}

function inactive(terms: MandateTerms, message: string): Error {
  const code = terms.noun === 'PaymentIntent' ? 'payment_intent_mandate_invalid' : 'setup_intent_mandate_invalid';
  return invalidRequest(message, { code, param: 'mandate' });
}

function acceptanceOf(world: SandboxWorld, given: Params | undefined): Stripe.Mandate.CustomerAcceptance {
  const now = world.book.nowSeconds;
  if (given === undefined) return { accepted_at: now, online: { ip_address: null, user_agent: null }, type: 'online' };
  const acceptance = optionalGroup(given, 'customer_acceptance');
  if (acceptance === undefined) {
    const param = 'mandate_data[customer_acceptance]';
    throw invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  requiredText(acceptance, 'type');
  const type = optionalChoice(acceptance, 'type', ['online', 'offline']) ?? 'online';
  const accepted_at = optionalInteger(acceptance, 'accepted_at') ?? now;
  if (type === 'offline') return { accepted_at, offline: {}, type };
  const online = optionalGroup(acceptance, 'online') ?? {};
  for (const name of ['ip_address', 'user_agent']) {
    if (optionalText(online, name) !== undefined) continue;
    const param = `mandate_data[customer_acceptance][online][${name}]`;
    throw invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  return {
    accepted_at,
    online: {
      ip_address: optionalText(online, 'ip_address') ?? null,
      user_agent: optionalText(online, 'user_agent') ?? null,
    },
    type,
  };
}

function createMandate(
  world: SandboxWorld,
  method: Stripe.PaymentMethod,
  customer_acceptance: Stripe.Mandate.CustomerAcceptance,
  terms: MandateTerms,
): Stripe.Mandate {
  const id = world.book.newId('mandate');
  const mandate: StoredMandate = {
    id,
    object: 'mandate',
    created: world.book.nowSeconds,
    customer_acceptance,
    livemode: false,
    ...(terms.multiUse
      ? { multi_use: {} }
      : { single_use: { amount: terms.amount ?? 0, currency: terms.currency ?? 'usd' } }),
    payment_method: method.id,
    payment_method_details:
      method.type === 'sepa_debit'
        ? {
            sepa_debit: { reference: id.slice(-12).toUpperCase(), url: `${world.baseUrl}/mandates/${id}` },
            type: 'sepa_debit',
          }
        : { type: 'us_bank_account', us_bank_account: {} },
    status: 'active',
    type: terms.multiUse ? 'multi_use' : 'single_use',
  };
  const { created: _created, ...shown } = world.book.add(mandate, { parent: method.id });
  world.book.save(shown as StoredMandate);
  world.book.setHidden(method.id, { ...world.book.hidden<HiddenMethod>(method.id), mandate: id });
  return shown;
}

/** The bank, or the payer through it, has withdrawn the leave. */
export function endMandate(world: SandboxWorld, methodId: string): void {
  const id = world.book.hidden<HiddenMethod>(methodId)?.mandate;
  const mandate = id === undefined ? undefined : world.book.find<StoredMandate>('mandate', id);
  if (mandate === undefined || mandate.status === 'inactive') return;
  const ended = world.book.save({ ...mandate, status: 'inactive' as const });
  world.emit('mandate.updated', ended, { status: mandate.status });
}
