import type { Rail } from '../payment-listener.port.js';

/**
 * What each rail can carry, by currency. Amounts in minor units of the currency.
 *
 * Minimum and ceiling: Stripe documentation, "Supported currencies" (minimum and maximum charge amounts). The ceiling of
 * eight digits is written on the amount of an intent whatever the rail, so a larger sum is paid by several intents.
 * Fees: Stripe's published prices for accounts in the United States, as of 2026; the fee that is booked is the one that
 * Stripe took. Days to settle: Stripe documentation of each payment method, in business days. Window: how long a payer may
 * take the money back: card networks up to 120 days; ACH 60 calendar days for personal accounts (Nacha); SEPA Core 8
 * weeks without a reason (European Payments Council); money that a payer's own bank pushed can't be called back.
 */
export interface RailTerms {
  readonly currencies: Readonly<Partial<Record<string, CurrencyTerms>>>;
  /** Most minor units of one intent. */
  readonly ceilingMinor: bigint;
  readonly settleBusinessDays: number;
  readonly disputeWindowDays: number;
  /** Whether a saved method can be charged later without its owner. */
  readonly canBeSaved: boolean;
}

export interface CurrencyTerms {
  readonly minimumMinor: bigint;
  readonly fee: FeeTerms;
}

/** A part of the amount in hundred-thousandths, rounded half up, and a fixed part, at most the cap. */
export interface FeeTerms {
  readonly hundredThousandths: bigint;
  readonly fixedMinor: bigint;
  readonly capMinor?: bigint;
}

export const INTENT_MINOR_MAX = 99_999_999n;

const card = (minimumMinor: bigint, fixedMinor: bigint): CurrencyTerms => ({
  minimumMinor,
  fee: { hundredThousandths: 2_900n, fixedMinor },
});
const push = (minimumMinor: bigint, capMinor: bigint): CurrencyTerms => ({
  minimumMinor,
  fee: { hundredThousandths: 500n, fixedMinor: 0n, capMinor },
});

export const RAIL_TERMS: Readonly<Record<Rail, RailTerms>> = {
  card: {
    currencies: {
      USD: card(50n, 30n),
      EUR: { minimumMinor: 50n, fee: { hundredThousandths: 3_250n, fixedMinor: 25n } },
      GBP: card(30n, 20n),
      CHF: card(50n, 30n),
      CAD: card(50n, 30n),
      JPY: card(50n, 30n),
    },
    ceilingMinor: INTENT_MINOR_MAX,
    settleBusinessDays: 2,
    disputeWindowDays: 120,
    canBeSaved: true,
  },
  us_bank_account: {
    currencies: { USD: { minimumMinor: 50n, fee: { hundredThousandths: 800n, fixedMinor: 0n, capMinor: 500n } } },
    ceilingMinor: INTENT_MINOR_MAX,
    settleBusinessDays: 4,
    disputeWindowDays: 60,
    canBeSaved: true,
  },
  sepa_debit: {
    currencies: { EUR: { minimumMinor: 50n, fee: { hundredThousandths: 0n, fixedMinor: 35n } } },
    ceilingMinor: INTENT_MINOR_MAX,
    settleBusinessDays: 6,
    disputeWindowDays: 56,
    canBeSaved: true,
  },
  bank_transfer: {
    currencies: { USD: push(50n, 500n), EUR: push(50n, 500n), GBP: push(30n, 500n), JPY: push(50n, 500n) },
    ceilingMinor: INTENT_MINOR_MAX,
    settleBusinessDays: 1,
    disputeWindowDays: 0,
    canBeSaved: false,
  },
};
