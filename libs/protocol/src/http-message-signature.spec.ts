import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyContentDigest } from './content-digest.js';
import {
  importPrivateKey,
  importPublicKey,
  parseSignature,
  serializeSignatureParams,
  signBase,
  signatureBase,
  verifyBase,
} from './http-message-signature.js';

const file = [
  resolve('shared/data/vectors/http-sig-digest.json'),
  resolve('../shared/data/vectors/http-sig-digest.json'),
].find(existsSync);
if (!file) console.warn('SKIPPED: RFC 9421 vectors, because ../shared/data/vectors/http-sig-digest.json is missing');

describe.skipIf(!file)('published vectors of RFC 9421 appendix B and RFC 9530', () => {
  const vectors = file ? JSON.parse(readFileSync(file, 'utf8')) : null;
  const message = () => ({ ...vectors.request, method: vectors.request.method, target: vectors.request.target });

  it('B.2.6: the Ed25519 signature base, signature and verification', () => {
    const { base, label, kid, x, d, signature } = vectors.ed25519;
    const components = ['date', '@method', '@path', '@authority', 'content-type', 'content-length'];
    const params = serializeSignatureParams(components, { created: 1618884473, keyid: kid });
    expect(signatureBase(components, params, message())).toBe(base);
    expect(signBase(base, importPrivateKey({ x, d })).toString('base64')).toBe(signature);
    const parsed = parseSignature(`${label}=${params}`, `${label}=:${signature}:`);
    expect(
      verifyBase(signatureBase(parsed.components, parsed.rawParams, message()), parsed.signature, importPublicKey(x)),
    ).toBe(true);
  });

  it('B.2.5: the base of the shared-secret example gives its HMAC', () => {
    const { label, signatureInput, signature } = vectors.hmac;
    const parsed = parseSignature(`${label}=${signatureInput}`, `${label}=:${signature}:`);
    const base = signatureBase(parsed.components, parsed.rawParams, message());
    const secret = Buffer.from(
      'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
      'base64',
    );
    expect(createHmac('sha256', secret).update(base).digest('base64')).toBe(signature);
  });

  it('the sha-512 Content-Digest of the example body', () => {
    const { body, headers } = vectors.request;
    expect(verifyContentDigest(headers['content-digest'], Buffer.from(body))).toBe(true);
    expect(verifyContentDigest(headers['content-digest'], Buffer.from(`${body} `))).toBe(false);
  });
});

describe('signature input', () => {
  it.each([
    ['two members', 'a=("@method");created=1, b=("@path");created=1'],
    ['a component with parameters', 'a=("@query-param";name="x");created=1'],
    ['an unquoted component', 'a=(@method);created=1'],
    ['a token as parameter', 'a=("@method");alg=ed25519'],
    ['a list left open', 'a=("@method";created=1'],
  ])('refuses %s', (_, text) => expect(() => parseSignature(text, 'a=:AAAA:')).toThrow());

  it('refuses a component covered twice and one that is missing', () => {
    const message = { method: 'GET', target: '/', headers: {} };
    expect(() => signatureBase(['@method', '@method'], '()', message)).toThrow('twice');
    expect(() => signatureBase(['content-digest'], '()', message)).toThrow('missing');
  });
});
