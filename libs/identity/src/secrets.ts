import { createHash, randomBytes } from 'node:crypto';

/**
 * Secrets of 256 random bits behind a prefix that tells people and secret scanners what they are. Only their SHA-256
 * is stored; the text is shown once.
 */
export type SecretKind = 'cwt' | 'cws';

export const newSecret = (kind: SecretKind): string => `${kind}_${randomBytes(32).toString('base64url')}`;

export const secretDigest = (secret: string): Buffer => createHash('sha256').update(secret).digest();

export const kindOf = (secret: string): SecretKind | undefined =>
  /^cw[ts]_[A-Za-z0-9_-]{43}$/.test(secret) ? (secret.slice(0, 3) as SecretKind) : undefined;
