import { minorDigitsOf } from './amount.js';

/** What people type into amount fields, as whole minor units; null where it is no amount. No float is involved. */

/** `25`, `25.5`, `1,250.00` → cents. More than two decimals, signs and anything else are refused. */
export function parseDollars(text: string): bigint | null {
  const match = /^\$?\s*(\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.(\d{1,2}))?$/.exec(text.trim());
  if (!match) return null;
  const amount = BigInt((match[1] ?? '').replaceAll(',', '')) * 100n + BigInt((match[2] ?? '').padEnd(2, '0') || '0');
  return amount > 0n ? amount : null;
}

/** The same in any currency: as many decimals as it has, so that yen take none. */
export function parseMoney(text: string, currency: string): bigint | null {
  const digits = minorDigitsOf(currency);
  const match = /^[$€£¥]?\s*(\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.(\d{1,3}))?$/.exec(text.trim());
  if (!match || (match[2] ?? '').length > digits) return null;
  const whole = BigInt((match[1] ?? '').replaceAll(',', ''));
  const amount = whole * 10n ** BigInt(digits) + BigInt((match[2] ?? '').padEnd(digits, '0') || '0');
  return amount > 0n ? amount : null;
}

/** A share in percent, at most two decimals → basis points: `12.5` → `1250`. */
export function parsePercent(text: string): number | null {
  const match = /^(\d{1,3})(?:\.(\d{1,2}))?$/.exec(text.trim());
  if (!match) return null;
  const points = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
  return points <= 10_000 ? points : null;
}

/** Days, at most five decimals → whole seconds: `0.5` → `43200`. */
export function parseDays(text: string): number | null {
  const match = /^(\d{1,4})(?:\.(\d{1,5}))?$/.exec(text.trim());
  if (!match) return null;
  return Number(match[1]) * 86_400 + Math.round((Number((match[2] ?? '').padEnd(5, '0')) * 86_400) / 100_000);
}

/** Hours with up to three decimals → milliseconds. */
export function parseHours(text: string): bigint | null {
  const match = /^(\d{1,9})(?:\.(\d{1,3}))?$/.exec(text.trim());
  if (!match) return null;
  const thousandths = BigInt(match[1] ?? '0') * 1000n + BigInt((match[2] ?? '').padEnd(3, '0') || '0');
  return thousandths > 0n ? thousandths * 3600n : null;
}
