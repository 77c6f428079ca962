/**
 * Confirms a card payment as Stripe.js does: with the publishable key and the client secret, straight from the browser to the
 * payment API, so that a card number never passes through our servers. Used where `apiBase` names a sandbox.
 */
export interface Payment {
  clientSecret: string;
  /** Whether confirming saves the card instead of charging it. */
  savesMethod: boolean;
  publishableKey: string;
  apiBase: string | null;
}
export interface CardDetails {
  number: string;
  month: string;
  year: string;
  code: string;
}
export type Confirmation =
  { kind: 'paid' } | { kind: 'processing' } | { kind: 'redirect'; url: string } | { kind: 'declined'; message: string };

export async function confirmCard(payment: Payment, card: CardDetails, returnUrl: string): Promise<Confirmation> {
  const intent = payment.clientSecret.split('_secret')[0];
  const form = new URLSearchParams({
    key: payment.publishableKey,
    client_secret: payment.clientSecret,
    return_url: returnUrl,
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': card.number,
    'payment_method_data[card][exp_month]': card.month,
    'payment_method_data[card][exp_year]': card.year,
    'payment_method_data[card][cvc]': card.code,
  });
  const address = `${(payment.apiBase ?? '').replace(/\/$/, '')}/v1/${payment.savesMethod ? 'setup_intents' : 'payment_intents'}/${intent}/confirm`;
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${payment.publishableKey}` },
    body: form,
  });
  const answer = await response.json();
  if (answer.error) return { kind: 'declined', message: declineText(answer.error) };
  if (answer.status === 'succeeded' || answer.status === 'requires_capture') return { kind: 'paid' };
  if (answer.status === 'requires_action') {
    const url = answer.next_action?.redirect_to_url?.url;
    return url
      ? { kind: 'redirect', url }
      : { kind: 'declined', message: 'The bank asks for a confirmation that this page can’t show.' };
  }
  if (answer.status === 'processing') return { kind: 'processing' };
  return { kind: 'declined', message: 'The card was not charged. Try again, or use another card.' };
}

/** The reasons people can act on, each with what to do; others in the API's own words. */
export function declineText(error: { code?: string; decline_code?: string; message?: string }): string {
  const advice: Record<string, string> = {
    insufficient_funds: 'The card has not enough funds. Use another card or a smaller amount.',
    generic_decline: 'The bank declined the card and gives no reason. Use another card, or ask the bank.',
    expired_card: 'The card has expired. Use another card.',
    incorrect_cvc: 'The security code is wrong. Check the three or four digits and try again.',
    incorrect_number: 'The card number is wrong. Check it and try again.',
    invalid_number: 'The card number is wrong. Check it and try again.',
    processing_error: 'The bank could not be reached just now. Wait a moment and try again.',
    payment_intent_authentication_failure:
      'The bank did not get your confirmation, so nothing was charged. Try again, or use another card.',
  };
  return (
    advice[error.decline_code ?? ''] ??
    advice[error.code ?? ''] ??
    error.message ??
    'The card was declined. Use another card.'
  );
}

/** Groups of four, as on the card. */
export const cardGroups = (text: string): string =>
  text
    .replaceAll(/\D/g, '')
    .slice(0, 19)
    .replaceAll(/(\d{4})(?=\d)/g, '$1 ');

/** `1 2 / 2 8` as it is typed → `12 / 28`. */
export function expiryText(text: string): string {
  const digits = text.replaceAll(/\D/g, '').slice(0, 4);
  return digits.length > 2 ? `${digits.slice(0, 2)} / ${digits.slice(2)}` : digits;
}

export function readExpiry(text: string, now: Date): { month: string; year: string } | null {
  const match = /^(\d{2})\s*\/\s*(\d{2})$/.exec(text.trim());
  const [month, year] = [Number(match?.[1]), 2000 + Number(match?.[2])];
  if (!match || month < 1 || month > 12) return null;
  // A card is good to the last day of its month.
  return new Date(Date.UTC(year, month, 1)) > now ? { month: String(month), year: String(year) } : null;
}
