/**
 * Stripe's documented test cards: what each number and token makes happen.
 * Source: Stripe documentation, "Testing".
 */
export interface Decline {
  readonly code: string;
  readonly declineCode?: string;
  readonly message: string;
}

export interface CardScenario {
  readonly brand: string;
  readonly last4: string;
  readonly funding: 'credit' | 'debit';
  readonly country: string;
  /** The charge is refused with this. After a completed 3-D Secure challenge when the card asks for one. */
  readonly decline?: Decline;
  /**
   * A challenge stands between confirmation and charge while the cardholder is there. Without him the charge is
   * refused: always, unless the card was set up for it before, or never (`on_session`).
   */
  readonly challenge?: 'always' | 'unless_set_up' | 'on_session';
  /** Charged off-session, a card that wants a challenge is refused with this instead of authentication_required. */
  readonly offSessionDecline?: Decline;
  /** The card can be saved although its charges are refused. */
  readonly savesThoughDeclined?: true;
  /** The charge succeeds and is disputed a moment later. */
  readonly dispute?: { readonly reason: string; readonly inquiry: boolean; readonly parts?: number };
  /** The charge succeeds and the bank warns of fraud; left alone, it is disputed. */
  readonly warning?: true;
  /** What becomes of a refund. */
  readonly refund?: 'pending_then_succeeds' | 'fails_later';
  /** The net amount is available at once instead of after the settlement delay. */
  readonly bypassPending?: true;
}

const visa = (last4: string, more: Partial<CardScenario> = {}): CardScenario => ({
  brand: 'visa',
  last4,
  funding: 'credit',
  country: 'US',
  ...more,
});

const declined = (declineCode: string): Decline => ({
  code: 'card_declined',
  declineCode,
  message: declineCode === 'insufficient_funds' ? 'Your card has insufficient funds.' : 'Your card was declined.',
});

const BY_NUMBER: Record<string, CardScenario> = {
  '4242424242424242': visa('4242'),
  '4000056655665556': visa('5556', { funding: 'debit' }),
  '5555555555554444': visa('4444', { brand: 'mastercard' }),
  '378282246310005': visa('0005', { brand: 'amex' }),
  '4000000000000077': visa('0077', { bypassPending: true }),
  '4000000000000002': visa('0002', { decline: declined('generic_decline') }),
  '4000000000009995': visa('9995', { decline: declined('insufficient_funds') }),
  '4000000000009987': visa('9987', { decline: declined('lost_card') }),
  '4000000000009979': visa('9979', { decline: declined('stolen_card') }),
  '4000000000000069': visa('0069', { decline: { code: 'expired_card', message: 'Your card has expired.' } }),
  '4000000000000127': visa('0127', {
    decline: { code: 'incorrect_cvc', message: "Your card's security code is incorrect." },
  }),
  '4000000000000119': visa('0119', {
    decline: {
      code: 'processing_error',
      message: 'An error occurred while processing your card. Try again in a little bit.',
    },
  }),
  '4000000000000341': visa('0341', { decline: declined('generic_decline'), savesThoughDeclined: true }),
  '4000000000003220': visa('3220', { challenge: 'always' }),
  '4000000000003063': visa('3063', { challenge: 'always', offSessionDecline: declined('generic_decline') }),
  '4000000000003055': visa('3055'),
  '4000002500003155': visa('3155', { challenge: 'unless_set_up' }),
  '4000002760003184': visa('3184', { challenge: 'always' }),
  '4000003800000446': visa('0446', { challenge: 'on_session' }),
  '4000008400001629': visa('1629', { challenge: 'always', decline: declined('generic_decline') }),
  '4000008260003178': visa('3178', {
    challenge: 'unless_set_up',
    decline: declined('insufficient_funds'),
    savesThoughDeclined: true,
  }),
  '4000000000000259': visa('0259', { dispute: { reason: 'fraudulent', inquiry: false } }),
  '4000000000002685': visa('2685', { dispute: { reason: 'product_not_received', inquiry: false } }),
  '4000000000001976': visa('1976', { dispute: { reason: 'fraudulent', inquiry: true } }),
  '4000000000005423': visa('5423', { warning: true }),
  '4000000404000079': visa('0079', { dispute: { reason: 'fraudulent', inquiry: false, parts: 2 } }),
  '4000000000007726': visa('7726', { refund: 'pending_then_succeeds' }),
  '4000000000005126': visa('5126', { refund: 'fails_later' }),
};

const NUMBER_BY_TOKEN: Record<string, string> = {
  pm_card_visa: '4242424242424242',
  pm_card_us: '4242424242424242',
  pm_card_visa_debit: '4000056655665556',
  pm_card_mastercard: '5555555555554444',
  pm_card_amex: '378282246310005',
  pm_card_bypassPending: '4000000000000077',
  pm_card_chargeDeclined: '4000000000000002',
  pm_card_visa_chargeDeclined: '4000000000000002',
  pm_card_chargeDeclinedInsufficientFunds: '4000000000009995',
  pm_card_visa_chargeDeclinedInsufficientFunds: '4000000000009995',
  pm_card_visa_chargeDeclinedLostCard: '4000000000009987',
  pm_card_visa_chargeDeclinedStolenCard: '4000000000009979',
  pm_card_chargeDeclinedExpiredCard: '4000000000000069',
  pm_card_chargeDeclinedIncorrectCvc: '4000000000000127',
  pm_card_chargeDeclinedProcessingError: '4000000000000119',
  pm_card_threeDSecure2Required: '4000000000003220',
  pm_card_threeDSecureRequired: '4000000000003063',
  pm_card_threeDSecureOptional: '4000000000003055',
  pm_card_chargeCustomerFail: '4000000000000341',
  pm_card_authenticationRequiredSetupForOffSession: '4000003800000446',
  pm_card_authenticationRequired: '4000002760003184',
  pm_card_authenticationRequiredOnSetup: '4000002500003155',
  pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: '4000008260003178',
  pm_card_threeDSecureRequiredChargeDeclined: '4000008400001629',
  pm_card_createDispute: '4000000000000259',
  pm_card_createDisputeProductNotReceived: '4000000000002685',
  pm_card_createDisputeInquiry: '4000000000001976',
  pm_card_createIssuerFraudRecord: '4000000000005423',
  pm_card_createMultipleDisputes: '4000000404000079',
  pm_card_pendingRefund: '4000000000007726',
  pm_card_refundFail: '4000000000005126',
};

export function scenarioOfNumber(number: string): CardScenario | undefined {
  return BY_NUMBER[number];
}

export function numberOfToken(token: string): string | undefined {
  return NUMBER_BY_TOKEN[token];
}

/** The check digit that every card number carries (Luhn). */
export function hasValidCheckDigit(number: string): boolean {
  if (!/^\d{12,19}$/.test(number)) return false;
  const digits = Array.from(number, Number).toReversed();
  const sum = digits.reduce((total, digit, index) => {
    const value = index % 2 === 1 ? digit * 2 : digit;
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
