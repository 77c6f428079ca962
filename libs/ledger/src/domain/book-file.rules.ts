import { canonicalJson } from '#kernel';
import { type SealedTransfer, canonicalRefs } from './seal.rules.js';

/** A transfer of an exported book with its seal (64 hexadecimal digits). */
export interface BookEntry extends SealedTransfer {
  readonly hash: string;
}

/**
 * How a book is written to a file, frozen (version 1): a line for its head, then one for each transfer in the order of
 * their positions, each ended by a line feed. `parse` gives nothing for a record that isn't one.
 */
export interface BookForm {
  readonly name: 'jsonl' | 'csv';
  readonly head: string;
  line(entry: BookEntry): string;
  parse(record: string): BookEntry | undefined;
}

/** One JSON object a line, in canonical form (RFC 8785). Texts stand as they are: JSON has no formulas. */
export const JSONL_BOOK: BookForm = {
  name: 'jsonl',
  head: canonicalJson({ format: 'ledger-book/1' }),
  line(entry) {
    const texts = toTexts(entry);
    return `{${SORTED.map((name) => `"${name}":${name === 'refs' ? canonicalRefs(entry.refs) : JSON.stringify(texts[name])}`).join(',')}}`;
  },
  parse(record) {
    try {
      return fromTexts(JSON.parse(record) as Texts);
    } catch {
      return undefined;
    }
  },
};

const COLUMNS = [
  'position',
  'unit',
  'key',
  'kind',
  'debit',
  'credit',
  'amount',
  'released',
  'pendingKey',
  'expiresAt',
  'closes',
  'reason',
  'refs',
  'recordedAt',
  'hash',
] as const;
/** The order of canonical JSON. */
const SORTED = [...COLUMNS].sort();
type Texts = Record<(typeof COLUMNS)[number], unknown>;

/**
 * RFC 4180 with line feeds. A text that a spreadsheet would take for a formula gets an apostrophe before it, and so does
 * one that begins with an apostrophe, so that every text can be read back. Absent texts are empty cells.
 */
export const CSV_BOOK: BookForm = {
  name: 'csv',
  head: COLUMNS.join(','),
  line(entry) {
    const texts = toTexts(entry);
    return COLUMNS.map((column) => csvCell(column === 'refs' ? canonicalRefs(entry.refs) : texts[column])).join(',');
  },
  parse(record) {
    const cells = cellsOf(record);
    if (cells?.length !== COLUMNS.length) return undefined;
    const texts = Object.fromEntries(COLUMNS.map((column, n) => [column, plain(cells[n] ?? '')])) as Texts;
    for (const column of ['pendingKey', 'expiresAt', 'closes'] as const) texts[column] ||= null;
    try {
      return fromTexts({ ...texts, refs: JSON.parse(String(texts.refs)) as unknown });
    } catch {
      return undefined;
    }
  },
};

// What spreadsheets begin a formula with, in both widths, and the white space before which they still see one.
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** Whether a spreadsheet would take a text for a formula. */
export const isFormula = (text: string): boolean => FORMULA.test(text);

/** A cell of a CSV: quoted where it must be, and an apostrophe before what a spreadsheet would take for a formula. */
export function csvCell(value: string | null): string {
  const text = value ?? '';
  const safe = text.startsWith("'") || isFormula(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const plain = (text: string): string => (text.startsWith("'") ? text.slice(1) : text);

function cellsOf(record: string): string[] | undefined {
  const cells: string[] = [];
  const cellAt = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|$)/y;
  for (;;) {
    const found = cellAt.exec(record);
    if (!found) return undefined;
    cells.push(found[1] === undefined ? (found[2] ?? '') : found[1].replaceAll('""', '"'));
    if (found[3] === '') return cells;
  }
}

/** Whether a CSV record goes on in the next line: a quoted cell is still open. */
export const isOpenRecord = (record: string): boolean => record.split('"').length % 2 === 0;

const toTexts = (
  entry: BookEntry,
): Record<Exclude<keyof Texts, 'refs'>, string | null> & { refs: BookEntry['refs'] } => ({
  position: entry.position.toString(),
  unit: entry.unit,
  key: entry.key,
  kind: entry.kind,
  debit: entry.debit,
  credit: entry.credit,
  amount: entry.amount.toString(),
  released: entry.released.toString(),
  pendingKey: entry.pendingKey,
  expiresAt: entry.expiresAt?.toISOString() ?? null,
  closes: entry.closes,
  reason: entry.reason,
  refs: entry.refs,
  recordedAt: entry.recordedAt.toISOString(),
  hash: entry.hash,
});

const isText = (value: unknown): value is string => typeof value === 'string';
const isRefs = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText);

/** Throws when something is of another type. What else may be wrong shows when the line is written again or sealed. */
function fromTexts(texts: Texts): BookEntry {
  const { unit, key, kind, debit, credit, pendingKey, closes, reason, refs, hash } = texts;
  if (
    ![unit, key, kind, debit, credit, reason, hash, pendingKey ?? '', closes ?? ''].every(isText) ||
    pendingKey === undefined ||
    closes === undefined ||
    !isRefs(refs)
  ) {
    throw new TypeError('no record of a book');
  }
  return {
    ...(texts as unknown as BookEntry),
    position: BigInt(texts.position as string),
    amount: BigInt(texts.amount as string),
    released: BigInt(texts.released as string),
    expiresAt: texts.expiresAt === null ? null : moment(texts.expiresAt),
    recordedAt: moment(texts.recordedAt),
  };
}

function moment(text: unknown): Date {
  const at = new Date(String(text));
  if (Number.isNaN(at.getTime())) throw new RangeError('no moment');
  return at;
}
