import { type BookForm, CSV_BOOK, JSONL_BOOK, isOpenRecord } from './book-file.rules.js';
import { SEAL_ORIGIN, sealHash } from './seal.rules.js';

/** A seal that somebody noted, from the public log or an earlier export: the book must have it there. */
export interface PinnedSeal {
  readonly position: bigint;
  /** 64 hexadecimal digits. */
  readonly hash: string;
}

export interface BookVerdict {
  readonly unit: string | undefined;
  /** Transfers that were proved to follow one another from the first of the book. */
  readonly transfers: bigint;
  /** Hash of the last one proved, hexadecimal: it stands for all of them. */
  readonly head: string;
  /** The first thing that is wrong, with its line; nothing when all is proved. */
  readonly problem: string | undefined;
}

/**
 * Proves an exported book line by line, in memory that does not grow with it and without a database: every record is
 * sealed again over the one before, must have the seal it claims, and must be written just as an export writes it. So a
 * single changed byte is found, and the first line that is wrong is named. A book that was cut off at the end, or
 * written anew from some place on, is found by seals noted elsewhere.
 */
export class BookVerifier {
  private form: BookForm | undefined;
  private line = 0;
  private open = '';
  private unit: string | undefined;
  private head: Buffer = SEAL_ORIGIN;
  private transfers = 0n;
  private problem: string | undefined;
  private readonly pins: Map<bigint, string>;

  constructor(pins: readonly PinnedSeal[] = []) {
    this.pins = new Map(pins.map((pin) => [pin.position, pin.hash]));
  }

  /** Takes the next line, without its line feed. Answers whether to go on. */
  add(line: string): boolean {
    this.line += 1;
    if (this.problem !== undefined) return false;
    if (!this.form) {
      this.form = [JSONL_BOOK, CSV_BOOK].find((form) => form.head === line);
      return this.form ? true : this.wrong('the first line is not that of an exported book');
    }
    const record = this.open + line;
    if (this.form === CSV_BOOK && isOpenRecord(record)) {
      this.open = `${record}\n`;
      return record.length <= MAX_RECORD || this.wrong('a record without end');
    }
    this.open = '';
    return this.check(this.form, record);
  }

  /** What was proved, once the last line is in. */
  verdict(): BookVerdict {
    if (this.problem === undefined && !this.form) this.wrong('the file is empty');
    if (this.problem === undefined && this.open !== '') this.wrong('the last record is cut off');
    const missing = [...this.pins.keys()]
      .sort((a, b) => (a < b ? -1 : 1))
      .find((position) => position > this.transfers);
    if (this.problem === undefined && missing !== undefined) {
      this.wrong(`the book ends at ${this.transfers}, before the noted seal at ${missing}`);
    }
    return { unit: this.unit, transfers: this.transfers, head: this.head.toString('hex'), problem: this.problem };
  }

  private check(form: BookForm, record: string): boolean {
    const entry = form.parse(record);
    if (!entry) return this.wrong('not a record of a book');
    const position = this.transfers + 1n;
    if (entry.position !== position) return this.wrong(`position ${entry.position} where ${position} follows`);
    this.unit ??= entry.unit;
    if (entry.unit !== this.unit) return this.wrong(`a transfer of another unit, at position ${position}`);
    if (form.line(entry) !== record)
      return this.wrong(`written otherwise than an export does, at position ${position}`);
    const seal = sealHash(this.head, entry);
    if (seal.toString('hex') !== entry.hash) return this.wrong(`the seal at position ${position} does not follow`);
    const pinned = this.pins.get(position);
    if (pinned !== undefined && pinned !== entry.hash)
      return this.wrong(`another seal was noted for position ${position}`);
    this.head = seal;
    this.transfers = position;
    return true;
  }

  private wrong(problem: string): false {
    this.problem = `line ${Math.max(1, this.line)}: ${problem}`;
    return false;
  }
}

/** Characters of the longest record that can be one: keys, codes and reasons are short, references a few hundred. */
const MAX_RECORD = 1_000_000;
