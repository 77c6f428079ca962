import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateNodeKey, keyThumbprint, readSignature, signRequest } from './agent-signature.js';
import { verifyContentDigest } from './content-digest.js';

const now = new Date('2026-03-01T12:00:00Z');
const key = generateNodeKey();
const signed = (body: string, target = '/agent/v1/heartbeat') => ({
  method: 'POST',
  target,
  headers: { ...signRequest({ method: 'POST', target, body: Buffer.from(body), keyId: 'node-1', key, now }) } as Record<
    string,
    string
  >,
});
const accepted = (message: ReturnType<typeof signed>, body: string) => {
  const read = readSignature(message, now);
  return (
    read.ok &&
    read.claim.verify(key.x) &&
    verifyContentDigest(message.headers['content-digest'] ?? '', Buffer.from(body))
  );
};

describe('agent signature', () => {
  it('is accepted for the request it was made for, any path and body', () => {
    fc.assert(
      fc.property(fc.string(), fc.webPath(), fc.webQueryParameters(), (body, path, query) => {
        const message = signed(body, `/agent/v1${path}?${query}`);
        expect(accepted(message, body)).toBe(true);
      }),
    );
  });

  it('is refused when method, path, query, body, nonce or key is altered', () => {
    const body = '{"seq":1}';
    expect(accepted({ ...signed(body), method: 'PUT' }, body)).toBe(false);
    expect(accepted({ ...signed(body), target: '/agent/v1/leave' }, body)).toBe(false);
    expect(accepted({ ...signed(body), target: '/agent/v1/heartbeat?x=1' }, body)).toBe(false);
    expect(accepted(signed(body), '{"seq":2}')).toBe(false);
    const renonced = signed(body);
    renonced.headers['signature-input'] = (renonced.headers['signature-input'] ?? '').replace(
      /nonce="[^"]*"/,
      'nonce="AAAAAAAAAAAAAAAAAAAAAA"',
    );
    expect(accepted(renonced, body)).toBe(false);
    const read = readSignature(signed(body), now);
    expect(read.ok && read.claim.verify(generateNodeKey().x)).toBe(false);
    expect(read.ok && read.claim.verify('not a key')).toBe(false);
  });

  it('is late, or from the future, beyond 60 s', () => {
    const message = signed('{}');
    expect(readSignature(message, new Date(now.getTime() + 60_000)).ok).toBe(true);
    for (const ms of [61_000, -61_000, 365 * 86_400_000]) {
      expect(readSignature(message, new Date(now.getTime() + ms))).toMatchObject({
        ok: false,
        fault: 'AGENT_SIGNATURE_LATE',
      });
    }
  });

  it('is refused when it covers less than the profile asks for', () => {
    const message = signed('{}');
    message.headers['signature-input'] = (message.headers['signature-input'] ?? '').replace(' "content-digest"', '');
    expect(readSignature(message, now)).toMatchObject({ ok: false, fault: 'AGENT_SIGNATURE_MALFORMED' });
    expect(readSignature({ ...message, headers: {} }, now)).toMatchObject({
      ok: false,
      fault: 'AGENT_SIGNATURE_MISSING',
    });
  });

  it('names a key by the thumbprint of RFC 8037 appendix A.3', () => {
    expect(keyThumbprint('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo')).toBe(
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    );
  });
});
