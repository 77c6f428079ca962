/**
 * What the sandbox takes for a charge: its own configuration, near to what Stripe publishes. A part of the amount in
 * hundred-thousandths, rounded half up to a whole minor unit, plus a fixed part, and for some rails never more than a
 * cap. All integers: an amount of at most 99,999,999 times 3,250 fits a double exactly.
 */
interface FeeRule {
  readonly hundredThousandths: number;
  readonly fixedMinor: number;
  readonly capMinor?: number;
}

const CARD_FIXED_MINOR: Readonly<Record<string, number>> = { gbp: 20, sek: 300 };

/** The euro figures are those of Stripe's recorded traffic: 37.00 € cost 1.45 €, 12.00 € cost 0.64 €. */
const CARD_EUR: FeeRule = { hundredThousandths: 3250, fixedMinor: 25 };

const DEBIT: Readonly<Record<string, FeeRule>> = {
  us_bank_account: { hundredThousandths: 800, fixedMinor: 0, capMinor: 500 },
  sepa_debit: { hundredThousandths: 0, fixedMinor: 35 },
  customer_balance: { hundredThousandths: 500, fixedMinor: 0, capMinor: 500 },
};

function ruleOf(rail: string, currency: string): FeeRule {
  const debit = DEBIT[rail];
  if (debit !== undefined) return debit;
  if (currency === 'eur') return CARD_EUR;
  return { hundredThousandths: 2900, fixedMinor: CARD_FIXED_MINOR[currency] ?? 30 };
}

/** In the currency of the charge, minor units; never more than the charge itself. */
export function processingFeeMinor(rail: string, currency: string, amountMinor: number): number {
  const { hundredThousandths, fixedMinor, capMinor } = ruleOf(rail, currency);
  const fee = Math.floor((amountMinor * hundredThousandths + 50_000) / 100_000) + fixedMinor;
  return Math.min(fee, capMinor ?? fee, amountMinor);
}

/** What a dispute costs whatever its outcome. A refund gives no fee back. */
export const DISPUTE_FEE_MINOR = 1500;
