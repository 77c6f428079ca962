import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/**
 * HTTP Message Signatures (RFC 9421) with Ed25519, the part that a request with plain components needs.
 *  1. The signature base lists the covered components in the order given, then `@signature-params`; order and bytes are significant.
 *  2. A derived or header component may be covered once only.
 *  3. Structured parameters (`;sf`, `;key`, `;bs`, `;req`, `;tr`) are refused, not ignored: ignoring one would weaken what is signed.
 */

export interface SignedMessage {
  method: string;
  /** Path and query as sent, e.g. `/agent/v1/join?x=1`. */
  target: string;
  authority?: string;
  /** Header fields by lower-case name. */
  headers: Readonly<Record<string, string | undefined>>;
}

export type SignatureParams = Readonly<Record<string, string | number>>;

export interface ParsedSignature {
  label: string;
  components: string[];
  params: SignatureParams;
  /** Text of the member as received; it goes into the base unchanged, because re-serializing could differ. */
  rawParams: string;
  signature: Buffer;
}

function componentValue(name: string, message: SignedMessage): string {
  const question = message.target.indexOf('?');
  switch (name) {
    case '@method':
      return message.method.toUpperCase();
    case '@path':
      return (question < 0 ? message.target : message.target.slice(0, question)) || '/';
    case '@query':
      return question < 0 ? '?' : message.target.slice(question);
    case '@authority':
      if (message.authority === undefined) throw new Error('component @authority is covered but not known');
      return message.authority.toLowerCase();
    default: {
      if (name.startsWith('@')) throw new Error(`component ${name} is not supported`);
      const value = message.headers[name];
      if (value === undefined) throw new Error(`component ${name} is covered but the header is missing`);
      return value.trim().replace(/\s*\r?\n\s*/g, ' ');
    }
  }
}

/** Serializes the inner list and its parameters; parameters keep their insertion order. */
export function serializeSignatureParams(components: readonly string[], params: SignatureParams): string {
  const list = components.map((name) => `"${name}"`).join(' ');
  const tail = Object.entries(params).map(([key, value]) => {
    if (typeof value === 'number') return `;${key}=${value}`;
    if (!/^[\x20-\x7e]*$/.test(value)) throw new Error(`signature parameter ${key} must be printable ASCII`);
    return `;${key}="${value.replace(/[\\"]/g, (character) => `\\${character}`)}"`;
  });
  return `(${list})${tail.join('')}`;
}

/** The exact text that is signed (RFC 9421 section 2.5). Throws when a covered component is missing or unsupported. */
export function signatureBase(components: readonly string[], rawParams: string, message: SignedMessage): string {
  if (new Set(components).size !== components.length) throw new Error('a component is covered twice');
  const lines = components.map((name) => `"${name}": ${componentValue(name, message)}`);
  return [...lines, `"@signature-params": ${rawParams}`].join('\n');
}

const MEMBER =
  /^([a-z*][a-z0-9_.*-]*)=(\(([^()]*)\)((?:;[a-z*][a-z0-9_.*-]*=(?:-?\d{1,15}|"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\[\\"])*"))*))$/;
const PARAM = /;([a-z*][a-z0-9_.*-]*)=(?:(-?\d{1,15})|"((?:[^"\\]|\\[\\"])*)")/g;

/** Reads `Signature-Input` and `Signature` with exactly one member each. Throws with a reason a person can act on. */
export function parseSignature(signatureInput: string, signature: string): ParsedSignature {
  const member = MEMBER.exec(signatureInput.trim());
  if (!member) throw new Error('Signature-Input is not one inner list with integer or string parameters');
  const [, label = '', rawParams = '', list = '', tail = ''] = member;
  const names = list.trim() === '' ? [] : list.trim().split(/ +/);
  const components = names.map((quoted) => {
    const name = /^"([@a-z0-9-]+)"$/.exec(quoted)?.[1];
    if (name === undefined) throw new Error(`component ${quoted} is not a plain lower-case name`);
    return name;
  });
  const params: Record<string, string | number> = {};
  for (const [, key = '', integer, text] of tail.matchAll(PARAM)) {
    params[key] = integer !== undefined ? Number(integer) : (text ?? '').replace(/\\([\\"])/g, '$1');
  }
  const value = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):$/.exec(signature.trim());
  if (!value || value[1] !== label) throw new Error(`Signature has no byte sequence labelled ${label}`);
  return { label, components, params, rawParams, signature: Buffer.from(value[2] ?? '', 'base64') };
}

export function signBase(base: string, privateKey: KeyObject): Buffer {
  return sign(null, Buffer.from(base, 'utf8'), privateKey);
}

export function verifyBase(base: string, signature: Buffer, publicKey: KeyObject): boolean {
  return signature.length === 64 && verify(null, Buffer.from(base, 'utf8'), publicKey, signature);
}

/** Key object of a raw 32-byte Ed25519 public key in base64url. Throws when it is not one. */
export function importPublicKey(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

export function importPrivateKey(jwk: { x: string; d: string }): KeyObject {
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', ...jwk }, format: 'jwk' });
}
