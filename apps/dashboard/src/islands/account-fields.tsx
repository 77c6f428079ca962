/** Bank account fields for the sandbox: a US account (ACH) or an IBAN (SEPA), with the mandate that the payer gives. */
import { useState } from 'preact/hooks';

export type DebitRail = 'US_BANK_ACCOUNT' | 'SEPA_DEBIT';
export interface AccountText {
  routing: string;
  account: string;
  iban: string;
  name: string;
  email: string;
}
export const noAccount: AccountText = { routing: '', account: '', iban: '', name: '', email: '' };

/** Accounts that Stripe documents for tests. */
const testRouting = '110000000';
const testAccounts: Record<DebitRail, readonly (readonly [string, string])[]> = {
  US_BANK_ACCOUNT: [
    ['000123456789', 'Pays'],
    ['000222222227', 'Has not enough funds'],
    ['000111111113', 'Is closed'],
  ],
  SEPA_DEBIT: [
    ['DE89370400440532013000', 'Pays'],
    ['DE65370400440002222227', 'Has not enough funds'],
    ['DE35370400440532013002', 'Pays, is taken back later'],
  ],
};

/** As `payment_method_data` of Stripe's API; a text says what is wrong. */
export function readAccount(rail: DebitRail, text: AccountText): Record<string, string> | string {
  const name = text.name.trim();
  const email = text.email.trim();
  if (name === '') return 'Give the name of the account’s holder.';
  if (!/^\S+@\S+\.\S+$/.test(email)) return 'Give an e-mail address: notices of debits go to it.';
  const holder = { '[billing_details][name]': name, '[billing_details][email]': email };
  if (rail === 'SEPA_DEBIT') {
    const iban = text.iban.replaceAll(/\s/g, '').toUpperCase();
    if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return 'Give the IBAN: two letters, then digits.';
    return { '[type]': 'sepa_debit', '[sepa_debit][iban]': iban, ...holder };
  }
  if (!/^\d{9}$/.test(text.routing.trim())) return 'The routing number has nine digits.';
  if (!/^\d{4,17}$/.test(text.account.trim())) return 'The account number has four to seventeen digits.';
  return {
    '[type]': 'us_bank_account',
    '[us_bank_account][routing_number]': text.routing.trim(),
    '[us_bank_account][account_number]': text.account.trim(),
    '[us_bank_account][account_holder_type]': 'individual',
    ...holder,
  };
}

export function AccountFields(props: {
  rail: DebitRail;
  text: AccountText;
  onChange: (text: AccountText) => void;
  /** Whether the account is kept for later debits, too. */
  saves: boolean;
}) {
  const { rail, text, onChange } = props;
  const [used, setUsed] = useState('');
  const field = (key: keyof AccountText, label: string, more: object) => (
    <div class="field-row">
      <label for={`account-${key}`}>{label}</label>
      <input
        id={`account-${key}`}
        value={text[key]}
        onInput={(event) => onChange({ ...text, [key]: event.currentTarget.value })}
        {...more}
      />
    </div>
  );
  const digits = { inputMode: 'numeric', autoComplete: 'off', spellcheck: false };
  return (
    <>
      {rail === 'SEPA_DEBIT' ? (
        field('iban', 'IBAN', { autoComplete: 'off', spellcheck: false, placeholder: 'DE89 3704 0044 0532 0130 00' })
      ) : (
        <div class="split">
          {field('routing', 'Routing number', digits)}
          {field('account', 'Account number', digits)}
        </div>
      )}
      <div class="split">
        {field('name', 'Holder of the account', { autoComplete: 'name' })}
        {field('email', 'E-mail', { type: 'email', autoComplete: 'email' })}
      </div>
      <div class="notice">
        <p class="notice-title">Sandbox: no money moves</p>
        <p>Click a test account to fill it in.</p>
        <div class="hints-cards">
          {testAccounts[rail].map(([number, effect]) => (
            <button
              type="button"
              key={number}
              aria-pressed={used === number}
              onClick={() => {
                setUsed(number);
                const holder = { name: text.name || 'Jenny Rosen', email: text.email || 'jenny.rosen@example.com' };
                onChange(
                  rail === 'SEPA_DEBIT'
                    ? { ...text, ...holder, iban: number }
                    : { ...text, ...holder, routing: testRouting, account: number },
                );
              }}
            >
              <code>{number}</code> <span>{effect}</span>
            </button>
          ))}
        </div>
      </div>
      <p class="fine">{mandateText(rail, props.saves)}</p>
    </>
  );
}

/** What the payer agrees to by the button: the mandate, in our words. */
function mandateText(rail: DebitRail, saves: boolean): string {
  const extent = saves ? 'for this pledge, when it is due, and for no other' : 'once, for the amount of this pledge';
  return rail === 'SEPA_DEBIT'
    ? `With the button you authorise Commonweights, through Stripe, to instruct your bank to debit this account ${extent}, and your bank to follow. You are told at least two days before. Your bank owes you a refund under its agreement with you if you ask within eight weeks of the debit.`
    : `With the button you authorise Commonweights, through Stripe, to debit this account by ACH ${extent}. You can revoke it from your account page until the debit has begun.`;
}
