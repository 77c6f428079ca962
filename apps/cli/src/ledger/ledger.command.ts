import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { systemClock } from '#kernel';
import {
  type BookForm,
  type BookVerdict,
  BookVerifier,
  CSV_BOOK,
  JSONL_BOOK,
  type PinnedSeal,
  bookLines,
} from '#ledger';
import { UnitOfWork, createDataSource } from '#platform';
import { Installation } from '../installation.js';

/** Writes the book of a unit to a file, whole or not at all. Throws when the database or the file can't be reached. */
export async function exportBook(
  databaseUrl: string,
  packageRoot: string,
  unit: string,
  file: string,
  form: BookForm,
): Promise<void> {
  const dataSource = await createDataSource({ url: databaseUrl, poolSize: 1, packageRoot }).initialize();
  const part = `${file}.part`;
  try {
    const lines = bookLines(new UnitOfWork(dataSource, systemClock), unit, form);
    await pipeline(Readable.from(lines), createWriteStream(part));
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
    await dataSource.destroy();
  }
}

/** Proves an exported book without a database. */
export async function verifyBook(file: string, pins: readonly PinnedSeal[]): Promise<BookVerdict> {
  const verifier = new BookVerifier(pins);
  for await (const line of linesOf(file)) if (!verifier.add(line)) break;
  return verifier.verdict();
}

/** Lines by line feed alone; a file whose last line has none ends in the middle of it. */
async function* linesOf(file: string): AsyncGenerator<string> {
  // Bytes that are no UTF-8 must not be read as a character that stands for them all.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = '';
  for await (const chunk of createReadStream(file)) {
    let text: string;
    try {
      text = rest + decoder.decode(chunk as Buffer, { stream: true });
    } catch {
      yield '\uFFFD';
      return;
    }
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield `${rest}\uFFFD`;
}

const SEAL = /^([1-9]\d{0,17}):([0-9a-f]{64})$/;

/** `ledger export` and `ledger verify`. Exit 0 when done or proved, 1 when the book is not sound, 2 on wrong use. */
export function registerLedgerCommands(program: Command, packageRoot: string): void {
  const ledger = program.command('ledger').description('Take the public books away and prove them.');
  ledger
    .command('export')
    .description('write the sealed book of a unit to a file, one transfer a line')
    .requiredOption('--unit <unit>', 'ISO 4217 code, or gpu_second:<class>')
    .requiredOption('--out <file>', 'the file to write; .csv for a spreadsheet, else JSON lines')
    .option('--database <url>', 'the database to read (default: DATABASE_URL, else that of the data folder)')
    .action(async (options: { unit: string; out: string; database?: string }) => {
      const url = options.database ?? new Installation(packageRoot).databaseUrl();
      const form = options.out.toLowerCase().endsWith('.csv') ? CSV_BOOK : JSONL_BOOK;
      await exportBook(url, packageRoot, options.unit, options.out, form);
      process.exitCode = print(await verifyBook(options.out, []));
    });
  ledger
    .command('verify')
    .description('prove an exported book offline: every transfer sealed over the one before')
    .argument('<file>', 'a file that ledger export wrote')
    .option(
      '--seal <position:hash>',
      'a seal noted elsewhere, for example from a ledger.sealed event of the public log; may be repeated',
      (text: string, given: string[]) => [...given, text],
      [],
    )
    .action(async (file: string, options: { seal: string[] }) => {
      const pins = options.seal.map((text) => SEAL.exec(text));
      if (pins.includes(null)) {
        process.stderr.write('--seal takes a position and 64 hexadecimal digits: 1200:9f86d0…\n');
        process.exitCode = 2;
        return;
      }
      try {
        process.exitCode = print(
          await verifyBook(
            file,
            pins.map((pin) => ({ position: BigInt(pin?.[1] ?? 0), hash: pin?.[2] ?? '' })),
          ),
        );
      } catch (error) {
        process.stderr.write(`${file} can't be read: ${(error as Error).message}\n`);
        process.exitCode = 2;
      }
    });
}

function print({ unit, transfers, head, problem }: BookVerdict): number {
  if (problem !== undefined) {
    process.stdout.write(`NOT SOUND, ${problem}. ${transfers} transfers before it are proved, to the seal ${head}.\n`);
    return 1;
  }
  process.stdout.write(`${unit ?? 'An empty book'}: ${transfers} transfers proved. Seal ${transfers}:${head}\n`);
  return 0;
}
