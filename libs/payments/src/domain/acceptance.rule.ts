import { currencyScale, formatMinorUnits, refuse, type Refused } from '#kernel';
import type { Rail } from '../payment-listener.port.js';
import { RAIL_TERMS } from './rail.table.js';

const RAIL_NAMES: Readonly<Record<Rail, string>> = {
  card: 'A card payment',
  us_bank_account: 'A debit of a US bank account',
  sepa_debit: 'A SEPA debit',
  bank_transfer: 'A bank transfer',
};

/** Why a payment can't be begun; undefined when it can. */
export function refusePayment(input: {
  amountMinor: bigint;
  currency: string;
  rail: Rail;
  savedMethodId?: string | undefined;
}): Refused | undefined {
  const { rail, currency, amountMinor } = input;
  const terms = RAIL_TERMS[rail];
  const own = terms.currencies[currency];
  const money = (minor: bigint): string => `${formatMinorUnits(minor, currencyScale(currency))} ${currency}`;
  if (own === undefined) {
    const known = Object.keys(terms.currencies).join(', ');
    return refuse({
      code: 'PAYMENT_CURRENCY_UNSUPPORTED',
      message: `${RAIL_NAMES[rail]} can't be in this currency.`,
      detail: `asked for ${currency}`,
      hint: `Use one of: ${known}.`,
      path: ['currency'],
    });
  }
  if (amountMinor < own.minimumMinor) {
    return refuse({
      code: 'PAYMENT_AMOUNT_TOO_SMALL',
      message: `${RAIL_NAMES[rail]} is at least ${money(own.minimumMinor)}.`,
      detail: `asked for ${amountMinor} minor units`,
      hint: `Raise the amount to ${money(own.minimumMinor)} or more.`,
      path: ['amountMinor'],
    });
  }
  if (amountMinor > terms.ceilingMinor) {
    return refuse({
      code: 'PAYMENT_AMOUNT_TOO_LARGE',
      message: `One charge carries at most ${money(terms.ceilingMinor)}.`,
      detail: `asked for ${amountMinor} minor units`,
      hint: 'Pay in several instalments, or by bank transfer.',
      path: ['amountMinor'],
    });
  }
  if (input.savedMethodId !== undefined && !terms.canBeSaved) {
    return refuse({
      code: 'PAYMENT_RAIL_UNSAVED',
      message: `${RAIL_NAMES[rail]} is sent by its payer and can't be charged.`,
      hint: 'Leave the saved method out, or choose a card or a debit.',
      path: ['savedMethodId'],
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
      hint: 'Give the amount in minor units, above zero.',
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
      detail: `asked for ${situation.amountMinor}, ${left} left of ${situation.capturedMinor} minor units`,
      hint: `Refund at most ${left} minor units.`,
      path: ['amountMinor'],
    });
  }
  return undefined;
}
