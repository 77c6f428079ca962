/** Card fields for the sandbox, with its test cards a click away. */
import { useState } from 'preact/hooks';
import { cardGroups, expiryText, readExpiry } from './card-text.js';

export interface CardText {
  number: string;
  expiry: string;
  code: string;
}

/** Cards that Stripe documents for tests; the sandbox treats each as Stripe's test mode does. */
const testCards = [
  ['4242 4242 4242 4242', 'Pays'],
  ['4000 0027 6000 3184', 'Asks for 3-D Secure'],
  ['4000 0000 0000 0002', 'Is declined'],
  ['4000 0000 0000 9995', 'Has not enough funds'],
  ['4000 0000 0000 0259', 'Pays, is disputed later'],
] as const;

/** As `payment_method_data` of Stripe's API. */
export function readCard(card: CardText): Record<string, string> | string {
  const number = card.number.replaceAll(/\D/g, '');
  if (number.length < 12) return 'The card number is too short.';
  const expiry = readExpiry(card.expiry, new Date());
  if (!expiry) return 'Give the expiry date as month / year, not in the past.';
  if (!/^\d{3,4}$/.test(card.code.trim())) return 'The security code has three or four digits.';
  return {
    '[type]': 'card',
    '[card][number]': number,
    '[card][exp_month]': expiry.month,
    '[card][exp_year]': expiry.year,
    '[card][cvc]': card.code.trim(),
  };
}

export function CardFields({ card, onChange }: { card: CardText; onChange: (card: CardText) => void }) {
  const [used, setUsed] = useState('');
  const set = (change: Partial<CardText>) => onChange({ ...card, ...change });
  return (
    <>
      <div class="field-row">
        <label for="card-number">Card number</label>
        <input
          id="card-number"
          inputMode="numeric"
          autoComplete="cc-number"
          placeholder="1234 1234 1234 1234"
          value={card.number}
          onInput={(event) => set({ number: cardGroups(event.currentTarget.value) })}
        />
      </div>
      <div class="split">
        <div class="field-row">
          <label for="card-expiry">Expiry</label>
          <input
            id="card-expiry"
            inputMode="numeric"
            autoComplete="cc-exp"
            placeholder="MM / YY"
            value={card.expiry}
            onInput={(event) => set({ expiry: expiryText(event.currentTarget.value) })}
          />
        </div>
        <div class="field-row">
          <label for="card-code">Security code</label>
          <input
            id="card-code"
            inputMode="numeric"
            autoComplete="cc-csc"
            placeholder="123"
            maxLength={4}
            value={card.code}
            onInput={(event) => set({ code: event.currentTarget.value.replaceAll(/\D/g, '') })}
          />
        </div>
      </div>
      <div class="notice">
        <p class="notice-title">Sandbox: no money moves</p>
        <p>Click a test card to fill it in.</p>
        <div class="hints-cards">
          {testCards.map(([number, effect]) => (
            <button
              type="button"
              key={number}
              aria-pressed={used === number}
              onClick={() => {
                setUsed(number);
                onChange({ number, expiry: `12 / ${String((new Date().getFullYear() + 2) % 100)}`, code: '123' });
              }}
            >
              <code>{number}</code> <span>{effect}</span>
            </button>
          ))}
        </div>
      </div>
    </>
  );
}
