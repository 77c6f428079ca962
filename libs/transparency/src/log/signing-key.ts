/**
 * The log's Ed25519 key. It is made at the first start and kept in `keys/log.key` below the data folder, readable by
 * its owner alone, in the form of golang.org/x/mod's note keys: `PRIVATE+KEY+name+id+base64(type ‖ seed)`.
 * The name is the log's origin, fixed with the key: a new public address doesn't make a new log.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { newId } from '#kernel';
import { concatBytes, fromBase64, toBase64, toHex, utf8 } from '../merkle/bytes.js';
import { formatSignedNote, formatVerifierKey, KEY_TYPE, makeVerifierKey, type VerifierKey } from '../notes/index.js';

const PREFIX = 'PRIVATE+KEY+';
// PKCS #8 wrapping of a 32-byte Ed25519 seed (RFC 8410 section 7).
const PKCS8_HEAD = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

export class SigningKey {
  readonly verifierKey: VerifierKey;
  /** The public half as people exchange it. */
  readonly verifierKeyText: string;
  private readonly privateKey: KeyObject;

  private constructor(name: string, seed: Uint8Array) {
    this.privateKey = createPrivateKey({
      key: Buffer.from(concatBytes(PKCS8_HEAD, seed)),
      format: 'der',
      type: 'pkcs8',
    });
    const spki = createPublicKey(this.privateKey).export({ format: 'der', type: 'spki' });
    this.verifierKey = makeVerifierKey(name, new Uint8Array(spki.subarray(-32)));
    this.verifierKeyText = formatVerifierKey(this.verifierKey);
  }

  get origin(): string {
    return this.verifierKey.name;
  }

  /** A raw Ed25519 signature: 64 bytes, the same for the same message. */
  sign(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, this.privateKey));
  }

  /** The text as a signed note. */
  signNote(text: string): string {
    const { name, id } = this.verifierKey;
    return formatSignedNote({ text, signatures: [{ name, keyId: id, signature: this.sign(utf8(text)) }] });
  }

  static fromSeed(name: string, seed: Uint8Array): SigningKey {
    return new SigningKey(name, seed);
  }

  /** Parses the text of a key file; throws, with what is wrong, on any other text. */
  static parse(text: string): SigningKey {
    const [name, id, ...rest] = text.trim().slice(PREFIX.length).split('+');
    const bytes = fromBase64(rest.join('+'));
    if (!text.startsWith(PREFIX) || !name || !id || bytes?.length !== 33 || bytes[0] !== KEY_TYPE.ed25519) {
      throw new Error(
        'The log key file is damaged: it should hold one line that starts with PRIVATE+KEY+. Restore it from your backup.',
      );
    }
    const key = new SigningKey(name, bytes.slice(1));
    if (toHex(key.verifierKey.id) !== id)
      throw new Error("The log key file is damaged: its key id is not the key's. Restore it from your backup.");
    return key;
  }

  /**
   * Reads the key file, making it first where there is none. API and worker may do so at the same moment: the file is
   * written aside and linked into place, so one of them wins and both read the winner's.
   */
  static async load(path: string, nameWhenNew: string): Promise<SigningKey> {
    const existing = await readIfThere(path);
    if (existing !== undefined) return SigningKey.parse(existing);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const seed = new Uint8Array(randomBytes(32));
    const aside = `${path}.${newId()}`;
    await writeFile(aside, formatPrivateKey(nameWhenNew, seed), { mode: 0o600, flag: 'wx', flush: true });
    try {
      await link(aside, path);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
    } finally {
      await rm(aside, { force: true });
    }
    return SigningKey.parse((await readIfThere(path)) ?? '');
  }
}

function formatPrivateKey(name: string, seed: Uint8Array): string {
  const id = SigningKey.fromSeed(name, seed).verifierKey.id;
  return `${PREFIX}${name}+${toHex(id)}+${toBase64(concatBytes(Uint8Array.of(KEY_TYPE.ed25519), seed))}\n`;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}
