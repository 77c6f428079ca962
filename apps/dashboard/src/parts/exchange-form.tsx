/** What a treasurer exchanges into the currency of the payouts: asked for first, shown with its rate, then done. */
import type { CashLine } from '../api/disbursement.shapes.js';
import type { UserError } from '../api/shapes.js';
import { money, type Money } from '../format/amount.js';
import { Field, UserErrors } from './form.js';

export interface ExchangeOffer {
  gives: Money;
  gets: Money;
  rate: string;
  rateAsOf: string;
  rateSource: string;
  available: Money;
}

export function ExchangeForm(props: {
  path: string;
  /** The currency that payouts are made in. */
  into: string;
  cash: CashLine[];
  offer: ExchangeOffer | null;
  errors: UserError[];
  typed: (name: string) => string;
}) {
  const { path, into, offer, errors, typed } = props;
  const others = props.cash.map(({ escrow }) => escrow).filter(({ currency }) => currency !== into);
  if (others.length === 0) return null;
  return (
    <section class="panel stack" aria-labelledby="exchange">
      <h2 id="exchange">Exchange into {into}</h2>
      <p class="muted">
        Payouts are made in {into}. What came in another currency is exchanged at the dated reference rate, once the
        safety window is over; what is held back for disputes stays as it is.
      </p>
      <UserErrors errors={errors} fields={['amount', 'amountMinor', 'currency']} />
      {offer ? (
        <form method="post" action={path} class="form">
          <input type="hidden" name="do" value="exchange" />
          <input type="hidden" name="currency" value={offer.gives.currency} />
          <input type="hidden" name="amountMinor" value={offer.gives.amountMinor} />
          <input type="hidden" name="key" value={crypto.randomUUID()} />
          <dl class="terms">
            <div>
              <dt>Gives</dt>
              <dd>{money(offer.gives)}</dd>
            </div>
            <div>
              <dt>Gets</dt>
              <dd class="cash-ink">{money(offer.gets)}</dd>
            </div>
            <div>
              <dt>
                Rate <small>{`${offer.rateSource}, ${offer.rateAsOf}`}</small>
              </dt>
              <dd>{`${offer.rate} ${offer.gets.currency}`}</dd>
            </div>
            <div>
              <dt>Free in escrow now</dt>
              <dd>{money(offer.available)}</dd>
            </div>
          </dl>
          <p class="actions">
            <button class="button">Exchange {money(offer.gives)}</button>
            <a class="button quiet" href={path}>
              Not now
            </a>
          </p>
        </form>
      ) : (
        <form method="post" action={path} class="form">
          <input type="hidden" name="do" value="exchange-preview" />
          <div class="split">
            <Field label="Currency" id="exchange-currency" errors={errors}>
              <select name="currency">
                {others.map((escrow) => (
                  <option
                    key={escrow.currency}
                    value={escrow.currency}
                    selected={typed('currency') === escrow.currency}
                  >
                    {`${escrow.currency}, ${money(escrow)} in escrow`}
                  </option>
                ))}
              </select>
            </Field>
            <Field label="How much of it" id="exchange-amount" errors={errors}>
              <input name="amount" required inputMode="decimal" autoComplete="off" value={typed('amount')} />
            </Field>
          </div>
          <p class="actions">
            <button class="button quiet">See what it gives</button>
          </p>
        </form>
      )}
    </section>
  );
}
