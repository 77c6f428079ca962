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
