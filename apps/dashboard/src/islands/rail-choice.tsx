/** How the money comes: what each way can carry, takes in fees and how long it takes, before anything is paid. */
import { useEffect, useState } from 'preact/hooks';
import { railQuoteQuery } from '../api/documents.js';
import { money } from '../format/amount.js';
import { askApi } from './live.client.js';

export type Rail = 'CARD' | 'BANK_TRANSFER';
interface Quote {
  rail: string;
  available: boolean;
  reason: string | null;
  charges: number;
  fee: { amountMinor: string; currency: string };
  settleBusinessDays: number;
}

const names: Record<Rail, string> = { CARD: 'Card', BANK_TRANSFER: 'Bank transfer' };
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
        {(Object.keys(names) as Rail[]).map((rail) => (
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
        ? 'Saved now, charged when the campaign settles, given back if it misses its goal.'
        : 'Charged at once, held in escrow.';
  if (!quote) return when;
  if (!quote.available)
    return quote.reason === 'CURRENCY_UNSUPPORTED'
      ? `This way can not carry ${quote.fee.currency}.`
      : 'The amount is too small for this way.';
  if (rail === 'CARD' && quote.charges > most)
    return `That would be ${quote.charges} charges of a card. Send it by bank transfer instead.`;
  const parts = rail === 'CARD' && quote.charges > 1 ? ` In ${quote.charges} charges: one carries $999,999.99.` : '';
  return `${when}${parts} The processor keeps about ${money(quote.fee)}; the money is there in ${quote.settleBusinessDays} business ${quote.settleBusinessDays === 1 ? 'day' : 'days'}.`;
}
