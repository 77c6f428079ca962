import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { SigningKey } from '#transparency';
import { signedContent, symmetricSignature, typesRefusal, urlRefusal, waitMs } from '../domain/webhook.rule.js';
import { isPublicAddress } from './webhook.client.js';
import { WebhookKey } from './webhook.key.js';

describe('a signature', () => {
  // Published by standard-webhooks (Apache-2.0): libraries/go/webhook_test.go and libraries/rust/src/lib.rs.
  it.each([
    [
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    ],
    [
      'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
      'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
      1649367553,
      '{"email":"test@example.com","username":"test_user"}',
      'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
    ],
  ])('is the published one (%s)', (secret, id, timestamp, body, signature) => {
    expect(symmetricSignature(secret, signedContent(id, timestamp, body))).toBe(signature);
  });

  it('can be checked with the public key alone, or with the secret alone', async () => {
    const key = new WebhookKey(() => Promise.resolve(SigningKey.fromSeed('a/webhooks', new Uint8Array(32).fill(3))));
    const headers = await key.headers({ id: 'e1', secretNumber: 1 }, 'evt', 1700000000, '{}');
    const [symmetric, asymmetric] = (headers['webhook-signature'] ?? '').split(' ');
    const content = signedContent('evt', 1700000000, '{}');
    expect(symmetric).toBe(symmetricSignature(await key.secret('e1', 1), content));
    const raw = (await key.publicKey()).slice('whpk_'.length);
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(raw, 'base64')]);
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const signature = Buffer.from((asymmetric ?? '').slice('v1a,'.length), 'base64');
    expect(verify(null, Buffer.from(content), publicKey, signature)).toBe(true);
    expect(await key.secret('e1', 2)).not.toBe(await key.secret('e1', 1));
    expect(await key.secret('e2', 1)).not.toBe(await key.secret('e1', 1));
  });
});

describe('an address', () => {
  it.each(['https://example.org/hook', 'https://example.org:8443/a?b=c'])('%s is taken', (url) => {
    expect(urlRefusal(url, true)).toBeUndefined();
  });
  it.each([
    'http://example.org',
    'ftp://example.org',
    'https://me:secret@example.org',
    'https://example.org/#x',
    'hook',
    '',
  ])('%s is refused on a public network', (url) => {
    expect(urlRefusal(url, true)?.first.code).toBe('WEBHOOK_URL_INVALID');
  });
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fc00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    'not an address',
  ])('%s is no public one', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
  it.each(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'])('%s is a public one', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

it('types of events are words with dots', () => {
  expect(typesRefusal(['campaign.succeeded', 'pledge.cash.captured'])).toBeUndefined();
  for (const types of [['Campaign'], ['a'], ['x;drop'], Array.from({ length: 51 }, () => 'a.b')]) {
    expect(isRefused(typesRefusal(types))).toBe(true);
  }
});

it('waits grow up to ten hours', () => {
  const waits = Array.from({ length: 9 }, (_, index) => waitMs(index + 1));
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  expect([waits[0], waits.at(-1)]).toEqual([5000, 36_000_000]);
});
