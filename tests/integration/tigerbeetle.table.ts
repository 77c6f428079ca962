import type { AccountSpec, TransferSpec } from '#ledger';

/*
 * Reads the tables of TigerBeetle's state machine tests (testing/table.zig has their form: a line a row, a word a
 * column, "_" for nothing, "-n" for the greatest number less n) and says each row in the words of our ledger.
 */

export interface Block {
  readonly name: string;
  /** Each table begins on empty books. */
  readonly tables: readonly (readonly Row[])[];
}
export interface Row {
  readonly verb: string;
  readonly words: readonly string[];
  readonly text: string;
}

/** The most that one transfer moves here stands for the greatest number there. */
export const GREATEST = 10n ** 18n;

export function readBlocks(source: string): Block[] {
  return source
    .split(/^test "/m)
    .slice(1)
    .map((part) => {
      const [name = ''] = /^[^\n]*?(?=" \{)/.exec(part) ?? [];
      const tables = [...part.matchAll(/try check\(\n([\s\S]*?)\n {4}\);/g)].map(([, body = '']) => readTable(body));
      return { name, tables };
    });
}

function readTable(body: string): Row[] {
  const lines = body.split('\n').flatMap((line) => /^\s*\\\\\s?(.*)$/.exec(line)?.[1] ?? []);
  return lines.flatMap((line) => {
    const [verb = '', ...words] = line
      .replace(/\/\/.*$/, '')
      .trim()
      .split(/\s+/);
    return verb === '' ? [] : [{ verb, words, text: line.trim() }];
  });
}

/** "A1", "T7" and "102" as a number, with "-0" for the greatest. */
export const idOf = (word: string): string => word.replace(/^[A-Z]+(?=\d|-)/, '');

export function amountOf(word: string): bigint {
  if (word === '_') return 0n;
  return word.startsWith('-') ? GREATEST - BigInt(word.slice(1)) : BigInt(word);
}

export interface AccountRow {
  readonly id: string;
  readonly spec: AccountSpec;
  readonly isLinked: boolean;
  readonly status: string;
  /** Something that an account here doesn't have. */
  readonly beyond: string | undefined;
}

export function accountRow(row: Row, codeOf: (id: string) => string): AccountRow {
  const at = (n: number) => row.words[n] ?? '_';
  const isGuarded = at(12) !== '_';
  const isMirrored = at(13) !== '_';
  const counters = [1, 2, 3, 4].some((n) => at(n) !== '0');
  const beyond =
    at(15) !== '_'
      ? 'imported'
      : at(16) !== '_'
        ? 'opened closed'
        : isGuarded && isMirrored
          ? 'two limits'
          : counters || at(8) !== '_' || at(17) !== '_' || at(18) !== '_'
            ? 'not a field'
            : undefined;
  const limit = isGuarded ? 'debits_must_not_exceed_credits' : isMirrored ? 'credits_must_not_exceed_debits' : 'none';
  const id = idOf(at(0));
  return {
    id,
    spec: { code: codeOf(id), unit: unitOf(at(9)), limit },
    isLinked: at(11) !== '_',
    status: at(19),
    beyond,
  };
}

/** Each of its ledgers is a unit of ours. */
export const unitOf = (word: string): string => `gpu_second:ledger-${idOf(word)}`;

export interface TransferRow {
  readonly id: string;
  readonly spec: TransferSpec;
  readonly isLinked: boolean;
  readonly status: string;
  /** Both accounts are closed by one transfer: here it takes two. */
  readonly closesBoth: boolean;
  /** A post of nothing, which here is a void. */
  readonly postsNothing: boolean;
  readonly beyond: string | undefined;
}

interface Names {
  readonly account: (id: string) => string;
  readonly transfer: (id: string) => string;
  /** When a transfer expires that is asked to after so many seconds; a repeat of it names the same moment. */
  readonly expiry: (id: string, seconds: number) => Date;
}

const KINDS = ['posted', 'pending', 'post_pending', 'void_pending'] as const;

export function transferRow(row: Row, names: Names): TransferRow {
  const at = (n: number) => row.words[n] ?? '_';
  const id = idOf(at(0));
  const flag = (n: number) => at(n) !== '_';
  const [pending, post, annul, debits, credits] = [flag(12), flag(13), flag(14), flag(15), flag(16)];
  const kinds = [pending, post, annul].filter(Boolean).length;
  const isResolution = post || annul;
  const word = at(3);
  const asked = amountOf(word);
  // Of what holds nothing itself, since it closes an account, nothing is the whole.
  const ofNothing = at(22).endsWith('already_closed');
  const postsNothing = post && asked === 0n && !ofNothing;
  const isWhole = isResolution && (word === '-0' || (asked === 0n && (annul || ofNothing)));
  const kind = KINDS[postsNothing ? 3 : pending ? 1 : post ? 2 : annul ? 3 : 0] ?? 'posted';
  const timeout = at(8) === '_' ? 0 : Number(at(8));
  const account = (n: number) => (idOf(at(n)) === '0' ? undefined : names.account(idOf(at(n))));
  const [debit, credit] = [account(1), account(2)];
  const pendingId = at(4) === '_' || idOf(at(4)) === '0' ? undefined : idOf(at(4));
  const closesBoth = flag(18) && flag(19);
  const closes = flag(18) ? ('debit' as const) : flag(19) ? ('credit' as const) : undefined;
  const balancing = debits && credits ? 'both' : debits ? 'debit' : credits ? 'credit' : undefined;
  const refs = { u128: idOf(at(5)), u64: idOf(at(6)), u32: idOf(at(7)) };
  return {
    id,
    isLinked: flag(11),
    status: at(22),
    closesBoth,
    postsNothing,
    beyond: flag(17)
      ? 'imported'
      : kinds > 1 || (isResolution && balancing !== undefined)
        ? 'one kind'
        : at(20) !== '_' || at(21) !== '_'
          ? 'not a field'
          : undefined,
    spec: {
      key: id === '0' ? '' : names.transfer(id),
      kind,
      ...(debit === undefined ? {} : { debit }),
      ...(credit === undefined ? {} : { credit }),
      ...(isWhole || postsNothing ? {} : { amount: asked }),
      ...(pendingId === undefined ? {} : { pendingKey: names.transfer(pendingId) }),
      ...(timeout === 0 ? {} : { expiresAt: names.expiry(id, timeout) }),
      ...(balancing === undefined ? {} : { balancing }),
      ...(closes === undefined ? {} : { closes }),
      reason: `code ${idOf(at(10))}`,
      refs,
      burn: true,
    },
  };
}

/** The first rule of form that the transfer breaks, in the order of the ledger's README; it goes before the books. */
export function brokenForm(spec: TransferSpec): string | undefined {
  const resolves = spec.kind === 'post_pending' || spec.kind === 'void_pending';
  const holdsNothing = spec.amount === 0n && spec.closes !== undefined && spec.kind === 'pending';
  const isOut = spec.amount === undefined ? !resolves : spec.amount < 1n || spec.amount > GREATEST;
  if (spec.key === '') return 'LEDGER_KEY_INVALID';
  if (isOut && !holdsNothing) return 'LEDGER_AMOUNT_INVALID';
  if (resolves !== (spec.pendingKey !== undefined)) return 'LEDGER_PENDING_KEY_MISPLACED';
  if (spec.expiresAt !== undefined && spec.kind !== 'pending') return 'LEDGER_EXPIRY_MISPLACED';
  if (spec.balancing !== undefined && resolves) return 'LEDGER_BALANCING_MISPLACED';
  if (spec.closes !== undefined && spec.kind !== 'pending') return 'LEDGER_CLOSING_MISPLACED';
  if (!resolves && (spec.debit === undefined || spec.credit === undefined)) return 'LEDGER_ACCOUNT_NOT_FOUND';
  if (spec.debit !== undefined && spec.debit === spec.credit) return 'LEDGER_ACCOUNTS_EQUAL';
  return undefined;
}

/** What our ledger says where theirs gives this status. */
export const CODES: Readonly<Record<string, string>> = {
  created: 'OK',
  id_must_not_be_zero: 'LEDGER_KEY_INVALID',
  accounts_must_be_different: 'LEDGER_ACCOUNTS_EQUAL',
  pending_id_must_be_zero: 'LEDGER_PENDING_KEY_MISPLACED',
  pending_id_must_not_be_zero: 'LEDGER_PENDING_NOT_FOUND',
  pending_id_must_not_be_int_max: 'LEDGER_PENDING_NOT_FOUND',
  pending_id_must_be_different: 'LEDGER_PENDING_NOT_FOUND',
  timeout_reserved_for_pending_transfer: 'LEDGER_EXPIRY_MISPLACED',
  closing_transfer_must_be_pending: 'LEDGER_CLOSING_MISPLACED',
  debit_account_id_must_not_be_zero: 'LEDGER_ACCOUNT_NOT_FOUND',
  debit_account_id_must_not_be_int_max: 'LEDGER_ACCOUNT_NOT_FOUND',
  credit_account_id_must_not_be_zero: 'LEDGER_ACCOUNT_NOT_FOUND',
  credit_account_id_must_not_be_int_max: 'LEDGER_ACCOUNT_NOT_FOUND',
  debit_account_not_found: 'LEDGER_ACCOUNT_NOT_FOUND',
  credit_account_not_found: 'LEDGER_ACCOUNT_NOT_FOUND',
  accounts_must_have_the_same_ledger: 'LEDGER_UNIT_MISMATCH',
  exceeds_credits: 'LEDGER_LIMIT_EXCEEDED',
  exceeds_debits: 'LEDGER_LIMIT_EXCEEDED',
  debit_account_already_closed: 'LEDGER_ACCOUNT_CLOSED',
  credit_account_already_closed: 'LEDGER_ACCOUNT_CLOSED',
  pending_transfer_not_found: 'LEDGER_PENDING_NOT_FOUND',
  pending_transfer_not_pending: 'LEDGER_PENDING_WRONG_KIND',
  pending_transfer_has_different_debit_account_id: 'LEDGER_PENDING_MISMATCH',
  pending_transfer_has_different_credit_account_id: 'LEDGER_PENDING_MISMATCH',
  pending_transfer_has_different_amount: 'LEDGER_PENDING_MISMATCH',
  exceeds_pending_transfer_amount: 'LEDGER_POST_EXCEEDS_PENDING',
  pending_transfer_already_posted: 'LEDGER_PENDING_RESOLVED',
  pending_transfer_already_voided: 'LEDGER_PENDING_RESOLVED',
  pending_transfer_expired: 'LEDGER_PENDING_EXPIRED',
};

/** Why a row can't be asked of our ledger. The keys are what {@link TransferRow.beyond} and statuses say. */
export const EXCLUDED: Readonly<Record<string, string>> = {
  imported: 'events with times of their own: time here is the transaction’s, and the past is not written anew',
  'opened closed': 'an account is opened open; a pending transfer closes it',
  'two limits': 'an account has one limit, so two can’t be asked for',
  'one kind': 'a transfer has one kind, so two can’t be asked for',
  'not a field': 'reserved bits, flags and counters that a request here doesn’t have',
  'no number': 'names are texts here: none is the greatest',
  ledger: 'a transfer names no unit: its accounts do',
  code: 'accounts and transfers have a reason in words and refs, no code that could be 0',
  nothing: 'a balancing transfer that would move nothing is refused here, and done there: its chain stands there alone',
  follows: 'what is looked up follows from rows that are left out above',
  overflow: 'a balance here holds nine times the most that one transfer moves; the 64-bit property test goes there',
  'open chain': 'a chain is a list here, so none is left open',
  'open twice': 'opening an account that is open is no failure here, and accounts have no user data, code or link',
  query:
    'reads with filters by user data, code and limit: here the pages of GraphQL, with cursors, have their own tests',
  'own test': 'not a table: message sizes and encodings of their protocol',
};

export function excludedStatus(status: string): string | undefined {
  if (status.startsWith('overflows_')) return 'overflow';
  if (status.startsWith('imported_')) return 'imported';
  if (/(^|_)ledger(_|$)/.test(status) && status !== 'accounts_must_have_the_same_ledger') return 'ledger';
  if (status === 'code_must_not_be_zero' || status === 'pending_transfer_has_different_code') return 'code';
  if (status === 'id_must_not_be_int_max') return 'no number';
  if (status === 'linked_event_chain_open') return 'open chain';
  if (/^(timestamp_must_be_zero|reserved_|flags_are_mutually)/.test(status)) return 'not a field';
  return undefined;
}
