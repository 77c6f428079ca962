import { refuse, type Refused } from '#kernel';

/** Stripe's bounds for one charge in US dollars, in cents, on every rail. Source: Stripe documentation, "Currencies". */
const CARD_MINOR_MIN = 50n;
const CARD_MINOR_MAX = 99_999_999n;

/** Why a payment by card can't be begun; undefined when it can. */
export function refusePayment(input: { amountMinor: bigint; currency: string }): Refused | undefined {
  if (input.currency !== 'USD') {
    return refuse({
      code: 'PAYMENT_CURRENCY_UNSUPPORTED',
      message: 'Cards are charged in US dollars here.',
      detail: `asked for ${input.currency}`,
      hint: 'Use the currency USD.',
      path: ['currency'],
    });
  }
  if (input.amountMinor < CARD_MINOR_MIN) {
    return refuse({
      code: 'PAYMENT_AMOUNT_TOO_SMALL',
      message: 'A card payment is at least $0.50.',
      detail: `asked for ${input.amountMinor} cents`,
      hint: 'Raise the amount to 50 cents or more.',
      path: ['amountMinor'],
    });
  }
  if (input.amountMinor > CARD_MINOR_MAX) {
    return refuse({
      code: 'PAYMENT_AMOUNT_TOO_LARGE',
      message: 'One card payment carries at most $999,999.99.',
      detail: `asked for ${input.amountMinor} cents`,
      hint: 'Pay in several instalments, or by bank transfer.',
      path: ['amountMinor'],
    });
  }
  return undefined;
}

export interface RefundSituation {
  readonly amountMinor: bigint;
  readonly isCaptured: boolean;
  /** A bank holds, or kept, the money. */
  readonly isDisputed: boolean;
  readonly capturedMinor: bigint;
  /** Given back, or on its way, already. */
  readonly refundedMinor: bigint;
}

/** Why a refund can't be asked for; undefined when it can. */
export function refuseRefund(situation: RefundSituation): Refused | undefined {
  const left = situation.capturedMinor - situation.refundedMinor;
  if (situation.amountMinor <= 0n) {
    return refuse({
      code: 'REFUND_AMOUNT_INVALID',
      message: 'A refund is a positive amount.',
      hint: 'Give the amount in cents, above zero.',
      path: ['amountMinor'],
    });
  }
  if (!situation.isCaptured) {
    return refuse({
      code: 'REFUND_NOT_CAPTURED',
      message: 'Nothing was charged, so there is nothing to give back.',
      hint: 'Cancel the payment instead.',
    });
  }
  if (situation.isDisputed) {
    return refuse({
      code: 'REFUND_DISPUTED',
      message: 'The bank has taken this money back because of a dispute.',
      hint: 'Wait for the dispute to be won before refunding.',
    });
  }
  if (situation.amountMinor > left) {
    return refuse({
      code: 'REFUND_EXCEEDS_PAYMENT',
      message: 'The refund is more than what is left of the payment.',
      detail: `asked for ${situation.amountMinor}, ${left} left of ${situation.capturedMinor} cents`,
      hint: `Refund at most ${left} cents.`,
      path: ['amountMinor'],
    });
  }
  return undefined;
}
