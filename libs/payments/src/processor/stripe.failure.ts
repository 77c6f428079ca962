import Stripe from 'stripe';

/**
 * What a failed call means:
 * `unknown`: it may have been executed, or may be when repeated: repeat it with the same key.
 * `rejected`: Stripe looked at it and said no: repeating it changes nothing.
 */
export type CallFailure =
  | { readonly kind: 'unknown'; readonly message: string }
  | { readonly kind: 'rejected'; readonly code: string; readonly message: string };

/** A key in use, or too many calls: try again. */
const REPEATABLE_STATUS = new Set([409, 429]);

export function readFailure(error: unknown): CallFailure {
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  const final =
    (error instanceof Stripe.errors.StripeInvalidRequestError || error instanceof Stripe.errors.StripeCardError) &&
    !REPEATABLE_STATUS.has(error.statusCode ?? 0);
  if (!final) return { kind: 'unknown', message: `${error.type}: ${error.message}` };
  // The package gives an empty text for a code that Stripe did not send.
  return { kind: 'rejected', code: error.decline_code || error.code || error.type, message: error.message };
}

export function isMissing(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing';
}

/** The intent that a declined confirmation left behind; undefined when the call failed in another way. */
export function declinedIntent(error: unknown): Stripe.PaymentIntent | undefined {
  if (!(error instanceof Stripe.errors.StripeCardError)) return undefined;
  return error.payment_intent;
}
