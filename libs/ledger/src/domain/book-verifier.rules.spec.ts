import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BookEntry, type BookForm, CSV_BOOK, JSONL_BOOK } from './book-file.rules.js';
import { BookVerifier, type PinnedSeal } from './book-verifier.rules.js';
import { SEAL_ORIGIN, type SealedTransfer, sealHash } from './seal.rules.js';

const REASONS = [
  'card captured',
  '=HYPERLINK("http://x")',
  "'quoted",
  '+1',
  '-1',
  '@x',
  'a, "b"\nc\r',
  '\t=1',
  '＝1',
  '',
];

function book(length: number): BookEntry[] {
  let before: Buffer = SEAL_ORIGIN;
  return Array.from({ length }, (_, n) => {
    const transfer: SealedTransfer = {
      unit: 'USD',
      position: BigInt(n + 1),
      key: n % 7 === 0 ? `=cmd|${n}` : `key:${n}`,
      kind: n % 3 === 0 ? 'pending' : 'posted',
      debit: 'processor:available:USD',
      credit: `campaign:${n % 5}:escrow:USD`,
      amount: 10n ** BigInt(n % 19),
      released: 0n,
      pendingKey: n % 4 === 0 ? 'hold' : null,
      expiresAt: n % 3 === 0 ? new Date(Date.UTC(2026, 1, 1 + n)) : null,
      closes: n % 9 === 0 ? 'debit' : null,
      reason: REASONS[n % REASONS.length] ?? '',
      refs: n % 2 ? { pledge: `p${n}`, '=a': 'ü"' } : {},
      recordedAt: new Date(Date.UTC(2026, 2, 1, 0, 0, n)),
    };
    before = sealHash(before, transfer);
    return { ...transfer, hash: before.toString('hex') };
  });
}

const fileOf = (form: BookForm, entries: readonly BookEntry[]): string =>
  [form.head, ...entries.map((entry) => form.line(entry))].map((line) => `${line}\n`).join('');

function verify(file: string, pins: readonly PinnedSeal[] = []) {
  const verifier = new BookVerifier(pins);
  for (const line of file.replace(/\n$/, '').split('\n')) if (!verifier.add(line)) break;
  // A file that does not end with its line feed ends in the middle of a line.
  if (!file.endsWith('\n')) verifier.add('');
  return verifier.verdict();
}

const entries = book(40);
const last = entries.at(-1);

describe.each([JSONL_BOOK, CSV_BOOK])('an exported book as $name', (form) => {
  const file = fileOf(form, entries);
  // Holds one of each kind of text; every byte of it is tried.
  const short = fileOf(form, entries.slice(0, 10));

  it('is proved whole, and its head stands for it', () => {
    expect(verify(file)).toEqual({ unit: 'USD', transfers: 40n, head: last?.hash, problem: undefined });
    expect(verify(`${form.head}\n`)).toMatchObject({ transfers: 0n, problem: undefined });
  });

  it('is not proved with any one byte changed, left out or added', () => {
    let tried = 0;
    for (let at = 0; at < short.length - 1; at += 1) {
      const byte = short.charCodeAt(at);
      for (const other of [
        short.slice(0, at) + String.fromCharCode(byte ^ 1) + short.slice(at + 1),
        short.slice(0, at) + short.slice(at + 1),
        `${short.slice(0, at)} ${short.slice(at)}`,
      ]) {
        if (other === short) continue;
        tried += 1;
        expect(verify(other).problem, `byte ${at}: ${JSON.stringify(other.slice(at - 20, at + 20))}`).toBeDefined();
      }
    }
    expect(tried).toBeGreaterThan(6000);
  });

  it('is not proved with a record left out, doubled, moved or rewritten with a new seal', () => {
    const [a, b, c] = entries as [BookEntry, BookEntry, BookEntry];
    const forged = { ...b, amount: 1n };
    const resealed = { ...forged, hash: sealHash(Buffer.from(a.hash, 'hex'), forged).toString('hex') };
    const problem = (...some: BookEntry[]) => verify(fileOf(form, some)).problem;
    expect(problem(a, c)).toContain('position 3 where 2 follows');
    expect(problem(a, a)).toContain('position 1 where 2 follows');
    expect(problem(b, a)).toContain('position 2 where 1 follows');
    expect(problem(a, forged)).toContain('the seal at position 2 does not follow');
    expect(problem(a, resealed, c)).toContain('the seal at position 3 does not follow');
    expect(problem(a, { ...b, unit: 'EUR' })).toContain('another unit');
  });

  it('is held to seals that were noted elsewhere: cut off or rewritten to its end it is not proved', () => {
    const pin = { position: 40n, hash: last?.hash ?? '' };
    expect(verify(file, [pin]).problem).toBeUndefined();
    expect(verify(fileOf(form, entries.slice(0, 39)), [pin]).problem).toContain('before the noted seal at 40');
    expect(verify(file, [{ ...pin, hash: 'f'.repeat(64) }]).problem).toContain(
      'another seal was noted for position 40',
    );
  });

  it('gives every text back as it was', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, fc.dictionary(text, text), (key, reason, refs) => {
        const entry = { ...(entries[0] as BookEntry), key, reason, refs };
        expect(form.parse(form.line(entry))).toEqual(entry);
      }),
    );
  });
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1', "'=1"])('a spreadsheet takes %j for text', (reason) => {
  const line = CSV_BOOK.line({ ...(entries[1] as BookEntry), reason });
  expect(line).toMatch(/,"?'/);
  expect(CSV_BOOK.parse(line)?.reason).toBe(reason);
});

it.each(['', 'no book', '{"format":"ledger-book/2"}\n'])('%j is no book', (file) => {
  expect(verify(file).problem).toMatch(/^line 1: /);
});

it.each(['{}', 'null', '[]', '{"position":"1"}', '{"refs":null}'])(
  'the record %s is refused, not an accident',
  (record) => {
    expect(verify(`${JSONL_BOOK.head}\n${record}\n`).problem).toBe('line 2: not a record of a book');
  },
);
