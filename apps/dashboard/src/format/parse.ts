/** What people type into amount fields, as whole minor units; null where it is no amount. No float is involved. */

/** `25`, `25.5`, `1,250.00` → cents. More than two decimals, signs and anything else are refused. */
export function parseDollars(text: string): bigint | null {
  const match = /^\$?\s*(\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.(\d{1,2}))?$/.exec(text.trim());
  if (!match) return null;
  const amount = BigInt((match[1] ?? '').replaceAll(',', '')) * 100n + BigInt((match[2] ?? '').padEnd(2, '0') || '0');
  return amount > 0n ? amount : null;
}

/** Hours with up to three decimals → milliseconds. */
export function parseHours(text: string): bigint | null {
  const match = /^(\d{1,9})(?:\.(\d{1,3}))?$/.exec(text.trim());
  if (!match) return null;
  const thousandths = BigInt(match[1] ?? '0') * 1000n + BigInt((match[2] ?? '').padEnd(3, '0') || '0');
  return thousandths > 0n ? thousandths * 3600n : null;
}
