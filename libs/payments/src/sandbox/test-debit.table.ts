/**
 * Stripe's documented test bank accounts: what a debit of each does. Source: Stripe documentation, "Accept an ACH
 * Direct Debit payment" and "SEPA Direct Debit", test your integration.
 */
export interface DebitScenario {
  /** What the debit ends with after its days of processing; `never` keeps it processing. */
  readonly outcome: 'succeeds' | 'never' | DebitFailure;
  /** Three minutes instead of the sandbox's delay. */
  readonly slow?: true;
  /** Taken back by the bank after it succeeded. */
  readonly disputed?: true;
  /** The two small deposits that prove the account never arrive. */
  readonly depositsFail?: true;
}

export interface DebitFailure {
  readonly code: string;
  readonly message: string;
}

const failure = (code: string): DebitFailure => ({ code, message: MESSAGES[code] ?? 'The payment failed.' });

const MESSAGES: Readonly<Record<string, string>> = {
  account_closed: "The customer's bank account has been closed.",
  no_account: "The customer's bank account could not be located.",
  insufficient_funds: "The customer's account has insufficient funds to cover this payment.",
  debit_not_authorized: 'The customer has notified their bank that this payment was unauthorized.',
  invalid_currency: 'The bank was unable to process this payment because of its currency.',
  charge_exceeds_weekly_limit: 'The payment exceeds the weekly limit of this bank account.',
  charge_exceeds_source_limit: 'The payment exceeds the limit of this bank account.',
  generic_decline: 'The payment was declined by the bank.',
};

const SUCCEEDS: DebitScenario = { outcome: 'succeeds' };

export const US_TEST_ROUTING = '110000000';

const US: Readonly<Record<string, DebitScenario>> = {
  '000123456789': SUCCEEDS,
  '000111111113': { outcome: failure('account_closed') },
  '000111111116': { outcome: failure('no_account') },
  '000222222227': { outcome: failure('insufficient_funds') },
  '000333333335': { outcome: failure('debit_not_authorized') },
  '000444444440': { outcome: failure('invalid_currency') },
  '000777777771': { outcome: failure('charge_exceeds_weekly_limit') },
  '000666666661': { outcome: 'succeeds', depositsFail: true },
  '000555555559': { outcome: 'succeeds', disputed: true },
  '000000000009': { outcome: 'never' },
};

const US_TOKENS: Readonly<Record<string, string>> = {
  pm_usBankAccount_success: '000123456789',
  pm_usBankAccount_accountClosed: '000111111113',
  pm_usBankAccount_noAccount: '000111111116',
  pm_usBankAccount_insufficientFunds: '000222222227',
  pm_usBankAccount_debitNotAuthorized: '000333333335',
  pm_usBankAccount_invalidCurrency: '000444444440',
  pm_usBankAccount_weeklyLimitExceeded: '000777777771',
  pm_usBankAccount_failMicrodeposits: '000666666661',
  pm_usBankAccount_dispute: '000555555559',
  pm_usBankAccount_processing: '000000000009',
};

const SEPA: Readonly<Record<string, DebitScenario>> = {
  AT611904300234573201: SUCCEEDS,
  AT321904300235473204: { outcome: 'succeeds', slow: true },
  AT861904300235473202: { outcome: failure('generic_decline') },
  AT051904300235473205: { outcome: failure('generic_decline'), slow: true },
  AT591904300235473203: { outcome: 'succeeds', disputed: true },
  AT981904300000343434: { outcome: failure('charge_exceeds_source_limit') },
  AT601904300000121212: { outcome: failure('charge_exceeds_weekly_limit') },
  AT981904300002222227: { outcome: failure('insufficient_funds') },
  DE89370400440532013000: SUCCEEDS,
  DE08370400440532013003: { outcome: 'succeeds', slow: true },
  DE62370400440532013001: { outcome: failure('generic_decline') },
  DE78370400440532013004: { outcome: failure('generic_decline'), slow: true },
  DE35370400440532013002: { outcome: 'succeeds', disputed: true },
  DE65370400440000343434: { outcome: failure('charge_exceeds_source_limit') },
  DE27370400440000121212: { outcome: failure('charge_exceeds_weekly_limit') },
  DE65370400440002222227: { outcome: failure('insufficient_funds') },
};

const SEPA_TOKENS: Readonly<Record<string, string>> = {
  pm_success_at: 'AT611904300234573201',
  pm_successDelayed_at: 'AT321904300235473204',
  pm_failed_at: 'AT861904300235473202',
  pm_failedDelayed_at: 'AT051904300235473205',
  pm_disputed_at: 'AT591904300235473203',
  pm_exceedsSourceLimit_at: 'AT981904300000343434',
  pm_exceedsWeeklyLimit_at: 'AT601904300000121212',
  pm_insufficientFunds_at: 'AT981904300002222227',
  pm_success_de: 'DE89370400440532013000',
  pm_successDelayed_de: 'DE08370400440532013003',
  pm_failed_de: 'DE62370400440532013001',
  pm_failedDelayed_de: 'DE78370400440532013004',
  pm_disputed_de: 'DE35370400440532013002',
};

export function usAccountOfToken(token: string): string | undefined {
  return US_TOKENS[token];
}

export function ibanOfToken(token: string): string | undefined {
  return SEPA_TOKENS[token];
}

/** Of a US account number or an IBAN; in test mode an account that is not in the tables is a good one. */
export function debitScenarioOf(account: string): DebitScenario {
  return US[account] ?? SEPA[account] ?? SUCCEEDS;
}

/** The check of ISO 13616: the digits, moved around and with letters as numbers, leave 1 modulo 97. */
export function isValidIban(iban: string): boolean {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return false;
  const digits = Array.from(`${iban.slice(4)}${iban.slice(0, 4)}`, (letter) => Number.parseInt(letter, 36)).join('');
  return BigInt(digits) % 97n === 1n;
}

/** The check of US routing numbers: weights 3, 7, 1 over nine digits, a multiple of ten. */
export function isValidRoutingNumber(routing: string): boolean {
  if (!/^\d{9}$/.test(routing)) return false;
  const sum = Array.from(routing, Number).reduce((total, digit, at) => total + digit * ([3, 7, 1][at % 3] ?? 0), 0);
  return sum % 10 === 0;
}
