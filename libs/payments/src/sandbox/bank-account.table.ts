/**
 * Stripe's documented bank accounts for testing payouts, and what becomes of a payout to each.
 * Source: Stripe documentation, "Testing Connect". Any other number of a plausible length is refused.
 */
export interface PayoutFailure {
  readonly code: string;
  readonly message: string;
}

const FAILURES: Readonly<Record<string, PayoutFailure>> = {
  no_account: { code: 'no_account', message: 'The bank account details on file are probably incorrect.' },
  account_closed: { code: 'account_closed', message: 'The bank account has been closed.' },
  insufficient_funds: {
    code: 'insufficient_funds',
    message: 'The account has insufficient funds to cover the payout.',
  },
  debit_not_authorized: {
    code: 'debit_not_authorized',
    message: 'Debit transactions are not approved on the bank account.',
  },
  invalid_currency: {
    code: 'invalid_currency',
    message: 'The bank was unable to process this payout because of its currency.',
  },
};

const OUTCOME_BY_NUMBER: Readonly<Record<string, string>> = {
  '000123456789': 'paid',
  '000111111116': 'no_account',
  '000111111113': 'account_closed',
  '000222222227': 'insufficient_funds',
  '000333333335': 'debit_not_authorized',
  '000444444440': 'invalid_currency',
  '000123456': 'paid',
  '00012345': 'paid',
  DE89370400440532013000: 'paid',
  DE62370400440532013001: 'no_account',
  DE89370400440532013002: 'account_closed',
  DE89370400440532013003: 'insufficient_funds',
  DE89370400440532013004: 'debit_not_authorized',
  DE89370400440532013005: 'invalid_currency',
};

const NUMBER_BY_TOKEN: Readonly<Record<string, string>> = {
  btok_us: '000123456789',
  btok_us_verified: '000123456789',
  btok_us_verified_noAccount: '000111111116',
  btok_us_verified_accountClosed: '000111111113',
  btok_us_verified_insufficientFunds: '000222222227',
  btok_us_verified_debitNotAuthorized: '000333333335',
  btok_us_verified_invalidCurrency: '000444444440',
};

export function bankNumberOfToken(token: string): string | undefined {
  return NUMBER_BY_TOKEN[token];
}

export function isTestBankNumber(number: string): boolean {
  return number in OUTCOME_BY_NUMBER;
}

/** Why a payout to this number fails; `undefined` when it arrives. */
export function payoutFailureOf(number: string): PayoutFailure | undefined {
  return FAILURES[OUTCOME_BY_NUMBER[number] ?? 'paid'];
}

const CURRENCY_BY_COUNTRY: Readonly<Record<string, string>> = {
  US: 'usd',
  GB: 'gbp',
  CH: 'chf',
  CA: 'cad',
  JP: 'jpy',
};
const EURO_COUNTRIES = new Set('AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK'.split(' '));

/** A reason that banks give, by its code. */
export function payoutFailureCalled(code: string): PayoutFailure | undefined {
  return FAILURES[code];
}

/** The currency of a country that the sandbox knows. */
export function currencyOfCountry(country: string): string | undefined {
  return EURO_COUNTRIES.has(country) ? 'eur' : CURRENCY_BY_COUNTRY[country];
}
