/**
 * C2SP signed notes: a text, an empty line, signature lines. The text is what was signed.
 * 1. The LAST empty line divides text and signatures.
 * 2. A signature by an unknown key is ignored; one with a known name and key id that fails rejects the note.
 */
import { concatBytes, equalBytes, fromBase64, toBase64, utf8 } from '../merkle/bytes.js';
import { verifyEd25519 } from './ed25519.js';
import { isKeyName, KEY_TYPE, type VerifierKey } from './verifier-key.js';

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** With its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface VerifiedNote extends SignedNote {
  readonly verifiedBy: readonly {
    readonly key: VerifierKey;
    /** Unix seconds, of a cosignature. */ readonly timestamp?: number;
  }[];
}

const MAX_SIGNATURES = 100;
const LINE_START = '\u2014 ';
/* oxlint-disable-next-line no-control-regex -- the format forbids exactly these characters */
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f]/;

export function parseSignedNote(note: string): SignedNote | undefined {
  if (CONTROL.test(note) || !note.endsWith('\n')) return undefined;
  const divide = note.lastIndexOf('\n\n');
  if (divide < 0) return undefined;
  const text = note.slice(0, divide + 1);
  const lines = note.slice(divide + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return undefined;
  const signatures = lines.map(parseSignatureLine);
  return signatures.every((signature) => signature !== undefined) ? { text, signatures } : undefined;
}

export function parseSignatureLine(line: string): NoteSignature | undefined {
  if (!line.startsWith(LINE_START)) return undefined;
  const [name, encoded, ...rest] = line.slice(LINE_START.length).split(' ');
  if (name === undefined || encoded === undefined || rest.length > 0 || !isKeyName(name)) return undefined;
  const bytes = fromBase64(encoded);
  if (!bytes || bytes.length < 5) return undefined;
  return { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4) };
}

export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `${LINE_START}${name} ${toBase64(concatBytes(keyId, signature))}\n`;
}

export function formatSignedNote({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map(formatSignatureLine).join('')}`;
}

/** What a cosigner signs (C2SP tlog-cosignature): the moment before the note's text. */
export function cosignatureMessage(text: string, timestamp: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

/** The moment in a 72-byte cosignature, in Unix seconds; undefined for another length. */
export function cosignatureTimestamp(signature: Uint8Array): number | undefined {
  if (signature.length !== 72) return undefined;
  const seconds = new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0);
  return seconds <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seconds) : undefined;
}

/** The note with the keys that signed it, or undefined if it is malformed, or a known key's signature is bad, or no known key signed. */
export async function openSignedNote(note: string, keys: readonly VerifierKey[]): Promise<VerifiedNote | undefined> {
  const parsed = parseSignedNote(note);
  if (!parsed) return undefined;
  const verifiedBy: { key: VerifierKey; timestamp?: number }[] = [];
  for (const line of parsed.signatures) {
    const key = keys.find((candidate) => candidate.name === line.name && equalBytes(candidate.id, line.keyId));
    if (!key || verifiedBy.some((seen) => seen.key === key)) continue;
    const verified = await checkLine(parsed.text, line, key);
    if (!verified) return undefined;
    verifiedBy.push(verified);
  }
  return verifiedBy.length > 0 ? { ...parsed, verifiedBy } : undefined;
}

async function checkLine(
  text: string,
  line: NoteSignature,
  key: VerifierKey,
): Promise<{ key: VerifierKey; timestamp?: number } | undefined> {
  if (key.type === KEY_TYPE.ed25519) {
    return (await verifyEd25519(key.publicKey, utf8(text), line.signature)) ? { key } : undefined;
  }
  const timestamp = cosignatureTimestamp(line.signature);
  if (timestamp === undefined) return undefined;
  const good = await verifyEd25519(key.publicKey, cosignatureMessage(text, timestamp), line.signature.slice(8));
  return good ? { key, timestamp } : undefined;
}
