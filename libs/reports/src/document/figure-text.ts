/** Figures as people read them. No locale and no time zone of any machine: the same figure is the same text everywhere. */
import { currencyScale, formatMinorUnits } from '#kernel';

/** Digits in groups of three: 1234567.50 -> 1,234,567.50. */
export function grouped(number: string): string {
  const [integer = '', fraction] = number.split('.');
  const digits = integer.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? digits : `${digits}.${fraction}`;
}

export function money(amountMinor: string, currency: string): string {
  return `${currency} ${grouped(formatMinorUnits(BigInt(amountMinor), currencyScale(currency)))}`;
}

/** Milliseconds as seconds, exactly. */
export function seconds(milliseconds: string): string {
  return `${grouped(formatMinorUnits(BigInt(milliseconds), 3))} s`;
}

/** Micro-watt-hours in the unit that keeps the number short. Exact to the last digit. */
export function energy(microWh: string): string {
  const value = BigInt(microWh);
  if (value >= 1_000_000_000n) return `${grouped(trimZeros(formatMinorUnits(value, 9)))} kWh`;
  return `${grouped(trimZeros(formatMinorUnits(value, 6)))} Wh`;
}

function trimZeros(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** Large counts with three decimals: 1.235 × 10¹⁵. Rounded half up for display; the exact integer is in the JSON. */
export function scientific(count: string): string {
  const value = BigInt(count);
  if (value < 1_000_000n) return grouped(count);
  let exponent = count.length - 1;
  const unit = 10n ** BigInt(exponent - 3);
  let mantissa = (value + unit / 2n) / unit;
  if (mantissa >= 10_000n) {
    mantissa /= 10n;
    exponent += 1;
  }
  const power = String(exponent).replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] ?? '');
  return `${formatMinorUnits(mantissa, 3)} × 10${power}`;
}

export function count(value: string | number): string {
  return grouped(String(value));
}

/** 2026-11-24T12:00:00.000Z -> 2026-11-24 12:00:00 UTC. */
export function moment(at: string | null): string {
  const match = at === null ? null : /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})/.exec(at);
  return match ? `${match[1]} ${match[2]} UTC` : (at ?? '–');
}

/** Hundredths of a percent: 4234 -> 42.34 %. */
export function percent(basisPoints: number): string {
  return `${formatMinorUnits(BigInt(basisPoints), 2)} %`;
}

export function bytes(value: string): string {
  return `${grouped(value)} B`;
}

export function loss(value: number | null): string {
  return value === null ? '–' : value.toFixed(4);
}
