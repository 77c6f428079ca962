/**
 * Amounts as people read them. Money arrives as whole minor units and GPU time as whole milliseconds, both in decimal
 * strings of any length; everything here stays in bigint, because a float would lose the cent on a large book.
 */

export interface Money {
  amountMinor: string;
  currency: string;
}
export interface GpuTime {
  milliseconds: string;
  class: string;
}

const group = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const minorDigits: Record<string, number> = {
  ...Object.fromEntries(
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'.split(' ').map((c) => [c, 0]),
  ),
  ...Object.fromEntries('BHD IQD JOD KWD LYD OMR TND'.split(' ').map((c) => [c, 3])),
};
/** How many decimals a currency has. */
export const minorDigitsOf = (currency: string): number => minorDigits[currency] ?? 2;
const signs: Record<string, string> = { USD: '$', EUR: '€', GBP: '£', JPY: '¥' };

/** Whole numbers with thousands separators, exact at any size. */
export function integer(value: bigint | string | number): string {
  return group.format(BigInt(value));
}

/** `12345` with scale 2 → `123.45`; `digits` cuts (never rounds up) the fraction. */
export function decimal(value: bigint | string, scale: number, digits = scale): string {
  const amount = BigInt(value);
  const negative = amount < 0n;
  const unit = 10n ** BigInt(scale);
  const size = negative ? -amount : amount;
  const fraction = (size % unit).toString().padStart(scale, '0').slice(0, digits);
  return `${negative ? '−' : ''}${group.format(size / unit)}${digits > 0 ? `.${fraction}` : ''}`;
}

export function money(value: Money, style: 'exact' | 'short' = 'exact'): string {
  const scale = minorDigitsOf(value.currency);
  const minor = BigInt(value.amountMinor);
  const whole = minor % 10n ** BigInt(scale) === 0n;
  const text = decimal(minor, scale, style === 'short' && whole ? 0 : scale);
  const sign = signs[value.currency];
  if (!sign) return `${text} ${value.currency}`;
  return text.startsWith('−') ? `−${sign}${text.slice(1)}` : `${sign}${text}`;
}

/** An amount as somebody would type it: `1250.00` as `1250`, `12.50` as it is. */
export function typedMoney(value: Money): string {
  const digits = minorDigitsOf(value.currency);
  const unit = 10n ** BigInt(digits);
  const minor = BigInt(value.amountMinor);
  const rest = minor % unit;
  return rest === 0n ? `${minor / unit}` : `${minor / unit}.${rest.toString().padStart(digits, '0')}`;
}

/** `cpu` counts CPU-hours, everything else GPU-hours. */
export function timeUnit(acceleratorClass: string): string {
  return acceleratorClass === 'cpu' ? 'CPU' : 'GPU';
}

/** GPU time in the unit that keeps it readable: milliseconds below one second, seconds below ten minutes, minutes below ten hours, else hours. */
export function gpuTime(value: GpuTime): string {
  const ms = BigInt(value.milliseconds);
  const size = ms < 0n ? -ms : ms;
  const kind = timeUnit(value.class);
  if (size < 1000n && size > 0n) return `${ms} ${kind}-ms`;
  if (size < 600_000n) return `${trimmed(ms, 1000n)} ${kind}-s`;
  if (size < 36_000_000n) return `${trimmed(ms, 60_000n)} ${kind}-min`;
  return `${trimmed(ms, 3_600_000n)} ${kind}-h`;
}

/** The exact figure, for titles and tables: `1,234.567 GPU-s`. */
export function gpuSeconds(value: GpuTime): string {
  return `${decimal(value.milliseconds, 3)} ${timeUnit(value.class)}-s`;
}

function trimmed(value: bigint, unit: bigint): string {
  const tenths = (value * 10n) / unit;
  return tenths % 10n === 0n || tenths > 10_000n ? group.format(tenths / 10n) : decimal(tenths, 1);
}

const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y', 'R', 'Q'];

/** Three significant digits with an SI prefix: `6.21 P` for 6 210 000 000 000 000. */
export function engineering(value: bigint | string): string {
  const digits = BigInt(value).toString();
  if (digits.length <= 4) return group.format(BigInt(digits));
  const power = Math.min(Math.floor((digits.length - 1) / 3), prefixes.length - 1);
  const lead = digits.slice(0, digits.length - power * 3);
  const rest = digits.slice(lead.length, lead.length + Math.max(0, 3 - lead.length));
  return `${group.format(BigInt(lead))}${rest ? `.${rest}` : ''} ${prefixes[power]}`;
}

/** Counts of arithmetic: `193 GFLOP`. */
export function flop(value: bigint | string): string {
  const text = engineering(value);
  return /[A-Z]$/i.test(text) ? `${text}FLOP` : `${text} FLOP`;
}

/** Share in hundredths of a percent, clamped to 0…100 %, so that a bar can be drawn from two bigints. */
export function share(part: bigint | string, whole: bigint | string): number {
  const total = BigInt(whole);
  if (total <= 0n) return 0;
  const points = (BigInt(part) * 10_000n) / total;
  return Number(points < 0n ? 0n : points > 10_000n ? 10_000n : points) / 100;
}

/** Unclamped whole percent, as text: a campaign may pass its goal. */
export function percent(part: bigint | string, whole: bigint | string): string {
  const total = BigInt(whole);
  return total <= 0n ? '–' : `${group.format((BigInt(part) * 100n) / total)} %`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'];
export function bytes(value: string | number): string {
  let size = Number(value);
  let unit = 0;
  while (size >= 1000 && unit < byteUnits.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${byteUnits[unit]}`;
}
