/**
 * Confirms a payment, or the saving of a method, as Stripe.js does: with the publishable key and the client secret, straight
 * from the browser to the payment API, so that no card or account number passes our servers. Used where `apiBase` names a sandbox.
 */
import { declineText } from './decline.js';

export interface Payment {
  clientSecret: string;
  /** Whether confirming saves the method instead of charging it. */
  savesMethod: boolean;
  publishableKey: string;
  apiBase: string | null;
}
export type Confirmation =
  | { kind: 'paid' }
  | { kind: 'processing' }
  | { kind: 'redirect'; url: string }
  /** The bank account proves itself by a small deposit, named at this address. */
  | { kind: 'verify'; url: string }
  | { kind: 'declined'; message: string };

/** @param method parameters of `payment_method_data`, with the names that Stripe's API has. */
export async function confirmPayment(
  payment: Payment,
  method: Record<string, string>,
  returnUrl: string,
): Promise<Confirmation> {
  const intent = payment.clientSecret.split('_secret')[0];
  const form = new URLSearchParams({
    key: payment.publishableKey,
    client_secret: payment.clientSecret,
    return_url: returnUrl,
  });
  for (const [name, value] of Object.entries(method)) form.set(`payment_method_data${name}`, value);
  const address = `${(payment.apiBase ?? '').replace(/\/$/, '')}/v1/${payment.savesMethod ? 'setup_intents' : 'payment_intents'}/${intent}/confirm`;
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${payment.publishableKey}` },
    body: form,
  });
  const answer = await response.json();
  if (answer.error) return { kind: 'declined', message: declineText(answer.error) };
  if (answer.status === 'succeeded' || answer.status === 'requires_capture') return { kind: 'paid' };
  if (answer.status === 'processing') return { kind: 'processing' };
  if (answer.status === 'requires_action') {
    const verify = answer.next_action?.verify_with_microdeposits?.hosted_verification_url;
    if (verify) return { kind: 'verify', url: verify };
    const url = answer.next_action?.redirect_to_url?.url;
    return url
      ? { kind: 'redirect', url }
      : { kind: 'declined', message: 'The bank asks for a confirmation that this page can’t show.' };
  }
  return { kind: 'declined', message: 'Nothing was charged. Try again, or pay in another way.' };
}
