/** C2SP tlog-checkpoint: origin, size and root of a log, as the text of a signed note. */
import { fromBase64, toBase64 } from '../merkle/bytes.js';
import { HASH_BYTES, type Hash } from '../merkle/tree-hash.js';
import { openSignedNote, type VerifiedNote } from './signed-note.js';
import type { VerifierKey } from './verifier-key.js';

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  /** Lines after the third, each ended by a newline; discouraged by the specification. */
  readonly extension: string;
}

const SIZE = /^(?:0|[1-9]\d{0,19})$/;

export function formatCheckpoint(checkpoint: Omit<Checkpoint, 'extension'>): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.root)}\n`;
}

/**
 * Parses a checkpoint's text. The published vectors carry roots of any length, so the length is checked by
 * `openCheckpoint`, where a root is about to be trusted.
 */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin, sizeText, rootText, ...rest] = text.split('\n');
  if (!origin || sizeText === undefined || rootText === undefined || rest.length === 0 || rest.at(-1) !== '')
    return undefined;
  const size = Number(sizeText);
  const root = fromBase64(rootText);
  if (!SIZE.test(sizeText) || !Number.isSafeInteger(size) || !root || root.length === 0) return undefined;
  return { origin, size, root, extension: rest.join('\n') };
}

export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly note: VerifiedNote;
}

/** A checkpoint signed by the log whose key is given (the origin line must be that key's name), or undefined. */
export async function openCheckpoint(
  note: string,
  logKey: VerifierKey,
  witnesses: readonly VerifierKey[] = [],
): Promise<OpenedCheckpoint | undefined> {
  const opened = await openSignedNote(note, [logKey, ...witnesses]);
  if (!opened?.verifiedBy.some(({ key }) => key === logKey)) return undefined;
  const checkpoint = parseCheckpoint(opened.text);
  if (!checkpoint || checkpoint.origin !== logKey.name || checkpoint.root.length !== HASH_BYTES) return undefined;
  return { checkpoint, note: opened };
}
