import type Stripe from 'stripe';
import { ApiError, invalidRequest } from './api.error.js';
import { markSetUp } from './attachment.resource.js';
import type { Params } from './form.codec.js';
import { allowOnly, optionalChoice, optionalGroup, optionalList, optionalText } from './params.reader.js';
import { debitScenarioOfMethod, type HiddenMethod } from './payment-method.resource.js';
import type { SandboxWorld } from './sandbox.world.js';

/**
 * Two small deposits prove whose account it is. Stripe's test values: 32 and 45, or the code SM11AA, are right; 10 and
 * 11, or SM33CC, use up the attempts; 40 and 41, or SM44DD, come too late. The account 000666666661 gets no deposits.
 */
const RIGHT = { amounts: '32,45', code: 'SM11AA' };
const EXCEEDED = { amounts: '10,11', code: 'SM33CC' };
const TOO_LATE = { amounts: '40,41', code: 'SM44DD' };
const ATTEMPTS_MAX = 3;
const ARRIVAL_DAYS = 2;

type Intent = Stripe.PaymentIntent | Stripe.SetupIntent;

interface HiddenAttempts {
  readonly depositAttempts?: number;
}

export function needsVerification(
  world: SandboxWorld,
  method: Stripe.PaymentMethod,
  intent: Intent,
  params: Params,
): boolean {
  if (method.type !== 'us_bank_account' || world.book.hidden<HiddenMethod>(method.id)?.setUp === true) return false;
  const given = optionalGroup(optionalGroup(params, 'payment_method_options') ?? {}, 'us_bank_account') ?? {};
  const asked = optionalChoice(given, 'verification_method', ['automatic', 'instant', 'microdeposits']);
  const agreed = (intent.payment_method_options as { us_bank_account?: { verification_method?: string } } | null)
    ?.us_bank_account?.verification_method;
  if ((asked ?? agreed) !== 'instant') return true;
  throw invalidRequest(
    'This bank account cannot be verified instantly. Use microdeposits, or an account that was linked instantly.',
    {
      code: 'payment_method_bank_account_unverified',
      param: 'payment_method_options[us_bank_account][verification_method]',
    },
  );
}

/** @returns the intent, waiting for the deposits to be named. */
export function awaitDeposits<T extends Intent>(world: SandboxWorld, intent: T, method: Stripe.PaymentMethod): T {
  const waiting = world.book.save<T>({
    ...intent,
    status: 'requires_action',
    next_action: {
      type: 'verify_with_microdeposits',
      verify_with_microdeposits: {
        arrival_date: world.book.nowSeconds + ARRIVAL_DAYS * 86_400,
        hosted_verification_url: `${world.baseUrl}/microdeposits/${intent.id}`,
        microdeposit_type: 'descriptor_code',
      },
    },
  });
  world.book.setHidden(intent.id, { ...world.book.hidden<object>(intent.id), depositAttempts: 0 });
  world.emit(`${intent.object}.requires_action`, waiting);
  if (debitScenarioOfMethod(world, method.id).depositsFail === true) {
    world.book.startTimer('deposits_failed', intent.id, world.timing.debitDelayMs);
  }
  return waiting;
}

export type DepositAnswer = 'right' | { readonly code: string; readonly message: string; readonly ends: boolean };

/** @throws ApiError when no deposits are waited for. */
export function checkAwaiting(intent: Intent): void {
  if (intent.status !== 'requires_action' || intent.next_action?.type !== 'verify_with_microdeposits') {
    const noun = intent.object === 'payment_intent' ? 'PaymentIntent' : 'SetupIntent';
    throw invalidRequest(
      `You cannot verify microdeposits on this ${noun} because it has a status of ${intent.status} or waits for something else.`,
      { code: `${intent.object}_unexpected_state` },
    );
  }
}

/** What the payer's answer is worth; a wrong one counts. */
export function judgeDeposits(
  world: SandboxWorld,
  intent: Intent,
  method: Stripe.PaymentMethod,
  params: Params,
): DepositAnswer {
  allowOnly(params, ['amounts', 'descriptor_code']);
  const code = optionalText(params, 'descriptor_code')?.toUpperCase();
  const amounts = optionalList(params, 'amounts');
  if ((code === undefined) === (amounts.length === 0)) {
    throw invalidRequest('Pass either amounts or descriptor_code.', { code: 'parameter_missing', param: 'amounts' });
  }
  if (code === undefined && (amounts.length !== 2 || amounts.some((amount) => !/^\d{1,2}$/.test(amount)))) {
    throw refusal('amounts_invalid', 'The amounts must be exactly two whole numbers of cents.');
  }
  const joined = amounts
    .map(Number)
    .toSorted((a, b) => a - b)
    .join(',');
  const matches = (pair: { amounts: string; code: string }): boolean =>
    code === undefined ? joined === pair.amounts : code === pair.code;
  if (matches(RIGHT)) {
    markSetUp(world, method.id);
    return 'right';
  }
  const attempts = (world.book.hidden<HiddenAttempts>(intent.id)?.depositAttempts ?? 0) + 1;
  world.book.setHidden(intent.id, { ...world.book.hidden<object>(intent.id), depositAttempts: attempts });
  if (matches(TOO_LATE)) {
    return ends('verification_timeout', 'Microdeposits were not verified in time. This PaymentMethod cannot be used.');
  }
  if (matches(EXCEEDED) || attempts >= ATTEMPTS_MAX) {
    return ends('verification_attempts_exceeded', 'You have exceeded the number of allowed verification attempts.');
  }
  const left = ATTEMPTS_MAX - attempts;
  return {
    code: `payment_method_microdeposit_verification_${code === undefined ? 'amounts' : 'descriptor_code'}_mismatch`,
    message: `The ${code === undefined ? 'amounts' : 'descriptor code'} provided do not match what was sent to the bank account. You have ${left} verification ${left === 1 ? 'attempt' : 'attempts'} remaining.`,
    ends: false,
  };
}

function ends(suffix: string, message: string): DepositAnswer {
  return { code: `payment_method_microdeposit_${suffix}`, message, ends: true };
}

function refusal(suffix: string, message: string): ApiError {
  return invalidRequest(message, { code: `payment_method_microdeposit_verification_${suffix}`, param: 'amounts' });
}
