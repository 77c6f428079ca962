import { Injectable } from '@nestjs/common';
import type { Outcome } from '#kernel';
import type { Tx } from '#platform';
import type { CountedAt } from './domain/cash-pledge.rule.js';
import { refusePledge } from './pledge.refusal.js';

/** What an amount counts in a campaign's currency. */
@Injectable()
export class PledgeRates {
  /** Refusals: PLEDGE_CURRENCY_MISMATCH where no rate is known. */
  async counted(
    _tx: Tx,
    asked: { readonly amountMinor: bigint; readonly currency: string },
    campaignCurrency: string,
  ): Promise<Outcome<CountedAt>> {
    return asked.currency === campaignCurrency
      ? { countedMinor: asked.amountMinor, exchangeRate: null }
      : refusePledge('PLEDGE_CURRENCY_MISMATCH', ['input', 'currency'], `It raises ${campaignCurrency}.`);
  }
}
