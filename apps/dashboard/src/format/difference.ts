/** Amounts of reconciliation: minor units of a currency, or milliseconds of GPU time, always exact. */
import { decimal, integer, money } from './amount.js';

/** `12345`, `USD` → `$123.45`; `1500`, `ms` → `1.500 GPU-s`. */
export function exact(unit: string, amount: bigint | string): string {
  if (unit === 'ms') return `${decimal(amount, 3)} GPU-s`;
  return /^[A-Z]{3}$/.test(unit) ? money({ amountMinor: String(amount), currency: unit }) : integer(amount);
}

/** The same with its sign always shown: what one side has beyond the other. */
export function signed(unit: string, amount: bigint): string {
  return amount > 0n ? `+${exact(unit, amount)}` : exact(unit, amount);
}

/** What a case is about, for people. */
export const kinds: Record<string, string> = {
  MISSING_IN_LEDGER: 'Not in the books',
  MISSING_AT_PROCESSOR: 'Unknown to the processor',
  AMOUNT_DIFFERS: 'Another amount',
  FEE_DIFFERS: 'Another fee',
  CURRENCY_DIFFERS: 'Another currency',
  MISSING_IN_BANK: 'Not at the bank yet',
  BANK_AMOUNT_DIFFERS: 'Another amount at the bank',
  UNEXPECTED_BANK_LINE: 'Unexpected bank line',
  DUPLICATE: 'Twice at the bank',
  DONOR_CASH_DIFFERS: "A donor's cash differs",
  GPU_TIME_DIFFERS: 'GPU time differs',
};

/** `payment:0198…` → `payment 0198…`; ids are long, so their head is enough in a list. */
export function subjectOf(subject: string, whole = false): string {
  const at = subject.indexOf(':');
  const id = subject.slice(at + 1);
  const what = subject.slice(0, at).replaceAll('_', ' ');
  return `${what} ${whole || id.length <= 16 ? id : `${id.slice(0, 13)}…`}`;
}
