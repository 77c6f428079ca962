import { type Outcome, type Refused, currencyScale, formatMinorUnits, refuse } from '#kernel';

/*
 * 1. A statement is taken whole or not at all: what its entries add up to must be what its balances say.
 * 2. An entry has one identity, however often and in however many files it comes.
 * 3. Names and texts are the bank's words: they are kept as text and never read as anything else.
 */

/** One booked line of a bank account. */
export interface BankEntry {
  /** The same for the same line in every file: the bank's own reference, or a digest of the line and its place among equals. */
  readonly reference: string;
  /** Day of booking, YYYY-MM-DD. */
  readonly bookedOn: string;
  /** Minor units of the statement's currency; positive came in, negative went out. */
  readonly amountMinor: bigint;
  /** The bank undoes an earlier entry by this one. */
  readonly isReversal: boolean;
  /** What the payer or we wrote along: payout ids are found here. */
  readonly texts: readonly string[];
  readonly counterparty: string | undefined;
}

export interface BankStatement {
  readonly statementId: string;
  /** IBAN or the bank's own number of the account. */
  readonly account: string;
  readonly currency: string;
  /** Minor units; undefined where the file names no balance (CSV). */
  readonly openingMinor: bigint | undefined;
  readonly closingMinor: bigint | undefined;
  readonly entries: readonly BankEntry[];
}

/** `BANK_FILE_INVALID` with what was found and what would be right. */
export const refuseFile = (detail: string, hint: string): Refused =>
  refuse({ code: 'BANK_FILE_INVALID', message: 'The file is no bank statement that can be read.', detail, hint });

/** The largest amount of one line, minor units: more than any bank's line, and within 64 bits. */
const MINOR_MAX = 10n ** 18n;
const AMOUNT = /^(-?)(\d{1,18})(?:\.(\d{1,6}))?$/;

/** Exact minor units of a decimal text; undefined for any other text, or for digits that the currency does not have. */
export function minorUnits(decimal: string, currency: string): bigint | undefined {
  const match = AMOUNT.exec(decimal.trim());
  if (!match) return undefined;
  const [, sign, whole = '0', fraction = ''] = match;
  const scale = currencyScale(currency);
  if (!/^0*$/.test(fraction.slice(scale))) return undefined;
  const minor = BigInt(whole) * 10n ** BigInt(scale) + BigInt(fraction.slice(0, scale).padEnd(scale, '0') || '0');
  if (minor > MINOR_MAX) return undefined;
  return sign === '-' ? -minor : minor;
}

/** Whether a text is a day of the calendar, YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** ISO 20022 has 34 characters for an account and 35 for a reference; no bank needs more than this. */
const NAME_CHARS_MAX = 140;

/**
 * Holds a statement against itself. Refuses `BANK_STATEMENT_UNBALANCED` and `BANK_FILE_INVALID` (an entry that comes
 * twice, a currency that is none, a name beyond all bounds).
 */
export function checkStatement(statement: BankStatement): Outcome<BankStatement> {
  const { openingMinor, closingMinor, currency, statementId } = statement;
  if (!/^[A-Z]{3}$/.test(currency)) {
    return refuseFile(`"${currency.slice(0, 20)}" is no currency.`, 'A currency is three capital letters, like EUR.');
  }
  const names = [statementId, statement.account, ...statement.entries.map(({ reference }) => reference)];
  const long = names.find((name) => name.length > NAME_CHARS_MAX);
  if (long !== undefined) {
    return refuseFile(
      `"${long.slice(0, 40)}…" is longer than ${NAME_CHARS_MAX} characters.`,
      'Statement, account and reference are short names; check which column is the reference.',
    );
  }
  const seen = new Set<string>();
  for (const { reference } of statement.entries) {
    if (seen.has(reference)) {
      return refuseFile(
        `Statement ${statementId} has two entries with the reference ${reference.slice(0, 80)}.`,
        'Ask the bank for a file in which each booked entry comes once.',
      );
    }
    seen.add(reference);
  }
  if (openingMinor === undefined || closingMinor === undefined) return statement;
  const sum = statement.entries.reduce((total, { amountMinor }) => total + amountMinor, openingMinor);
  if (sum === closingMinor) return statement;
  const text = (minor: bigint): string => `${formatMinorUnits(minor, currencyScale(currency))} ${currency}`;
  return refuse({
    code: 'BANK_STATEMENT_UNBALANCED',
    message: 'The entries of the statement do not lead from its opening to its closing balance.',
    detail: `Statement ${statementId}: ${text(openingMinor)} and its entries make ${text(sum)}, it says ${text(closingMinor)}.`,
    hint: 'Export the statement again, whole; nothing of this file was taken.',
  });
}
