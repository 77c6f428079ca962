/**
 * The currencies that the sandbox takes and settles in, each in its own balance: how many digits follow the point,
 * and the least a charge may be. Source: Stripe documentation, "Supported currencies", minimum charge amounts.
 */
interface CurrencyTerms {
  readonly scale: 0 | 2;
  readonly symbol: string;
  readonly chargeMinorMin: number;
}

const TERMS: Readonly<Record<string, CurrencyTerms>> = {
  usd: { scale: 2, symbol: '$', chargeMinorMin: 50 },
  eur: { scale: 2, symbol: '€', chargeMinorMin: 50 },
  gbp: { scale: 2, symbol: '£', chargeMinorMin: 30 },
  chf: { scale: 2, symbol: 'CHF', chargeMinorMin: 50 },
  cad: { scale: 2, symbol: '$', chargeMinorMin: 50 },
  aud: { scale: 2, symbol: '$', chargeMinorMin: 50 },
  sek: { scale: 2, symbol: 'kr', chargeMinorMin: 300 },
  jpy: { scale: 0, symbol: '¥', chargeMinorMin: 50 },
};

export const CURRENCIES: readonly string[] = Object.keys(TERMS);

/** The eight digits that an amount on an intent or a charge may have, whatever the currency and the rail. */
export const CHARGE_MINOR_MAX = 99_999_999;

export function chargeMinorMin(currency: string): number {
  return TERMS[currency]?.chargeMinorMin ?? 1;
}

/** `$10.99`, `¥1099`: as Stripe writes amounts into its messages. */
export function inWords(amountMinor: number, currency: string): string {
  const symbol = TERMS[currency]?.symbol ?? '';
  return `${symbol}${plainAmount(amountMinor, currency, true)}`;
}

/** The amount in units of the currency: `10.99`, `1099` for a currency without minor units. */
export function plainAmount(amountMinor: number, currency: string, grouped = false): string {
  const scale = TERMS[currency]?.scale ?? 2;
  const size = 10 ** scale;
  const whole = String(Math.trunc(amountMinor / size));
  const units = grouped ? whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',') : whole;
  return scale === 0 ? units : `${units}.${String(amountMinor % size).padStart(scale, '0')}`;
}
