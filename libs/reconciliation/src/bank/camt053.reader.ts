import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { type Outcome, isRefused } from '#kernel';
import {
  type BankEntry,
  type BankStatement,
  checkStatement,
  isDay,
  minorUnits,
  refuseFile,
} from './bank-statement.rule.js';

/*
 * ISO 20022 camt.053 (Bank to Customer Statement), versions 2 to 13: the parts that are read are the same in all, but
 * for the status of an entry and the name of a party, which moved one level down in later versions. Only booked entries
 * count: pending and informational ones are no part of the balance.
 */

type Xml = { readonly [name: string]: unknown };

const LISTS = new Set(['Stmt', 'Bal', 'Ntry', 'NtryDtls', 'TxDtls', 'Ustrd']);
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  // An entity could stand for a file of this machine, or for more text than memory holds.
  processEntities: false,
  isArray: (name) => LISTS.has(name),
});

const BANK_HINT = 'Give a camt.053 file as the bank exports it (XML, ISO 20022 “Bank to Customer Statement”).';

/** Reads every statement of a file, each checked against its own balances. Refuses `BANK_FILE_INVALID`, `BANK_STATEMENT_UNBALANCED`. */
export function readCamt053(text: string): Outcome<BankStatement[]> {
  if (/<!DOCTYPE/i.test(text)) return refuseFile('It declares a document type.', BANK_HINT);
  const valid = XMLValidator.validate(text);
  if (valid !== true) return refuseFile(`Line ${valid.err.line}: ${valid.err.msg}`, BANK_HINT);
  const root = parser.parse(text) as Xml;
  const statements = list(at(root, 'Document', 'BkToCstmrStmt'), 'Stmt');
  if (statements.length === 0) return refuseFile('There is no Document/BkToCstmrStmt/Stmt in it.', BANK_HINT);
  const read: BankStatement[] = [];
  for (const statement of statements) {
    const outcome = readStatement(statement);
    if (isRefused(outcome)) return outcome;
    read.push(outcome);
  }
  return read;
}

function readStatement(stmt: Xml): Outcome<BankStatement> {
  const statementId = textOf(stmt['Id']);
  const account = textOf(at(stmt, 'Acct', 'Id')?.['IBAN']) || textOf(at(stmt, 'Acct', 'Id', 'Othr')?.['Id']);
  const balances = list(stmt, 'Bal');
  const currency = textOf(at(stmt, 'Acct')?.['Ccy']) || textOf((balances[0]?.['Amt'] as Xml | undefined)?.['@Ccy']);
  if (!statementId || !account) return refuseFile('A statement has no Id or no account.', BANK_HINT);
  if (!/^[A-Z]{3}$/.test(currency)) return refuseFile(`Statement ${statementId} names no currency.`, BANK_HINT);
  const opening = balance(balances, ['OPBD', 'PRCD'], currency);
  const closing = balance(balances, ['CLBD'], currency);
  if (opening === undefined || closing === undefined) {
    return refuseFile(
      `Statement ${statementId} has no opening (OPBD) or no closing (CLBD) balance in ${currency}.`,
      'Export a whole statement, not an intraday report.',
    );
  }
  const entries: BankEntry[] = [];
  for (const [index, ntry] of list(stmt, 'Ntry').entries()) {
    const status = textOf(ntry['Sts']) || textOf(at(ntry, 'Sts')?.['Cd']);
    if (status !== 'BOOK') continue;
    const entry = readEntry(ntry, currency, `${statementId}, entry ${index + 1}`);
    if (isRefused(entry)) return entry;
    entries.push({ ...entry, reference: entry.reference || `${statementId}#${index + 1}` });
  }
  return checkStatement({
    statementId,
    account: account.replace(/\s/g, ''),
    currency,
    openingMinor: opening,
    closingMinor: closing,
    entries,
  });
}

function readEntry(ntry: Xml, currency: string, where: string): Outcome<BankEntry> {
  const amountMinor = signed(ntry, currency);
  if (amountMinor === undefined) {
    return refuseFile(`${where}: its amount is no ${currency} amount with a direction.`, BANK_HINT);
  }
  const bookedOn = (textOf(at(ntry, 'BookgDt')?.['Dt']) || textOf(at(ntry, 'BookgDt')?.['DtTm'])).slice(0, 10);
  if (!isDay(bookedOn)) return refuseFile(`${where}: it has no day of booking.`, BANK_HINT);
  const details = list(ntry, 'NtryDtls').flatMap((each) => list(each, 'TxDtls'));
  const references = details.flatMap((each) => Object.values(at(each, 'Refs') ?? {}).map(textOf));
  const remittance = details.flatMap((each) =>
    ((at(each, 'RmtInf')?.['Ustrd'] as unknown[] | undefined) ?? []).map(textOf),
  );
  const texts = [...references, ...remittance, textOf(ntry['AddtlNtryInf'])].filter(
    (text) => text !== '' && text !== 'NOTPROVIDED',
  );
  return {
    reference: textOf(ntry['AcctSvcrRef']) || textOf(ntry['NtryRef']),
    bookedOn,
    amountMinor,
    isReversal: textOf(ntry['RvslInd']) === 'true',
    texts: [...new Set(texts)],
    counterparty: party(details, amountMinor > 0n ? 'Dbtr' : 'Cdtr'),
  };
}

/** Who is on the other side: whom the money came from, or went to. */
function party(details: readonly Xml[], role: 'Dbtr' | 'Cdtr'): string | undefined {
  for (const each of details) {
    const found = at(each, 'RltdPties', role);
    const name = textOf(found?.['Nm']) || textOf(at(found, 'Pty')?.['Nm']);
    if (name) return name;
  }
  return undefined;
}

function balance(balances: readonly Xml[], codes: readonly string[], currency: string): bigint | undefined {
  const found = balances.find((each) => codes.includes(textOf(at(each, 'Tp', 'CdOrPrtry')?.['Cd'])));
  return found ? signed(found, currency, true) : undefined;
}

/** An amount with its direction; undefined when it is none of this currency. An entry of zero is none either. */
function signed(of: Xml, currency: string, mayBeZero = false): bigint | undefined {
  const amount = of['Amt'] as Xml | undefined;
  if (typeof amount !== 'object' || textOf(amount['@Ccy']) !== currency) return undefined;
  const minor = minorUnits(textOf(amount['#text']), currency);
  if (minor === undefined || minor < 0n || (minor === 0n && !mayBeZero)) return undefined;
  const direction = textOf(of['CdtDbtInd']);
  return direction === 'CRDT' ? minor : direction === 'DBIT' ? -minor : undefined;
}

function at(of: Xml | undefined, ...path: string[]): Xml | undefined {
  let found: unknown = of;
  for (const name of path) found = typeof found === 'object' && found !== null ? (found as Xml)[name] : undefined;
  return typeof found === 'object' && found !== null ? (found as Xml) : undefined;
}
const list = (of: Xml | undefined, name: string): Xml[] =>
  ((of?.[name] as unknown[] | undefined) ?? []).filter(
    (each): each is Xml => typeof each === 'object' && each !== null,
  );

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** Text of an element, the five entities of XML itself resolved. */
const textOf = (value: unknown): string =>
  typeof value === 'string'
    ? value.trim().replace(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => ENTITIES[name] ?? whole)
    : '';
