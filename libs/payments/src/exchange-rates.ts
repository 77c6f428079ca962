import { Injectable } from '@nestjs/common';
import { isRefused, refuse, type Outcome } from '#kernel';
import type { Tx } from '#platform';
import { crossRate, readEcbRates, type ExchangeRate } from './domain/exchange-rate.rule.js';
import { differingRate, insertRates, ratesUntil } from './store/exchange-rate.store.js';

const ECB = 'ECB eurofxref';
/** The bank publishes on its working days; what is older than a week and its holidays is no rate of today. */
const AGE_DAYS_MAX = 10;
const FILE_CHARS_MAX = 8_000_000;

/** Dated exchange rates. A rate, once stored, never changes; what was converted by it can be computed again. */
@Injectable()
export class ExchangeRates {
  /**
   * The latest rate at a moment, of one day and source for both currencies.
   * Refusals: RATE_UNKNOWN; RATE_STALE when the latest one is more than ten days old.
   */
  async at(tx: Tx, base: string, quote: string, now: Date): Promise<Outcome<ExchangeRate>> {
    if (base === quote) {
      return { base, quote, numerator: '1', denominator: '1', asOf: now.toISOString().slice(0, 10), source: 'same' };
    }
    const wanted = [...new Set([base, quote])].filter((currency) => currency !== 'EUR');
    const found = await ratesUntil(tx, wanted, now);
    const rate = found === undefined ? undefined : crossRate(base, quote, found.rates, found);
    if (rate === undefined || found === undefined) {
      return refuse({
        code: 'RATE_UNKNOWN',
        message: `There is no exchange rate from ${base} to ${quote} yet.`,
        hint: 'An operator imports the reference rates of the day; or use the currency of the campaign.',
        path: ['currency'],
      });
    }
    const ageDays = (now.getTime() - Date.parse(`${found.asOf}T00:00:00Z`)) / 86_400_000;
    if (ageDays > AGE_DAYS_MAX) {
      return refuse({
        code: 'RATE_STALE',
        message: `The latest exchange rate from ${base} to ${quote} is of ${found.asOf}.`,
        hint: 'An operator imports the reference rates of the day; or use the currency of the campaign.',
        path: ['currency'],
      });
    }
    return {
      base,
      quote,
      numerator: rate.numerator,
      denominator: rate.denominator,
      asOf: found.asOf,
      source: found.source,
    };
  }

  /**
   * Stores a CSV of the European Central Bank; what is there already stays. Refusals: RATES_FILE_INVALID;
   * RATES_CONFLICT when a day's rate is stored with another value: nothing is stored then.
   */
  async importEcb(tx: Tx, csv: string): Promise<Outcome<{ read: number; added: number }>> {
    if (csv.length > FILE_CHARS_MAX) {
      return refuse({
        code: 'RATES_FILE_INVALID',
        message: 'The file is larger than all reference rates together.',
        hint: 'Use eurofxref.csv or eurofxref-hist.csv as the bank publishes it, unzipped.',
        path: ['input', 'csv'],
      });
    }
    const rates = readEcbRates(csv);
    if (isRefused(rates)) return rates;
    const today = tx.now.toISOString().slice(0, 10);
    const ahead = rates.find(({ asOf }) => asOf > today);
    if (ahead !== undefined) {
      // Stored, it would refuse the true rate of that day when it comes.
      return refuse({
        code: 'RATES_FILE_INVALID',
        message: 'The file has rates of a day that has not come.',
        detail: `${ahead.quote} of ${ahead.asOf}; today is ${today}, by UTC`,
        hint: 'Check where the file comes from.',
        path: ['input', 'csv'],
      });
    }
    const differing = await differingRate(tx, rates, ECB);
    if (differing !== undefined) {
      return refuse({
        code: 'RATES_CONFLICT',
        message: 'A rate of a day never changes, and this file has another one.',
        detail: `${differing.quote} of ${differing.asOf} is stored as ${differing.rate}`,
        hint: 'Check where the file comes from; gifts were counted by the stored rate.',
        path: ['input', 'csv'],
      });
    }
    return { read: rates.length, added: await insertRates(tx, rates, ECB) };
  }
}
