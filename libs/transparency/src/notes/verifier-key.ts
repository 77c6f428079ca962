/** C2SP signed-note keys: `name+hex id+base64(type ‖ public key)`. */
import { concatBytes, equalBytes, fromBase64, fromHex, toBase64, toHex, utf8 } from '../merkle/bytes.js';
import { portableSha256 } from '../merkle/sha256.js';

/** Key types of the C2SP registry that we can check. */
export const KEY_TYPE = { ed25519: 1, ed25519Cosignature: 4 } as const;
export type KeyType = (typeof KEY_TYPE)[keyof typeof KEY_TYPE];

export interface VerifierKey {
  readonly name: string;
  /** The first four bytes of SHA-256(name ‖ LF ‖ type ‖ key). */
  readonly id: Uint8Array;
  readonly type: KeyType;
  readonly publicKey: Uint8Array;
}

export function isKeyName(name: string): boolean {
  return name.length > 0 && !/[\s+\p{C}]/u.test(name);
}

export function keyId(name: string, type: number, publicKey: Uint8Array): Uint8Array {
  return portableSha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), publicKey)).slice(0, 4);
}

export function makeVerifierKey(name: string, publicKey: Uint8Array, type: KeyType = KEY_TYPE.ed25519): VerifierKey {
  if (!isKeyName(name)) throw new RangeError(`"${name}" can't name a key: no spaces, no plus sign`);
  if (publicKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes');
  return { name, id: keyId(name, type, publicKey), type, publicKey };
}

export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${toHex(key.id)}+${toBase64(concatBytes(Uint8Array.of(key.type), key.publicKey))}`;
}

/** undefined for a wrong shape, an id that is not the key's, or a type we don't know. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const [name, idText, ...rest] = text.trim().split('+');
  if (name === undefined || idText === undefined || !isKeyName(name) || idText.length !== 8) return undefined;
  // base64 itself may contain plus signs, so everything after the second one is the key.
  const id = fromHex(idText);
  const bytes = fromBase64(rest.join('+'));
  if (!id || !bytes || bytes.length !== 33) return undefined;
  const type = bytes[0] as number;
  if (type !== KEY_TYPE.ed25519 && type !== KEY_TYPE.ed25519Cosignature) return undefined;
  const publicKey = bytes.slice(1);
  return equalBytes(id, keyId(name, type, publicKey)) ? { name, id, type, publicKey } : undefined;
}
