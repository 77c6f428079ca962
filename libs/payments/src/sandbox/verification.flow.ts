import type Stripe from 'stripe';
import { ApiError, type ApiErrorBody } from './api.error.js';
import { startDebit } from './debit.flow.js';
import type { Params } from './form.codec.js';
import { checkAwaiting, judgeDeposits } from './microdeposit.flow.js';
import { retrievePaymentMethod, type HiddenMethod } from './payment-method.resource.js';
import { fail } from './payment-outcome.flow.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';
import { failSetup, finishSetup } from './setup.flow.js';

/** The payer names the two deposits: a payment goes on to its debit, a setup is done. @throws ApiError otherwise */
export function verifyDeposits<T extends Stripe.PaymentIntent | Stripe.SetupIntent>(
  world: SandboxWorld,
  intent: T,
  params: Params,
): T {
  checkAwaiting(intent);
  const method = methodOf(world, intent);
  const answer = judgeDeposits(world, intent, method, params);
  if (answer === 'right') return goOn(world, intent, method) as T;
  const error: ApiErrorBody = { type: 'invalid_request_error', code: answer.code, message: answer.message };
  if (answer.ends) giveUp(world, intent, method, error);
  throw new ApiError(400, error, true);
}

/** Timer: the bank took no deposits. */
export function failDeposits(world: SandboxWorld, intentId: string): void {
  const intent =
    world.book.find<Stripe.PaymentIntent>('payment_intent', intentId) ??
    world.book.find<Stripe.SetupIntent>('setup_intent', intentId);
  if (intent?.status !== 'requires_action' || intent.next_action?.type !== 'verify_with_microdeposits') return;
  giveUp(world, intent, methodOf(world, intent), {
    type: 'invalid_request_error',
    code: 'payment_method_microdeposit_failed',
    message:
      'Microdeposits to the customer’s bank account failed. Please check the provided account and routing number.',
  });
}

function methodOf(world: SandboxWorld, intent: Stripe.PaymentIntent | Stripe.SetupIntent): Stripe.PaymentMethod {
  return retrievePaymentMethod(world, idOf(intent.payment_method) ?? '');
}

function goOn(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent | Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
): Stripe.PaymentIntent | Stripe.SetupIntent {
  if (intent.object === 'payment_intent') return startDebit(world, intent, method);
  return finishSetup(world, intent, method, world.book.hidden<HiddenMethod>(method.id)?.mandate ?? null);
}

function giveUp(
  world: SandboxWorld,
  intent: Stripe.PaymentIntent | Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  error: ApiErrorBody,
): void {
  const told = { ...error, payment_method: method };
  if (intent.object === 'payment_intent') fail(world, intent, told);
  else failSetup(world, intent, method, told);
}
