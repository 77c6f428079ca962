import { currencyScale, refuse, type Outcome, type Refused } from '#kernel';

/*
 * 1. A rate is an exact decimal, as its source published it; nothing is ever turned into a floating-point number.
 * 2. A rate between two currencies that are both published against the euro is the exact quotient of the two, of one day.
 * 3. An amount is converted by one floor at the very end, across the scales of the two currencies.
 */

/** What one unit of `base` is worth in `quote` on a day: numerator / denominator, both exact decimals. */
export interface ExchangeRate {
  readonly base: string;
  readonly quote: string;
  readonly numerator: string;
  /** `1` where the rate was published as it is. */
  readonly denominator: string;
  /** ISO date of publication. */
  readonly asOf: string;
  readonly source: string;
}

/** One line of a table of rates: units of `quote` for one unit of `base`. */
export interface PublishedRate {
  readonly base: string;
  readonly quote: string;
  readonly asOf: string;
  readonly rate: string;
}

const DECIMAL = /^(0|[1-9]\d{0,11})(?:\.(\d{1,18}))?$/;

/** The rate as text: a decimal, or the quotient of two. */
export const rateText = (rate: Pick<ExchangeRate, 'numerator' | 'denominator'>): string =>
  rate.denominator === '1' ? rate.numerator : `${rate.numerator}/${rate.denominator}`;

/** A decimal as an integer and its number of digits after the point. @throws for what is no positive decimal. */
function parse(decimal: string): { units: bigint; scale: number } {
  const match = DECIMAL.exec(decimal);
  const units = match === null ? 0n : BigInt(`${match[1] ?? ''}${match[2] ?? ''}`);
  if (units <= 0n) throw new Error(`${decimal} is no rate`);
  return { units, scale: match?.[2]?.length ?? 0 };
}

/** An amount in minor units of `base`, in minor units of `quote`, rounded down. */
export function convertMinor(rate: ExchangeRate, amountMinor: bigint): bigint {
  const over = parse(rate.numerator);
  const under = parse(rate.denominator);
  const numerator = amountMinor * over.units * 10n ** BigInt(under.scale + currencyScale(rate.quote));
  const denominator = under.units * 10n ** BigInt(over.scale + currencyScale(rate.base));
  const whole = numerator / denominator;
  return numerator < 0n && whole * denominator !== numerator ? whole - 1n : whole;
}

/** The rate between two currencies from what is published against the euro; undefined where one of them is not. */
export function crossRate(
  base: string,
  quote: string,
  published: ReadonlyMap<string, string>,
  facts: { readonly asOf: string; readonly source: string },
): ExchangeRate | undefined {
  const against = (currency: string): string | undefined => (currency === 'EUR' ? '1' : published.get(currency));
  const numerator = against(quote);
  const denominator = against(base);
  if (numerator === undefined || denominator === undefined) return undefined;
  if (base === quote) return { base, quote, numerator: '1', denominator: '1', ...facts };
  return { base, quote, numerator, denominator, ...facts };
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** `2026-11-23`, or `23 November 2026` as in the daily file. */
function readDate(text: string): string | undefined {
  const daily = /^(\d{1,2}) ([A-Z][a-z]+) (\d{4})$/.exec(text);
  const iso =
    daily === null
      ? text
      : `${daily[3] ?? ''}-${String(MONTHS.indexOf(daily[2] ?? '') + 1).padStart(2, '0')}-${(daily[1] ?? '').padStart(2, '0')}`;
  const at = new Date(`${iso}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(iso) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(iso)
    ? iso
    : undefined;
}

/**
 * The European Central Bank's reference rates as it publishes them in CSV, for one day or with their history: a line of
 * currencies, then a line for each day. `N/A` stands where a currency was not published. Refusals: RATES_FILE_INVALID.
 */
export function readEcbRates(text: string): Outcome<PublishedRate[]> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const cells = (line: string): string[] => line.split(',').map((cell) => cell.trim());
  const header = cells(lines[0] ?? '');
  if (header[0] !== 'Date' || header.length < 2) return invalid('The first line names "Date" and the currencies.');
  const named = header.filter((cell) => cell !== '');
  const twice = named.find((cell, at) => named.indexOf(cell) !== at);
  if (twice !== undefined) return invalid(`The first line names ${twice.slice(0, 40)} twice.`);
  const days = new Set<string>();
  const rates: PublishedRate[] = [];
  for (const [index, line] of lines.slice(1).entries()) {
    const row = cells(line);
    const asOf = readDate(row[0] ?? '');
    if (asOf === undefined) return invalid(`Line ${index + 2} begins with no date: ${(row[0] ?? '').slice(0, 40)}`);
    // Which of the two would count is not for us to guess, and it would count for good.
    if (days.has(asOf)) return invalid(`Line ${index + 2} is of ${asOf} once more.`);
    days.add(asOf);
    for (const [column, quote] of header.entries()) {
      const rate = row[column] ?? '';
      if (column === 0 || quote === '' || rate === '' || rate === 'N/A') continue;
      if (!/^[A-Z]{3}$/.test(quote)) return invalid(`Column ${column + 1} is no currency: ${quote.slice(0, 40)}`);
      if (!DECIMAL.test(rate) || /^[0.]+$/.test(rate)) {
        return invalid(`Line ${index + 2}, ${quote}: ${rate.slice(0, 40)} is no rate.`);
      }
      rates.push({ base: 'EUR', quote, asOf, rate });
    }
  }
  return rates.length === 0 ? invalid('There is no rate in it.') : rates;
}

function invalid(detail: string): Refused {
  return refuse({
    code: 'RATES_FILE_INVALID',
    message: "The file is no table of the European Central Bank's reference rates.",
    detail,
    hint: 'Use eurofxref.csv or eurofxref-hist.csv as the bank publishes it, unzipped.',
    path: ['input', 'csv'],
  });
}
