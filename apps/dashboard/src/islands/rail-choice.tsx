/** How the money comes: what each way can carry, takes in fees and how long it takes, before anything is paid. */
import { useEffect, useState } from 'preact/hooks';
import { railQuoteQuery } from '../api/documents.js';
import { money } from '../format/amount.js';
import { askApi } from './live.client.js';

export type Rail = 'CARD' | 'US_BANK_ACCOUNT' | 'SEPA_DEBIT' | 'BANK_TRANSFER';
interface Quote {
  rail: string;
  available: boolean;
  reason: string | null;
  charges: number;
  fee: { amountMinor: string; currency: string };
  settleBusinessDays: number;
}

const names: Record<Rail, string> = {
  CARD: 'Card',
  US_BANK_ACCOUNT: 'US bank debit',
  SEPA_DEBIT: 'SEPA debit',
  BANK_TRANSFER: 'Bank transfer',
};
/** Where a way exists only for some currencies; the quote has the last word. */
const only: Partial<Record<Rail, string>> = { US_BANK_ACCOUNT: 'USD', SEPA_DEBIT: 'EUR' };
export const carries = (rail: Rail, currency: string): boolean => (only[rail] ?? currency) === currency;

const most = 20;

export function RailChoice(props: {
  amountMinor: string | undefined;
  currency: string;
  chargedAtClose: boolean;
  rail: Rail;
  onChange: (rail: Rail) => void;
}) {
  const { amountMinor, currency } = props;
  const [quotes, setQuotes] = useState<Quote[]>([]);
  useEffect(() => {
    if (!amountMinor) return setQuotes([]);
    let stopped = false;
    const timer = setTimeout(async () => {
      const answer = await askApi<{ railQuote: Quote[] }>(railQuoteQuery, { amountMinor, currency }).catch(() => null);
      if (!stopped) setQuotes(answer?.railQuote ?? []);
    }, 200);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [amountMinor, currency]);

  return (
    <fieldset>
      <legend>How?</legend>
      <div class="choices">
        {(Object.keys(names) as Rail[])
          .filter((rail) => carries(rail, currency))
          .map((rail) => (
            <label key={rail}>
              <input
                type="radio"
                name="rail"
                value={rail}
                checked={props.rail === rail}
                onChange={() => props.onChange(rail)}
              />
              {names[rail]}
            </label>
          ))}
      </div>
      <p class="fine" aria-live="polite">
        {explain(
          quotes.find((quote) => quote.rail === props.rail),
          props.rail,
          props.chargedAtClose,
        )}
      </p>
    </fieldset>
  );
}

function explain(quote: Quote | undefined, rail: Rail, chargedAtClose: boolean): string {
  const when =
    rail === 'BANK_TRANSFER'
      ? 'Your bank sends it to an account number of your own.'
      : chargedAtClose
        ? 'Saved now, charged at the deadline and only if all that is pledged reaches the goal (or is near enough to extend).'
        : rail === 'CARD'
          ? 'Charged at once, held in escrow.'
          : 'Debited at once, held in escrow when it comes.';
  if (!quote) return when;
  if (!quote.available)
    return quote.reason === 'CURRENCY_UNSUPPORTED'
      ? `This way can not carry ${quote.fee.currency}.`
      : 'The amount is too small for this way.';
  if (rail !== 'BANK_TRANSFER' && quote.charges > most)
    return `That would be ${quote.charges} charges. Send it by bank transfer instead.`;
  const parts = rail !== 'BANK_TRANSFER' && quote.charges > 1 ? ` In ${quote.charges} charges.` : '';
  return `${when}${parts} The processor keeps about ${money(quote.fee)}; the money is there in ${quote.settleBusinessDays} business ${quote.settleBusinessDays === 1 ? 'day' : 'days'}.`;
}
