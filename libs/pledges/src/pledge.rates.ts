import { Injectable } from '@nestjs/common';
import { type Outcome, isRefused } from '#kernel';
import { ExchangeRates, convertMinor, rateText } from '#payments';
import type { Tx } from '#platform';
import type { CountedAt } from './domain/cash-pledge.rule.js';
import { refusePledge } from './pledge.refusal.js';

/** What an amount counts in a campaign's currency, by the newest dated rate. */
@Injectable()
export class PledgeRates {
  constructor(private readonly rates: ExchangeRates) {}

  /** Refusals: PLEDGE_CURRENCY_MISMATCH where no rate is known, or none of these days; PLEDGE_AMOUNT_TOO_SMALL. */
  async counted(
    tx: Tx,
    asked: { readonly amountMinor: bigint; readonly currency: string },
    campaignCurrency: string,
  ): Promise<Outcome<CountedAt>> {
    if (asked.currency === campaignCurrency) return { countedMinor: asked.amountMinor, exchangeRate: null };
    const rate = await this.rates.at(tx, asked.currency, campaignCurrency, tx.now);
    if (isRefused(rate))
      return refusePledge(
        'PLEDGE_CURRENCY_MISMATCH',
        ['input', 'currency'],
        `It raises ${campaignCurrency}. ${rate.first.message}`,
      );
    const countedMinor = convertMinor(rate, asked.amountMinor);
    return countedMinor > 0n
      ? {
          countedMinor,
          exchangeRate: `${rateText(rate)} ${campaignCurrency} per ${asked.currency}, ${rate.source} ${rate.asOf}`,
        }
      : refusePledge('PLEDGE_AMOUNT_TOO_SMALL', ['input', 'amountMinor'], `It counts nothing in ${campaignCurrency}.`);
  }
}
