import { createHash, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { contentDigest, promisedSha256 } from './content-digest.js';
import {
  importPrivateKey,
  importPublicKey,
  parseSignature,
  serializeSignatureParams,
  signBase,
  signatureBase,
  verifyBase,
  type SignedMessage,
} from './http-message-signature.js';

/**
 * How an agent signs, a narrow profile of RFC 9421:
 *  1. Covered, exactly and in this order: @method, @path, @query, content-digest. A request without body covers the digest of nothing.
 *  2. Parameters: created (seconds), nonce (128 random bits), keyid (node id; on join the key's thumbprint), alg=ed25519, tag.
 *  3. `created` may differ from the platform's clock by 60 s at most, and a nonce is good once: the platform keeps it for longer than that.
 *  4. Host and scheme are not covered, because proxies rewrite them; the tag keeps a signature from meaning anything elsewhere.
 */
const COMPONENTS = ['@method', '@path', '@query', 'content-digest'] as const;
const TAG = 'commonweights-agent';
export const SIGNATURE_WINDOW_MS = 60_000;

/** A node's key: raw Ed25519 halves in base64url, as a JWK names them. `d` never leaves the donor's machine. */
export interface NodeKey {
  x: string;
  d: string;
}

export function generateNodeKey(): NodeKey {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { x: jwk.x as string, d: jwk.d as string };
}

/** JWK thumbprint (RFC 7638) of a public key, the `keyid` before a node has an id. */
export function keyThumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}

export interface SignInput {
  method: string;
  /** Path and query as sent. */
  target: string;
  /** The bytes sent, or their SHA-256 in hex when they are streamed. */
  body: Uint8Array | { sha256: string };
  keyId: string;
  key: NodeKey;
  now: Date;
  /** Given only by tests; otherwise 16 random bytes. */
  nonce?: string;
}

/** Headers to add to the request. */
export function signRequest(input: SignInput): {
  'content-digest': string;
  'signature-input': string;
  signature: string;
} {
  const digest = contentDigest(input.body);
  const params = serializeSignatureParams(COMPONENTS, {
    created: Math.floor(input.now.getTime() / 1000),
    nonce: input.nonce ?? randomBytes(16).toString('base64url'),
    keyid: input.keyId,
    alg: 'ed25519',
    tag: TAG,
  });
  const base = signatureBase(COMPONENTS, params, {
    method: input.method,
    target: input.target,
    headers: { 'content-digest': digest },
  });
  const signature = signBase(base, importPrivateKey(input.key)).toString('base64');
  return { 'content-digest': digest, 'signature-input': `cw=${params}`, signature: `cw=:${signature}:` };
}

export type SignatureFault =
  'AGENT_SIGNATURE_MISSING' | 'AGENT_SIGNATURE_MALFORMED' | 'AGENT_SIGNATURE_INVALID' | 'AGENT_SIGNATURE_LATE';

/** What a request claims, before anything is believed: look up the key of `keyId`, then call `verify`. */
export interface SignatureClaim {
  keyId: string;
  nonce: string;
  created: Date;
  /** SHA-256 (hex) that the signed Content-Digest promises for the body. */
  bodySha256: string;
  /** True when `publicKey` made this signature. */
  verify(publicKey: string | KeyObject): boolean;
}

export type ReadSignature = { ok: true; claim: SignatureClaim } | { ok: false; fault: SignatureFault; why: string };

/** Reads and checks everything about a signature that needs no key: form, covered components, algorithm, time window. Pure. */
export function readSignature(message: SignedMessage, now: Date): ReadSignature {
  const { 'signature-input': input, signature, 'content-digest': digest } = message.headers;
  const bad = (fault: SignatureFault, why: string): ReadSignature => ({ ok: false, fault, why });
  if (!input || !signature || !digest) {
    return bad('AGENT_SIGNATURE_MISSING', 'Signature-Input, Signature and Content-Digest are all required');
  }
  let parsed: ReturnType<typeof parseSignature>;
  try {
    parsed = parseSignature(input, signature);
  } catch (error) {
    return bad('AGENT_SIGNATURE_MALFORMED', (error as Error).message);
  }
  const { created, nonce, keyid, alg, tag } = parsed.params;
  if (parsed.components.join(' ') !== COMPONENTS.join(' ')) {
    return bad('AGENT_SIGNATURE_MALFORMED', `the signature must cover exactly ${COMPONENTS.join(', ')} in this order`);
  }
  if (alg !== 'ed25519' || tag !== TAG) return bad('AGENT_SIGNATURE_MALFORMED', `alg must be ed25519 and tag ${TAG}`);
  if (typeof created !== 'number' || typeof keyid !== 'string' || keyid === '') {
    return bad('AGENT_SIGNATURE_MALFORMED', 'parameters created and keyid are required');
  }
  if (typeof nonce !== 'string' || nonce.length < 16 || nonce.length > 100) {
    return bad('AGENT_SIGNATURE_MALFORMED', 'parameter nonce must have 16 to 100 characters');
  }
  const bodySha256 = promisedSha256(digest);
  if (bodySha256 === null) return bad('AGENT_SIGNATURE_MALFORMED', 'Content-Digest must hold a sha-256');
  if (Math.abs(now.getTime() - created * 1000) > SIGNATURE_WINDOW_MS) {
    return bad(
      'AGENT_SIGNATURE_LATE',
      `created differs from the platform's clock by more than ${SIGNATURE_WINDOW_MS / 1000} s`,
    );
  }
  const base = signatureBase(parsed.components, parsed.rawParams, message);
  const verifyWith = (publicKey: string | KeyObject): boolean => {
    try {
      return verifyBase(base, parsed.signature, typeof publicKey === 'string' ? importPublicKey(publicKey) : publicKey);
    } catch {
      return false; // not a key at all: as good as the wrong one
    }
  };
  return {
    ok: true,
    claim: { keyId: keyid, nonce, created: new Date(created * 1000), bodySha256, verify: verifyWith },
  };
}
