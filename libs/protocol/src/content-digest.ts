import { createHash, timingSafeEqual } from 'node:crypto';

/** Content-Digest (RFC 9530): hash of the bytes as sent. We send sha-256, and also read sha-512. */
const ALGORITHMS = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const;

/** Value of the header for a body, or for a body whose SHA-256 (lower-case hex) is known already. */
export function contentDigest(body: Uint8Array | { sha256: string }): string {
  const hash = 'sha256' in body ? Buffer.from(body.sha256, 'hex') : createHash('sha256').update(body).digest();
  return `sha-256=:${hash.toString('base64')}:`;
}

/** Digests of a header that we can check; unknown algorithms are skipped as the RFC asks, malformed members too. */
function parseContentDigest(header: string): { algorithm: keyof typeof ALGORITHMS; hash: Buffer }[] {
  return header.split(',').flatMap((member) => {
    const match = /^\s*(sha-256|sha-512)=:([A-Za-z0-9+/]+={0,2}):\s*$/.exec(member);
    return match
      ? [{ algorithm: match[1] as keyof typeof ALGORITHMS, hash: Buffer.from(match[2] ?? '', 'base64') }]
      : [];
  });
}

/** True when at least one known digest is present and every known one matches. */
export function verifyContentDigest(header: string, body: Uint8Array): boolean {
  const digests = parseContentDigest(header);
  return (
    digests.length > 0 &&
    digests.every(({ algorithm, hash }) => {
      const actual = createHash(ALGORITHMS[algorithm]).update(body).digest();
      return actual.length === hash.length && timingSafeEqual(actual, hash);
    })
  );
}

/** SHA-256 (lower-case hex) that a header promises, for a body that is checked while it streams; null without one. */
export function promisedSha256(header: string): string | null {
  const found = parseContentDigest(header).find(
    (digest) => digest.algorithm === 'sha-256' && digest.hash.length === 32,
  );
  return found ? found.hash.toString('hex') : null;
}
