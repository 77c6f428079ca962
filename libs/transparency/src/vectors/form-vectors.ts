/** Runs vectors of the forms around the log: canonical JSON (RFC 8785), DSSE envelopes, HTTP message signatures (RFC 9421). */
import { canonicalJson } from '#kernel';
import { concatBytes, equalBytes, fromBase64, toHex, utf8 } from '../merkle/bytes.js';
import { verifyEd25519 } from '../notes/ed25519.js';
import { type CaseResult, isRecord, records } from './vector-case.js';

type File = Record<string, unknown>;

export function isJcsVectors(file: unknown): file is File {
  return (
    isRecord(file) &&
    records(file['cases']).some((c) => typeof c['input'] === 'string' && typeof c['outhex'] === 'string')
  );
}

export function runJcsVectors(file: File): CaseResult[] {
  return records(file['cases']).map((c, i) => ({
    id: `jcs/${typeof c['name'] === 'string' ? c['name'] : i}`,
    ok: canonicalHex(String(c['input'])) === c['outhex'],
  }));
}

function canonicalHex(input: string): string | undefined {
  try {
    return toHex(utf8(canonicalJson(JSON.parse(input))));
  } catch {
    return undefined;
  }
}

export function isDsseVectors(file: unknown): file is File {
  return isRecord(file) && typeof file['pae'] === 'string' && isRecord(file['envelope']) && isRecord(file['publicKey']);
}

export async function runDsseVectors(file: File): Promise<CaseResult[]> {
  const envelope = file['envelope'] as File;
  const payload = fromBase64(String(envelope['payload'])) ?? new Uint8Array(0);
  const type = String(envelope['payloadType']);
  const pae = concatBytes(utf8(`DSSEv1 ${utf8(type).length} ${type} ${payload.length} `), payload);
  const key = file['publicKey'] as File;
  const point = concatBytes(Uint8Array.of(4), coordinate(key['x']), coordinate(key['y']));
  const signatures = await Promise.all(
    records(envelope['signatures']).map(async ({ sig }, i) => ({
      id: `dsse/signature/${i}`,
      ok: await verifyP256(point, fromBase64(String(sig)), pae),
    })),
  );
  return [{ id: 'dsse/pae', ok: equalBytes(pae, utf8(String(file['pae']))) }, ...signatures];
}

/** A decimal coordinate as 32 big-endian bytes. */
function coordinate(value: unknown): Uint8Array {
  let rest = typeof value === 'string' && /^\d{1,78}$/.test(value) ? BigInt(value) : 0n;
  const bytes = new Uint8Array(32);
  for (let i = 31; i >= 0; i -= 1, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

async function verifyP256(point: Uint8Array, signature: Uint8Array | undefined, message: Uint8Array): Promise<boolean> {
  if (!signature) return false;
  try {
    const key = await crypto.subtle.importKey(
      'raw',
      new Uint8Array(point),
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['verify'],
    );
    return await crypto.subtle.verify(
      { name: 'ECDSA', hash: 'SHA-256' },
      key,
      new Uint8Array(signature),
      new Uint8Array(message),
    );
  } catch {
    return false;
  }
}

export function isHttpSignatureVectors(file: unknown): file is File {
  return isRecord(file) && isRecord(file['request']) && isRecord(file['ed25519']);
}

export async function runHttpSignatureVectors(file: File): Promise<CaseResult[]> {
  const { x, base, signature } = file['ed25519'] as Record<string, unknown>;
  const request = file['request'] as File;
  const key = fromBase64(padded(String(x)));
  const value = fromBase64(String(signature));
  const digest = isRecord(request['headers']) ? String(request['headers']['content-digest']) : '';
  return [
    {
      id: 'http-signature/ed25519',
      ok: key !== undefined && value !== undefined && (await verifyEd25519(key, utf8(String(base)), value)),
    },
    { id: 'http-digest/sha-512', ok: digest === `sha-512=:${await sha512(String(request['body']))}:` },
  ];
}

/** base64url without padding as base64 with it. */
function padded(text: string): string {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  return standard.padEnd(Math.ceil(standard.length / 4) * 4, '=');
}

async function sha512(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-512', new Uint8Array(utf8(text)));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}
