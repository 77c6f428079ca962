/** Card numbers and dates as they are typed. */

/** Groups of four, as on the card. */
export const cardGroups = (text: string): string =>
  text
    .replaceAll(/\D/g, '')
    .slice(0, 19)
    .replaceAll(/(\d{4})(?=\d)/g, '$1 ');

/** `1 2 / 2 8` as it is typed → `12 / 28`. */
export function expiryText(text: string): string {
  const digits = text.replaceAll(/\D/g, '').slice(0, 4);
  return digits.length > 2 ? `${digits.slice(0, 2)} / ${digits.slice(2)}` : digits;
}

export function readExpiry(text: string, now: Date): { month: string; year: string } | null {
  const match = /^(\d{2})\s*\/\s*(\d{2})$/.exec(text.trim());
  const [month, year] = [Number(match?.[1]), 2000 + Number(match?.[2])];
  if (!match || month < 1 || month > 12) return null;
  // A card is good to the last day of its month.
  return new Date(Date.UTC(year, month, 1)) > now ? { month: String(month), year: String(year) } : null;
}
